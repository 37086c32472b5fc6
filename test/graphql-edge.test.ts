// Along every edge of the schema an account finds its own things only: each field of each type is
// asked for all that it leads to, by two accounts that hold the same kinds of things.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import {
  getNamedType,
  isAbstractType,
  isLeafType,
  isNonNullType,
  isObjectType,
  type GraphQLField,
  type GraphQLObjectType,
} from 'graphql'

import type { Database } from '../db/client.ts'
import { schema } from '../schema/schema.ts'
import { addMember } from './support/account.ts'
import { openControlPlane, type Client } from './support/control-plane.ts'

/** All objects of each type that an account reaches, with `inner` selected of them. */
const LISTS: Readonly<Record<string, (inner: string) => string>> = {
  Viewer: (inner) => `viewer { ${inner} }`,
  // Of a person who is signed in: a key finds none. What a person finds is session.test.ts's.
  ViewerAccount: (inner) => `viewer { accounts { ${inner} } }`,
  Session: (inner) => `viewer { sessions { ${inner} } }`,
  Account: (inner) => `viewer { account { ${inner} } }`,
  User: (inner) => `memberships(first: 9) { nodes { user { ${inner} } } }`,
  Membership: (inner) => `memberships(first: 9) { nodes { ${inner} } }`,
  ServerGrant: (inner) => `memberships(first: 9) { nodes { serverGrants { ${inner} } } }`,
  Invitation: (inner) => `invitations(first: 9) { nodes { ${inner} } }`,
  ApiKey: (inner) => `apiKeys(first: 9) { nodes { ${inner} } }`,
  Provider: (inner) => `providers(first: 9) { nodes { ${inner} } }`,
  Header: (inner) => `providers(first: 9) { nodes { headers { ${inner} } } }`,
  QueryParameter: (inner) => `providers(first: 9) { nodes { query { ${inner} } } }`,
  Tool: (inner) => `tools(first: 9) { nodes { ${inner} } }`,
  ToolAnnotations: (inner) => `tools(first: 9) { nodes { annotations { ${inner} } } }`,
  InputRequest: (inner) => `tools(first: 9) { nodes { inputRequests { ${inner} } } }`,
  Variable: (inner) => `variables(first: 9) { nodes { ${inner} } }`,
  Interceptor: (inner) => `interceptors(first: 9) { nodes { ${inner} } }`,
  Prompt: (inner) => `prompts(first: 9) { nodes { ${inner} } }`,
  PromptArgument: (inner) => `prompts(first: 9) { nodes { arguments { ${inner} } } }`,
  PromptMessage: (inner) => `prompts(first: 9) { nodes { messages { ${inner} } } }`,
  Media: (inner) => `prompts(first: 9) { nodes { messages { image { ${inner} } } } }`,
  EmbeddedResource: (inner) => `prompts(first: 9) { nodes { messages { resource { ${inner} } } } }`,
  Resource: (inner) => `resources(first: 9) { nodes { ${inner} } }`,
  ResourceVariable: (inner) => `resources(first: 9) { nodes { variables { ${inner} } } }`,
  Server: (inner) => `servers(first: 9) { nodes { ${inner} } }`,
  ServerToken: (inner) => `servers(first: 9) { nodes { tokens(first: 9) { nodes { ${inner} } } } }`,
  VariableUse: (inner) => `servers(first: 9) { nodes { variables { ${inner} } } }`,
  ServerTool: (inner) =>
    `servers(first: 9) { nodes { serverTools(toolIds: [$tool]) { ${inner} } } }`,
}

const fieldsOf = (type: GraphQLObjectType) => Object.values(type.getFields())

/** Every leaf of the type that needs no argument. */
function leavesOf(type: GraphQLObjectType): string {
  const leaves = fieldsOf(type).filter(
    (field) =>
      isLeafType(getNamedType(field.type)) && !field.args.some((arg) => isNonNullType(arg.type)),
  )
  return leaves.map(({ name }) => name).join(' ')
}

/** A selection of all that the field leads to. */
function select(field: GraphQLField<unknown, unknown>): string {
  const type = getNamedType(field.type)
  if (isLeafType(type)) return field.name
  assert.ok(isObjectType(type), `${field.name} leads to ${type.name}: select it here`)
  const isList = type.name.endsWith('Connection')
  const args = field.args.map(({ name }) => name)
  const call = args.includes('toolIds')
    ? `${field.name}(toolIds: [$tool])`
    : args.includes('first')
      ? `${field.name}(first: 9)`
      : field.name
  if (!isList) return `${call} { ${leavesOf(type)} }`
  const node = getNamedType(type.getFields()['nodes']?.type)
  assert.ok(isObjectType(node))
  return `${call} { totalCount edges { cursor } nodes { ${leavesOf(node)} } }`
}

