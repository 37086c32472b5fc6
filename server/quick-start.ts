// From a document to a working endpoint. It is a client of the product like any other: what it does
// goes through GraphQL and the MCP endpoint, so that it works exactly if they do.
import { clientConfigs, type ClientConfigs } from './client-config.ts'
import type { QuickStart } from './command-line.ts'
import { openDocumentSource, type DocumentSource } from './document-source.ts'
import { openServerToken } from './first-account.ts'
import { graphqlClient, type GraphqlClient, type Imported } from './quick-start-client.ts'
import { QuickStartError } from './quick-start-error.ts'
import type { Running } from './start.ts'

const SAMPLE_DOCUMENT = new URL('../examples/sample-api.yaml', import.meta.url)

/** Where everything is, and what to paste where. */
export interface QuickStartResult {
  readonly mcpUrl: string
  readonly token: string
  readonly serverId: string
  readonly graphqlUrl: string
  readonly apiKey: string
  /** Signs the owner in with a browser, once; at the first start only. */
  readonly signInLink: string | undefined
  readonly clients: ClientConfigs
  readonly serverName: string
  readonly toolCount: number
  readonly warnings: readonly string[]
  /** The `EGRESS_ALLOW` entries this run was given for the upstream. */
  readonly openedEgress: readonly string[]
  /** Only of a demo: the tool that was called and the text of its answer. */
  readonly demoCall?: { readonly tool: string; readonly arguments: object; readonly text: string }
}

/** What a quick start imports, read before the product is started. */
export interface PreparedQuickStart {
  readonly type: QuickStart['type']
  readonly source: DocumentSource
  readonly baseUrl: string | undefined
}

/**
 * The quick start with its document at hand.
 *
 * @throws {QuickStartError} QUICK_START_FAILED when the file cannot be read.
 */
export async function prepareQuickStart(quickStart: QuickStart): Promise<PreparedQuickStart> {
  const isDemo = quickStart.type === 'demo'
  const url = isDemo ? SAMPLE_DOCUMENT : quickStart.documentUrl
  const source = await openDocumentSource(url)
  return { type: quickStart.type, source, baseUrl: isDemo ? undefined : quickStart.baseUrl }
}

/**
 * Imports the document, opens a server with all its tools and a token for it. Run again, it finds
 * them by the document's URL and brings them up to date.
 *
 * @throws {QuickStartError} QUICK_START_FAILED when the document or the base URL will not do.
 */
export async function runQuickStart(
  running: Running,
  { type, source, baseUrl }: PreparedQuickStart,
): Promise<QuickStartResult> {
  if (type === 'openapi') return await importDocument(running, source, baseUrl)
  const { startSampleApi } = await import('../examples/sample-api.ts')
  const sample = await startSampleApi()
  const result = await importDocument(running, source, sample.origin)
  const call = { tool: 'listTeas', arguments: { kind: 'green' } }
  return { ...result, demoCall: { ...call, text: await callTool(running, result, call) } }
}

async function importDocument(
  running: Running,
  source: DocumentSource,
  baseUrl: string | undefined,
): Promise<QuickStartResult> {
  const opened = new Set<string>()
  const open = (url: URL) => {
    const entry = egressEntry(url)
    if (!opened.has(entry)) running.pool.allowEgress(entry)
    opened.add(entry)
  }
  if (source.bytes === undefined) open(source.url)
  const client = graphqlClient(running)
  const imported = await importFrom(client, source, baseUrl)
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
    signInLink: running.signInLink,
    clients: clientConfigs(imported.provider.name, mcpUrl, token.text),
    serverName: imported.provider.name,
    toolCount: imported.toolCount,
    warnings: imported.warnings,
    openedEgress: [...opened],
  }
}

async function importFrom(
  client: GraphqlClient,
  { url, shown, bytes }: DocumentSource,
  baseUrl: string | undefined,
): Promise<Imported> {
  try {
    const providerId = await client.findProvider(url.href)
    return await client.importOpenApi({
      ...(bytes === undefined
        ? { url: url.href }
        : { documentId: await client.uploadDocument(bytes) }),
      ...(providerId === undefined ? {} : { providerId }),
      ...(baseUrl === undefined ? {} : { baseUrl }),
      documentUrl: url.href,
    })
  } catch (error) {
    if (!(error instanceof QuickStartError)) throw error
    // The API speaks of its own arguments; here they are flags.
    const reason = error.message.replace(
      /pass the base URL as baseUrl, for example "(.*)"$/,
      'pass --base-url $1',
    )
    const isNamed = reason.startsWith('Cannot import')
    throw new QuickStartError(isNamed ? reason : `Cannot import ${shown}: ${reason}`, {
      cause: error,
    })
  }
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
