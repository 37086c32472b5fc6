// Stock clients with nothing but a URL and a bearer token, over a socket, through a real database
// and real threads to a real upstream.
import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from '@modelcontextprotocol/client'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { getRequestListener } from '@hono/node-server'
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { createContentStore } from '../../server/mcp/content-store.ts'
import { createUseOnce } from '../../server/mcp/use-once.ts'
import { createMcpEndpoint } from '../../server/mcp/endpoint.ts'
import { createRouteStore } from '../../server/mcp/route.ts'
import { createPool } from '../../workers/pool.ts'
import { openTestDatabase } from '../support/database.ts'
import { startUpstream } from '../support/upstream.ts'
import { createWorld } from './world.ts'

const upstream = await startUpstream((request, response) => {
  // Never answered: for the test that hangs up.
  if (request.url === '/pets/404404') return
  response
    .setHeader('content-type', 'application/json')
    .end(`{"you":"${request.method} ${request.url}"}`)
})
after(() => upstream.close())
const pool = createPool({ callThreads: 1, egressAllow: upstream.origin })
after(() => pool.close())
const db = await openTestDatabase({ after })
const world = await createWorld(db, 'pets', upstream.origin)
const errors: unknown[] = []
const endpoint = createMcpEndpoint({
  routes: createRouteStore(db),
  content: createContentStore(db),
  events: db.events,
  sessionKey: new Uint8Array(32).fill(8),
  stateKey: new Uint8Array(32).fill(9),
  useOnce: createUseOnce(db),
  call: ({ route, tool, argumentsText, signal }) => {
    const { definitionHash, definition, baseUrl, headers } = tool
    const bounds = { timeoutMs: 5_000, maxResponseBytes: 1_000_000 }
    return pool.call({
      accountId: route.accountId,
      definitionHash,
      definition,
      baseUrl,
      headers,
      argumentsText,
      signal,
      ...bounds,
    })
  },
  onError: (error) => errors.push(error),
  version: '1.2.3',
  allowedOrigins: () => false,
  cursorKey: new Uint8Array(32).fill(1),
})
const seen: string[] = []
const listener = getRequestListener(
  async (request) => {
    const response = await endpoint.answer(
      request,
      new URL(request.url).pathname.slice('/mcp/'.length),
      'request-1',
    )
    seen.push(`${request.method} ${response.status}`)
    return response
  },
  { overrideGlobalObjects: false },
)
const server = createServer((incoming, outgoing) => void listener(incoming, outgoing)).listen(
  0,
  '127.0.0.1',
)
await once(server, 'listening')
after(() => {
  server.closeAllConnections()
  server.close()
})
const url = new URL(
  `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp/${world.serverId}`,
)
const requestInit = { headers: { authorization: `Bearer ${world.token}` } }
const INFO = { name: 'test', version: '1' }

/** What every client is asked to do, as it answers. */
async function use(client: OldClient | ModernClient) {
  const { tools } = await client.listTools()
  const called = await client.callTool({ name: 'getPet', arguments: { petId: 7 } })
  const wrong = await client.callTool({ name: 'getPet', arguments: { petId: 'x' } })
  const unknown = await client
    .callTool({ name: 'nope', arguments: {} })
    .catch((error: unknown) => error)
  assert.ok(unknown instanceof Error && 'code' in unknown)
  return {
    server: client.getServerVersion(),
    instructions: client.getInstructions(),
    tools: tools.map(({ name }) => name),
    content: called.content,
    isError: called.isError ?? false,
    isWrongAnError: wrong.isError,
    unknownCode: unknown.code,
  }
}

const EXPECTED = {
  server: { name: 'pets', version: '1.2.3' },
  instructions: 'Be kind to them',
  tools: ['getPet', 'addPet'],
  content: [{ type: 'text', text: '{"you":"GET /pets/7"}' }],
  isError: false,
  isWrongAnError: true,
  unknownCode: -32602,
}

test('@modelcontextprotocol/sdk 1.x connects, lists and calls', async () => {
  const client = new OldClient(INFO)
  await client.connect(
    new OldTransport(url, { requestInit }) as Parameters<OldClient['connect']>[0],
  )
  assert.deepEqual(await use(client), EXPECTED)
  assert.deepEqual(await client.ping(), {})
  await client.close()
})

for (const [title, mode, era] of [
  ['legacy', 'legacy', 'legacy'],
  ['auto', 'auto', 'modern'],
  ['pinned', { pin: '2026-07-28' }, 'modern'],
] as const) {
  test(`@modelcontextprotocol/client 2.x connects, lists and calls in ${title} mode`, async () => {
    const client = new ModernClient(INFO, { versionNegotiation: { mode } })
    await client.connect(new ModernTransport(url, { requestInit }))
    assert.equal(client.getProtocolEra(), era)
    assert.deepEqual(await use(client), EXPECTED)
    await client.close()
  })
}

test('a client without a token is told so', async () => {
  const client = new ModernClient(INFO, { versionNegotiation: { mode: 'auto' } })
  await assert.rejects(client.connect(new ModernTransport(url)), /HTTP 401/)
})

test('a modern client that aborts a call ends the request to the upstream', async () => {
  const client = new ModernClient(INFO, { versionNegotiation: { mode: { pin: '2026-07-28' } } })
  await client.connect(new ModernTransport(url, { requestInit }))
  const closed = upstream.nextClose()
  const controller = new AbortController()
  const arrived = (async () => {
    while (!upstream.requests.some((request) => request.url === '/pets/404404')) {
      await new Promise((resolve) => setImmediate(resolve))
    }
  })()
  const call = client.callTool(
    { name: 'getPet', arguments: { petId: 404404 } },
    { signal: controller.signal },
  )
  await arrived
  controller.abort('enough')
  await assert.rejects(call)
  await closed
  await client.close()
})

test('nothing failed unexpectedly, and a session was listened to', () => {
  assert.deepEqual(errors, [])
  assert.deepEqual([...new Set(seen.filter((line) => !line.startsWith('POST')))], ['GET 200'])
})
