// Lending a member one server, through the front door: what they then may do with it, and that all
// else stays as closed as if it were not there.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { mcpRequest } from './support/mcp.ts'
import {
  join,
  membershipOf,
  signIn,
  signInByLink,
  withKey,
  type Person,
  type Sender,
} from './support/person.ts'
import { openWorld } from './support/world.ts'

const world = await openWorld({ after })
const { app } = world
const owner = await signInByLink(app)
const providerId = await world.importProvider(['get /pets'])
const { tools } = await owner.ask<{ tools: { nodes: { id: string }[] } }>(
  '{ tools(first: 1) { nodes { id } } }',
)
const toolId = tools.nodes[0]?.id ?? ''
const [lent, kept] = [await fillServer('Lent'), await fillServer('Kept')]

/** A server with one of everything, and its token. */
async function fillServer(name: string) {
  const server = await owner.make('createServer', { input: { name, providerIds: [providerId] } })
  const serverId = server.id
  const token = await makeToken(owner, serverId)
  const make = async (mutation: string, input: object) =>
    (await owner.make(mutation, { input: { serverId, name: 'Own', ...input } })).id
  return {
    id: serverId,
    token,
    prompt: await make('createPrompt', { messages: [{ role: 'USER', text: 'x' }] }),
    resource: await make('createResource', { uri: 'a:b', text: 'x' }),
    live: await make('createResource', { uri: 'a:c', toolId }),
    interceptor: await make('createInterceptor', {
      phase: 'RESPONSE',
      engine: 'JMESPATH',
      code: '@',
    }),
  }
}

async function makeToken(sender: Sender, serverId: string) {
  const { token, serverToken } = await sender.make<{ token: string; serverToken: { id: string } }>(
    'createServerToken',
    { input: { serverId, name: 'Token' } },
    'token serverToken { id }',
  )
  const status = async () => (await mcpRequest(app.mcpUrl(serverId), token, 'tools/list')).status
  return { id: serverToken.id, status }
}

/** Who has the grant now, and is signed in again. */
async function grant(person: Person, serverId: string, level: 'USE' | 'EDIT') {
  const membershipId = await membershipOf(owner, person)
  const answer = await owner.make(
    'grantServer',
    { input: { serverId, membershipId, level } },
    'level server { id } membership { id }',
  )
  assert.deepEqual(answer, { level, server: { id: serverId }, membership: { id: membershipId } })
  assert.equal((await person.send('{ viewer { id } }')).status, 401, 'the session has ended')
  return await signIn(app, person.email)
}

const SERVERS = '{ servers(first: 9) { totalCount nodes { name } } }'
const TOKENS = `query($id: ID!) { server(id: $id) {
  name tools(first: 9) { nodes { name } } tokens(first: 9) { nodes { id user { email } } } } }`

const FORBIDDEN = (permission: string, roles: string) =>
  `FORBIDDEN: The role MEMBER lacks the permission ${permission}, which ${roles} have`
const BUILDERS = 'OWNER, ADMIN, and DEVELOPER'
const READERS = 'OWNER, ADMIN, DEVELOPER, and ANALYST'

/** The text of an answer without what is another's by chance. */
async function bytes(sender: Sender, query: string, id: string): Promise<string> {
  const { status, text } = await sender.send(query, { id })
  return `${status} ${text.replace(/"requestId":"[^"]+"/, '').replaceAll(id, '$id')}`
}

test('to use: a member sees that server and its tools, makes tokens for it and ends them, and no more', async () => {
  const before = await join(app, owner, 'ann@example.com', 'MEMBER')
  assert.deepEqual(await before.ask(SERVERS), { servers: { totalCount: 0, nodes: [] } })
  const ann = await grant(before, lent.id, 'USE')
  const one = { servers: { totalCount: 1, nodes: [{ name: 'Lent' }] } }
  assert.deepEqual(await ann.ask(SERVERS), one)
  const own = await makeToken(ann, lent.id)
  assert.equal(await own.status(), 200)
  assert.deepEqual(await ann.ask(TOKENS, { id: lent.id }), {
    server: {
      name: 'Lent',
      tools: { nodes: [{ name: 'get_pets' }] },
      tokens: { nodes: [{ id: own.id, user: { email: ann.email } }] },
    },
  })
  for (const [query, permission] of [
    ['{ providers(first: 1) { totalCount } }', 'provider:read'],
    ['{ tools(first: 1) { totalCount } }', 'tool:read'],
    [
      '{ servers(first: 1) { nodes { tools(first: 1) { nodes { provider { id } } } } } }',
      'provider:read',
    ],
    ['{ servers(first: 1) { nodes { prompts(first: 1) { totalCount } } } }', 'prompt:read'],
    [
      '{ servers(first: 1) { nodes { tools(first: 1) { nodes { interceptors(first: 1) { totalCount } } } } } }',
      'interceptor:read',
    ],
    ['{ memberships(first: 1) { totalCount } }', 'membership:read'],
    ['{ interceptors(first: 1) { totalCount } }', 'interceptor:read'],
  ] as const) {
    const { text } = await ann.send(query)
    assert.match(text, new RegExp(`The role MEMBER lacks the permission ${permission}`), query)
  }
  for (const [name, args, refusal] of [
    ['createServer', { input: { name: 'Mine' } }, FORBIDDEN('server:write', BUILDERS)],
    ['updateServer', { input: { id: lent.id, name: 'M' } }, FORBIDDEN('server:write', BUILDERS)],
    ['deletePrompt', { id: lent.prompt }, FORBIDDEN('prompt:write', BUILDERS)],
    [
      'createServerToken',
      { input: { serverId: kept.id, name: 'T' } },
      FORBIDDEN('server-token:write', BUILDERS),
    ],
    // The token of somebody else, for the server that is lent and for the one that is not.
    ['revokeServerToken', { id: lent.token.id }, `NOT_FOUND: No server token ${lent.token.id}`],
    ['revokeServerToken', { id: kept.token.id }, FORBIDDEN('server-token:write', BUILDERS)],
    [
      'grantServer',
      { input: { serverId: kept.id, membershipId: providerId, level: 'EDIT' } },
      FORBIDDEN('server-grant:write', 'OWNER and ADMIN'),
    ],
  ] as const) {
    assert.equal(await ann.refusal(name, args), refusal, name)
  }
  assert.deepEqual([await lent.token.status(), await kept.token.status()], [200, 200])
  // A key of theirs has the grant, too.
  const { key } = await ann.make<{ key: string }>('createApiKey', { input: { name: 'K' } }, 'key')
  assert.deepEqual(await withKey(app, key).ask(SERVERS), one)
  await ann.make('revokeServerToken', { id: own.id })
  assert.equal(await own.status(), 401)
})

