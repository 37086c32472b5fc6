// A list of many costs as many statements as a list of one: for every nested field of the schema.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  getNamedType,
  isLeafType,
  isNonNullType,
  isObjectType,
  type GraphQLField,
  type GraphQLObjectType,
} from 'graphql'
import { schema } from '../schema/schema.ts'
import { openControlPlane, openapi, type Client } from './support/control-plane.ts'

const NESTED = `{ servers(first: 50) { edges { node {
  tools(first: 50) { edges { node { name provider { name } } } } } } } }`

async function fill(client: Client, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const { data } = await client.mutate<{ data: { provider: { id: string } } }>(
      'importOpenApi',
      { text: openapi(['get /a', 'get /b']), name: `P${index}` },
      'provider { id }',
    )
    const providerId = data.provider.id
    await client.mutate('createVariable', { name: 'V', kind: 'ENV', value: 'v', providerId }, 'id')
    await client.mutate(
      'updateProvider',
      { id: providerId, headers: [{ name: 'X', value: '${V}' }] },
      'id',
    )
    const server = await client.mutate<{ data: { id: string } }>(
      'createServer',
      { name: `S${index}`, providerIds: [providerId] },
      'id',
    )
    const script = { name: 'I', phase: 'RESPONSE', engine: 'JMESPATH', code: '@' }
    await client.mutate('createInterceptor', { serverId: server.data.id, ...script }, 'id')
    const serverId = server.data.id
    const prompt = { name: 'P', messages: [{ role: 'USER', text: 'x' }] }
    await client.mutate('createPrompt', { serverId, ...prompt }, 'id')
    await client.mutate('createResource', { serverId, uri: 'a:b', name: 'R', text: 'x' }, 'id')
    await client.mutate('createServerToken', { serverId: server.data.id, name: 'T' }, 'token')
  }
}

test('servers with their tools and their providers are three statements after the key’s own', async () => {
  let count = 0
  const plane = await openControlPlane({ onStatement: () => (count += 1) })
  await fill(plane, 3)
  count = 0
  const answer = await plane.ask<{ servers: { edges: unknown[] } }>(NESTED)
  assert.equal(count, 4)
  const tools = ['get_a', 'get_b']
  assert.deepEqual(
    answer.servers.edges,
    ['P0', 'P1', 'P2'].map((provider) => ({
      node: {
        tools: { edges: tools.map((name) => ({ node: { name, provider: { name: provider } } })) },
      },
    })),
  )
})

/** A selection of the field, with ids of its objects, down to a leaf. */
function select(field: GraphQLField<unknown, unknown>): string | undefined {
  const type = getNamedType(field.type)
  const args = field.args.filter((arg) => isNonNullType(arg.type)).map((arg) => arg.name)
  if (args.includes('toolIds')) return undefined
  const call = args.includes('first') ? `${field.name}(first: 2)` : field.name
  if (isLeafType(type)) return call
  if (!isObjectType(type)) return undefined
  if (type.name.endsWith('Connection')) return `${call} { totalCount edges { cursor node { id } } }`
  const leaf = Object.values(type.getFields()).find((inner) => isLeafType(getNamedType(inner.type)))
  return `${call} { ${leaf?.name ?? '__typename'} }`
}

const LISTS: Readonly<Record<string, (inner: string) => string>> = {
  Provider: (inner) => `{ providers(first: 100) { nodes { ${inner} } } }`,
  Tool: (inner) => `{ tools(first: 100) { nodes { ${inner} } } }`,
  Server: (inner) => `{ servers(first: 100) { nodes { ${inner} } } }`,
  Variable: (inner) => `{ variables(first: 100) { nodes { ${inner} } } }`,
  Interceptor: (inner) => `{ interceptors(first: 100) { nodes { ${inner} } } }`,
  Prompt: (inner) => `{ prompts(first: 100) { nodes { ${inner} } } }`,
  Resource: (inner) => `{ resources(first: 100) { nodes { ${inner} } } }`,
  ServerToken: (inner) =>
    `{ servers(first: 100) { nodes { tokens(first: 1) { nodes { ${inner} } } } } }`,
  VariableUse: (inner) => `{ servers(first: 100) { nodes { variables { ${inner} } } } }`,
  ApiKey: (inner) => `{ apiKeys(first: 100) { nodes { ${inner} } } }`,
}

test('every nested field takes as many statements over ten objects as over one', async () => {
  let count = 0
  const onStatement = () => (count += 1)
  const [one, many] = [
    await openControlPlane({ onStatement }),
    await openControlPlane({ onStatement }),
  ]
  await fill(one, 1)
  await fill(many, 10)
  const measure = async (client: Client, query: string) => {
    count = 0
    await client.ask(query)
    return count
  }
  let fields = 0
  for (const [name, list] of Object.entries(LISTS)) {
    const type = schema.getType(name) as GraphQLObjectType
    for (const field of Object.values(type.getFields())) {
      const selection = select(field)
      if (selection === undefined) continue
      fields += 1
      const [few, all] = [await measure(one, list(selection)), await measure(many, list(selection))]
      assert.equal(all, few, `${name}.${field.name}`)
    }
  }
  assert.ok(fields > 60, String(fields))
})

test('nodes(ids) reads each object once', async () => {
  let count = 0
  const plane = await openControlPlane({ onStatement: () => (count += 1) })
  await fill(plane, 4)
  const { providers, servers } = await plane.ask<Record<string, { nodes: { id: string }[] }>>(
    '{ providers(first: 9) { nodes { id } } servers(first: 9) { nodes { id } } }',
  )
  const ids = [...(providers?.nodes ?? []), ...(servers?.nodes ?? [])].map(({ id }) => id)
  count = 0
  await plane.ask('query($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids })
  // The key's own is the ninth.
  assert.ok(count <= 9, String(count))
})
