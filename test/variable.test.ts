// Variables through the front door: set by GraphQL, sent by a call, shown to nobody who may not see them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openControlPlane } from './support/control-plane.ts'
import { openWorld } from './support/world.ts'

const FIELDS = 'id name kind description value origin version provider { name }'
const SECRET = 'correct horse battery staple'

test('variables fill a base URL, headers and the query of a call, at once when they change', async (t) => {
  const world = await openWorld(t)
  const region = await world.make(
    'createVariable',
    { name: 'REGION', kind: 'ENV', value: 'eu west/1', description: 'Where' },
    FIELDS,
  )
  const key = await world.make(
    'createVariable',
    { name: 'KEY', kind: 'SECRET', value: SECRET },
    FIELDS,
  )
  assert.deepEqual(
    [region, key].map((one) => ({ ...one, id: undefined })),
    [
      { id: undefined, name: 'REGION', kind: 'ENV', description: 'Where', value: 'eu west/1' },
      { id: undefined, name: 'KEY', kind: 'SECRET', description: '', value: null },
    ].map((one) => ({ ...one, origin: null, version: 1, provider: null })),
  )
  const providerId = await world.importProvider(['get /pets'], {
    baseUrl: `${world.upstream.origin}/v1/\${REGION}`,
  })
  await world.make('updateProvider', {
    id: providerId,
    headers: [{ name: 'Authorization', value: 'Bearer ${KEY}' }],
    query: [
      { name: 'api_key', value: '${KEY}&x=1' },
      { name: 'plain', value: 'a b' },
    ],
  })
  const server = await world.openServer({ providerIds: [providerId] })
  assert.deepEqual(await server.call('get_pets'), { text: '{"ok":true}', isError: false })
  const [request] = world.upstream.requests
  assert.deepEqual(
    { url: request?.url, authorization: request?.headers.authorization },
    {
      url: '/v1/eu%20west/1/pets?plain=a%20b&api_key=correct%20horse%20battery%20staple%26x%3D1',
      authorization: `Bearer ${SECRET}`,
    },
  )
  await world.make('updateVariable', { id: region.id, value: 'us' })
  await world.make('updateVariable', { id: key.id, value: 'another' })
  await server.call('get_pets')
  assert.deepEqual(
    [world.upstream.requests[1]?.url, world.upstream.requests[1]?.headers.authorization],
    ['/v1/us/pets?plain=a%20b&api_key=another%26x%3D1', 'Bearer another'],
  )
})

test('a name that nobody defined is a tool error that says so, and the server lists it', async (t) => {
  const world = await openWorld(t)
  const providerId = await world.importProvider(['get /pets'])
  const headers = [
    { name: 'X-Key', value: '${KEY}' },
    { name: 'X-Region', value: '${REGION}' },
  ]
  await world.make('updateProvider', { id: providerId, headers })
  const region = await world.make('createVariable', { name: 'REGION', kind: 'ENV', value: 'eu' })
  const server = await world.openServer({ providerIds: [providerId] })
  assert.deepEqual(await server.call('get_pets'), {
    text: 'The variable "KEY" is not defined: create it for this provider or for the whole account. Nothing was sent',
    isError: true,
  })
  assert.deepEqual(world.upstream.requests, [])
  const uses = async () =>
    await world.ask(
      'query($id: ID!) { server(id: $id) { variables { name isMissing provider { id } variable { id } } } }',
      { id: server.id },
    )
  const provider = { id: providerId }
  const present = { name: 'REGION', isMissing: false, provider, variable: { id: region.id } }
  assert.deepEqual(await uses(), {
    server: { variables: [{ name: 'KEY', isMissing: true, provider, variable: null }, present] },
  })
  const key = await world.make('createVariable', { name: 'KEY', kind: 'SECRET', value: SECRET })
  assert.deepEqual(await uses(), {
    server: {
      variables: [{ name: 'KEY', isMissing: false, provider, variable: { id: key.id } }, present],
    },
  })
  assert.equal((await server.call('get_pets')).isError, false)
  const deleted = await world.ask(
    'mutation($id: ID!) { deleteVariable(id: $id) { ... on DeleteVariableSuccess { data } } }',
    { id: key.id },
  )
  assert.deepEqual(deleted, { deleteVariable: { data: key.id } })
  assert.equal((await server.call('get_pets')).isError, true)
})

