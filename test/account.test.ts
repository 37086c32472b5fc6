// Accounts through the front door: the instance administrator makes, lists, suspends and reactivates
// them, and sees nothing of what is in them.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { isCredential } from '../db/credential.ts'
import { newId } from '../db/id.ts'
import type { App } from '../server/app.ts'
import { startApp } from './support/app.ts'
import { mutation, openapi, type Answer, type Result } from './support/control-plane.ts'
import { createTestStorage, testDatabaseKind } from './support/database.ts'

const HASMCP_ADMIN_KEY = 'a'.repeat(16) + '0123456789abcdef'
const FROM = { ip: '192.0.2.1' }
const ACCOUNT = 'id name isSuspended suspendedAt'
const ACCOUNTS = `query($first: Int!, $after: String) {
  accounts(first: $first, after: $after) { totalCount nodes { ${ACCOUNT} } pageInfo { hasNextPage endCursor } }
}`
const READ = `query($id: ID!) { account(id: $id) { ${ACCOUNT} } }`
const SUSPEND = `mutation($id: ID!) { suspendAccount(id: $id) {
  __typename ... on SuspendAccountSuccess { data { ${ACCOUNT} } } ... on Error { code message }
} }`
const REACTIVATE = `mutation($id: ID!) { reactivateAccount(id: $id) {
  __typename ... on ReactivateAccountSuccess { data { ${ACCOUNT} } } ... on Error { code message }
} }`
const FORBIDDEN =
  "Accounts are managed by the instance administrator: send this installation's HASMCP_ADMIN_KEY instead of an API key"
const NOT_MADE =
  "Accounts are made by the instance administrator, who sends this installation's HASMCP_ADMIN_KEY, and where SIGN_UP is open by every person who is signed in"
const SUSPENDED =
  'This account is suspended: its keys and tokens work again once the instance administrator reactivates it'

interface AccountFields {
  readonly id: string
  readonly name: string
  readonly isSuspended: boolean
  readonly suspendedAt: string | null
}

