// Streams end to end: notices of what the control plane changes, progress of an API that streams, and
// that each stream ends with its token, its session or the process.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { test, type TestContext } from 'node:test'
import { readMessages, type StreamMessage } from '../support/event-stream.ts'
import type { Answer } from '../support/upstream.ts'
import { openWorld, type World } from '../support/world.ts'
import { META } from './fixture.ts'
import { openClient, type Client } from './hand-client.ts'

const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId'

const notice = (method: string, params?: object): StreamMessage =>
  ({ jsonrpc: '2.0', method, ...(params && { params }) }) as StreamMessage

const addPrompt = (world: World, serverId: string, name: string) =>
  world.make('createPrompt', { serverId, name, messages: [{ role: 'USER', text: 'x' }] })

const addResource = (world: World, serverId: string, uri: string) =>
  world.make('createResource', { serverId, uri, name: 'r', text: 'one' })

test('subscriptions/listen acknowledges, and tells of each list and resource that was asked for', async (t) => {
  const world = await openWorld(t)
  const providerId = await world.importProvider(['get /pets'])
  const client = await openClient(world)
  const { serverId } = client
  const { id } = await addResource(world, serverId, 'a:b')
  await addResource(world, serverId, 'page:{n}')
  const notifications = {
    toolsListChanged: true,
    promptsListChanged: false,
    resourceSubscriptions: ['a:b', 'page:7'],
  }
  const stream = readMessages(await client.modern('sub', 'subscriptions/listen', { notifications }))
  const _meta = { [SUBSCRIPTION]: 'sub' }
  assert.deepEqual(
    await stream.next(),
    notice('notifications/subscriptions/acknowledged', {
      _meta,
      notifications: { toolsListChanged: true, resourceSubscriptions: ['a:b', 'page:7'] },
    }),
  )
  // Nobody asked to be told of prompts, nor of a name that no list shows.
  await addPrompt(world, serverId, 'p')
  await world.make('updateProvider', { id: providerId, description: 'other' })
  await world.make('addServerTools', { serverId, providerIds: [providerId] })
  assert.deepEqual(await stream.next(), notice('notifications/tools/list_changed', { _meta }))
  await world.make('updateResource', { id, text: 'two' })
  assert.deepEqual(
    await stream.next(),
    notice('notifications/resources/updated', { uri: 'a:b', _meta }),
  )
  const { resources } = await world.ask<{ resources: { nodes: { id: string; uri: string }[] } }>(
    '{ resources(first: 9) { nodes { id uri } } }',
  )
  const template = resources.nodes.find(({ uri }) => uri === 'page:{n}')
  await world.make('updateResource', { id: template?.id, text: 'two' })
  assert.deepEqual(
    await stream.next(),
    notice('notifications/resources/updated', { uri: 'page:7', _meta }),
  )
  await world.app.stop()
  assert.deepEqual(await stream.rest(), [
    {
      jsonrpc: '2.0',
      id: 'sub',
      result: {
        resultType: 'complete',
        _meta: {
          ..._meta,
          'io.modelcontextprotocol/serverInfo': { name: 'Server', version: '0.1.0' },
        },
      },
    },
  ])
})

test('a session has one stream, told of every list and of what it subscribed to', async (t) => {
  const world = await openWorld(t)
  const providerId = await world.importProvider(['get /pets'])
  const client = await openClient(world)
  const { serverId } = client
  const { id } = await addResource(world, serverId, 'a:b')
  const session = await client.initialize()
  const first = readMessages(await client.ofSession(session, 'GET'))
  const second = readMessages(await client.ofSession(session, 'GET'))
  assert.equal(await first.next(), undefined)
  await world.make('addServerTools', { serverId, providerIds: [providerId] })
  assert.deepEqual(await second.next(), notice('notifications/tools/list_changed'))
  await addPrompt(world, serverId, 'p')
  assert.deepEqual(await second.next(), notice('notifications/prompts/list_changed'))
  // Not subscribed yet: the list is what it was.
  await world.make('updateResource', { id, text: 'six' })
  await addPrompt(world, serverId, 'q')
  assert.deepEqual(await second.next(), notice('notifications/prompts/list_changed'))
  const subscribed = await client.legacy(session, 1, 'resources/subscribe', { uri: 'a:b' })
  assert.deepEqual(await subscribed.json(), { jsonrpc: '2.0', id: 1, result: {} })
  await addResource(world, serverId, 'c:d')
  assert.deepEqual(await second.next(), notice('notifications/resources/list_changed'))
  await world.make('updateResource', { id, text: 'ten' })
  assert.deepEqual(await second.next(), notice('notifications/resources/updated', { uri: 'a:b' }))
  await client.legacy(session, 2, 'resources/unsubscribe', { uri: 'a:b' })
  await world.make('updateResource', { id, text: 'two' })
  await world.make('updateResource', { id, title: 'new' })
  assert.deepEqual(await second.next(), notice('notifications/resources/list_changed'))
  const missing = await client.legacy(session, 3, 'resources/subscribe', { uri: 'x:y' })
  assert.deepEqual(await missing.json(), {
    jsonrpc: '2.0',
    id: 3,
    error: { code: -32002, message: 'Resource not found: x:y' },
  })
  const bare = await client.send({ jsonrpc: '2.0', id: 4, method: 'resources/subscribe' })
  assert.deepEqual(await bare.json(), {
    jsonrpc: '2.0',
    id: 4,
    error: {
      code: -32600,
      message: 'This needs a session: send the Mcp-Session-Id that initialize answered with',
    },
  })
  assert.equal((await client.ofSession(session, 'DELETE')).status, 204)
  assert.deepEqual(await second.rest(), [])
})

