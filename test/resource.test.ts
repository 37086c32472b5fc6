// Resources as their owner makes them and as clients read them.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { openapi } from './support/control-plane.ts'
import type { Answer } from './support/upstream.ts'
import { openWorld, type McpServer } from './support/world.ts'

const BYTES = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 255])
const answerPets: Answer = ({ url }, response) => {
  if (url === '/picture') return response.setHeader('content-type', 'image/png').end(BYTES)
  if (url.startsWith('/pets/0')) return response.writeHead(404).end('no such pet')
  if (url.startsWith('/pets/500')) return response.writeHead(500).end('ouch')
  return response.setHeader('content-type', 'application/json').end(JSON.stringify({ url }))
}

const read = async (server: McpServer, uri: string) => {
  const { body } = await server.request('resources/read', { uri })
  return body.error ?? body.result?.['contents']
}

test('stored resources are listed and read, changed and deleted', async (t) => {
  const world = await openWorld(t)
  const server = await world.openServer({ name: 'Docs' })
  const serverId = server.id
  const { id } = await world.make('createResource', {
    serverId,
    uri: 'docs://guide',
    name: 'guide',
    title: 'The guide',
    description: 'Read it first',
    text: 'Grüße, {{nobody}}',
  })
  await world.make('createResource', {
    serverId,
    uri: 'docs://logo',
    name: 'logo',
    mimeType: 'image/png',
    blob: BYTES.toString('base64'),
  })
  await world.make('createResource', {
    serverId,
    uri: 'docs://page/{chapter}/{+rest}',
    name: 'page',
    mimeType: 'text/markdown',
    text: '# {{chapter}}: {{rest}}',
    variables: [{ name: 'chapter', values: ['one', 'two'] }],
  })
  assert.deepEqual((await server.request('resources/list')).body.result, {
    resources: [
      {
        uri: 'docs://guide',
        name: 'guide',
        title: 'The guide',
        description: 'Read it first',
        mimeType: 'text/plain',
        size: 19,
      },
      { uri: 'docs://logo', name: 'logo', mimeType: 'image/png', size: 6 },
    ],
  })
  assert.deepEqual((await server.request('resources/templates/list')).body.result, {
    resourceTemplates: [
      { uriTemplate: 'docs://page/{chapter}/{+rest}', name: 'page', mimeType: 'text/markdown' },
    ],
  })
  assert.deepEqual(await read(server, 'docs://guide'), [
    { uri: 'docs://guide', mimeType: 'text/plain', text: 'Grüße, {{nobody}}' },
  ])
  assert.deepEqual(await read(server, 'docs://logo'), [
    { uri: 'docs://logo', mimeType: 'image/png', blob: BYTES.toString('base64') },
  ])
  assert.deepEqual(await read(server, 'docs://page/%7B%7Brest%7D%7D/a/b'), [
    {
      uri: 'docs://page/%7B%7Brest%7D%7D/a/b',
      mimeType: 'text/markdown',
      text: '# {{rest}}: a/b',
    },
  ])
  const complete = await server.request('completion/complete', {
    ref: { type: 'ref/resource', uri: 'docs://page/{chapter}/{+rest}' },
    argument: { name: 'chapter', value: 'TW' },
  })
  assert.deepEqual(complete.body.result?.['completion'], {
    values: ['two'],
    total: 1,
    hasMore: false,
  })
  for (const uri of ['docs://page/one/', 'docs://page//x', 'docs://page/%', 'docs://other']) {
    const message = `Resource not found: ${uri}`
    assert.deepEqual(await read(server, uri), { code: -32002, message, data: { uri } })
  }
  await world.make('updateResource', { id, uri: 'docs://start', blob: 'AAE=', mimeType: 'a/b' })
  assert.deepEqual(await read(server, 'docs://start'), [
    { uri: 'docs://start', mimeType: 'a/b', blob: 'AAE=' },
  ])
  await world.ask('mutation($id: ID!) { deleteResource(id: $id) { __typename } }', { id })
  assert.deepEqual(await read(server, 'docs://start'), {
    code: -32002,
    message: 'Resource not found: docs://start',
    data: { uri: 'docs://start' },
  })
})

