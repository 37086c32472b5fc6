// One story, told to the product by a stock client: started under each runtime with its task as JSON, it
// prints what it saw as one line of JSON. Where the story needs the product restarted it prints `restart`
// and waits for a line.
import { createInterface } from 'node:readline'
import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from '@modelcontextprotocol/client'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  ElicitRequestSchema,
  PromptListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'

/** What the story is told about. */
export interface StoryTask {
  readonly client: 'sdk' | 'legacy' | 'auto' | 'pinned'
  readonly mcpUrl: string
  readonly token: string
  readonly graphqlUrl: string
  readonly apiKey: string
  readonly serverId: string
  readonly upstreamOrigin: string
  /** What tells it from those that tell the story at the same time. */
  readonly who: string
}

interface CallOptions {
  readonly onprogress?: (progress: { readonly progress: number }) => void
  readonly signal?: AbortSignal
}
interface CallParams {
  readonly name: string
  readonly arguments: Readonly<Record<string, unknown>>
}

/** What both generations of clients can do, in one spelling. */
interface StockClient {
  connect(): Promise<void>
  /** Resolves when the client is told that the list of prompts has changed. */
  readonly promptsChanged: Promise<void>
  listTools(
    cursor: string | undefined,
  ): Promise<{ tools: unknown[]; nextCursor?: string | undefined }>
  call(params: CallParams, options?: CallOptions): Promise<unknown>
  getPrompt(name: string): Promise<unknown>
  readResource(uri: string): Promise<unknown>
  complete(prompt: string, name: string, value: string): Promise<unknown>
  close(): Promise<void>
}

const INFO = { name: 'story', version: '1' }
const ANSWER = { action: 'accept' as const, content: { city: 'Rome' } }

/** Notices that a stream for notices is open, which no client tells. */
function watchStream() {
  const { promise, resolve } = Promise.withResolvers<void>()
  const watched: typeof fetch = async (input, init) => {
    const response = await fetch(input, init)
    if (init?.method === 'GET' && response.status === 200) resolve()
    return response
  }
  return { watched, opened: promise }
}

function openOld({ mcpUrl, token }: StoryTask): StockClient {
  const client = new OldClient(INFO, { capabilities: { elicitation: {} } })
  const { promise, resolve } = Promise.withResolvers<void>()
  const { watched, opened } = watchStream()
  client.setRequestHandler(ElicitRequestSchema, () => ANSWER)
  client.setNotificationHandler(PromptListChangedNotificationSchema, () => {
    resolve()
  })
  const requestInit = { headers: { authorization: `Bearer ${token}` } }
  return {
    async connect() {
      const transport = new OldTransport(new URL(mcpUrl), { requestInit, fetch: watched })
      await client.connect(transport as Parameters<OldClient['connect']>[0])
      await opened
    },
    promptsChanged: promise,
    listTools: (cursor) => client.listTools({ cursor }),
    call: (params, options) => client.callTool(params, undefined, options),
    getPrompt: (name) => client.getPrompt({ name }),
    readResource: (uri) => client.readResource({ uri }),
    complete: (prompt, name, value) =>
      client.complete({ ref: { type: 'ref/prompt', name: prompt }, argument: { name, value } }),
    close: () => client.close(),
  }
}

const MODES = { legacy: 'legacy', auto: 'auto', pinned: { pin: '2026-07-28' } } as const

function openModern(task: StoryTask, mode: keyof typeof MODES): StockClient {
  const { mcpUrl, token } = task
  const client = new ModernClient(INFO, {
    versionNegotiation: { mode: MODES[mode] },
    capabilities: { elicitation: { form: {} } },
  })
  const { promise, resolve } = Promise.withResolvers<void>()
  const { watched, opened } = watchStream()
  client.setRequestHandler('elicitation/create', () => ANSWER)
  client.setNotificationHandler('notifications/prompts/list_changed', () => {
    resolve()
  })
  const requestInit = { headers: { authorization: `Bearer ${token}` } }
  return {
    async connect() {
      await client.connect(new ModernTransport(new URL(mcpUrl), { requestInit, fetch: watched }))
      if (mode === 'legacy') await opened
      else await client.listen({ promptsListChanged: true })
    },
    promptsChanged: promise,
    // An empty cursor asks for the first page alone; none asks for all of them.
    listTools: async (cursor) =>
      await (cursor === undefined
        ? client.request({ method: 'tools/list', params: {} })
        : client.listTools({ cursor })),
    call: (params, options) => client.callTool(params, options),
    getPrompt: (name) => client.getPrompt({ name }),
    readResource: (uri) => client.readResource({ uri }),
    complete: (prompt, name, value) =>
      client.complete({ ref: { type: 'ref/prompt', name: prompt }, argument: { name, value } }),
    close: () => client.close(),
  }
}

async function addPrompt({ graphqlUrl, apiKey, serverId, who }: StoryTask): Promise<void> {
  const query = `mutation($id: ID!, $name: String!) { createPrompt(input: {
    serverId: $id, name: $name, messages: [{ role: USER, text: "x" }] }) { __typename } }`
  const response = await fetch(graphqlUrl, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables: { id: serverId, name: who } }),
  })
  await response.text()
}

/** A call that is aborted once the upstream has it, and is gone there, too. */
async function cancel(client: StockClient, { upstreamOrigin, who }: StoryTask): Promise<string> {
  const controller = new AbortController()
  const call = client.call({ name: 'hang', arguments: { who } }, { signal: controller.signal })
  const failure = call.then(
    () => 'answered',
    () => 'rejected',
  )
  await fetch(`${upstreamOrigin}/arrived?who=${who}`)
  controller.abort('enough')
  const closed = await (await fetch(`${upstreamOrigin}/closed?who=${who}`)).text()
  return `${await failure}, ${closed}`
}

async function tell(task: StoryTask): Promise<object> {
  const client = task.client === 'sdk' ? openOld(task) : openModern(task, task.client)
  await client.connect()
  const pages: number[] = []
  let cursor: string | undefined
  do {
    const page = await client.listTools(cursor)
    pages.push(page.tools.length)
    cursor = page.nextCursor
  } while (cursor !== undefined)
  const progress: number[] = []
  const streamed = await client.call(
    { name: 'get_progress', arguments: {} },
    { onprogress: (one) => progress.push(one.progress) },
  )
  const cancelled = await cancel(client, task)
  await addPrompt(task)
  await client.promptsChanged
  const seen = {
    pages,
    call: await client.call({ name: 'get_echo', arguments: {} }),
    streamed,
    progress,
    cancelled,
    prompt: await client.getPrompt('hello'),
    resource: await client.readResource('docs://guide'),
    completion: await client.complete('ask', 'language', 'r'),
    asked: await client.call({ name: 'ask_city', arguments: {} }),
  }
  console.log('restart')
  for await (const _line of createInterface({ input: process.stdin })) break
  const after = await client.call({ name: 'get_echo', arguments: {} })
  await client.close()
  return { ...seen, after }
}

console.log(JSON.stringify(await tell(JSON.parse(process.argv[2] ?? '') as StoryTask)))
process.exit()
