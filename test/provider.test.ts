// Providers through the front door: their story, and what their texts may hold.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openControlPlane, type Result } from './support/control-plane.ts'

const FIELDS =
  'id name description baseUrl headers { name value } documentUrl version tools(first: 1) { totalCount }'
const DELETE = `mutation Delete($id: ID!) {
  deleteProvider(id: $id) { __typename ... on DeleteProviderSuccess { data } ... on Error { code message } }
}`

interface Provider {
  readonly id: string
  readonly name: string
}

test('a provider is made, read, listed, renamed and deleted', async () => {
  const plane = await openControlPlane()
  const input = {
    name: 'Pets',
    description: 'All about pets.\nTwo lines.',
    baseUrl: 'https://API.example.com/v1/',
    headers: [{ name: 'X-Key', value: 'secret value' }],
    documentUrl: 'file:///srv/pets.yaml',
  }
  const created = await plane.mutate<{ data: Provider }>('createProvider', input, FIELDS)
  const { id } = created.data
  assert.match(id, /^prv_[0-9a-z]{26}$/)
  const expected = {
    id,
    ...input,
    baseUrl: 'https://api.example.com/v1',
    version: 1,
    tools: { totalCount: 0 },
  }
  assert.deepEqual(created, { __typename: 'CreateProviderSuccess', data: expected })
  assert.deepEqual(await plane.ask(`query($id: ID!) { provider(id: $id) { ${FIELDS} } }`, { id }), {
    provider: expected,
  })
  assert.deepEqual(await plane.ask(`query($id: ID!) { node(id: $id) { __typename id } }`, { id }), {
    node: { __typename: 'Provider', id },
  })

  assert.deepEqual(
    await plane.mutate('createProvider', { name: 'Pets', baseUrl: 'https://b.example' }),
    {
      __typename: 'ConflictError',
      code: 'CONFLICT',
      message: 'A provider named "Pets" exists already',
    },
  )
  const toys = await plane.mutate<{ data: Provider }>(
    'createProvider',
    { name: 'Toys 100%', baseUrl: 'https://b.example' },
    'id',
  )
  const list = (filter: object) =>
    plane.ask(
      'query($filter: ProviderFilter) { providers(first: 10, filter: $filter) { totalCount nodes { name } } }',
      { filter },
    )
  const page = (...names: string[]) => ({
    providers: { totalCount: names.length, nodes: names.map((name) => ({ name })) },
  })
  assert.deepEqual(await list({}), page('Pets', 'Toys 100%'))
  assert.deepEqual(await list({ nameContains: 'pET' }), page('Pets'))
  assert.deepEqual(await list({ nameContains: '%' }), page('Toys 100%'))
  assert.deepEqual(await list({ nameContains: "' or 1=1 --" }), page())
  assert.deepEqual(await list({ documentUrl: 'file:///srv/pets.yaml' }), page('Pets'))

  const renamed = await plane.mutate<{ data: unknown }>(
    'updateProvider',
    { id, name: 'Animals', headers: [] },
    FIELDS,
  )
  assert.deepEqual(renamed.data, { ...expected, name: 'Animals', headers: [], version: 2 })
  assert.equal(
    (await plane.mutate('updateProvider', { id: toys.data.id, name: 'Animals' })).code,
    'CONFLICT',
  )

  assert.deepEqual(await plane.ask(DELETE, { id }), {
    deleteProvider: { __typename: 'DeleteProviderSuccess', data: id },
  })
  const gone = { __typename: 'NotFoundError', code: 'NOT_FOUND', message: `No provider ${id}` }
  assert.deepEqual(await plane.ask(DELETE, { id }), { deleteProvider: gone })
  assert.deepEqual(await plane.mutate('updateProvider', { id, name: 'X' }), gone)
  const { status, body } = await plane.send('query($id: ID!) { provider(id: $id) { id } }', { id })
  assert.deepEqual(
    { status, body },
    {
      status: 200,
      body: {
        data: { provider: null },
        errors: [
          {
            message: `No provider ${id}`,
            locations: [{ line: 1, column: 19 }],
            path: ['provider'],
            extensions: { code: 'NOT_FOUND', requestId: 'request-1' },
          },
        ],
      },
    },
  )
})

test('providers(first, after) walks all of them once, in order', async () => {
  const plane = await openControlPlane()
  for (const name of ['A', 'B', 'C', 'D', 'E'])
    await plane.mutate('createProvider', { name, baseUrl: 'https://a.example' })
  const seen: string[] = []
  const pages: unknown[] = []
  for (let after: string | null = null, more = true; more;) {
    const { providers }: Page = await plane.ask(
      'query($after: String) { providers(first: 2, after: $after) { edges { cursor node { name } } pageInfo { hasNextPage hasPreviousPage endCursor } } }',
      { after },
    )
    seen.push(...providers.edges.map(({ node }) => node.name))
    pages.push([providers.pageInfo.hasPreviousPage, providers.pageInfo.hasNextPage])
    assert.equal(providers.pageInfo.endCursor, providers.edges.at(-1)?.cursor)
    after = providers.pageInfo.endCursor
    more = providers.pageInfo.hasNextPage
  }
  assert.deepEqual(seen, ['A', 'B', 'C', 'D', 'E'])
  assert.deepEqual(pages, [
    [false, true],
    [true, true],
    [true, false],
  ])
})

