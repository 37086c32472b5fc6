// Orders and filters of lists, and the booleans that say what a viewer may do.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openControlPlane, type Client } from './support/control-plane.ts'
import { startApp } from './support/app.ts'
import { graphql } from './support/graphql.ts'

const PAGE = `query($first: Int!, $after: String, $orderBy: ListOrder, $filter: ServerFilter) {
  servers(first: $first, after: $after, orderBy: $orderBy, filter: $filter) {
    totalCount nodes { name } pageInfo { endCursor hasNextPage } } }`

interface Servers {
  readonly servers: {
    readonly totalCount: number
    readonly nodes: readonly { readonly name: string }[]
    readonly pageInfo: { readonly endCursor: string; readonly hasNextPage: boolean }
  }
}

async function makeServers(client: Client, names: readonly string[]): Promise<Map<string, string>> {
  const ids = new Map<string, string>()
  for (const name of names) {
    const { data } = await client.mutate<{ data: { id: string } }>('createServer', { name }, 'id')
    ids.set(name, data.id)
  }
  return ids
}

async function readAll(client: Client, variables: object): Promise<string[]> {
  const names: string[] = []
  let after: string | undefined
  do {
    const { servers } = await client.ask<Servers>(PAGE, { first: 2, after, ...variables })
    names.push(...servers.nodes.map(({ name }) => name))
    after = servers.pageInfo.hasNextPage ? servers.pageInfo.endCursor : undefined
  } while (after !== undefined)
  return names
}

test('a list is ordered by name or by a time, up or down, page after page', async () => {
  const plane = await openControlPlane()
  const ids = await makeServers(plane, ['b', 'd', 'a', 'c', 'e'])
  await plane.mutate('updateServer', { id: ids.get('d'), instructions: 'changed' }, 'id')
  const by = (field: string, isDescending?: boolean) =>
    readAll(plane, { orderBy: { field, isDescending } })
  assert.deepEqual(await readAll(plane, {}), ['b', 'd', 'a', 'c', 'e'])
  assert.deepEqual(await by('NAME'), ['a', 'b', 'c', 'd', 'e'])
  assert.deepEqual(await by('NAME', true), ['e', 'd', 'c', 'b', 'a'])
  assert.deepEqual(await by('CREATED_AT', false), ['b', 'd', 'a', 'c', 'e'])
  assert.deepEqual(await by('CREATED_AT', true), ['e', 'c', 'a', 'd', 'b'])
  assert.equal((await by('UPDATED_AT', true))[0], 'd')
})

test('rows that come, go and move while a list is paged are neither doubled nor do they hide others', async () => {
  const plane = await openControlPlane()
  const ids = await makeServers(plane, ['a', 'b', 'c', 'd', 'e'])
  const orderBy = { field: 'NAME' }
  const { servers: first } = await plane.ask<Servers>(PAGE, { first: 2, orderBy })
  // The row that the cursor stands at goes away, and another takes its name.
  await plane.ask('mutation($id: ID!) { deleteServer(id: $id) { __typename } }', {
    id: ids.get('b'),
  })
  await makeServers(plane, ['b', 'bb'])
  const after = first.pageInfo.endCursor
  const { servers: second } = await plane.ask<Servers>(PAGE, { first: 9, after, orderBy })
  assert.deepEqual(
    second.nodes.map(({ name }) => name),
    ['b', 'bb', 'c', 'd', 'e'],
  )
  for (const other of [undefined, { field: 'NAME', isDescending: true }, { field: 'CREATED_AT' }]) {
    const { body } = await plane.send(PAGE, { first: 2, after, orderBy: other })
    assert.equal(
      body.errors?.[0]?.['message'],
      'after is no cursor of this list; expected the endCursor of a page of it',
    )
  }
})

test('servers are found by a part of their name and by a provider of their tools', async () => {
  const plane = await openControlPlane()
  await makeServers(plane, ['Shop', 'shopping', 'other%'])
  const { data } = await plane.mutate<{ data: { id: string } }>(
    'createProvider',
    { name: 'P', baseUrl: 'https://p.example', iconUrl: 'https://p.example/icon.svg' },
    'id',
  )
  const tool = await plane.mutate<{ data: { id: string } }>(
    'createTool',
    { providerId: data.id, name: 't', request: { method: 'GET', path: '/' } },
    'id',
  )
  await plane.mutate('createServer', { name: 'with', toolIds: [tool.data.id] }, 'id')
  assert.deepEqual(await readAll(plane, { filter: { nameContains: 'SHOP' } }), ['Shop', 'shopping'])
  assert.deepEqual(await readAll(plane, { filter: { nameContains: '%' } }), ['other%'])
  assert.deepEqual(await readAll(plane, { filter: { providerId: data.id } }), ['with'])
  assert.deepEqual(await readAll(plane, { filter: { providerId: data.id, nameContains: 'x' } }), [])
})

