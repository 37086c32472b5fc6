// Tools made by hand, from the mutation to what the upstream gets.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openControlPlane } from './support/control-plane.ts'
import { openWorld } from './support/world.ts'

const PET = {
  type: 'object',
  properties: {
    petId: { type: 'integer', minimum: 1 },
    fields: { type: 'array', items: { type: 'string' } },
    trace: { type: 'string' },
    session: { type: 'string' },
  },
  required: ['petId'],
}

test('a tool made by hand sends what its author and the arguments say, and is listed as they say', async (t) => {
  const world = await openWorld(t)
  const { id: providerId } = await world.make('createProvider', {
    name: 'Pets',
    baseUrl: `${world.upstream.origin}/v1`,
    headers: [{ name: 'X-From', value: 'provider' }],
  })
  await world.make('createVariable', { name: 'TENANT', kind: 'ENV', value: 'acme/eu' })
  await world.make('createVariable', { name: 'KEY', kind: 'SECRET', value: 'opensesame' })
  const tool = await world.make<{ id: string }>(
    'createTool',
    {
      providerId,
      name: 'get_pet',
      title: 'Get a pet',
      description: 'One pet.',
      request: {
        method: 'GET',
        path: '/${TENANT}/pets/{petId}?key=${KEY}&expand=all&fields={fields}',
        inputSchema: PET,
        parameters: [
          { argument: 'trace', in: 'HEADER', name: 'X-Trace' },
          { argument: 'session', in: 'COOKIE' },
        ],
        headers: [
          { name: 'X-Mine', value: 'k ${KEY}' },
          { name: 'x-from', value: 'tool' },
        ],
      },
      annotations: { idempotentHint: true },
    },
    'id name title description method path isImported isEnabled tags inputSchema headers { name value } annotations { readOnlyHint destructiveHint idempotentHint openWorldHint } provider { id }',
  )
  assert.deepEqual(tool, {
    id: tool.id,
    name: 'get_pet',
    title: 'Get a pet',
    description: 'One pet.',
    method: 'GET',
    path: '/${TENANT}/pets/{petId}?key=${KEY}&expand=all&fields={fields}',
    isImported: false,
    isEnabled: true,
    tags: [],
    inputSchema: { ...PET, additionalProperties: false },
    headers: [
      { name: 'X-Mine', value: 'k ${KEY}' },
      { name: 'x-from', value: 'tool' },
    ],
    annotations: {
      readOnlyHint: true,
      destructiveHint: true,
      idempotentHint: true,
      openWorldHint: true,
    },
    provider: { id: providerId },
  })
  const server = await world.openServer({ toolIds: [tool.id] })
  assert.deepEqual(await server.list(), [
    {
      name: 'get_pet',
      title: 'Get a pet',
      description: 'One pet.',
      inputSchema: { ...PET, additionalProperties: false },
      annotations: { readOnlyHint: true, openWorldHint: true, idempotentHint: true },
    },
  ])
  const args = { petId: 7, fields: ['a b', 'c'], trace: 't-1', session: 's' }
  assert.deepEqual(await server.call('get_pet', args), { text: '{"ok":true}', isError: false })
  const [request] = world.upstream.requests
  const { headers } = request ?? {}
  assert.deepEqual(
    [
      request?.method,
      request?.url,
      headers?.['x-trace'],
      headers?.cookie,
      headers?.['x-mine'],
      headers?.['x-from'],
    ],
    [
      'GET',
      '/v1/acme/eu/pets/7?key=opensesame&expand=all&fields=a%20b&fields=c',
      't-1',
      'session=s',
      'k opensesame',
      'tool',
    ],
  )
  assert.deepEqual(await server.call('get_pet', { petId: 0 }), {
    text: 'Invalid arguments: /petId must be >= 1',
    isError: true,
  })
  const { server: uses } = await world.ask<{ server: object }>(
    'query($id: ID!) { server(id: $id) { variables { name isMissing } } }',
    { id: server.id },
  )
  assert.deepEqual(uses, {
    variables: [
      { name: 'KEY', isMissing: false },
      { name: 'TENANT', isMissing: false },
    ],
  })
})