/** One of everything, each named after `mark`; a tool's id. */
async function fill(db: Database, client: Client, mark: string): Promise<string> {
  const make = async (name: string, input: object, data = 'id') =>
    (await client.mutate<{ data: { id: string } }>(name, input, data)).data
  const { id: providerId } = await make('createProvider', {
    name: `provider ${mark}`,
    description: `about ${mark}`,
    baseUrl: `https://${mark}.example`,
    headers: [{ name: `x-${mark}`, value: `\${V_${mark}}` }],
    query: [{ name: mark, value: mark }],
    forwardedHeaders: [`x-${mark}`],
  })
  const tool = await make('createTool', {
    providerId,
    name: `tool_${mark}`,
    description: mark,
    request: { method: 'GET', path: `/${mark}` },
  })
  const request = { key: mark, message: mark, url: `https://${mark}.example` }
  await make('updateTool', { id: tool.id, inputRequests: [request] })
  await make('createVariable', { name: `V_${mark}`, kind: 'ENV', value: mark, providerId })
  const server = await make('createServer', {
    name: `server ${mark}`,
    instructions: mark,
    allowedOrigins: [`https://${mark}.example`],
    providerIds: [providerId],
  })
  await make(
    'createServerToken',
    { serverId: server.id, name: `token ${mark}` },
    'serverToken { id }',
  )
  for (const owner of [{ serverId: server.id }, { toolId: tool.id }]) {
    const script = { phase: 'RESPONSE', engine: 'JMESPATH', code: mark, description: mark }
    await make('createInterceptor', { ...owner, name: `script ${mark}`, ...script })
  }
  await make('createPrompt', {
    serverId: server.id,
    name: mark,
    arguments: [{ name: mark, values: [mark] }],
    messages: [
      { role: 'USER', text: mark },
      { role: 'USER', image: { data: 'AAAA', mimeType: `image/${mark}` } },
      { role: 'USER', resource: { uri: `a:${mark}`, text: mark } },
    ],
  })
  await make('createResource', {
    serverId: server.id,
    uri: `${mark}://{${mark}}`,
    name: mark,
    toolId: tool.id,
    variables: [{ name: mark, values: [mark] }],
  })
  await make('createApiKey', { name: `key ${mark}` }, 'apiKey { id }')
  // One of them belongs to the other account, too.
  for (const name of [mark, 'someone']) {
    const membershipId = await addMember(db, client.accountId, `${name}@example.com`)
    const grant = { serverId: server.id, membershipId, level: 'USE' }
    const { __typename } = await client.mutate('grantServer', grant)
    assert.equal(__typename, 'GrantServerSuccess')
  }
  const email = `guest@${mark}.example`
  await make('createInvitation', { email, role: 'ANALYST' }, 'invitation { id }')
  return tool.id
}

test('every type that a query leads to is in the table', () => {
  const reached = new Set<GraphQLObjectType>()
  const visit = (type: GraphQLObjectType): void => {
    if (reached.has(type)) return
    reached.add(type)
    for (const { type: next } of fieldsOf(type)) {
      const named = getNamedType(next)
      if (isAbstractType(named)) schema.getPossibleTypes(named).forEach(visit)
      if (isObjectType(named)) visit(named)
    }
  }
  const query = schema.getQueryType()
  assert.ok(query)
  visit(query)
  const names = [...reached].map(({ name }) => name)
  const found = names.filter(
    (name) => name !== 'Query' && !/(Connection|Edge|PageInfo)$/.test(name),
  )
  assert.deepEqual(found.toSorted(), Object.keys(LISTS).toSorted())
})

test('along every edge an account finds what is its own and nothing else', async () => {
  const plane = await openControlPlane()
  const clients = [
    { client: plane, mark: 'aurora', foreign: 'boreal' },
    { client: plane.other, mark: 'boreal', foreign: 'aurora' },
  ]
  const tools = [await fill(plane.db, plane, 'aurora'), await fill(plane.db, plane.other, 'boreal')]
  for (const [index, { client, mark, foreign }] of clients.entries()) {
    const [tool, other = ''] = [tools[index], tools[1 - index]]
    const theirs = [foreign, other, clients[1 - index]?.client.accountId ?? '']
    let finds = 0
    for (const [name, list] of Object.entries(LISTS)) {
      const type = schema.getType(name)
      assert.ok(isObjectType(type))
      for (const field of fieldsOf(type)) {
        const selection = list(select(field))
        const query = selection.includes('$tool')
          ? `query($tool: ID!) { ${selection} }`
          : `{ ${selection} }`
        const { status, text } = await client.send(query, { tool })
        assert.equal(status, 200, `${query} ${text}`)
        assert.doesNotMatch(text, /"errors"/, query)
        for (const word of theirs) assert.ok(!text.includes(word), `${query} ${text}`)
        if (text.includes(mark) || text.includes(tool ?? '')) finds += 1
        // The other one's tool, where a tool can be asked for.
        const attempt = await client.send(query, { tool: other })
        assert.ok(!attempt.text.includes(foreign), `${query} ${attempt.text}`)
      }
    }
    // That it looks for the right words.
    assert.ok(finds > 25, String(finds))
  }
})
