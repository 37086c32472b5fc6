// MCP servers through the front door: their story, and which tools they have.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importProvider, openControlPlane, openapi } from './support/control-plane.ts'

const FIELDS = 'id name instructions mcpUrl tools(first: 10) { totalCount nodes { path method } }'
const DELETE = `mutation Delete($id: ID!) {
  deleteServer(id: $id) { __typename ... on DeleteServerSuccess { data } ... on Error { code message } }
}`
const UNKNOWN = {
  srv: 'srv_01h455vb4pex5vsknk084sn02q',
  tool: 'tool_01h455vb4pex5vsknk084sn02q',
  prv: 'prv_01h455vb4pex5vsknk084sn02q',
}

interface Server {
  readonly id: string
  readonly tools: {
    readonly totalCount: number
    readonly nodes: readonly { readonly path: string; readonly method: string }[]
  }
}

test('a server is made with tools, renamed, given others and deleted', async () => {
  const plane = await openControlPlane()
  const pets = await importProvider(plane)
  const toys = await importProvider(plane, ['get /toys'], 'Toys')
  const created = await plane.mutate<{ data: Server }>(
    'createServer',
    {
      name: 'Shop',
      instructions: 'Be kind.\n',
      providerIds: [toys.providerId],
      toolIds: [pets.toolIds[0], pets.toolIds[0]],
    },
    FIELDS,
  )
  const { id } = created.data
  assert.match(id, /^srv_[0-9a-z]{26}$/)
  assert.deepEqual(created.data, {
    id,
    name: 'Shop',
    instructions: 'Be kind.\n',
    mcpUrl: `https://mcp.test/mcp/${id}`,
    tools: {
      totalCount: 2,
      nodes: [
        { path: '/pets', method: 'GET' },
        { path: '/toys', method: 'GET' },
      ],
    },
  })
  assert.deepEqual(await plane.mutate('createServer', { name: 'Shop' }), {
    __typename: 'ConflictError',
    code: 'CONFLICT',
    message: 'A server named "Shop" exists already',
  })
  assert.deepEqual(
    await plane.ask(
      '{ a: servers(first: 5, filter: { name: "Shop" }) { totalCount nodes { id } } b: servers(first: 5, filter: { name: "shop" }) { totalCount nodes { id } } }',
    ),
    { a: { totalCount: 1, nodes: [{ id }] }, b: { totalCount: 0, nodes: [] } },
  )
  const renamed = await plane.mutate<{ data: unknown }>(
    'updateServer',
    { id, name: 'Store' },
    'name instructions',
  )
  assert.deepEqual(renamed.data, { name: 'Store', instructions: 'Be kind.\n' })

  const added = await plane.mutate<{ data: Server }>(
    'addServerTools',
    { serverId: id, providerIds: [pets.providerId], toolIds: toys.toolIds },
    FIELDS,
  )
  assert.equal(added.data.tools.totalCount, 4)
  const removed = await plane.mutate<{ data: Server }>(
    'removeServerTools',
    { serverId: id, toolIds: [...toys.toolIds, UNKNOWN.tool] },
    FIELDS,
  )
  assert.equal(removed.data.tools.totalCount, 3)

  await plane.mutate('importOpenApi', {
    providerId: pets.providerId,
    text: openapi(['post /pets', 'put /pets']),
  })
  const { server } = await plane.ask<{ server: Server }>(
    `query($id: ID!) { server(id: $id) { ${FIELDS} } }`,
    { id },
  )
  assert.deepEqual(server.tools, { totalCount: 1, nodes: [{ path: '/pets', method: 'POST' }] })

  assert.deepEqual(await plane.ask(DELETE, { id }), {
    deleteServer: { __typename: 'DeleteServerSuccess', data: id },
  })
  assert.deepEqual(await plane.ask(DELETE, { id }), {
    deleteServer: { __typename: 'NotFoundError', code: 'NOT_FOUND', message: `No server ${id}` },
  })
  const { provider } = await plane.ask<{ provider: { tools: { totalCount: number } } }>(
    'query($id: ID!) { provider(id: $id) { tools(first: 1) { totalCount } } }',
    { id: pets.providerId },
  )
  assert.equal(provider.tools.totalCount, 2)
})

