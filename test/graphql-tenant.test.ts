// Another account's object and one that never was look alike: every field that takes an id is asked
// for both, and the answers must be the same bytes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  isInputObjectType,
  isNonNullType,
  isObjectType,
  type GraphQLArgument,
  type GraphQLInputType,
} from 'graphql'
import type { Database } from '../db/client.ts'
import { schema } from '../schema/schema.ts'
import { addMember } from './support/account.ts'
import { importProvider, openControlPlane, openapi, type Client } from './support/control-plane.ts'

const ERROR = '__typename ... on Error { code message }'
const TEXT = JSON.stringify(openapi(['get /pets']))

/** What is asked, by the field (of the type) and the argument that takes the id. `$id` is the id. */
const OPERATIONS: Readonly<Record<string, string>> = {
  'node.id': 'query($id: ID!) { node(id: $id) { __typename id } }',
  'nodes.ids': 'query($id: ID!) { nodes(ids: [$id]) { __typename id } }',
  'account.id': 'query($id: ID!) { account(id: $id) { id name } }',
  'suspendAccount.id': `mutation($id: ID!) { suspendAccount(id: $id) { ${ERROR} } }`,
  'reactivateAccount.id': `mutation($id: ID!) { reactivateAccount(id: $id) { ${ERROR} } }`,
  'updateMembership.id': `mutation($id: ID!) { updateMembership(input: { id: $id, role: BILLING }) { ${ERROR} } }`,
  'deleteMembership.id': `mutation($id: ID!) { deleteMembership(id: $id) { ${ERROR} } }`,
  'revokeInvitation.id': `mutation($id: ID!) { revokeInvitation(id: $id) { ${ERROR} } }`,
  'grantServer.serverId': `mutation($id: ID!, $member: ID!) { grantServer(input: { serverId: $id, membershipId: $member, level: EDIT }) { ${ERROR} } }`,
  'grantServer.membershipId': `mutation($id: ID!, $mine: ID!) { grantServer(input: { serverId: $mine, membershipId: $id, level: EDIT }) { ${ERROR} } }`,
  'revokeServerGrant.serverId': `mutation($id: ID!, $member: ID!) { revokeServerGrant(input: { serverId: $id, membershipId: $member }) { ${ERROR} } }`,
  'revokeServerGrant.membershipId': `mutation($id: ID!, $mine: ID!) { revokeServerGrant(input: { serverId: $mine, membershipId: $id }) { ${ERROR} } }`,
  // Of a person who is signed in: a key is refused whatever the id. What a person is answered is
  // session.test.ts's.
  'revokeSession.id': `mutation($id: ID!) { revokeSession(id: $id) { ${ERROR} } }`,
  'switchAccount.accountId': `mutation($id: ID!) { switchAccount(accountId: $id) { ${ERROR} } }`,
  'provider.id': 'query($id: ID!) { provider(id: $id) { id name } }',
  'tool.id': 'query($id: ID!) { tool(id: $id) { id name } }',
  'server.id': 'query($id: ID!) { server(id: $id) { id name } }',
  'revokeApiKey.id': `mutation($id: ID!) { revokeApiKey(id: $id) { ${ERROR} } }`,
  'deleteProvider.id': `mutation($id: ID!) { deleteProvider(id: $id) { ${ERROR} } }`,
  'updateProvider.id': `mutation($id: ID!) { updateProvider(input: { id: $id, name: "Taken over" }) { ${ERROR} } }`,
  'updateTool.id': `mutation($id: ID!) { updateTool(input: { id: $id, isEnabled: false }) { ${ERROR} } }`,
  'updateTools.ids': `mutation($id: ID!) { updateTools(input: { ids: [$id], isEnabled: false }) { ${ERROR} } }`,
  'deleteTools.ids': `mutation($id: ID!) { deleteTools(ids: [$id]) { ${ERROR} } }`,
  'createTool.providerId': `mutation($id: ID!) { createTool(input: { providerId: $id, name: "t", request: { method: GET, path: "/" } }) { ${ERROR} } }`,
  'tools.providerId':
    'query($id: ID!) { tools(first: 1, filter: { providerId: $id }) { nodes { id } } }',
  'servers.providerId':
    'query($id: ID!) { servers(first: 1, filter: { providerId: $id }) { nodes { id } } }',
  'Provider.tools.providerId':
    'query($id: ID!) { providers(first: 1) { nodes { tools(first: 1, filter: { providerId: $id }) { totalCount nodes { id } } } } }',
  'Server.tools.providerId':
    'query($id: ID!, $mine: ID!) { server(id: $mine) { tools(first: 1, filter: { providerId: $id }) { totalCount nodes { id } } } }',
  'Server.serverTools.toolIds':
    'query($id: ID!, $mine: ID!) { server(id: $mine) { serverTools(toolIds: [$id]) { name tool { id } } } }',
  'callTool.toolId': `mutation($id: ID!) { callTool(input: { toolId: $id }) { ${ERROR} } }`,
  'callTool.serverId': `mutation($id: ID!, $tool: ID!) { callTool(input: { toolId: $tool, serverId: $id }) { ${ERROR} } }`,
  'updateServerTool.serverId': `mutation($id: ID!, $tool: ID!) { updateServerTool(input: { serverId: $id, toolId: $tool, isEnabled: false }) { ${ERROR} } }`,
  'updateServerTool.toolId': `mutation($id: ID!, $mine: ID!) { updateServerTool(input: { serverId: $mine, toolId: $id, isEnabled: false }) { ${ERROR} } }`,
  'setServerTools.serverId': `mutation($id: ID!) { setServerTools(input: { serverId: $id, toolIds: [] }) { ${ERROR} } }`,
  'setServerTools.toolIds': `mutation($id: ID!, $mine: ID!) { setServerTools(input: { serverId: $mine, toolIds: [$id] }) { ${ERROR} } }`,
  'createServer.toolIds': `mutation($id: ID!) { createServer(input: { name: "S", toolIds: [$id] }) { ${ERROR} } }`,
  'createServer.providerIds': `mutation($id: ID!) { createServer(input: { name: "S", providerIds: [$id] }) { ${ERROR} } }`,
  'updateServer.id': `mutation($id: ID!) { updateServer(input: { id: $id, name: "Taken over" }) { ${ERROR} } }`,
  'deleteServer.id': `mutation($id: ID!) { deleteServer(id: $id) { ${ERROR} } }`,
  'addServerTools.serverId': `mutation($id: ID!) { addServerTools(input: { serverId: $id }) { ${ERROR} } }`,
  'addServerTools.toolIds': `mutation($id: ID!, $mine: ID!) { addServerTools(input: { serverId: $mine, toolIds: [$id] }) { ${ERROR} } }`,
  'addServerTools.providerIds': `mutation($id: ID!, $mine: ID!) { addServerTools(input: { serverId: $mine, providerIds: [$id] }) { ${ERROR} } }`,
  'removeServerTools.serverId': `mutation($id: ID!) { removeServerTools(input: { serverId: $id, toolIds: [] }) { ${ERROR} } }`,
  'removeServerTools.toolIds': `mutation($id: ID!, $mine: ID!) { removeServerTools(input: { serverId: $mine, toolIds: [$id] }) { ${ERROR} } }`,
  'createServerToken.serverId': `mutation($id: ID!) { createServerToken(input: { serverId: $id, name: "T" }) { ${ERROR} } }`,
  'revokeServerToken.id': `mutation($id: ID!) { revokeServerToken(id: $id) { ${ERROR} } }`,
  'variable.id': 'query($id: ID!) { variable(id: $id) { id name } }',
  'variables.providerId':
    'query($id: ID!) { variables(first: 1, filter: { providerId: $id }) { nodes { id } } }',
  'createVariable.providerId': `mutation($id: ID!) { createVariable(input: { name: "N", kind: SECRET, value: "v", providerId: $id }) { ${ERROR} } }`,
  'updateVariable.id': `mutation($id: ID!) { updateVariable(input: { id: $id, value: "taken over" }) { ${ERROR} } }`,
  'deleteVariable.id': `mutation($id: ID!) { deleteVariable(id: $id) { ${ERROR} } }`,
  'prompt.id': 'query($id: ID!) { prompt(id: $id) { id name } }',
  'createPrompt.serverId': `mutation($id: ID!) { createPrompt(input: { serverId: $id, name: "P", messages: [{ role: USER, text: "x" }] }) { ${ERROR} } }`,
  'updatePrompt.id': `mutation($id: ID!) { updatePrompt(input: { id: $id, title: "taken over" }) { ${ERROR} } }`,
  'deletePrompt.id': `mutation($id: ID!) { deletePrompt(id: $id) { ${ERROR} } }`,
  'resource.id': 'query($id: ID!) { resource(id: $id) { id name } }',
  'createResource.serverId': `mutation($id: ID!) { createResource(input: { serverId: $id, uri: "a:b", name: "R", text: "x" }) { ${ERROR} } }`,
  'createResource.toolId': `mutation($id: ID!, $mine: ID!) { createResource(input: { serverId: $mine, uri: "a:b", name: "R", toolId: $id }) { ${ERROR} } }`,
  'updateResource.id': `mutation($id: ID!) { updateResource(input: { id: $id, text: "taken over" }) { ${ERROR} } }`,
  'updateResource.toolId': `mutation($id: ID!, $resource: ID!) { updateResource(input: { id: $resource, toolId: $id }) { ${ERROR} } }`,
  'deleteResource.id': `mutation($id: ID!) { deleteResource(id: $id) { ${ERROR} } }`,
  'interceptor.id': 'query($id: ID!) { interceptor(id: $id) { id name } }',
  'createInterceptor.toolId': `mutation($id: ID!) { createInterceptor(input: { toolId: $id, name: "I", phase: REQUEST, engine: JMESPATH, code: "@" }) { ${ERROR} } }`,
  'createInterceptor.serverId': `mutation($id: ID!) { createInterceptor(input: { serverId: $id, name: "I", phase: REQUEST, engine: JMESPATH, code: "@" }) { ${ERROR} } }`,
  'updateInterceptor.id': `mutation($id: ID!) { updateInterceptor(input: { id: $id, code: "a" }) { ${ERROR} } }`,
  'deleteInterceptor.id': `mutation($id: ID!) { deleteInterceptor(id: $id) { ${ERROR} } }`,
  'importOpenApi.documentId': `mutation($id: ID!) { importOpenApi(input: { documentId: $id }) { ${ERROR} } }`,
  'importOpenApi.providerId': `mutation($id: ID!) { importOpenApi(input: { providerId: $id, text: ${TEXT} }) { ${ERROR} } }`,
}