test("a provider's variable goes before the account's, and its secret to its own origin only", async (t) => {
  const world = await openWorld(t)
  const other = await openWorld(t)
  const providerId = await world.importProvider(['get /pets'])
  await world.make('updateProvider', {
    id: providerId,
    headers: [{ name: 'X-Key', value: '${KEY}' }],
  })
  await world.make('createVariable', { name: 'KEY', kind: 'SECRET', value: 'of the account' })
  const own = await world.make<{ id: string; origin: string }>(
    'createVariable',
    { name: 'KEY', kind: 'SECRET', value: 'of the provider', providerId },
    'id origin',
  )
  assert.equal(own.origin, world.upstream.origin)
  const server = await world.openServer({ providerIds: [providerId] })
  await server.call('get_pets')
  assert.equal(world.upstream.requests[0]?.headers['x-key'], 'of the provider')

  world.app.pool.allowEgress(other.upstream.origin)
  await world.make('updateProvider', { id: providerId, baseUrl: other.upstream.origin })
  assert.deepEqual(await server.call('get_pets'), {
    text: `The variable "KEY" was set for ${world.upstream.origin}, and the provider's base URL leads to ${other.upstream.origin} now; set its value again to send it there. Nothing was sent`,
    isError: true,
  })
  assert.equal(other.upstream.requests.length, 0)
  await world.make('updateVariable', { id: own.id, value: 'for the new place' })
  await server.call('get_pets')
  assert.equal(other.upstream.requests[0]?.headers['x-key'], 'for the new place')
})

test('what an upstream echoes of a secret is masked', async (t) => {
  const secret = 'pass "word" & more'
  const world = await openWorld(t, (request, response) => {
    const echo = {
      header: request.headers['x-key'],
      url: request.url,
      basic: Buffer.from(secret).toString('base64'),
      short: request.headers['x-short'],
    }
    response.statusCode = request.url.startsWith('/teas') ? 500 : 200
    response.setHeader('content-type', 'application/json').end(JSON.stringify(echo))
  })
  const providerId = await world.importProvider(['get /pets', 'get /teas'])
  await world.make('createVariable', { name: 'KEY', kind: 'SECRET', value: secret })
  await world.make('createVariable', { name: 'SHORT', kind: 'SECRET', value: 'open' })
  await world.make('updateProvider', {
    id: providerId,
    headers: [
      { name: 'X-Key', value: '${KEY}' },
      { name: 'X-Short', value: '${SHORT}' },
    ],
    query: [{ name: 'key', value: '${KEY}' }],
  })
  const server = await world.openServer({ providerIds: [providerId] })
  const masked = (path: string) =>
    `{"header":"***","url":"${path}?key=***","basic":"***","short":"open"}`
  assert.deepEqual(await server.call('get_pets'), { text: masked('/pets'), isError: false })
  assert.deepEqual(await server.call('get_teas'), {
    text: `HTTP 500 Internal Server Error\n${masked('/teas')}`,
    isError: true,
  })
})

test('a value that cannot stand in its place is refused by name, before anything is sent', async (t) => {
  const world = await openWorld(t)
  const providerId = await world.importProvider(['get /pets'])
  const server = await world.openServer({ providerIds: [providerId] })
  const variable = await world.make('createVariable', { name: 'V', kind: 'ENV', value: 'x' })
  const origin = world.upstream.origin
  const port = world.upstream.port
  const cases = [
    [
      { headers: [{ name: 'X-Key', value: '${V}' }] },
      { value: 'a\nb' },
      'has characters that the header "X-Key" cannot carry',
    ],
    [
      { headers: [], baseUrl: `http://\${V}:${port}` },
      { value: 'evil.example/' },
      'has characters that the host of a URL cannot hold',
    ],
    [{}, { value: 'a@b' }, 'has characters that the host of a URL cannot hold'],
    [{}, { kind: 'SECRET' }, 'is a secret, which the host of a URL cannot hold'],
    [
      { baseUrl: `${origin}/\${V}` },
      { kind: 'ENV', value: '../x' },
      'has an empty or a dot segment, "%" or a backslash',
    ],
    [{}, { value: '%2e%2e' }, 'has an empty or a dot segment, "%" or a backslash'],
    [{}, { value: '' }, 'has an empty or a dot segment, "%" or a backslash'],
  ] as const
  for (const [provider, value, problem] of cases) {
    await world.make('updateProvider', { id: providerId, ...provider })
    await world.make('updateVariable', { id: variable.id, ...value })
    assert.deepEqual(await server.call('get_pets'), {
      text: `The variable "V" ${problem}. Nothing was sent`,
      isError: true,
    })
  }
  assert.deepEqual(world.upstream.requests, [])
})

test('an imported document can refer to no variable', async () => {
  const plane = await openControlPlane()
  const text = JSON.stringify({
    openapi: '3.1.0',
    info: { title: 'T', version: '1' },
    servers: [{ url: 'https://evil.example/${KEY}' }],
    paths: { '/pets': { get: { responses: {} } } },
  })
  assert.deepEqual(await plane.mutate('importOpenApi', { text }, 'added'), {
    __typename: 'InvalidError',
    code: 'INVALID',
    message:
      'The document has the server "https://evil.example/${KEY}", which cannot be a base URL: pass the base URL as baseUrl, for example "https://api.example.com/v1"',
    path: ['input', 'baseUrl'],
  })
})