test('API keys and accounts are found by a part of their name and by whether they still work', async (t) => {
  const HASMCP_ADMIN_KEY = 'an-administrator-of-the-whole-house'
  const app = await startApp(t, { HASMCP_ADMIN_KEY })
  const ask = <T>(query: string, variables: object = {}) =>
    graphql<T>(app.graphqlUrl, HASMCP_ADMIN_KEY, query, variables)
  const find = async (list: 'accounts' | 'apiKeys', filter: object) => {
    const type = list === 'accounts' ? 'AccountFilter' : 'ApiKeyFilter'
    const query = `query($filter: ${type}) { found: ${list}(first: 9, filter: $filter) { totalCount nodes { id name } } }`
    const { found } = await ask<{ found: { totalCount: number; nodes: { name: string }[] } }>(
      query,
      { filter },
    )
    assert.equal(found.totalCount, found.nodes.length)
    return found.nodes.map(({ name }) => name)
  }
  const ids: string[] = []
  for (const name of ['Tea shop', 'Coffee shop_', 'Bank']) {
    const account = await ask<{ made: { data: { account: { id: string } } } }>(
      'mutation($name: String!) { made: createAccount(input: { name: $name }) { ... on CreateAccountSuccess { data { account { id } } } } }',
      { name },
    )
    const key = await ask<{ made: { data: { apiKey: { id: string } } } }>(
      'mutation($name: String!) { made: createApiKey(input: { name: $name }) { ... on CreateApiKeySuccess { data { apiKey { id } } } } }',
      { name },
    )
    ids.push(account.made.data.account.id, key.made.data.apiKey.id)
  }
  await ask(
    'mutation($account: ID!, $key: ID!) { suspendAccount(id: $account) { __typename } revokeApiKey(id: $key) { __typename } }',
    { account: ids[0], key: ids[1] },
  )
  for (const [list, state] of [
    ['accounts', 'isSuspended'],
    ['apiKeys', 'isRevoked'],
  ] as const) {
    assert.deepEqual(await find(list, { nameContains: 'SHOP' }), ['Tea shop', 'Coffee shop_'])
    assert.deepEqual(await find(list, { nameContains: '_' }), ['Coffee shop_'])
    assert.deepEqual(await find(list, { [state]: true }), ['Tea shop'])
    assert.deepEqual(await find(list, { [state]: false, nameContains: 'shop' }), ['Coffee shop_'])
  }
})

test('an icon is an https or a small image data URL', async () => {
  const plane = await openControlPlane()
  let count = 0
  const make = async (iconUrl: string) => {
    const input = { name: `P${(count += 1)}`, baseUrl: 'https://p.example', iconUrl }
    const result = await plane.mutate<{ message?: string; data?: { iconUrl: string } }>(
      'createProvider',
      input,
      'iconUrl',
    )
    return result.message ?? result.data?.iconUrl
  }
  const image = (bytes: number) => `data:image/png;base64,${Buffer.alloc(bytes).toString('base64')}`
  for (const good of ['https://p.example/i.png', image(16_383)])
    assert.equal(await make(good), good)
  const refused =
    'iconUrl is a data: URL that cannot be shown; expected a PNG, JPEG, WebP or SVG image in base64 of at most 16384 bytes'
  for (const bad of [
    image(16_500),
    'data:text/html;base64,AAAA',
    'data:image/png,AAAA',
    'DATA:image/png;base64,AA',
  ]) {
    assert.equal(await make(bad), refused)
  }
  for (const bad of ['http://p.example/i.png', 'javascript:alert(1)', '/i.png']) {
    assert.match((await make(bad)) ?? '', /^iconUrl is .*; expected an absolute https URL/)
  }
})

test('what viewerCan… says is what the mutation does', async (t) => {
  const HASMCP_ADMIN_KEY = 'an-administrator-of-the-whole-house'
  const app = await startApp(t, { HASMCP_ADMIN_KEY })
  const ask = <T>(query: string, key = HASMCP_ADMIN_KEY) => graphql<T>(app.graphqlUrl, key, query)
  const { createAccount } = await ask<{ createAccount: { data: { apiKey: string } } }>(
    'mutation { createAccount(input: { name: "A" }) { ... on CreateAccountSuccess { data { apiKey } } } }',
  )
  const owner = createAccount.data.apiKey
  const QUERY =
    '{ viewer { viewerCanAdministerAccounts account { id viewerCanSuspend } apiKey { viewerCanRevoke } } }'
  const administrator = await ask<{ viewer: { account: { id: string } } }>(QUERY)
  const { id } = administrator.viewer.account
  assert.deepEqual(administrator, {
    viewer: {
      viewerCanAdministerAccounts: true,
      account: { id, viewerCanSuspend: false },
      apiKey: null,
    },
  })
  const other = await ask<{ viewer: { account: { id: string } } }>(QUERY, owner)
  assert.deepEqual(other.viewer, {
    viewerCanAdministerAccounts: false,
    account: { id: other.viewer.account.id, viewerCanSuspend: false },
    apiKey: { viewerCanRevoke: true },
  })
  const { accounts } = await ask<{
    accounts: { nodes: { id: string; viewerCanSuspend: boolean }[] }
  }>('{ accounts(first: 9) { nodes { id viewerCanSuspend } } }')
  for (const account of accounts.nodes) {
    const { suspendAccount } = await ask<{ suspendAccount: { __typename: string } }>(
      `mutation { suspendAccount(id: "${account.id}") { __typename } }`,
    )
    assert.equal(suspendAccount.__typename === 'SuspendAccountSuccess', account.viewerCanSuspend)
  }
})