test('a stream ends when its token is revoked, its account suspended or its server deleted', async (t) => {
  const HASMCP_ADMIN_KEY = 'an-administrator-of-the-whole-house'
  const world = await openWorld(t, undefined, { HASMCP_ADMIN_KEY })
  const listen = async (client: Client) => {
    const params = { notifications: { toolsListChanged: true } }
    const stream = readMessages(await client.modern(7, 'subscriptions/listen', params))
    assert.equal((await stream.next())?.method, 'notifications/subscriptions/acknowledged')
    return stream
  }
  const revoked = await openClient(world, { name: 'A' })
  const other = await openClient(world, { name: 'B' })
  const [ended, kept] = [await listen(revoked), await listen(other)]
  const legacy = readMessages(await revoked.ofSession(await revoked.initialize(), 'GET'))
  await world.ask('mutation($id: ID!) { revokeServerToken(id: $id) { __typename } }', {
    id: revoked.tokenId,
  })
  assert.deepEqual(
    (await ended.rest()).map(({ id, method }) => [id, method]),
    [[7, undefined]],
  )
  assert.deepEqual(await legacy.rest(), [])
  await world.ask('mutation($id: ID!) { deleteServer(id: $id) { __typename } }', {
    id: other.serverId,
  })
  assert.deepEqual(
    (await kept.rest()).map(({ id }) => id),
    [7],
  )
})

/** Answers with these chunks, each when the test says so. */
function createFeed(type: string) {
  const waiting: ((response: ServerResponse) => void)[] = []
  const answer: Answer = (_request, response) => {
    response.setHeader('content-type', type)
    response.flushHeaders()
    waiting.shift()?.(response)
  }
  const next = () => new Promise<ServerResponse>((resolve) => waiting.push(resolve))
  return { answer, next }
}

async function openFeed(t: TestContext, type: string) {
  const feed = createFeed(type)
  const world = await openWorld(t, feed.answer)
  const providerId = await world.importProvider(['get /pets'])
  const client = await openClient(world, { providerIds: [providerId] })
  return { feed, world, client }
}

test('an API that streams yields progress, and its whole answer in the end', async (t) => {
  const { feed, client } = await openFeed(t, 'application/x-ndjson')
  const coming = feed.next()
  const called = client.modern(3, 'tools/call', {
    name: 'get_pets',
    arguments: {},
    _meta: { progressToken: 'p1' },
  })
  const upstream = await coming
  upstream.write('{"progress":0,"total":100,"message":"starting"}\n')
  const stream = readMessages(await called)
  const progress = (params: object) =>
    notice('notifications/progress', { progressToken: 'p1', ...params })
  assert.deepEqual(await stream.next(), progress({ progress: 0, total: 100, message: 'starting' }))
  upstream.write('{"progress":50,"total":100}\n')
  const message = '{"progress":50,"total":100}'
  assert.deepEqual(await stream.next(), progress({ progress: 50, total: 100, message }))
  upstream.end('{"done":true}\n')
  const rest = await stream.rest()
  const { result } = rest.at(-1) ?? {}
  assert.deepEqual(result?.['content'], [
    {
      type: 'text',
      text: '{"progress":0,"total":100,"message":"starting"}\n{"progress":50,"total":100}\n{"done":true}\n',
    },
  ])
})