interface Page {
  readonly providers: {
    readonly edges: readonly { readonly cursor: string; readonly node: { readonly name: string } }[]
    readonly pageInfo: {
      readonly hasNextPage: boolean
      readonly hasPreviousPage: boolean
      readonly endCursor: string
    }
  }
}

const NOT_ALLOWED =
  'control characters, text-direction overrides and lone surrogates are not allowed'
const NO_HEADER_NAME = 'is no header name: expected letters, digits and hyphens'
const BELONGS = 'cannot be set: it belongs to the connection'
const URL_WANTED = 'expected an absolute http or https URL, such as "https://api.example.com/v1"'
const CANNOT_CARRY =
  'has characters that a header cannot carry; expected visible ASCII, with spaces only inside'
const header = (name: string, value = 'v') => ({ headers: [{ name, value }] })

const INVALID: readonly (readonly [input: object, path: readonly string[], message: string])[] = [
  [{ name: '' }, ['name'], 'name is empty; expected 1 to 80 characters'],
  [{ name: ' Pets' }, ['name'], 'name begins or ends with white space'],
  [{ name: 'Pets\u00A0' }, ['name'], 'name begins or ends with white space'],
  [{ name: 'x'.repeat(81) }, ['name'], 'name has 81 characters, the limit is 80'],
  [{ name: '😀'.repeat(81) }, ['name'], 'name has 81 characters, the limit is 80'],
  [{ name: 'a\0b' }, ['name'], `name has U+0000 as character 2: ${NOT_ALLOWED}`],
  [{ name: 'a\nb' }, ['name'], `name has U+000A as character 2: ${NOT_ALLOWED}`],
  [{ name: '😀\u007F' }, ['name'], `name has U+007F as character 2: ${NOT_ALLOWED}`],
  [{ name: 'a\uD800' }, ['name'], `name has U+D800 as character 2: ${NOT_ALLOWED}`],
  [{ name: 'evil\u202Egnp.exe' }, ['name'], `name has U+202E as character 5: ${NOT_ALLOWED}`],
  [{ name: 'a\u2066b' }, ['name'], `name has U+2066 as character 2: ${NOT_ALLOWED}`],
  [{ name: 'a\u2028b' }, ['name'], `name has U+2028 as character 2: ${NOT_ALLOWED}`],
  [
    { description: 'x'.repeat(4097) },
    ['description'],
    'description has 4097 characters, the limit is 4096',
  ],
  [
    { description: 'a\0' },
    ['description'],
    `description has U+0000 as character 2: ${NOT_ALLOWED}`,
  ],
  [
    { description: '\u202E' },
    ['description'],
    `description has U+202E as character 1: ${NOT_ALLOWED}`,
  ],
  ...[
    '',
    '/v1',
    'api.example.com',
    '//api.example.com',
    'https:api.example.com',
    'https:\\\\api.example.com',
    'ftp://a.example',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'http://',
    'https://[::1',
    ' https://a.example',
    'https://a.example/\tb',
    'https://a b.example',
  ].map(
    (baseUrl) =>
      [{ baseUrl }, ['baseUrl'], `baseUrl is ${JSON.stringify(baseUrl)}; ${URL_WANTED}`] as const,
  ),
  [
    { baseUrl: 'https://user@a.example' },
    ['baseUrl'],
    'baseUrl has a user name or a password in it; send credentials in a header instead',
  ],
  [
    { baseUrl: 'https://:p@a.example' },
    ['baseUrl'],
    'baseUrl has a user name or a password in it; send credentials in a header instead',
  ],
  [
    { baseUrl: 'https://a.example/?' },
    ['baseUrl'],
    'baseUrl has a query or a fragment; expected scheme, host and path only',
  ],
  [
    { baseUrl: 'https://a.example/?a=b' },
    ['baseUrl'],
    'baseUrl has a query or a fragment; expected scheme, host and path only',
  ],
  [
    { baseUrl: 'https://a.example/#' },
    ['baseUrl'],
    'baseUrl has a query or a fragment; expected scheme, host and path only',
  ],
  [
    { baseUrl: `https://a.example/${'x'.repeat(2048)}` },
    ['baseUrl'],
    'baseUrl has 2066 characters, the limit is 2048',
  ],
  [
    { documentUrl: 'javascript:alert(1)' },
    ['documentUrl'],
    `documentUrl is "javascript:alert(1)"; expected an absolute http or https or file URL, such as "https://api.example.com/v1"`,
  ],
  ...['', 'a b', 'a:b', 'ä', 'a\nb', 'a\0'].map(
    (name) =>
      [
        header(name),
        ['headers', '0', 'name'],
        `headers[0].name ${JSON.stringify(name)} ${NO_HEADER_NAME}`,
      ] as const,
  ),
  ...[
    'Host',
    'content-length',
    'Transfer-Encoding',
    'CONNECTION',
    'Accept-Encoding',
    'HTTP2-Settings',
    'Proxy-Authorization',
    'Proxy-Foo',
    'proxy-',
  ].map(
    (name) =>
      [header(name), ['headers', '0', 'name'], `headers[0].name "${name}" ${BELONGS}`] as const,
  ),
  [
    header('x'.repeat(129)),
    ['headers', '0', 'name'],
    'headers[0].name has 129 characters, the limit is 128',
  ],
  ...['a\r\nHost: b', 'a\n', '\0', ' a', 'a ', 'ä', '\u202E'].map(
    (value) =>
      [
        header('X-A', value),
        ['headers', '0', 'value'],
        `headers[0].value (of "X-A") ${CANNOT_CARRY}`,
      ] as const,
  ),
  [
    {
      headers: [
        { name: 'X-A', value: '1' },
        { name: 'x-a', value: '2' },
      ],
    },
    ['headers', '1', 'name'],
    'headers[1].name is "x-a" a second time',
  ],
  [
    { headers: Array.from({ length: 51 }, (_, n) => ({ name: `X-${n}`, value: '' })) },
    ['headers'],
    'headers has 51 entries, the limit is 50',
  ],
  [header('X-A', 'x'.repeat(8190)), ['headers'], 'headers has 8193 characters, the limit is 8192'],
]