test('arguments of a POST become members of its body, and a sample makes the schema', async (t) => {
  const world = await openWorld(t)
  const { id: providerId } = await world.make('createProvider', {
    name: 'Pets',
    baseUrl: world.upstream.origin,
  })
  const tool = await world.make<{ id: string; inputSchema: object }>(
    'createTool',
    {
      providerId,
      name: 'add_pet',
      request: {
        method: 'POST',
        path: '/shops/{shop}/pets',
        sampleArguments: {
          shop: 'a',
          name: 'Rex',
          age: 3,
          weight: 1.5,
          tags: ['x'],
          owner: { id: 1, vip: true },
          mixed: [1, 2.5],
          any: [1, 'a'],
        },
      },
    },
    'id inputSchema',
  )
  assert.deepEqual(tool.inputSchema, {
    type: 'object',
    properties: {
      shop: { type: 'string' },
      name: { type: 'string' },
      age: { type: 'integer' },
      weight: { type: 'number' },
      tags: { type: 'array', items: { type: 'string' } },
      owner: { type: 'object', properties: { id: { type: 'integer' }, vip: { type: 'boolean' } } },
      mixed: { type: 'array', items: { type: 'number' } },
      any: { type: 'array', items: { anyOf: [{ type: 'integer' }, { type: 'string' }] } },
    },
    required: ['shop', 'name', 'age', 'weight', 'tags', 'owner', 'mixed', 'any'],
    additionalProperties: false,
  })
  const server = await world.openServer({ toolIds: [tool.id] })
  const body = { name: 'Rex', age: 3, weight: 1.5, tags: [], owner: { id: 1 }, mixed: [], any: [] }
  assert.equal((await server.call('add_pet', { shop: 'b', ...body })).isError, false)
  const [request] = world.upstream.requests
  assert.deepEqual(
    [request?.url, JSON.parse(request?.body ?? ''), request?.headers['content-type']],
    ['/shops/b/pets', body, 'application/json'],
  )
  // A POST without arguments still has a body, as APIs expect of one.
  const bare = await world.make('createTool', {
    providerId,
    name: 'ping',
    request: { method: 'POST', path: '/ping' },
  })
  await world.make('addServerTools', { serverId: server.id, toolIds: [bare.id] })
  await server.call('ping')
  assert.deepEqual(
    [world.upstream.requests[1]?.url, world.upstream.requests[1]?.body],
    ['/ping', '{}'],
  )
})

test('an import leaves tools made by hand alone, and they can be changed and deleted', async (t) => {
  const world = await openWorld(t)
  const providerId = await world.importProvider(['get /pets', 'get /teas'])
  const own = await world.make('createTool', {
    providerId,
    name: 'own',
    request: { method: 'GET', path: '/pets' },
  })
  const server = await world.openServer({ toolIds: [own.id] })
  const { added, removed } = await world.make<{ added: number; removed: number }>(
    'importOpenApi',
    {
      providerId,
      text: JSON.stringify({
        openapi: '3.1.0',
        info: { title: 'T', version: '1' },
        paths: {
          '/pets': { get: { operationId: 'get_pets', tags: ['Pets', 'All'], responses: {} } },
        },
      }),
    },
    'added removed',
  )
  assert.deepEqual({ added, removed }, { added: 0, removed: 1 })
  const list = async (filter: object = {}) => {
    const { tools } = await world.ask<{ tools: { totalCount: number; nodes: { name: string }[] } }>(
      'query($filter: ToolFilter) { tools(first: 9, filter: $filter) { totalCount nodes { name } } }',
      { filter },
    )
    assert.equal(tools.totalCount, tools.nodes.length)
    return tools.nodes.map(({ name }) => name)
  }
  assert.deepEqual(await list(), ['get_pets', 'own'])
  assert.deepEqual(await list({ tag: 'All' }), ['get_pets'])
  assert.deepEqual(await list({ tag: 'all' }), [])
  assert.deepEqual(await list({ nameContains: 'OW' }), ['own'])
  assert.deepEqual(await list({ method: 'POST' }), [])
  assert.deepEqual(await list({ providerId, isEnabled: true }), ['get_pets', 'own'])

  await world.make('updateTool', {
    id: own.id,
    name: 'renamed',
    description: 'Now teas',
    request: { method: 'GET', path: '/teas' },
  })
  assert.equal((await server.call('renamed')).isError, false)
  assert.equal(world.upstream.requests[0]?.url, '/teas')
  await world.make('updateTool', { id: own.id, isEnabled: false })
  assert.deepEqual(await server.list(), [])
  const { provider } = await world.ask<{
    provider: { tools: { nodes: { id: string; name: string }[] } }
  }>('query($id: ID!) { provider(id: $id) { tools(first: 9) { nodes { id name } } } }', {
    id: providerId,
  })
  const imported = provider.tools.nodes.find(({ name }) => name === 'get_pets')?.id ?? ''
  const remove = (ids: readonly string[]) =>
    world.ask(
      'mutation($ids: [ID!]!) { deleteTools(ids: $ids) { __typename ... on DeleteToolsSuccess { data } ... on Error { message } } }',
      { ids },
    )
  assert.deepEqual(await remove([own.id, imported]), {
    deleteTools: {
      __typename: 'InvalidError',
      message: `The tool ${imported} comes from a document, and the next import would bring it back; disable it instead`,
    },
  })
  assert.deepEqual(await remove([own.id]), {
    deleteTools: { __typename: 'DeleteToolsSuccess', data: [own.id] },
  })
  assert.deepEqual(await list(), ['get_pets'])
})

