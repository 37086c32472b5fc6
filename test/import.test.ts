// importOpenApi through the front door: from a URL, a text and an upload, into a new provider and
// into one that is there.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test, type TestContext } from 'node:test'
import { importProvider, openControlPlane, openapi, type Result } from './support/control-plane.ts'

const DATA =
  'added changed removed unchanged warnings changes { kind method path name } provider { id name description baseUrl documentUrl version tools(first: 10) { totalCount nodes { id path method } } }'

interface Imported {
  readonly data: {
    readonly provider: {
      readonly id: string
      readonly baseUrl: string
      readonly documentUrl: string | null
      readonly tools: { readonly nodes: readonly { readonly id: string; readonly path: string }[] }
    }
  }
}

const FIRST = ['get /pets', 'post /pets', 'get /pets/{id}']

test('importOpenApi makes a provider with its tools, and brings it up to date in place', async () => {
  const plane = await openControlPlane()
  const first = await plane.mutate<Imported>('importOpenApi', { text: openapi(FIRST) }, DATA)
  const { id, tools } = first.data.provider
  assert.deepEqual(first, {
    __typename: 'ImportOpenApiSuccess',
    data: {
      added: 3,
      changed: 0,
      removed: 0,
      unchanged: 0,
      warnings: [],
      changes: [
        { kind: 'ADDED', method: 'GET', path: '/pets', name: 'get_pets' },
        { kind: 'ADDED', method: 'POST', path: '/pets', name: 'post_pets' },
        { kind: 'ADDED', method: 'GET', path: '/pets/{id}', name: 'get_pets_id_' },
      ],
      provider: {
        id,
        name: 'Pet store',
        description: 'Pets.',
        baseUrl: 'https://api.example.com/v1',
        documentUrl: null,
        version: 2,
        tools: {
          totalCount: 3,
          nodes: [
            { id: tools.nodes[0]?.id, path: '/pets', method: 'GET' },
            { id: tools.nodes[1]?.id, path: '/pets', method: 'POST' },
            { id: tools.nodes[2]?.id, path: '/pets/{id}', method: 'GET' },
          ],
        },
      },
    },
  })
  const same = await plane.mutate<{ data: object }>(
    'importOpenApi',
    { text: openapi(FIRST), providerId: id },
    'added changed removed unchanged changes { kind }',
  )
  assert.deepEqual(same.data, { added: 0, changed: 0, removed: 0, unchanged: 3, changes: [] })

  const next = openapi(['get /pets Changed', 'get /pets/{id}', 'delete /pets/{id}'], {
    servers: [{ url: 'https://ignored.example' }],
  })
  const second = await plane.mutate<Imported>(
    'importOpenApi',
    { text: next, providerId: id, name: 'Zoo', documentUrl: 'https://docs.example/pets' },
    DATA,
  )
  assert.deepEqual(
    { ...second.data, provider: null },
    {
      added: 1,
      changed: 1,
      removed: 1,
      unchanged: 1,
      warnings: [],
      changes: [
        { kind: 'CHANGED', method: 'GET', path: '/pets', name: 'get_pets' },
        { kind: 'ADDED', method: 'DELETE', path: '/pets/{id}', name: 'delete_pets_id_' },
        { kind: 'REMOVED', method: 'POST', path: '/pets', name: 'post_pets' },
      ],
      provider: null,
    },
  )
  const { provider } = second.data
  assert.deepEqual(
    { ...provider, tools: null, version: null },
    {
      id,
      name: 'Zoo',
      description: 'Pets.',
      baseUrl: 'https://api.example.com/v1',
      documentUrl: 'https://docs.example/pets',
      tools: null,
      version: null,
    },
  )
  assert.deepEqual(
    provider.tools.nodes.slice(0, 2).map((tool) => tool.id),
    [tools.nodes[0]?.id, tools.nodes[2]?.id],
    'kept tools keep their ids',
  )

  assert.deepEqual(await plane.mutate('importOpenApi', { text: openapi(FIRST), name: 'Zoo' }), {
    __typename: 'ConflictError',
    code: 'CONFLICT',
    message: 'A provider named "Zoo" exists already',
  })
})