test('the variables of a list, by name, kind and provider; a change needs the present version', async () => {
  const plane = await openControlPlane()
  const { data: provider } = await plane.mutate<{ data: { id: string } }>(
    'createProvider',
    { name: 'P', baseUrl: 'https://p.example' },
    'id',
  )
  const make = async (name: string, more: object = {}) =>
    (
      await plane.mutate<{ data: { id: string } }>(
        'createVariable',
        { name, kind: 'ENV', value: 'v', ...more },
        'id',
      )
    ).data.id
  const region = await make('REGION')
  const key = await make('API_KEY', { kind: 'SECRET' })
  await make('API_KEY', { kind: 'SECRET', providerId: provider.id })
  const list = async (filter: object) =>
    await plane.ask(
      'query($filter: VariableFilter) { variables(first: 9, filter: $filter) { totalCount nodes { name provider { name } } } }',
      { filter },
    )
  const page = (...nodes: (readonly [string, string?])[]) => ({
    variables: {
      totalCount: nodes.length,
      nodes: nodes.map(([name, of]) => ({
        name,
        provider: of === undefined ? null : { name: of },
      })),
    },
  })
  assert.deepEqual(await list({}), page(['REGION'], ['API_KEY'], ['API_KEY', 'P']))
  assert.deepEqual(await list({ nameContains: 'api' }), page(['API_KEY'], ['API_KEY', 'P']))
  assert.deepEqual(await list({ kind: 'ENV' }), page(['REGION']))
  assert.deepEqual(await list({ providerId: provider.id }), page(['API_KEY', 'P']))
  assert.deepEqual(
    await plane.ask(
      'query($id: ID!) { provider(id: $id) { variables(first: 9) { totalCount nodes { name value } } } }',
      { id: provider.id },
    ),
    { provider: { variables: { totalCount: 1, nodes: [{ name: 'API_KEY', value: null }] } } },
  )
  const refusals = [
    [{ name: 'REGION' }, 'ConflictError', 'A variable named "REGION" exists already'],
    [
      { name: 'API_KEY', providerId: provider.id },
      'ConflictError',
      'A variable named "API_KEY" exists already',
    ],
    [
      { name: '1' },
      'InvalidError',
      'name is "1"; expected 1 to 64 letters, digits and _, no digit first, such as "API_KEY"',
    ],
    [
      { name: 'N', value: 'x'.repeat(8193) },
      'InvalidError',
      'value has 8193 characters, the limit is 8192',
    ],
    [
      { name: 'N', value: 'a\u0000' },
      'InvalidError',
      'value has U+0000 as character 2: control characters, text-direction overrides and lone surrogates are not allowed',
    ],
  ] as const
  for (const [input, typename, message] of refusals) {
    const all = { kind: 'ENV', value: 'v', ...input }
    const { __typename, message: said } = await plane.mutate('createVariable', all, 'id')
    assert.deepEqual([__typename, said], [typename, message])
  }
  assert.deepEqual(
    await plane.mutate('updateVariable', { id: region, value: 'w', version: 2 }, 'id'),
    {
      __typename: 'ConflictError',
      code: 'CONFLICT',
      message: `The variable ${region} has version 1, expected 2: it was changed since it was read`,
    },
  )
  const changed = (input: object) => plane.mutate('updateVariable', input, 'kind value version')
  assert.deepEqual(await changed({ id: region, kind: 'SECRET' }), {
    __typename: 'UpdateVariableSuccess',
    data: { kind: 'SECRET', value: null, version: 2 },
  })
  assert.deepEqual(await changed({ id: key, kind: 'ENV' }), {
    __typename: 'InvalidError',
    code: 'INVALID',
    message: `value is not given; expected a new one, as the secret ${key} is not made visible`,
    path: ['input', 'value'],
  })
  assert.deepEqual(await changed({ id: key, kind: 'ENV', value: 'seen' }), {
    __typename: 'UpdateVariableSuccess',
    data: { kind: 'ENV', value: 'seen', version: 2 },
  })
})

test('what looks like a reference and is none is refused where it is set', async () => {
  const plane = await openControlPlane()
  const refuse = async (input: object) =>
    (
      await plane.mutate(
        'createProvider',
        { name: 'P', baseUrl: 'https://p.example', ...input },
        'id',
      )
    ).message
  const expected = (place: string, shown: string) =>
    `${place} has ${JSON.stringify(shown)}, which refers to no variable; expected \${NAME} with a name of 1 to 64 letters, digits and _`
  assert.equal(
    await refuse({ baseUrl: 'https://${a b}.example' }),
    expected('baseUrl', '${a b}.example'),
  )
  assert.equal(
    await refuse({ headers: [{ name: 'X', value: 'a ${' }] }),
    expected('headers[0].value', '${'),
  )
  assert.equal(
    await refuse({ query: [{ name: 'q', value: '${A}${1}' }] }),
    expected('query[0].value', '${1}'),
  )
  assert.equal(
    await refuse({ query: [{ name: '', value: '' }] }),
    'query[0].name is empty; expected 1 to 128 characters',
  )
  assert.equal(
    await refuse({
      query: [
        { name: 'q', value: '' },
        { name: 'q', value: '' },
      ],
    }),
    'query[1].name is "q" a second time',
  )
})