test('a resource is got from an API at each read, by a tool that the server need not show', async (t) => {
  const world = await openWorld(t, answerPets)
  const document = JSON.parse(openapi(['get /pets/{id}', 'get /picture', 'post /pets'])) as {
    paths: Record<string, Record<string, object>>
  }
  const kind = { type: 'string', enum: ['cat', 'dog'] }
  Object.assign(document.paths['/pets/{id}']?.['get'] ?? {}, {
    parameters: [
      { name: 'id', in: 'path', required: true, schema: { type: 'string' } },
      { name: 'kind', in: 'query', schema: kind },
    ],
  })
  await world.importProvider([], { text: JSON.stringify(document) })
  const { tools } = await world.ask<{ tools: { nodes: { id: string; name: string }[] } }>(
    '{ tools(first: 9) { nodes { id name } } }',
  )
  const idOf = (name: string) => tools.nodes.find((tool) => tool.name.startsWith(name))?.id ?? ''
  const server = await world.openServer({ name: 'Pets' })
  const serverId = server.id
  const template = 'pets://{kind}/{id}'
  await world.make('createResource', {
    serverId,
    uri: template,
    name: 'pet',
    toolId: idOf('get_pets_id'),
  })
  await world.make('createResource', {
    serverId,
    uri: 'pets://picture',
    name: 'picture',
    toolId: idOf('get_picture'),
  })
  assert.deepEqual(await server.list(), [])
  assert.deepEqual(await read(server, 'pets://cat/a%20b'), [
    {
      uri: 'pets://cat/a%20b',
      mimeType: 'application/json',
      text: '{"url":"/pets/a%20b?kind=cat"}',
    },
  ])
  assert.deepEqual(await read(server, 'pets://picture'), [
    { uri: 'pets://picture', mimeType: 'image/png', blob: BYTES.toString('base64') },
  ])
  const uri = 'pets://cat/0'
  const message = `Resource not found: ${uri}`
  assert.deepEqual(await read(server, uri), { code: -32002, message, data: { uri } })
  assert.deepEqual(await read(server, 'pets://cat/500'), {
    code: -32603,
    message: 'HTTP 500 Internal Server Error\nouch',
  })
  assert.match(JSON.stringify(await read(server, 'pets://cow/1')), /-32603.*Invalid arguments/)
  const complete = await server.request('completion/complete', {
    ref: { type: 'ref/resource', uri: template },
    argument: { name: 'kind', value: '' },
  })
  assert.deepEqual(complete.body.result?.['completion'], {
    values: ['cat', 'dog'],
    total: 2,
    hasMore: false,
  })
  await world.make('createInterceptor', {
    toolId: idOf('get_pets_id'),
    name: 'path',
    phase: 'RESPONSE',
    engine: 'JMESPATH',
    code: 'url',
  })
  assert.deepEqual(await read(server, 'pets://dog/1'), [
    { uri: 'pets://dog/1', text: '/pets/1?kind=dog' },
  ])
  const refused = await world.mutate('createResource', {
    serverId,
    uri: 'pets://new',
    name: 'new',
    toolId: idOf('post_pets'),
  })
  assert.equal(refused.message, 'toolId is a POST operation; expected a GET operation')
  await world.make('updateTool', { id: idOf('get_picture'), isEnabled: false })
  assert.deepEqual(await read(server, 'pets://picture'), {
    code: -32603,
    message: 'The tool that pets://picture is got by is switched off',
  })
})