test('what is not lent answers the same bytes as what never was', async () => {
  const ann = await signIn(app, 'ann@example.com')
  const { memberships } = await owner.ask<{ memberships: { nodes: { id: string }[] } }>(
    '{ memberships(first: 1) { nodes { id } } }',
  )
  const { apiKeys } = await owner.ask<{ apiKeys: { nodes: { id: string }[] } }>(
    '{ apiKeys(first: 1) { nodes { id } } }',
  )
  const invited = await owner.make<{ invitation: { id: string } }>(
    'createInvitation',
    { input: { email: 'x@example.com', role: 'MEMBER' } },
    'invitation { id }',
  )
  const { id: variable } = await owner.make('createVariable', {
    input: { name: 'V', kind: 'SECRET', value: 'v' },
  })
  const hidden = [
    kept.id,
    kept.token.id,
    lent.token.id,
    kept.prompt,
    lent.prompt,
    kept.resource,
    kept.interceptor,
    providerId,
    toolId,
    variable,
    owner.userId,
    memberships.nodes[0]?.id ?? '',
    apiKeys.nodes[0]?.id ?? '',
    invited.invitation.id,
  ]
  const fields: Readonly<Record<string, string>> = {
    srv: 'query($id: ID!) { server(id: $id) { id } }',
    pmt: 'query($id: ID!) { prompt(id: $id) { id } }',
    res: 'query($id: ID!) { resource(id: $id) { id } }',
    icp: 'query($id: ID!) { interceptor(id: $id) { id } }',
    tool: 'query($id: ID!) { tool(id: $id) { id } }',
  }
  for (const id of hidden) {
    const [prefix = ''] = id.split('_')
    const unknown = `${prefix}_01h455vb4pex5vsknk084sn02q`
    const node = 'query($id: ID!) { node(id: $id) { id } }'
    for (const query of [node, fields[prefix] ?? node]) {
      const answer = await bytes(ann, query, id)
      assert.equal(answer, await bytes(ann, query, unknown), id)
      assert.match(answer, prefix === 'key' ? /NOT_FOUND/ : /FORBIDDEN/)
    }
  }
  assert.deepEqual(await ann.ask('query($id: ID!) { node(id: $id) { id } }', { id: lent.id }), {
    node: { id: lent.id },
  })
})