test('every argument that takes an id, at the root or in a list, is in the table', () => {
  const roots = new Set(['Query', 'Mutation'])
  const types = Object.values(schema.getTypeMap()).filter(isObjectType)
  const found = types.flatMap((type) =>
    Object.values(type.getFields()).flatMap((field) => {
      const name = roots.has(type.name) ? field.name : `${type.name}.${field.name}`
      return field.args.flatMap(idsOf).map((argument) => `${name}.${argument}`)
    }),
  )
  assert.deepEqual(found.toSorted(), Object.keys(OPERATIONS).toSorted())
})

/** The names of the argument's ids: its own, or those of the fields of its input. */
function idsOf({ name, type }: Pick<GraphQLArgument, 'name' | 'type'>): string[] {
  const named = isNonNullType(type) ? type.ofType : type
  if (!isInputObjectType(named)) return isId(type) ? [name] : []
  return Object.values(named.getFields()).flatMap(idsOf)
}

function isId(type: GraphQLInputType): boolean {
  return /^\[?ID!?\]?!?$/.test(String(type))
}

/** One of everything, and a picture of it. */
async function fill(db: Database, client: Client): Promise<Readonly<Record<string, string>>> {
  const { providerId, toolIds } = await importProvider(client)
  const server = await client.mutate<{ data: { id: string } }>(
    'createServer',
    { name: 'Mine', toolIds },
    'id',
  )
  const token = await client.mutate<{ data: { serverToken: { id: string } } }>(
    'createServerToken',
    { serverId: server.data.id, name: 'T' },
    'serverToken { id }',
  )
  const { viewer } = await client.ask<{ viewer: { apiKey: { id: string } } }>(
    '{ viewer { apiKey { id } } }',
  )
  const variable = await client.mutate<{ data: { id: string } }>(
    'createVariable',
    { name: 'V', kind: 'SECRET', value: 'v', providerId },
    'id',
  )
  const interceptor = await client.mutate<{ data: { id: string } }>(
    'createInterceptor',
    { serverId: server.data.id, name: 'I', phase: 'RESPONSE', engine: 'JMESPATH', code: '@' },
    'id',
  )
  const prompt = await client.mutate<{ data: { id: string } }>(
    'createPrompt',
    { serverId: server.data.id, name: 'P', messages: [{ role: 'USER', text: 'x' }] },
    'id',
  )
  const resource = await client.mutate<{ data: { id: string } }>(
    'createResource',
    { serverId: server.data.id, uri: 'a:b', name: 'R', text: 'x' },
    'id',
  )
  const email = `${client.accountId}@example.com`
  const mbr = await addMember(db, client.accountId, email)
  await client.mutate('grantServer', {
    serverId: server.data.id,
    membershipId: mbr,
    level: 'USE',
  })
  const { memberships } = await client.ask<{ memberships: { nodes: { user: { id: string } }[] } }>(
    '{ memberships(first: 1) { nodes { user { id } } } }',
  )
  const invited = await client.mutate<{ data: { invitation: { id: string } } }>(
    'createInvitation',
    { email: `friend-${email}`, role: 'MEMBER' },
    'invitation { id }',
  )
  const document = (await (await client.upload(openapi(['get /pets']))).json()) as {
    documentId: string
  }
  return {
    acc: client.accountId,
    key: viewer.apiKey.id,
    prv: providerId,
    tool: toolIds[0] ?? '',
    srv: server.data.id,
    tok: token.data.serverToken.id,
    var: variable.data.id,
    icp: interceptor.data.id,
    pmt: prompt.data.id,
    res: resource.data.id,
    usr: memberships.nodes[0]?.user.id ?? '',
    mbr,
    inv: invited.data.invitation.id,
    doc: document.documentId,
  }
}