test('createProvider and updateProvider refuse text that breaks a rule, and say where', async () => {
  const plane = await openControlPlane()
  const { data } = await plane.mutate<{ data: Provider }>(
    'createProvider',
    { name: 'Kept', baseUrl: 'https://kept.example' },
    'id name',
  )
  for (const [input, path, message] of INVALID) {
    const expected: Result = {
      __typename: 'InvalidError',
      code: 'INVALID',
      message,
      path: ['input', ...path],
    }
    assert.deepEqual(
      await plane.mutate('createProvider', {
        name: 'New',
        baseUrl: 'https://new.example',
        ...input,
      }),
      expected,
      message,
    )
    assert.deepEqual(
      await plane.mutate('updateProvider', { id: data.id, ...input }),
      expected,
      message,
    )
  }
  assert.deepEqual(await plane.ask('{ providers(first: 10) { nodes { id name } } }'), {
    providers: { nodes: [data] },
  })
  assert.deepEqual(plane.logged, [])
})

test('createProvider takes text that only looks dangerous, as it is', async () => {
  const plane = await openControlPlane()
  for (const name of [
    "Robert'); DROP TABLE provider;--",
    '__proto__',
    'constructor',
    '😀'.repeat(80),
    'العربية',
    '${NAME}',
    '<script>',
  ]) {
    const input = {
      name,
      baseUrl: 'http://127.0.0.1:8080',
      headers: [{ name: '__proto__', value: name.replaceAll(/[^\x21-\x7e]/g, 'x') }],
    }
    const result = await plane.mutate<{ data: unknown }>(
      'createProvider',
      input,
      'name headers { name value }',
    )
    assert.deepEqual(result.data, { name, headers: input.headers })
  }
  assert.equal(({} as { x?: unknown }).x, undefined)
})

const UPDATE = `mutation Update($input: UpdateProviderInput!) {
  updateProvider(input: $input) {
    __typename
    ... on UpdateProviderSuccess { data { name version } }
    ... on Error { code message }
    ... on ConflictError { currentVersion }
  }
}`

test('updateProvider with a version changes that version only', async () => {
  const plane = await openControlPlane()
  const { data } = await plane.mutate<{ data: Provider }>(
    'createProvider',
    { name: 'A', baseUrl: 'https://a.example' },
    'id',
  )
  const { id } = data
  const update = async (input: object) => {
    const answer = await plane.ask<{ updateProvider: unknown }>(UPDATE, { input: { id, ...input } })
    return answer.updateProvider
  }
  const success = (name: string, version: number) => ({
    __typename: 'UpdateProviderSuccess',
    data: { name, version },
  })
  const conflict = (currentVersion: number, version: number) => ({
    __typename: 'ConflictError',
    code: 'CONFLICT',
    message: `The provider ${id} has version ${currentVersion}, expected ${version}: it was changed since it was read`,
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
  await plane.mutate('createProvider', { name: 'E', baseUrl: 'https://a.example' })
  assert.deepEqual(await update({ name: 'E', version: 4 }), {
    __typename: 'ConflictError',
    code: 'CONFLICT',
    message: 'A provider named "E" exists already',
    currentVersion: null,
  })
  assert.deepEqual(plane.logged, [])
})