test('createServer and addServerTools with a tool that is not there change nothing', async () => {
  const plane = await openControlPlane()
  const { toolIds } = await importProvider(plane)
  const { data } = await plane.mutate<{ data: Server }>('createServer', { name: 'Kept' }, FIELDS)
  const serverId = data.id
  const invalid = (message: string, ...path: string[]) => ({
    __typename: 'InvalidError',
    code: 'INVALID',
    message,
    path: ['input', ...path],
  })
  const missing = (message: string) => ({ __typename: 'NotFoundError', code: 'NOT_FOUND', message })
  const tooMany = Array.from({ length: 1001 }, () => UNKNOWN.tool)
  for (const [choice, expected] of [
    [{ toolIds: [toolIds[0], UNKNOWN.tool] }, missing(`No tool ${UNKNOWN.tool}`)],
    [{ providerIds: [UNKNOWN.prv] }, missing(`No provider ${UNKNOWN.prv}`)],
    [
      { toolIds: [toolIds[0], serverId] },
      invalid(
        `toolIds[1] is "${serverId}"; expected the id of a tool, such as "tool_01h455vb4pex5vsknk084sn02q"`,
        'toolIds',
        '1',
      ),
    ],
    [
      { providerIds: ['__proto__'] },
      invalid(
        'providerIds[0] is "__proto__"; expected the id of a provider, such as "prv_01h455vb4pex5vsknk084sn02q"',
        'providerIds',
        '0',
      ),
    ],
    [{ toolIds: tooMany }, invalid('toolIds has 1001 ids, the limit is 1000', 'toolIds')],
  ] as const) {
    assert.deepEqual(await plane.mutate('createServer', { name: 'New', ...choice }), expected)
    assert.deepEqual(await plane.mutate('addServerTools', { serverId, ...choice }), expected)
  }
  assert.deepEqual(
    await plane.mutate('addServerTools', { serverId: UNKNOWN.srv, toolIds }),
    missing(`No server ${UNKNOWN.srv}`),
  )
  assert.deepEqual(
    await plane.mutate('addServerTools', { serverId: UNKNOWN.srv }),
    missing(`No server ${UNKNOWN.srv}`),
  )
  assert.deepEqual(
    await plane.mutate('createServer', { name: 'x', instructions: 'x'.repeat(4097) }),
    invalid('instructions has 4097 characters, the limit is 4096', 'instructions'),
  )
  assert.deepEqual(await plane.ask(`{ servers(first: 10) { nodes { ${FIELDS} } } }`), {
    servers: { nodes: [data] },
  })
  assert.deepEqual(plane.logged, [])
})

const UPDATE = `mutation Update($input: UpdateServerInput!) {
  updateServer(input: $input) {
    __typename
    ... on UpdateServerSuccess { data { name version } }
    ... on Error { code message }
    ... on ConflictError { currentVersion }
  }
}`

test('updateServer with a version changes that version only', async () => {
  const plane = await openControlPlane()
  const { data } = await plane.mutate<{ data: Server }>('createServer', { name: 'A' }, 'id')
  const { id } = data
  const update = async (input: object) => {
    const answer = await plane.ask<{ updateServer: unknown }>(UPDATE, { input: { id, ...input } })
    return answer.updateServer
  }
  const success = (name: string, version: number) => ({
    __typename: 'UpdateServerSuccess',
    data: { name, version },
  })
  const conflict = (currentVersion: number, version: number) => ({
    __typename: 'ConflictError',
    code: 'CONFLICT',
    message: `The server ${id} has version ${currentVersion}, expected ${version}: it was changed since it was read`,
    currentVersion,
  })
  assert.deepEqual(await update({ name: 'B', version: 1 }), success('B', 2))
  assert.deepEqual(await update({ name: 'C', version: 1 }), conflict(2, 1))
  assert.deepEqual(await update({ name: 'C', version: 3 }), conflict(2, 3))
  assert.deepEqual(await update({ name: 'C', version: null }), success('C', 3))
  // Of twenty that read the same version, one writes.
  const names = Array.from({ length: 20 }, (_value, index) => `D${index}`)
  const answers = await Promise.all(names.map((name) => update({ name, version: 3 })))
  const winner = answers.findIndex((answer) => JSON.stringify(answer).includes('Success'))
  assert.deepEqual(
    answers,
    names.map((name, index) => (index === winner ? success(name, 4) : conflict(4, 3))),
  )
  await plane.mutate('createServer', { name: 'E' })
  assert.deepEqual(await update({ name: 'E', version: 4 }), {
    __typename: 'ConflictError',
    code: 'CONFLICT',
    message: 'A server named "E" exists already',
    currentVersion: null,
  })
  assert.deepEqual(plane.logged, [])
})