test('a tool that does not add up is refused with what is wrong and where', async () => {
  const plane = await openControlPlane()
  const { data } = await plane.mutate<{ data: { id: string } }>(
    'createProvider',
    { name: 'P', baseUrl: 'https://p.example' },
    'id',
  )
  const petId = { type: 'object', properties: { petId: { type: 'string' } }, required: ['petId'] }
  const path = (text: string, inputSchema: object = petId) => ({ path: text, inputSchema })
  const deep: unknown = JSON.parse(`${'['.repeat(70)}${']'.repeat(70)}`)
  const cases: readonly (readonly [object, string | RegExp])[] = [
    [
      { path: 'pets' },
      'request.path is "pets"; expected a path below the base URL without spaces, such as "/pets/{petId}?limit=10"',
    ],
    [{ path: '//evil.example/x' }, /^request\.path is "\/\/evil/],
    [{ path: '/a b' }, /^request\.path is "\/a b"; expected a path/],
    [{ path: '/a#b' }, /^request\.path is "\/a#b"; expected a path/],
    [{ path: '/a/../b' }, 'request.path is "/a/../b"; expected no "." and ".." segments'],
    [{ path: '/a/%2e%2e/b' }, 'request.path is "/a/%2e%2e/b"; expected no "." and ".." segments'],
    [
      { path: '/a/{' },
      'request.path is "/a/{"; expected slots like {petId}, each closed and named',
    ],
    [
      { path: '/a/{}' },
      'request.path is "/a/{}"; expected slots like {petId}, each closed and named',
    ],
    [{ path: '/a/%zz' }, 'request.path has "/a/%zz", which is not percent-encoded as a URL is'],
    [{ path: '/a/${}' }, /^request\.path has "\$\{\}", which refers to no variable/],
    [
      { path: '/a?b={c}d' },
      'request.path has "b={c}d" in its query; expected a fixed value, or one slot and nothing else',
    ],
    [{ path: '/a?b=1&b=2' }, 'request.path has the query parameter "b" empty or twice'],
    [
      path('/a/{other}'),
      'request.path has the slot {other}, and the arguments have nothing of that name',
    ],
    [
      path('/a/{petId}', { ...petId, required: [] }),
      'request.inputSchema does not require "petId", and the path cannot do without it; expected it in "required"',
    ],
    [
      path('/a', { type: 'array' }),
      'request.inputSchema is no schema of an object; expected {"type": "object", "properties": {…}}',
    ],
    [
      path('/a', []),
      'request.inputSchema is no schema of an object; expected {"type": "object", "properties": {…}}',
    ],
    [
      path('/a', { type: 'object', oneOf: [] }),
      /^request\.inputSchema has "oneOf" at its root; expected type, properties/,
    ],
    [
      path('/a', { properties: { 'a b': {} } }),
      'request.inputSchema has an argument named "a b"; expected 1 to 64 of A-Z, a-z, 0-9, _, . and -, and not "__proto__"',
    ],
    [
      path('/a', JSON.parse('{"properties":{"__proto__":{"type":"string"}}}') as object),
      /^request\.inputSchema has an argument named "__proto__"/,
    ],
    [path('/a', { properties: [] }), 'request.inputSchema has "properties" that are no object'],
    [
      path('/a', { properties: {}, required: ['x'] }),
      'request.inputSchema requires "x", which is not in its properties',
    ],
    [
      path('/a', { properties: {}, required: 'x' }),
      'request.inputSchema has a "required" that is no list of names',
    ],
    [
      path('/a', { properties: { a: { $ref: 'https://evil.example/schema.json' } } }),
      /^inputSchema cannot be used: .*evil\.example/,
    ],
    [
      path('/a', { properties: { a: { $ref: '#/$defs/missing' } } }),
      /^inputSchema cannot be used: .*missing/,
    ],
    [path('/a', { properties: { a: { pattern: '(' } } }), /^inputSchema cannot be used: .*pattern/],
    [
      { path: '/a', sampleArguments: 3 },
      'request.sampleArguments is no object; expected one, such as {"id": 1}',
    ],
    [
      { ...path('/a'), sampleArguments: {} },
      'request has both inputSchema and sampleArguments; expected one of them',
    ],
    [
      { ...path('/a'), parameters: [{ argument: 'x', in: 'QUERY' }] },
      'request.parameters[0].argument is "x"; expected the name of an argument that has no place yet',
    ],
    [
      { ...path('/a'), parameters: [{ argument: 'petId', in: 'PATH' }] },
      'request.parameters[0].in is PATH; expected a path with its slot',
    ],
    [
      { ...path('/a/{petId}'), parameters: [{ argument: 'petId', in: 'QUERY' }] },
      'request.parameters[0].in is QUERY; expected PATH, as the path has its slot',
    ],
    [
      { ...path('/a'), parameters: [{ argument: 'petId', in: 'BODY' }] },
      'request.parameters[0].in is BODY, which a GET request does not have',
    ],
    [
      { ...path('/a'), parameters: [{ argument: 'petId', in: 'HEADER', name: 'a b' }] },
      /^request\.parameters\[0\]\.name is "a b"/,
    ],
    [
      { path: '/a', headers: [{ name: 'Host', value: 'x' }] },
      /^request\.headers\[0\]\.name "Host" cannot be set/,
    ],
    [path('/a', { properties: { a: { default: deep } } }), /has at most 64 levels/],
  ]
  for (const [request, expected] of cases) {
    const input = { providerId: data.id, name: 't', request: { method: 'GET', ...request } }
    const { body, text } = await plane.send(
      'mutation($input: CreateToolInput!) { createTool(input: $input) { __typename ... on Error { message } } }',
      { input },
    )
    const result = body.data?.['createTool'] as { message?: string } | undefined
    const message = result?.message ?? (body.errors?.[0]?.['message'] as string | undefined) ?? text
    if (typeof expected === 'string') assert.equal(message, expected)
    else assert.match(message, expected)
  }
  assert.equal(({} as { type?: unknown }).type, undefined)
  for (const [input, message] of [
    [{ name: 'a b' }, 'name is "a b"; expected 1 to 64 of A-Z, a-z, 0-9, _ and -'],
    [{ name: 'taken' }, undefined],
    [{ name: 'taken' }, 'A tool named "taken" exists already'],
  ] as const) {
    const all = { providerId: data.id, request: { method: 'GET', path: '/' }, ...input }
    assert.equal((await plane.mutate('createTool', all, 'id')).message, message)
  }
})

test('schemas with references, recursion and thousands of parts are taken as a document’s are', async () => {
  const plane = await openControlPlane()
  const { data } = await plane.mutate<{ data: { id: string } }>(
    'createProvider',
    { name: 'P', baseUrl: 'https://p.example' },
    'id',
  )
  const create = (name: string, inputSchema: object) =>
    plane.mutate<{ data: { inputSchema: object }; message?: string }>(
      'createTool',
      { providerId: data.id, name, request: { method: 'POST', path: '/', inputSchema } },
      'inputSchema',
    )
  const node = { type: 'object', properties: { next: { $ref: '#/$defs/Node' } } }
  const made = await create('tree', {
    properties: { a: { $ref: '#/$defs/Node' }, b: { $ref: '#/$defs/Word' } },
    $defs: { Node: node, Word: { type: 'string', maxLength: 9 } },
  })
  assert.deepEqual(made.data.inputSchema, {
    type: 'object',
    properties: { a: { $ref: '#/$defs/Node' }, b: { type: 'string', maxLength: 9 } },
    additionalProperties: false,
    $defs: { Node: node },
  })
  const many = Object.fromEntries(
    Array.from({ length: 2_500 }, (_, index) => [`p${index}`, { type: 'string' }]),
  )
  assert.match(
    (await create('many', { properties: many })).message ?? '',
    /^inputSchema cannot be used: /,
  )
})
