// What an owner decides about clients: pages of other origins, tokens in URLs, headers that pass on.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openWorld, type World } from '../support/world.ts'

const FROM = { ip: '192.0.2.7' }
const ORIGIN = 'https://app.example.com'

interface Opened {
  readonly url: string
  readonly token: string
}

async function open(world: World, input: object, token: object = {}): Promise<Opened> {
  const { id: serverId } = await world.make('createServer', { name: 'Server', ...input })
  const made = await world.make<Opened>(
    'createServerToken',
    { serverId, name: 'Token', ...token },
    'token',
  )
  return { url: `http://hasmcp/mcp/${serverId}`, token: made.token }
}

const call = (world: World, url: string, headers: Readonly<Record<string, string>>, params = {}) =>
  world.app.app(
    new Request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'get_pets', arguments: {}, ...params },
      }),
    }),
    FROM,
  )

test('pages of a server’s own origins may speak to it, and no others', async (t) => {
  const world = await openWorld(t)
  const providerId = await world.importProvider(['get /pets'])
  const { url, token } = await open(world, { providerIds: [providerId], allowedOrigins: [ORIGIN] })
  const other = await open(world, { name: 'Other', providerIds: [providerId] })
  const authorization = `Bearer ${token}`
  const allowed = await call(world, url, { authorization, origin: ORIGIN })
  assert.deepEqual(
    [allowed.status, allowed.headers.get('access-control-allow-origin')],
    [200, ORIGIN],
  )
  assert.match(allowed.headers.get('access-control-expose-headers') ?? '', /mcp-session-id/)
  const refusals = [
    await call(world, url, { authorization, origin: 'https://evil.example.com' }),
    await call(world, url, { authorization: 'Bearer x', origin: ORIGIN }),
    await call(world, other.url, { authorization: `Bearer ${other.token}`, origin: ORIGIN }),
  ]
  for (const { status, headers } of refusals) {
    assert.deepEqual([status, headers.get('access-control-allow-origin')], [403, null])
  }
  const preflight = await world.app.app(
    new Request(url, { method: 'OPTIONS', headers: { origin: ORIGIN } }),
    FROM,
  )
  assert.deepEqual(
    [preflight.status, preflight.headers.get('access-control-allow-methods')],
    [204, 'POST, GET, DELETE'],
  )
  const cases: readonly (readonly [unknown, string])[] = [
    [
      ['https://app.example.com/'],
      'allowedOrigins[0] is "https://app.example.com/"; expected scheme, host and port alone, such as "https://app.example.com"',
    ],
    [
      ['*'],
      'allowedOrigins[0] is "*"; expected an absolute http or https URL, such as "https://api.example.com/v1"',
    ],
    [
      Array.from({ length: 51 }, (_, n) => `https://a${n}.example`),
      'allowedOrigins has 51 entries, the limit is 50',
    ],
  ]
  for (const [allowedOrigins, message] of cases) {
    const refused = await world.mutate('createServer', { name: 'X', allowedOrigins })
    assert.deepEqual([refused.code, refused.message], ['INVALID', message])
  }
})

test('a token may stand in the URL only where that was allowed, and is told to nobody', async (t) => {
  const world = await openWorld(t)
  const providerId = await world.importProvider(['get /pets'])
  await world.make('updateProvider', { id: providerId, forwardedHeaders: ['Authorization'] })
  const { id: serverId } = await world.make('createServer', {
    name: 'Server',
    providerIds: [providerId],
  })
  const make = (isUrlAllowed: boolean) =>
    world.make<{ token: string; mcpUrlWithToken: string | null }>(
      'createServerToken',
      { serverId, name: 'Token', isUrlAllowed },
      'token mcpUrlWithToken serverToken { isUrlAllowed }',
    )
  const [plain, inUrl] = [await make(false), await make(true)]
  assert.equal(plain.mcpUrlWithToken, null)
  const url = `http://hasmcp/mcp/${serverId}`
  assert.ok(inUrl.mcpUrlWithToken?.endsWith(`/mcp/${serverId}?token=${inUrl.token}`))
  assert.equal((await call(world, `${url}?token=${plain.token}`, {})).status, 401)
  const authorization = 'Bearer of-the-upstream'
  assert.equal((await call(world, `${url}?token=${inUrl.token}`, { authorization })).status, 200)
  assert.equal(world.upstream.requests.at(-1)?.headers.authorization, authorization)
  assert.equal((await call(world, url, { authorization: `Bearer ${inUrl.token}` })).status, 200)
  assert.equal(world.upstream.requests.at(-1)?.headers.authorization, undefined)
  assert.equal(JSON.stringify(world.upstream.requests).includes('hms_'), false)
})

test('named headers of a client pass on, where nothing else says them, and never as variables', async (t) => {
  const world = await openWorld(t)
  const providerId = await world.importProvider(['get /pets'])
  await world.make('createVariable', { name: 'KEY', kind: 'SECRET', value: 'a secret of ours' })
  await world.make('updateProvider', {
    id: providerId,
    headers: [{ name: 'X-Fixed', value: 'ours ${KEY}' }],
    forwardedHeaders: ['X-Tenant', 'x-fixed', 'Accept-Language'],
  })
  const { url, token } = await open(world, { providerIds: [providerId] })
  const authorization = `Bearer ${token}`
  const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  await call(world, url, {
    authorization,
    'x-tenant': 'one ${KEY}',
    'x-fixed': 'theirs',
    'x-other': 'theirs',
    'accept-language': 'de',
    cookie: 'a=b',
    'mcp-protocol-version': '2025-11-25',
    traceparent: TRACE,
    tracestate: 'a=1',
  })
  const headers: Readonly<Record<string, unknown>> = world.upstream.requests.at(-1)?.headers ?? {}
  const { 'x-tenant': tenant, 'x-fixed': fixed, 'accept-language': language } = headers
  assert.deepEqual([tenant, fixed, language], ['one ${KEY}', 'ours a secret of ours', 'de'])
  assert.deepEqual([headers['traceparent'], headers['tracestate']], [TRACE, 'a=1'])
  for (const name of ['x-other', 'cookie', 'authorization', 'mcp-protocol-version']) {
    assert.equal(headers[name], undefined, name)
  }
  await call(world, url, { authorization }, { _meta: { traceparent: TRACE } })
  assert.equal(world.upstream.requests.at(-1)?.headers['traceparent'], TRACE)
  await call(world, url, { authorization, traceparent: '00-0-0-0' })
  assert.equal(world.upstream.requests.at(-1)?.headers['traceparent'], undefined)
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['Connection'], /^forwardedHeaders\[0\] "Connection" cannot be set/],
    [['a b'], /^forwardedHeaders\[0\] "a b" is no header name/],
    [['Content-Type'], /^forwardedHeaders\[0\] is "Content-Type", which describes another body/],
    [Array.from({ length: 21 }, (_, n) => `x-${n}`), /^forwardedHeaders has 21 entries/],
  ]
  for (const [forwardedHeaders, message] of cases) {
    const refused = await world.mutate('updateProvider', { id: providerId, forwardedHeaders })
    assert.match(refused.message ?? '', message)
  }
})
