// From a document to a working endpoint. It is a client of the product like any other: what it does
// goes through GraphQL and the MCP endpoint, so that it works exactly if they do.
import { readFile, stat } from 'node:fs/promises'
import { clientConfigs, type ClientConfigs } from './client-config.ts'
import type { QuickStart } from './config.ts'
import { openServerToken } from './first-account.ts'
import { graphqlClient, type GraphqlClient } from './quick-start-client.ts'
import { QuickStartError } from './quick-start-error.ts'
import type { Running } from './start.ts'

/** Where everything is, and what to paste where. */
export interface QuickStartResult {
  readonly mcpUrl: string
  readonly token: string
  readonly serverId: string
  readonly graphqlUrl: string
  readonly apiKey: string
  readonly clients: ClientConfigs
  readonly serverName: string
  readonly toolCount: number
  readonly warnings: readonly string[]
  /** The `EGRESS_ALLOW` entries this run was given for the upstream. */
  readonly openedEgress: readonly string[]
  /** Only of a demo: the tool that was called and the text of its answer. */
  readonly demoCall?: { readonly tool: string; readonly arguments: object; readonly text: string }
}

/**
 * Imports the document, opens a server with all its tools and a token for it. Run again, it finds
 * them by the document's URL and brings them up to date.
 *
 * @throws {QuickStartError} QUICK_START_FAILED when the document or the base URL will not do.
 */
export async function runQuickStart(
  running: Running,
  quickStart: QuickStart,
): Promise<QuickStartResult> {
  if (quickStart.type === 'demo') return await runDemo(running)
  return await importDocument(running, quickStart.documentUrl, quickStart.baseUrl)
}

async function runDemo(running: Running): Promise<QuickStartResult> {
  const { startSampleApi } = await import('../examples/sample-api.ts')
  const sample = await startSampleApi()
  const documentUrl = new URL('../examples/sample-api.yaml', import.meta.url)
  const result = await importDocument(running, documentUrl, sample.origin)
  const call = { tool: 'listTeas', arguments: { kind: 'green' } }
  return { ...result, demoCall: { ...call, text: await callTool(running, result, call) } }
}

async function importDocument(
  running: Running,
  documentUrl: URL,
  baseUrl: string | undefined,
): Promise<QuickStartResult> {
  const opened = new Set<string>()
  const open = (url: URL) => {
    const entry = egressEntry(url)
    if (!opened.has(entry)) running.pool.allowEgress(entry)
    opened.add(entry)
  }
  if (documentUrl.protocol !== 'file:') open(documentUrl)
  const client = graphqlClient(running)
  const providerId = await client.findProvider(documentUrl.href)
  const document =
    documentUrl.protocol === 'file:'
      ? { documentId: await upload(client, documentUrl) }
      : { url: documentUrl.href }
  const imported = await client.importOpenApi({
    ...document,
    ...(providerId === undefined ? {} : { providerId }),
    ...(baseUrl === undefined ? {} : { baseUrl }),
    documentUrl: documentUrl.href,
  })
  open(new URL(imported.provider.baseUrl))
  const serverId = await client.openServer(imported.provider)
  const token = await openServerToken(running.db, running.accountId, serverId, running.key)
  const mcpUrl = running.mcpUrl(serverId)
  return {
    mcpUrl,
    token: token.text,
    serverId,
    graphqlUrl: running.graphqlUrl,
    apiKey: running.ownerKey.text,
    clients: clientConfigs(imported.provider.name, mcpUrl, token.text),
    serverName: imported.provider.name,
    toolCount: imported.toolCount,
    warnings: imported.warnings,
    openedEgress: [...opened],
  }
}

async function upload(client: GraphqlClient, file: URL): Promise<string> {
  let bytes: Uint8Array<ArrayBuffer>
  try {
    if (!(await stat(file)).isFile())
      throw new QuickStartError(`${file.pathname} is no file, expected an OpenAPI document`)
    bytes = await readFile(file)
  } catch (error) {
    if (error instanceof QuickStartError) throw error
    const reason =
      error instanceof Error && 'code' in error && error.code === 'ENOENT'
        ? 'there is no such file'
        : String(error)
    throw new QuickStartError(`Cannot read ${decodeURIComponent(file.pathname)}: ${reason}`, {
      cause: error,
    })
  }
  return await client.uploadDocument(bytes)
}

/** Scheme, host and port in the form of `EGRESS_ALLOW`, the port always written out. */
function egressEntry(url: URL): string {
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  return `${url.protocol}//${url.hostname}:${port}`
}

interface DemoCall {
  readonly tool: string
  readonly arguments: object
}

async function callTool(
  running: Running,
  { mcpUrl, token }: QuickStartResult,
  call: DemoCall,
): Promise<string> {
  const response = await running.app(
    new Request(mcpUrl, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2025-11-25',
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: call.tool, arguments: call.arguments },
      }),
    }),
    { ip: '127.0.0.1' },
  )
  const answer = (await response.json()) as {
    result?: { content: { text: string }[]; isError?: boolean }
    error?: { message: string }
  }
  const text = answer.result?.content[0]?.text
  if (text === undefined || answer.result?.isError === true) {
    throw new QuickStartError(
      `The call of ${call.tool} failed: ${text ?? answer.error?.message ?? response.status}`,
    )
  }
  return text
}