const PICTURE = `{
  apiKeys(first: 9) { nodes { id revokedAt } }
  memberships(first: 9) { nodes { id role serverGrants { level createdAt } } }
  invitations(first: 9) { nodes { id revokedAt } }
  variables(first: 9) { nodes { id version } }
  interceptors(first: 9) { nodes { id version code } }
  prompts(first: 9) { nodes { id version title } }
  resources(first: 9) { nodes { id version text } }
  providers(first: 9) { nodes { id name version tools(first: 9) { nodes { id isEnabled updatedAt } } } }
  servers(first: 9) { nodes { id name version tools(first: 9) { nodes { id } } tokens(first: 9) { nodes { id revokedAt } } } }
}`

const NOTHING = /NOT_FOUND|INVALID|FORBIDDEN|"totalCount":0,"nodes":\[\]|"serverTools":\[\]/

test("another account's id answers the same bytes as one that never was, and changes nothing", async () => {
  const plane = await openControlPlane()
  const theirs = await fill(plane.db, plane.other)
  const { data: mine } = await plane.mutate<{ data: { id: string } }>(
    'createServer',
    { name: 'My own' },
    'id',
  )
  const { toolIds } = await importProvider(plane)
  const [tool = ''] = toolIds
  const { data: own } = await plane.mutate<{ data: { id: string } }>(
    'createResource',
    { serverId: mine.id, uri: 'a:mine', name: 'R', text: 'x' },
    'id',
  )
  const member = await addMember(plane.db, plane.accountId, 'mine@example.com')
  const known = { mine: mine.id, tool, resource: own.id, member }
  const before = [await plane.ask(PICTURE), await plane.other.ask(PICTURE)]
  const nobody = '01h455vb4pex5vsknk084sn02q'
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    for (const [prefix, id] of Object.entries(theirs)) {
      const random = `${prefix}_${nobody}`
      const [foreign, unknown] = [
        await plane.send(operation, { id, ...known }),
        await plane.send(operation, { id: random, ...known }),
      ]
      assert.deepEqual(
        { status: foreign.status, text: foreign.text.replaceAll(id, random) },
        { status: unknown.status, text: unknown.text },
        `${name} ${prefix}`,
      )
      if (name !== 'removeServerTools.toolIds')
        assert.match(foreign.text, NOTHING, `${name} ${prefix}`)
    }
  }
  assert.deepEqual([await plane.ask(PICTURE), await plane.other.ask(PICTURE)], before)
  assert.deepEqual(plane.logged, [])
})