test('createResource refuses what breaks a rule, and makes nothing', async (t) => {
  const world = await openWorld(t)
  const server = await world.openServer({ name: 'Docs' })
  const good = { serverId: server.id, uri: 'docs://a', name: 'a', text: 'a' }
  const cases: readonly (readonly [object, string])[] = [
    [
      { uri: 'guide' },
      'uri is "guide"; expected a URI with a scheme, such as "docs://guide/start"',
    ],
    [
      { uri: 'docs://a b' },
      'uri is "docs://a b"; expected a URI with a scheme, such as "docs://guide/start"',
    ],
    [{ uri: `docs://${'a'.repeat(2048)}` }, 'uri has 2055 characters, the limit is 2048'],
    [{ uri: 'docs://{a}{b}' }, 'uri has two variables next to each other; expected text between'],
    [{ uri: 'docs://{a}/{a}' }, 'uri has a variable twice; expected each once'],
    [{ uri: 'docs://{+a}/x' }, 'uri has {+name} before its end; expected it at the end'],
    [
      { uri: 'docs://{a*}' },
      'uri has a brace that begins no variable; expected {name}, or {+name} for what has slashes',
    ],
    [{ text: undefined }, 'input has no content; expected one of text, blob and toolId'],
    [{ blob: 'AA==' }, 'input has 2 contents; expected one of text, blob and toolId'],
    [{ uri: 'docs://{a}', text: '{{b}}' }, 'text refers to {{b}}; expected a variable of the URI'],
    [
      { variables: [{ name: 'x', values: [] }] },
      'variables[0].name is "x"; expected a variable of the URI',
    ],
    [{ mimeType: 'png' }, 'mimeType is "png"; expected a media type such as "image/png"'],
    [{ text: 'ü'.repeat(70_000) }, 'text has 140000 bytes, the limit is 131072'],
    [
      {
        uri: 'docs://{a}/{b}/{c}',
        variables: ['a', 'b', 'c'].map((name) => ({
          name,
          values: Array.from({ length: 100 }, (_, n) => String(n).padStart(80)),
        })),
      },
      'variables has 24973 bytes as JSON, the limit is 16384',
    ],
    [{ arguments: [] }, 'arguments is no object; expected {"name": value, …}'],
  ]
  for (const [input, message] of cases) {
    const refused = await world.mutate('createResource', { ...good, ...input })
    assert.deepEqual([refused.code, refused.message], ['INVALID', message])
  }
  assert.deepEqual((await server.request('resources/list')).body.result, { resources: [] })
  await world.make('createResource', good)
  const again = await world.mutate('createResource', good)
  assert.equal(again.message, 'A resource with the URI "docs://a" exists already')
})

test('a filled template is refused before it grows beyond its bound', async (t) => {
  const world = await openWorld(t)
  const server = await world.openServer({ name: 'Docs' })
  const input = { uri: 'docs://{a}', name: 'a', text: '{{a}}'.repeat(20_000) }
  await world.make('createResource', { serverId: server.id, ...input })
  const [content] = (await read(server, `docs://${'x'.repeat(52)}`)) as { text: string }[]
  assert.equal(content?.text.length, 1_040_000)
  const long = `docs://${'x'.repeat(2_000)}`
  const refused = (await read(server, long)) as { code: number; message: string }
  assert.equal(refused.code, -32602)
  assert.match(
    refused.message,
    /^The resource docs:.* has more than 1048576 characters, expected shorter variables$/,
  )
})

test('resources/list has pages, which a new resource does not shift', async (t) => {
  const world = await openWorld(t)
  const server = await world.openServer({ name: 'Docs' })
  const add = (n: number) =>
    world.make('createResource', {
      serverId: server.id,
      uri: `docs://${n}`,
      name: `n${n}`,
      text: '',
    })
  for (let n = 0; n < 101; n += 1) await add(n)
  const list = async (cursor?: unknown) => (await server.request('resources/list', { cursor })).body
  const first = (await list()).result ?? {}
  assert.equal((first['resources'] as unknown[]).length, 100)
  await add(101)
  const second = (await list(first['nextCursor'])).result ?? {}
  assert.deepEqual(
    (second['resources'] as { uri: string }[]).map(({ uri }) => uri),
    ['docs://100', 'docs://101'],
  )
  assert.equal(second['nextCursor'], undefined)
  const { error } = await list('forged')
  assert.deepEqual(error, {
    code: -32602,
    message: "Invalid cursor: forged, expected the nextCursor of this server's resources/list",
  })
})