test('to edit: a member changes the server and what is its own, and neither its tools nor its APIs', async () => {
  const ben = await grant(await join(app, owner, 'ben@example.com', 'MEMBER'), lent.id, 'EDIT')
  const on = (input: object) => ({ input: { serverId: lent.id, name: 'Bens', ...input } })
  const script = { phase: 'RESPONSE', engine: 'JMESPATH', code: '@' }
  const shown = { serverId: lent.id, toolId, name: 'pets' }
  await ben.make('updateServer', { input: { id: lent.id, instructions: 'Be kind' } })
  await ben.make('updateServerTool', { input: shown }, 'name')
  await ben.make('createPrompt', on({ messages: [{ role: 'USER', text: 'x' }] }))
  await ben.make('updatePrompt', { input: { id: lent.prompt, title: 'T' } })
  const resource = await ben.make('createResource', on({ uri: 'b:b', text: 'x' }))
  await ben.make('deleteResource', { id: resource.id })
  await ben.make('updateInterceptor', { input: { id: lent.interceptor, code: 'a' } })
  await ben.make('createInterceptor', on(script))
  await makeToken(ben, lent.id)
  assert.deepEqual(
    await ben.ask(
      'query($id: ID!) { server(id: $id) { viewerCanUpdate viewerCanDelete prompts(first: 9) { totalCount } } }',
      { id: lent.id },
    ),
    { server: { viewerCanUpdate: true, viewerCanDelete: false, prompts: { totalCount: 2 } } },
  )
  const { server } = await ben.ask<{ server: { resources: { nodes: object[] } } }>(
    'query($id: ID!) { server(id: $id) { resources(first: 9) { nodes { uri viewerCanUpdate viewerCanDelete } } } }',
    { id: lent.id },
  )
  assert.deepEqual(server.resources.nodes, [
    { uri: 'a:b', viewerCanUpdate: true, viewerCanDelete: true },
    { uri: 'a:c', viewerCanUpdate: false, viewerCanDelete: false },
  ])
  const noCall = FORBIDDEN('tool:call', BUILDERS)
  const noServer = FORBIDDEN('server:write', BUILDERS)
  const noPrompt = FORBIDDEN('prompt:write', BUILDERS)
  const noScript = FORBIDDEN('interceptor:write', BUILDERS)
  for (const [name, args, refusal] of [
    ['createResource', on({ uri: 'b:c', toolId }), noCall],
    ['updateResource', { input: { id: lent.resource, toolId } }, noCall],
    ['updateResource', { input: { id: lent.live, arguments: { petId: 1 } } }, noCall],
    ['updateResource', { input: { id: lent.live, text: 'mine' } }, noCall],
    ['deleteResource', { id: lent.live }, noCall],
    ['callTool', { input: { toolId, serverId: lent.id } }, noCall],
    ['deleteServer', { id: lent.id }, noServer],
    [
      'updateServer',
      { input: { id: lent.id, allowedOrigins: ['https://evil.example'] } },
      noServer,
    ],
    ['setServerTools', { input: { serverId: lent.id, toolIds: [] } }, noServer],
    ['addServerTools', { input: { serverId: lent.id, providerIds: [providerId] } }, noServer],
    ['removeServerTools', { input: { serverId: lent.id, toolIds: [toolId] } }, noServer],
    ['updateServer', { input: { id: kept.id, name: 'Bens' } }, noServer],
    ['updateServerTool', { input: { ...shown, serverId: kept.id } }, noServer],
    ['updatePrompt', { input: { id: kept.prompt, title: 'T' } }, noPrompt],
    ['deletePrompt', { id: kept.prompt }, noPrompt],
    ['createInterceptor', { input: { toolId, name: 'I', ...script } }, noScript],
    ['deleteInterceptor', { id: kept.interceptor }, noScript],
    ['updateTool', { input: { id: toolId, title: 'T' } }, FORBIDDEN('tool:write', BUILDERS)],
  ] as const) {
    assert.equal(await ben.refusal(name, args), refusal, `${name} ${JSON.stringify(args)}`)
  }
  // One owner at a time: a grant for the server lends no tool.
  assert.match(await ben.refusal('createInterceptor', on({ toolId, ...script })), /^INVALID: /)
})

test('a grant that ends takes the tokens with it; one that remains keeps them through a lesser role', async () => {
  const cat = await join(app, owner, 'cat@example.com', 'DEVELOPER')
  const [ofLent, ofKept] = [await makeToken(cat, lent.id), await makeToken(cat, kept.id)]
  const granted = await grant(cat, lent.id, 'EDIT')
  const membershipId = await membershipOf(owner, cat)
  const statuses = async () => [await ofLent.status(), await ofKept.status()]
  assert.deepEqual(await statuses(), [200, 200])
  await owner.make('updateMembership', { input: { id: membershipId, role: 'MEMBER' } })
  assert.deepEqual(await statuses(), [200, 401])
  assert.equal((await granted.send(SERVERS)).status, 401)

  const less = await grant(await signIn(app, cat.email), lent.id, 'USE')
  assert.deepEqual(await statuses(), [200, 401])
  assert.match(
    await less.refusal('updateServer', { input: { id: lent.id, name: 'M' } }),
    /^FORBIDDEN/,
  )
  const input = { serverId: lent.id, membershipId }
  const { key } = await less.make<{ key: string }>('createApiKey', { input: { name: 'K' } }, 'key')
  assert.deepEqual(await owner.make('revokeServerGrant', { input }, 'level'), { level: 'USE' })
  assert.deepEqual(await statuses(), [401, 401])
  assert.equal((await less.send(SERVERS)).status, 401)
  assert.equal(await lent.token.status(), 200, 'others keep theirs')
  const nothing = { servers: { totalCount: 0, nodes: [] } }
  for (const sender of [await signIn(app, cat.email), withKey(app, key)]) {
    assert.deepEqual(await sender.ask(SERVERS), nothing)
    assert.match(
      await bytes(sender, TOKENS, lent.id),
      new RegExp(FORBIDDEN('server:read', READERS).slice(11)),
    )
  }
  assert.equal(
    await owner.refusal('revokeServerGrant', { input }),
    `NOT_FOUND: No grant of ${membershipId} for ${lent.id}`,
  )
})