test('every id reads back by node as what it is, and nodes keeps the order', async () => {
  const plane = await openControlPlane()
  const { doc, ...ids } = await fill(plane.db, plane)
  const list = Object.values(ids)
  const { nodes } = await plane.ask<{ nodes: object[] }>(
    'query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }',
    { ids: list },
  )
  const typenames = [
    'Account',
    'ApiKey',
    'Provider',
    'Tool',
    'Server',
    'ServerToken',
    'Variable',
    'Interceptor',
    'Prompt',
    'Resource',
    'User',
    'Membership',
    'Invitation',
  ]
  assert.deepEqual(
    nodes,
    list.map((id, index) => ({ __typename: typenames[index], id })),
  )
  const message = (id: string) =>
    `id is ${JSON.stringify(id)}; expected an id of this API, such as "srv_01h455vb4pex5vsknk084sn02q"`
  for (const id of [
    doc ?? '',
    '',
    'x',
    '__proto__',
    'constructor_01h455vb4pex5vsknk084sn02q',
    'srv_',
    'SRV_01h455vb4pex5vsknk084sn02q',
    'srv_81h455vb4pex5vsknk084sn02q',
    'srv_01h455vb4pex5vsknk084sn02q ',
  ]) {
    const { body } = await plane.send('query($id: ID!) { node(id: $id) { id } }', { id })
    assert.deepEqual(
      body.errors?.map((error) => error['message']),
      [message(id)],
    )
    const many = await plane.send('query($ids: [ID!]!) { nodes(ids: $ids) { id } }', {
      ids: [list[0], id],
    })
    assert.deepEqual(many.body, {
      data: { nodes: [{ id: list[0] }, null] },
      errors: [
        {
          message: message(id),
          locations: [{ line: 1, column: 23 }],
          path: ['nodes', 1],
          extensions: { code: 'INVALID', requestId: 'request-1', inputPath: ['id'] },
        },
      ],
    })
  }
  const { body } = await plane.send('query($ids: [ID!]!) { nodes(ids: $ids) { id } }', {
    ids: Array.from({ length: 101 }, () => list[0]),
  })
  assert.deepEqual(
    body.errors?.map((error) => error['message']),
    ['ids has 101 entries, the limit is 100'],
  )
})
