// Many tenants at once, with equal ids and a canary each, in their tools' arguments, in their prompts and
// in what their APIs answer: nobody's answer carries another's. `LOAD_TEST=long` runs 200 of them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mutation } from './support/control-plane.ts'
import { openWorld, type World } from './support/world.ts'

const isLong = process.env['LOAD_TEST'] === 'long'
const TENANTS = isLong ? 200 : 10
const CALLS = 50
/** Tenants whose calls are under way at once: more would be refused as too many. */
const AT_ONCE = 20
const HASMCP_ADMIN_KEY = 'an-administrator-of-the-whole-house'
const FROM = { ip: '192.0.2.8' }
const CANARY = /canary-\d+-end/g

interface Tenant {
  readonly canary: string
  readonly url: string
  readonly token: string
}

async function openTenant(world: World, n: number): Promise<Tenant> {
  const canary = `canary-${n}-end`
  const { apiKey } = await world.make<{ apiKey: string }>(
    'createAccount',
    { name: canary },
    'apiKey',
  )
  const make = async (name: string, input: object, data = 'id') => {
    const { body } = await world.send(mutation(name, data), { input }, apiKey)
    const made = body.data?.[name] as { data?: Record<string, string> } | undefined
    assert.ok(made?.data, JSON.stringify(body))
    return made.data
  }
  await make('createVariable', { name: 'KEY', kind: 'SECRET', value: `secret of ${canary}` })
  const { id: providerId } = await make('createProvider', {
    name: 'P',
    baseUrl: world.upstream.origin,
    headers: [{ name: 'X-Canary', value: `${canary} \${KEY}` }],
  })
  const request = { method: 'GET', path: '/echo', sampleArguments: { text: 'x' } }
  const { id: toolId } = await make('createTool', { providerId, name: 'echo', request })
  const { id: serverId } = await make('createServer', { name: 'S', toolIds: [toolId] })
  await make('createPrompt', {
    serverId,
    name: 'who',
    messages: [{ role: 'USER', text: `I am ${canary}` }],
  })
  const { token = '' } = await make('createServerToken', { serverId, name: 'T' }, 'token')
  return { canary, url: `http://hasmcp/mcp/${serverId}`, token }
}

async function send(
  world: World,
  { url, token }: Tenant,
  id: number,
  method: string,
  params: object,
) {
  const response = await world.app.app(
    new Request(url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id, method, params }),
    }),
    FROM,
  )
  return { status: response.status, text: await response.text() }
}

test(`${TENANTS} tenants with ${CALLS} calls each at once get answers that carry only their own`, async (t) => {
  const world = await openWorld(
    t,
    ({ url, headers }, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ url, header: headers['x-canary'] }))
    },
    { HASMCP_ADMIN_KEY, RATE_LIMIT_PER_MINUTE: '1000000' },
  )
  const tenants: Tenant[] = []
  for (let n = 0; n < TENANTS; n += 1) tenants.push(await openTenant(world, n))
  const crossed: string[] = []
  let answers = 0
  const check = async (tenant: Tenant, id: number) => {
    const isPrompt = id % 10 === 0
    const text = `${tenant.canary} ${id}`
    const { status, text: body } = isPrompt
      ? await send(world, tenant, id, 'prompts/get', { name: 'who' })
      : await send(world, tenant, id, 'tools/call', { name: 'echo', arguments: { text } })
    const found = new Set(body.match(CANARY))
    const own = JSON.parse(body) as { id: unknown; result?: { isError?: boolean } }
    const isRight =
      status === 200 &&
      own.id === id &&
      own.result?.isError === undefined &&
      (isPrompt || body.includes(`text=${tenant.canary}%20${id}`)) &&
      found.size === 1 &&
      found.has(tenant.canary)
    answers += 1
    if (!isRight) crossed.push(`${tenant.canary} ${id}: ${status} ${body.slice(0, 300)}`)
  }
  for (let n = 0; n < TENANTS; n += AT_ONCE) {
    const some = tenants.slice(n, n + AT_ONCE)
    // One after the other in each tenant's turn, so that neighbours in time are of different tenants.
    const calls = Array.from({ length: CALLS }, (_, id) => some.map((one) => check(one, id)))
    await Promise.all(calls.flat())
  }
  assert.deepEqual(crossed, [])
  assert.equal(answers, TENANTS * CALLS)
  // Every secret reached its own tenant's upstream, and was masked in the answer.
  const headers = world.upstream.requests.map(({ headers: sent }) => String(sent['x-canary']))
  assert.ok(headers.every((value) => /^(canary-\d+-end) secret of \1$/.test(value)))
})