test('a legacy session that set a log level is told the words of Server-Sent Events', async (t) => {
  const { feed, client } = await openFeed(t, 'text/event-stream; charset=utf-8')
  const session = await client.initialize()
  await client.legacy(session, 1, 'logging/setLevel', { level: 'info' })
  const coming = feed.next()
  const called = client.legacy(session, 2, 'tools/call', { name: 'get_pets', arguments: {} })
  const upstream = await coming
  upstream.write('event: log\ndata: one\ndata: line\n\n')
  const stream = readMessages(await called)
  const data = 'one\nline'
  assert.deepEqual(
    await stream.next(),
    notice('notifications/message', { level: 'info', logger: 'get_pets', data }),
  )
  upstream.end()
  assert.deepEqual(await stream.rest(), [
    {
      jsonrpc: '2.0',
      id: 2,
      result: { content: [{ type: 'text', text: 'event: log\ndata: one\ndata: line\n\n' }] },
    },
  ])
  const refused = await client.legacy(session, 3, 'logging/setLevel', { level: 'loud' })
  const { error } = (await refused.json()) as StreamMessage
  assert.match(error?.message ?? '', /^params\.level is loud, expected debug, info, /)
})

test('nobody who did not ask is streamed to, and interceptors keep their answer to themselves', async (t) => {
  const { feed, world, client } = await openFeed(t, 'application/x-ndjson')
  const coming = feed.next()
  const called = client.modern(3, 'tools/call', { name: 'get_pets', arguments: {} })
  const upstream = await coming
  upstream.end('{"a":1}\n')
  const response = await called
  assert.equal(response.headers.get('content-type'), 'application/json')
  await world.make('createInterceptor', {
    serverId: client.serverId,
    name: 'prune',
    phase: 'RESPONSE',
    engine: 'JMESPATH',
    code: "'nothing'",
  })
  const again = feed.next()
  const asked = client.modern(4, 'tools/call', {
    name: 'get_pets',
    arguments: {},
    _meta: { progressToken: 1 },
  })
  const second = await again
  second.write('{"secret":true}\n')
  const stream = readMessages(await asked)
  assert.deepEqual(
    await stream.next(),
    notice('notifications/progress', {
      progressToken: 1,
      progress: 1,
    }),
  )
  second.end()
  assert.equal(JSON.stringify(await stream.rest()).includes('secret'), false)
})

for (const era of ['modern', 'legacy'] as const) {
  test(`closing a ${era} response stream aborts the upstream request`, async (t) => {
    const { feed, world, client } = await openFeed(t, 'application/x-ndjson')
    const coming = feed.next()
    const params = { name: 'get_pets', arguments: {}, _meta: { progressToken: 1 } }
    const session = await client.initialize()
    const called =
      era === 'modern'
        ? client.modern(3, 'tools/call', params)
        : client.legacy(session, 3, 'tools/call', params)
    const upstream = await coming
    const closed = once(upstream, 'close')
    upstream.write('{"progress":1}\n')
    const stream = readMessages(await called)
    await stream.next()
    await stream.close()
    await closed
    assert.equal(upstream.writableFinished, false)
    assert.ok(world)
  })
}

test('subscriptions/listen refuses what is malformed', async (t) => {
  const world = await openWorld(t)
  const client = await openClient(world)
  const cases: readonly (readonly [object, string])[] = [
    [{}, 'params.notifications is missing, expected an object such as {"toolsListChanged": true}'],
    [
      { notifications: { toolsListChanged: 1 } },
      'params.notifications.toolsListChanged is a number, expected a boolean',
    ],
    [
      { notifications: { resourceSubscriptions: 'a:b' } },
      'params.notifications.resourceSubscriptions is a string, expected an array of URIs',
    ],
    [
      { notifications: { resourceSubscriptions: [1] } },
      'params.notifications.resourceSubscriptions[0] is a number, expected a URI of at most 2048 characters',
    ],
    [
      { notifications: { resourceSubscriptions: Array.from({ length: 51 }, () => 'a:b') } },
      'params.notifications.resourceSubscriptions has 51 entries, expected at most 50',
    ],
  ]
  for (const [params, message] of cases) {
    const response = await client.modern(1, 'subscriptions/listen', params)
    assert.equal(response.status, 400)
    assert.deepEqual(await response.json(), {
      jsonrpc: '2.0',
      id: 1,
      error: { code: -32602, message },
    })
  }
  const unread = await client.send(
    { jsonrpc: '2.0', id: 1, method: 'subscriptions/listen', params: { _meta: META } },
    {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'subscriptions/listen',
      accept: 'application/json',
    },
  )
  assert.equal(unread.status, 406)
})