test('importOpenApi fetches a URL and keeps it, and proposes where a relative server is', async (t) => {
  const documents: Record<string, string> = {
    '/pets.json': openapi(FIRST, { servers: [] }),
    '/docs/relative.json': openapi(FIRST, {
      servers: [{ url: '../v2/' }],
      info: { title: 'R', version: '1' },
    }),
  }
  const origin = await serve(t, documents)
  const plane = await openControlPlane({ egressAllow: origin })
  const url = `${origin}/pets.json`
  const { data } = await plane.mutate<Imported>(
    'importOpenApi',
    { url, baseUrl: 'https://api.example.com/' },
    DATA,
  )
  assert.deepEqual(
    [data.provider.documentUrl, data.provider.baseUrl],
    [url, 'https://api.example.com'],
  )

  const invalid = (message: string) => ({
    __typename: 'InvalidError',
    code: 'INVALID',
    message,
    path: ['input', 'baseUrl'],
  })
  assert.deepEqual(
    await plane.mutate('importOpenApi', { url: `${origin}/docs/relative.json` }),
    invalid(
      `The document has the relative server "../v2/": pass the base URL as baseUrl, for example "${origin}/v2"`,
    ),
  )
  assert.deepEqual(
    await plane.mutate('importOpenApi', { url, name: 'None' }),
    invalid(`The document names no server: pass the base URL as baseUrl, for example "${origin}"`),
  )
  assert.deepEqual(await plane.ask('{ providers(first: 10) { totalCount } }'), {
    providers: { totalCount: 1 },
  })
})