function post(app: App, path: string, bearer: string, body: object | string): Promise<Response> {
  const headers = {
    authorization: `Bearer ${bearer}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  }
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return app(new Request(`http://hasmcp${path}`, { method: 'POST', headers, body: text }), FROM)
}

async function send(app: App, key: string, query: string, variables: object = {}) {
  const response = await post(app, '/graphql', key, { query, variables })
  return { status: response.status, body: (await response.json()) as Answer['body'] }
}

/** The first error of an answer, and how many there are. */
function errorOf(body: Answer['body']) {
  const [error = {}, ...more] = body.errors ?? []
  const extensions = error['extensions'] as { code: string; requestId: string } | undefined
  return {
    count: error['message'] === undefined ? 0 : more.length + 1,
    message: error['message'],
    path: error['path'],
    code: extensions?.code,
    requestId: extensions?.requestId,
  }
}

async function ask<T>(app: App, key: string, query: string, variables: object = {}): Promise<T> {
  const { status, body } = await send(app, key, query, variables)
  assert.deepEqual({ status, errors: body.errors }, { status: 200, errors: undefined })
  return body.data as T
}

async function mutate<T = Result>(
  app: App,
  key: string,
  name: string,
  input: object,
  data: string,
): Promise<T> {
  return (await ask<Record<string, T>>(app, key, mutation(name, data), { input }))[name] as T
}

/** An account that the administrator makes. */
async function createAccount(app: App, name: string) {
  const { data } = await mutate<{ data: { account: AccountFields; apiKey: string } }>(
    app,
    HASMCP_ADMIN_KEY,
    'createAccount',
    { name },
    `account { ${ACCOUNT} } apiKey`,
  )
  return data
}

/** A server in the account of that key, and what asks it for its tools. */
async function openServer(app: App, key: string) {
  const imported = await mutate<{ data: { provider: { id: string } } }>(
    app,
    key,
    'importOpenApi',
    { text: openapi(['get /pets']) },
    'provider { id }',
  )
  const server = await mutate<{ data: { id: string } }>(
    app,
    key,
    'createServer',
    { name: 'Desk', providerIds: [imported.data.provider.id] },
    'id',
  )
  const serverId = server.data.id
  const { data } = await mutate<{ data: { token: string } }>(
    app,
    key,
    'createServerToken',
    { serverId, name: 'Laptop' },
    'token',
  )
  return { serverId, token: data.token }
}

async function listTools(app: App, serverId: string, token: string) {
  const body = { jsonrpc: '2.0', id: 1, method: 'tools/list' }
  const response = await post(app, `/mcp/${serverId}`, token, body)
  const answer = (await response.json()) as {
    readonly result?: { readonly tools: readonly { readonly name: string }[] }
    readonly error?: { readonly code: string; readonly message: string }
  }
  const { result, error } = answer
  return { status: response.status, tools: result?.tools.map(({ name }) => name), error }
}

const start = (t: TestContext) => startApp(t, { HASMCP_ADMIN_KEY })

test('an account is made, listed, used, suspended and reactivated', async (t) => {
  const { app, accountId: firstId } = await start(t)
  const { account, apiKey } = await createAccount(app, 'Tea shop')
  const { id } = account
  assert.deepEqual(account, { id, name: 'Tea shop', isSuspended: false, suspendedAt: null })
  assert(isCredential('hmk', apiKey))

  const first = { id: firstId, name: 'Default', isSuspended: false, suspendedAt: null }
  const { accounts: page } = await ask<{ accounts: { pageInfo: { endCursor: string } } }>(
    app,
    HASMCP_ADMIN_KEY,
    ACCOUNTS,
    { first: 1 },
  )
  const { endCursor } = page.pageInfo
  const [one, two] = [{ hasNextPage: true, endCursor }, { hasNextPage: false }]
  assert.deepEqual(page, { totalCount: 2, nodes: [first], pageInfo: one })
  const { accounts: next } = await ask<{ accounts: { pageInfo: { endCursor: string } } }>(
    app,
    HASMCP_ADMIN_KEY,
    ACCOUNTS,
    { first: 5, after: endCursor },
  )
  const pageInfo = { ...two, endCursor: next.pageInfo.endCursor }
  assert.deepEqual(next, { totalCount: 2, nodes: [account], pageInfo })
  assert.deepEqual(await ask(app, HASMCP_ADMIN_KEY, READ, { id }), { account })

  const viewer = '{ viewer { account { id name } apiKey { name } } }'
  const seen = { viewer: { account: { id, name: 'Tea shop' }, apiKey: { name: 'Owner' } } }
  assert.deepEqual(await ask(app, apiKey, viewer), seen)
  const { serverId, token } = await openServer(app, apiKey)
  const works = { status: 200, tools: ['get_pets'], error: undefined }
  assert.deepEqual(await listTools(app, serverId, token), works)

  const suspended = await ask<{ suspendAccount: { data: AccountFields } }>(
    app,
    HASMCP_ADMIN_KEY,
    SUSPEND,
    { id },
  )
  const { suspendedAt } = suspended.suspendAccount.data
  assert(Math.abs(Date.parse(suspendedAt ?? '') - Date.now()) < 60_000, String(suspendedAt))
  assert.deepEqual(suspended.suspendAccount.data, { ...account, isSuspended: true, suspendedAt })
  assert.deepEqual(await ask(app, HASMCP_ADMIN_KEY, SUSPEND, { id }), suspended, 'twice')
  await assertSuspended(app, { apiKey, serverId, token })

  assert.deepEqual(await ask(app, HASMCP_ADMIN_KEY, REACTIVATE, { id }), {
    reactivateAccount: { __typename: 'ReactivateAccountSuccess', data: account },
  })
  assert.deepEqual(await ask(app, apiKey, viewer), seen)
  assert.deepEqual(await listTools(app, serverId, token), works)
})

interface Credentials {
  readonly apiKey: string
  readonly serverId: string
  readonly token: string
}

async function assertSuspended(app: App, { apiKey, serverId, token }: Credentials): Promise<void> {
  const graphql = await send(app, apiKey, '{ viewer { id } }')
  const extensions = { code: 'SUSPENDED', requestId: errorOf(graphql.body).requestId }
  assert.deepEqual(graphql, {
    status: 403,
    body: { errors: [{ message: SUSPENDED, extensions }] },
  })
  const uploaded = await post(app, '/documents', apiKey, '{}')
  const uploadId = uploaded.headers.get('x-request-id')
  const uploadError = { code: 'SUSPENDED', message: SUSPENDED, requestId: uploadId }
  assert.deepEqual(
    { status: uploaded.status, body: await uploaded.json() },
    { status: 403, body: { error: uploadError } },
  )
  const response = await post(app, `/mcp/${serverId}`, token, { jsonrpc: '2.0', id: 1 })
  const mcpId = response.headers.get('x-request-id')
  assert.deepEqual(
    { status: response.status, body: await response.json() },
    { status: 403, body: { error: { code: 'SUSPENDED', message: SUSPENDED, requestId: mcpId } } },
  )
}

test('a suspended account is told to holders of its valid credentials only', async (t) => {
  const { app } = await start(t)
  const { account, apiKey } = await createAccount(app, 'Tea shop')
  const { serverId, token } = await openServer(app, apiKey)
  const revoked = await mutate<{ data: { token: string; serverToken: { id: string } } }>(
    app,
    apiKey,
    'createServerToken',
    { serverId, name: 'Lost' },
    'token serverToken { id }',
  )
  const key = await mutate<{ data: { key: string; apiKey: { id: string } } }>(
    app,
    apiKey,
    'createApiKey',
    { name: 'Lost' },
    'key apiKey { id }',
  )
  for (const [name, id] of [
    ['revokeServerToken', revoked.data.serverToken.id],
    ['revokeApiKey', key.data.apiKey.id],
  ] as const) {
    await ask(app, apiKey, `mutation($id: ID!) { ${name}(id: $id) { __typename } }`, { id })
  }
  const stranger = await createAccount(app, 'Coffee shop')
  const theirs = await openServer(app, stranger.apiKey)
  await ask(app, HASMCP_ADMIN_KEY, SUSPEND, { id: account.id })
  for (const [at, bearer] of [
    [serverId, revoked.data.token],
    [serverId, theirs.token],
    [newId('srv'), token],
  ] as const) {
    assert.equal((await listTools(app, at, bearer)).status, 401)
  }
  assert.equal((await send(app, key.data.key, '{ viewer { id } }')).status, 401)
  assert.equal((await listTools(app, theirs.serverId, theirs.token)).status, 200)
  await ask(app, stranger.apiKey, '{ viewer { id } }')
})

test('accounts, the first one and its administrator included, see nothing of each other', async (t) => {
  const { app, accountId: firstId } = await start(t)
  const { account, apiKey } = await createAccount(app, 'Tea shop')
  const { serverId } = await openServer(app, apiKey)
  const own = await openServer(app, HASMCP_ADMIN_KEY)
  const servers = '{ servers(first: 9) { nodes { id } } }'
  assert.deepEqual(await ask(app, apiKey, servers), { servers: { nodes: [{ id: serverId }] } })
  assert.deepEqual(await ask(app, HASMCP_ADMIN_KEY, servers), {
    servers: { nodes: [{ id: own.serverId }] },
  })
  for (const [key, id] of [
    [HASMCP_ADMIN_KEY, account.id],
    [HASMCP_ADMIN_KEY, serverId],
    [apiKey, firstId],
    [apiKey, own.serverId],
  ] as const) {
    const { body } = await send(app, key, 'query($id: ID!) { node(id: $id) { id } }', { id })
    assert.equal(errorOf(body).code, 'NOT_FOUND', id)
  }
})

test('only the administrator manages accounts; FORBIDDEN says whose key it takes', async (t) => {
  const { app, accountId } = await start(t)
  const { apiKey } = await createAccount(app, 'Tea shop')
  const ofFirst = await mutate<{ data: { key: string } }>(
    app,
    HASMCP_ADMIN_KEY,
    'createApiKey',
    { name: 'Colleague' },
    'key',
  )
  for (const key of [apiKey, ofFirst.data.key]) {
    for (const [field, query] of [
      ['accounts', '{ accounts(first: 1) { totalCount } }'],
      ['account', `{ account(id: "${accountId}") { id } }`],
      ['createAccount', 'mutation { createAccount(input: { name: "" }) { __typename } }'],
      ['suspendAccount', `mutation { suspendAccount(id: "${newId('acc')}") { __typename } }`],
      ['reactivateAccount', 'mutation { reactivateAccount(id: "x") { __typename } }'],
    ] as const) {
      const { status, body } = await send(app, key, query)
      const { count, message, path, code } = errorOf(body)
      const sentence = field === 'createAccount' ? NOT_MADE : FORBIDDEN
      assert.deepEqual([count, message, path, code], [1, sentence, [field], 'FORBIDDEN'])
      // A field that can be null leaves data to use, and GraphQL answers what can be used with 200.
      assert.equal(status, field === 'account' ? 200 : 403, field)
    }
  }
  const { accounts } = await ask<{ accounts: object }>(app, HASMCP_ADMIN_KEY, ACCOUNTS, {
    first: 9,
  })
  assert.equal((accounts as { totalCount: number }).totalCount, 2, 'nothing was made')
})

test('without HASMCP_ADMIN_KEY nobody administers, the owner of the first account neither', async (t) => {
  const { app, apiKey } = await startApp(t)
  const { status, body } = await send(app, apiKey, ACCOUNTS, { first: 1 })
  assert.deepEqual([status, errorOf(body).message], [403, FORBIDDEN])
})

test('ids that are unknown or none, bad names and the own account are refused with a sentence', async (t) => {
  const { app, accountId } = await start(t)
  const id = newId('acc')
  const missing = { __typename: 'NotFoundError', code: 'NOT_FOUND', message: `No account ${id}` }
  const malformed = {
    __typename: 'InvalidError',
    code: 'INVALID',
    message:
      'id is "srv_x"; expected the id of an account, such as "acc_01h455vb4pex5vsknk084sn02q"',
  }
  for (const [name, query] of [
    ['suspendAccount', SUSPEND],
    ['reactivateAccount', REACTIVATE],
  ] as const) {
    assert.deepEqual(await ask(app, HASMCP_ADMIN_KEY, query, { id }), { [name]: missing })
    assert.deepEqual(await ask(app, HASMCP_ADMIN_KEY, query, { id: 'srv_x' }), {
      [name]: malformed,
    })
  }
  assert.deepEqual(await ask(app, HASMCP_ADMIN_KEY, SUSPEND, { id: accountId }), {
    suspendAccount: {
      __typename: 'ConflictError',
      code: 'CONFLICT',
      message: `Cannot suspend account ${accountId}: it is the instance administrator's own`,
    },
  })
  const { body } = await send(app, HASMCP_ADMIN_KEY, READ, { id })
  assert.equal(errorOf(body).message, missing.message)
  assert.deepEqual(
    await mutate(app, HASMCP_ADMIN_KEY, 'createAccount', { name: '' }, '__typename'),
    {
      __typename: 'InvalidError',
      code: 'INVALID',
      message: 'name is empty; expected 1 to 80 characters',
      path: ['input', 'name'],
    },
  )
})

test(
  'a suspension and its end reach a second process at once',
  {
    skip:
      testDatabaseKind === 'embedded' &&
      'needs TEST_DATABASE_URL: an embedded database has one process',
  },
  async (t) => {
    const HASMCP_ENCRYPTION_KEY = randomBytes(32).toString('hex')
    const env = { ...(await createTestStorage(t)), HASMCP_ADMIN_KEY, HASMCP_ENCRYPTION_KEY }
    const [{ app }, second] = [await startApp(t, env), await startApp(t, env)]
    const { account, apiKey } = await createAccount(app, 'Tea shop')
    const { serverId, token } = await openServer(app, apiKey)
    const { id } = account
    const nextEvent = () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      const stop = second.db.events.subscribe((event) => {
        if (event.noun !== 'account' || event.id !== id) return
        stop()
        resolve()
      })
      return promise
    }
    for (let turn = 0; turn < 2; turn += 1) {
      // Warm: from here on nothing but the event makes the second process look again.
      assert.equal((await listTools(second.app, serverId, token)).status, 200)
      const suspended = nextEvent()
      await ask(app, HASMCP_ADMIN_KEY, SUSPEND, { id })
      const since = performance.now()
      await suspended
      await assertSuspended(second.app, { apiKey, serverId, token })
      assert(performance.now() - since < 1_000, `turn ${turn}`)
      const reactivated = nextEvent()
      await ask(app, HASMCP_ADMIN_KEY, REACTIVATE, { id })
      await reactivated
      assert.equal((await listTools(second.app, serverId, token)).status, 200)
    }
  },
)

test('createAccount with an idempotencyKey makes one account, however often and at once it is sent', async (t) => {
  const { app } = await start(t)
  const create = (name: string) =>
    mutate<{ data?: { account: { id: string }; apiKey: string }; message?: string }>(
      app,
      HASMCP_ADMIN_KEY,
      'createAccount',
      { name, idempotencyKey: 'once' },
      'account { id } apiKey',
    )
  const made = await Promise.all(Array.from({ length: 8 }, () => create('Tea shop')))
  assert.equal(new Set(made.map(({ data }) => JSON.stringify(data))).size, 1)
  const { accounts } = await ask<{ accounts: { totalCount: number } }>(
    app,
    HASMCP_ADMIN_KEY,
    '{ accounts(first: 1) { totalCount } }',
  )
  assert.equal(accounts.totalCount, 2)
  const { viewer } = await ask<{ viewer: object }>(
    app,
    made[0]?.data?.apiKey ?? '',
    '{ viewer { account { id } } }',
  )
  assert.deepEqual(viewer, { account: { id: made[0]?.data?.account.id } })
  assert.equal(
    (await create('Coffee shop')).message,
    'The idempotencyKey "once" was used for another createAccount; expected the same mutation with the same input, or another key',
  )
})