async function serve(t: TestContext, documents: Readonly<Record<string, string>>): Promise<string> {
  const server = createServer((request, response) => {
    response.end(documents[request.url ?? ''] ?? '')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const address = server.address()
  assert(typeof address === 'object' && address !== null)
  return `http://127.0.0.1:${address.port}`
}

test('importOpenApi takes an uploaded document once', async () => {
  const plane = await openControlPlane()
  const text = openapi(FIRST)
  const response = await plane.upload(text)
  const { documentId, ...rest } = (await response.json()) as { documentId: string }
  assert.deepEqual([response.status, rest], [201, { byteCount: text.length }])
  const missing = {
    __typename: 'NotFoundError',
    code: 'NOT_FOUND',
    message: `No document ${documentId}`,
  }
  assert.deepEqual(await plane.other.mutate('importOpenApi', { documentId }), missing)
  assert.equal(
    (await plane.mutate<Result>('importOpenApi', { documentId }, DATA)).__typename,
    'ImportOpenApiSuccess',
  )
  assert.deepEqual(await plane.mutate('importOpenApi', { documentId, name: 'Again' }), missing)
})

test('importOpenApi refuses what it cannot import, and then nothing is there', async () => {
  const plane = await openControlPlane()
  const text = openapi(FIRST)
  const invalid = (message: string, ...path: string[]) => ({
    __typename: 'InvalidError',
    code: 'INVALID',
    message,
    path: ['input', ...path],
  })
  const big = ' '.repeat(262_145)
  for (const [input, expected] of [
    [{}, invalid('0 of url, text and documentId are given; expected exactly one')],
    [
      { url: null, text: null },
      invalid('0 of url, text and documentId are given; expected exactly one'),
    ],
    [
      { text, url: 'https://a.example' },
      invalid('2 of url, text and documentId are given; expected exactly one'),
    ],
    [
      { text: big },
      invalid(
        'text has 262145 bytes, the limit is 262144; upload it by POST /documents and send its documentId',
        'text',
      ),
    ],
    [
      { url: 'file:///etc/passwd' },
      invalid(
        'url is "file:///etc/passwd"; expected an absolute http or https URL, such as "https://api.example.com/v1"',
        'url',
      ),
    ],
    [
      { documentId: 'x' },
      invalid(
        'documentId is "x"; expected the id of an uploaded document, such as "doc_01h455vb4pex5vsknk084sn02q"',
        'documentId',
      ),
    ],
    [
      { text, providerId: 'x' },
      invalid(
        'providerId is "x"; expected the id of a provider, such as "prv_01h455vb4pex5vsknk084sn02q"',
        'providerId',
      ),
    ],
    [
      { text, name: 'a\0' },
      invalid(
        'name has U+0000 as character 2: control characters, text-direction overrides and lone surrogates are not allowed',
        'name',
      ),
    ],
    [
      { text, baseUrl: 'https://a.example?b' },
      invalid('baseUrl has a query or a fragment; expected scheme, host and path only', 'baseUrl'),
    ],
    [
      { text: openapi(FIRST, { servers: undefined }) },
      invalid(
        'The document names no server: pass the base URL as baseUrl, for example "https://api.example.com/v1"',
        'baseUrl',
      ),
    ],
    [
      { text: openapi(FIRST, { servers: [{ url: '/v1' }] }) },
      invalid(
        'The document has the relative server "/v1": pass the base URL as baseUrl, for example "https://api.example.com/v1"',
        'baseUrl',
      ),
    ],
    [
      { text: openapi(FIRST, { servers: [{ url: 'ftp://a.example' }] }) },
      invalid(
        'The document has the server "ftp://a.example", which cannot be a base URL: pass the base URL as baseUrl, for example "https://api.example.com/v1"',
        'baseUrl',
      ),
    ],
    [
      { text, providerId: 'prv_01h455vb4pex5vsknk084sn02q' },
      {
        __typename: 'NotFoundError',
        code: 'NOT_FOUND',
        message: 'No provider prv_01h455vb4pex5vsknk084sn02q',
      },
    ],
  ] as const) {
    assert.deepEqual(await plane.mutate('importOpenApi', input), expected, expected.message)
  }
  for (const [input, code] of [
    [{ text: '{"hello":"world"}' }, 'DOCUMENT_INVALID'],
    [{ text: '{' }, 'DOCUMENT_INVALID'],
    [{ url: 'http://127.0.0.1:9/openapi.json' }, 'EGRESS_DENIED'],
    [{ url: 'http://169.254.169.254/latest/meta-data' }, 'EGRESS_DENIED'],
  ] as const) {
    const result = await plane.mutate('importOpenApi', input)
    assert.deepEqual([result.__typename, result.code], ['DocumentError', code], `${result.message}`)
  }
  assert.deepEqual(await plane.ask('{ providers(first: 10) { totalCount } }'), {
    providers: { totalCount: 0 },
  })
  assert.deepEqual(plane.logged, [])
})

test('importOpenApi makes what a document says about itself fit', async () => {
  const plane = await openControlPlane()
  const info = {
    title: ` \u202E${'Long '.repeat(30)}`,
    description: `a\u0000b${'x'.repeat(5000)}`,
    version: '1',
  }
  const { data } = await plane.mutate<{
    data: { provider: { name: string; description: string } }
  }>('importOpenApi', { text: openapi(FIRST, { info }) }, 'provider { name description }')
  assert.equal(data.provider.name, 'Long '.repeat(16).trim())
  assert.equal(data.provider.description.length, 4096)
  assert.deepEqual(
    await plane.mutate('importOpenApi', {
      text: openapi(FIRST, { info: { title: ' ', version: '1' } }),
    }),
    {
      __typename: 'InvalidError',
      code: 'INVALID',
      message: 'The document has no title: pass a name',
      path: ['input', 'name'],
    },
  )
})

test('importOpenApi into one provider at once leaves one of the two sets', async () => {
  const plane = await openControlPlane()
  const { providerId } = await importProvider(plane)
  const sets = [
    ['get /a', 'get /b'],
    ['get /b', 'get /c', 'get /d'],
  ] as const
  await Promise.all(
    sets.map((operations) =>
      plane.mutate('importOpenApi', { providerId, text: openapi(operations) }),
    ),
  )
  const { provider } = await plane.ask<{ provider: { tools: { nodes: { path: string }[] } } }>(
    'query($id: ID!) { provider(id: $id) { tools(first: 10) { nodes { path } } } }',
    { id: providerId },
  )
  const paths = provider.tools.nodes.map(({ path }) => path).toSorted()
  assert(
    sets.some((set) => set.map((operation) => operation.slice(4)).join() === paths.join()),
    paths.join(),
  )
})
