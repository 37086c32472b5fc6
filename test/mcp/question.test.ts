// Asking the user: by a form or by a URL, in both eras, and what a client gets that can do neither.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { readMessages, type StreamMessage } from '../support/event-stream.ts'
import { openWorld, type World } from '../support/world.ts'
import { openClient, type Client } from './hand-client.ts'

const CAPABILITIES_KEY = 'io.modelcontextprotocol/clientCapabilities'
const FORMS = { elicitation: {} }
const NAME_FORM = {
  type: 'object',
  properties: { name: { type: 'string', minLength: 2 }, city: { type: 'string' } },
  required: ['name'],
}
const COLOR_FORM = {
  type: 'object',
  properties: { color: { type: 'string', enum: ['red', 'blue'] } },
}
const ASKS_NAME = { key: 'who', message: 'What is your name?', requestedSchema: NAME_FORM }
const ASKS_COLOR = { key: 'color', round: 1, message: 'Which color?', requestedSchema: COLOR_FORM }
const ASKS_TERMS = { key: 'terms', message: 'Accept the terms', url: 'https://example.com/terms' }

interface Scene {
  readonly world: World
  readonly client: Client
  /** The queries of the requests that the upstream got. */
  readonly queries: () => readonly string[]
  /** A call in the modern era. */
  readonly call: (
    more?: object,
    capabilities?: object,
    args?: object,
  ) => Promise<Readonly<Record<string, unknown>> & { readonly error?: { message: string } }>
}

/** A server with the tool `greet`, which asks this. */
async function openScene(t: TestContext, inputRequests: readonly object[]): Promise<Scene> {
  const world = await openWorld(t)
  const { id: providerId } = await world.make('createProvider', {
    name: 'P',
    baseUrl: world.upstream.origin,
  })
  const text = { type: 'string' }
  const inputSchema = {
    type: 'object',
    properties: { name: text, city: text, color: text, count: { type: 'integer' } },
    required: ['name'],
  }
  const { id } = await world.make('createTool', {
    providerId,
    name: 'greet',
    request: { method: 'GET', path: '/greet', inputSchema },
  })
  await world.make('updateTool', { id, inputRequests })
  const client = await openClient(world, { toolIds: [id] })
  return {
    world,
    client,
    queries: () => world.upstream.requests.map(({ url }) => url.split('?')[1] ?? ''),
    async call(more = {}, capabilities = FORMS, args = {}) {
      const params = { name: 'greet', arguments: args, ...more }
      const _meta = { [CAPABILITIES_KEY]: capabilities }
      const response = await client.modern(1, 'tools/call', { ...params, _meta })
      const { result, error } = (await response.json()) as StreamMessage
      return { ...result, ...(error && { error }) }
    },
  }
}

const accept = (content: object) => ({ action: 'accept', content })

test('a modern client is asked round by round, and the answers become arguments', async (t) => {
  const { client, queries, call } = await openScene(t, [ASKS_COLOR, ASKS_NAME])
  const listed = await client.modern(1, 'tools/list')
  const { tools } = ((await listed.json()) as StreamMessage).result ?? {}
  const [tool] = tools as readonly { inputSchema: { required: string[] } }[]
  assert.deepEqual(tool?.inputSchema.required, [])

  const first = await call({}, FORMS, { count: 7 })
  assert.equal(first['resultType'], 'input_required')
  const question = (schema: object, message: string) => ({
    method: 'elicitation/create',
    params: { mode: 'form', message, requestedSchema: schema },
  })
  assert.deepEqual(first['inputRequests'], { who: question(NAME_FORM, 'What is your name?') })
  const second = await call(
    { requestState: first['requestState'], inputResponses: { who: accept({ name: 'Ada', x: 1 }) } },
    FORMS,
    { count: 7 },
  )
  assert.deepEqual(second['inputRequests'], { color: question(COLOR_FORM, 'Which color?') })
  assert.notEqual(second['requestState'], first['requestState'])
  assert.deepEqual(queries(), [])
  const third = await call(
    { requestState: second['requestState'], inputResponses: { color: accept({ color: 'blue' }) } },
    FORMS,
    { count: 7 },
  )
  assert.equal(third['resultType'], 'complete')
  assert.deepEqual(third['content'], [{ type: 'text', text: '{"ok":true}' }])
  assert.deepEqual(queries(), ['name=Ada&color=blue&count=7'])
  // What the model said is not asked again.
  const known = await call({}, FORMS, { name: 'Bo', color: 'red' })
  assert.equal(known['resultType'], 'complete')
  const part = await call({}, FORMS, { city: 'Rome' })
  const { properties } = (
    part['inputRequests'] as { who: { params: { requestedSchema: { properties: object } } } }
  ).who.params.requestedSchema
  assert.deepEqual(Object.keys(properties), ['name'])
})

test('an answer that is missing, wrong or declined sends nothing', async (t) => {
  const { queries, call } = await openScene(t, [ASKS_NAME])
  const wrong: readonly unknown[] = [
    {},
    { other: accept({ name: 'Ada' }) },
    { who: 12345 },
    { who: { action: 'accept' } },
    { who: { action: 'maybe', content: { name: 'Ada' } } },
    { who: accept({}) },
    { who: accept({ name: 'x' }) },
    { who: accept({ name: 1 }) },
    { who: accept({ name: 'x'.repeat(20_000) }) },
  ]
  for (const inputResponses of wrong) {
    const { resultType } = await call({ inputResponses })
    assert.equal(resultType, 'input_required', JSON.stringify(inputResponses))
  }
  for (const inputResponses of [null, [], 'x']) {
    const { error } = await call({ inputResponses })
    assert.match(error?.message ?? '', /^params\.inputResponses is .*, expected an object/)
  }
  for (const [action, words] of [
    ['decline', 'The user declined to answer: What is your name?'],
    ['cancel', 'The user left unanswered: What is your name?'],
  ]) {
    const { isError, content } = await call({ inputResponses: { who: { action } } })
    assert.deepEqual([isError, content], [true, [{ type: 'text', text: words }]])
  }
  assert.deepEqual(queries(), [])
  // What nobody asked for is ignored.
  const inputResponses = { who: accept({ name: 'Ada' }), other: accept({ city: 'Rome' }) }
  assert.equal((await call({ inputResponses }))['resultType'], 'complete')
  assert.deepEqual(queries(), ['name=Ada'])
})

test('a state is one caller’s, for one request, once, and nobody can make one', async (t) => {
  const scene = await openScene(t, [ASKS_NAME])
  const { world, call } = scene
  const state = async () => String((await call())['requestState'])
  const inputResponses = { who: accept({ name: 'Ada' }) }
  const problem = async (more: object, args?: object) =>
    (await call({ inputResponses, ...more }, FORMS, args)).error?.message ?? ''
  const forged = [
    `${await state()}-TAMPERED`,
    (await state()).replace(/(?<=.{200})./, (one) => (one === 'A' ? 'B' : 'A')),
    'eyJhbGciOiJub25lIn0.e30.',
    '',
  ]
  for (const requestState of forged) {
    assert.match(
      await problem({ requestState }),
      /^params\.requestState is not one of this server’s/,
    )
  }
  assert.match(await problem({ requestState: 7 }), /^params\.requestState is a number, expected/)
  assert.match(await problem({ requestState: 'x'.repeat(262_145) }), /is 262145 characters long/)
  assert.match(
    await problem({ requestState: await state() }, { city: 'Rome' }),
    /^params\.requestState is of another request/,
  )
  const used = await state()
  assert.equal((await call({ requestState: used, inputResponses }))['resultType'], 'complete')
  assert.match(await problem({ requestState: used }), /^params\.requestState was used before/)
  assert.deepEqual(scene.queries(), ['name=Ada'])
  // Another token of the same server.
  const { token } = await world.make<{ token: string }>(
    'createServerToken',
    { serverId: scene.client.serverId, name: 'Other' },
    'token',
  )
  const params = { name: 'greet', arguments: {}, requestState: await state(), inputResponses }
  const response = await world.app.app(
    new Request(`http://hasmcp/mcp/${scene.client.serverId}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/call',
        'mcp-name': 'greet',
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: {
          ...params,
          _meta: {
            'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            [CAPABILITIES_KEY]: FORMS,
          },
        },
      }),
    }),
    { ip: '192.0.2.3' },
  )
  assert.match(await response.text(), /params\.requestState is not one of this server’s/)
})

test('a modern client is sent to a URL, and one that can do neither gets the words', async (t) => {
  const { queries, call } = await openScene(t, [ASKS_TERMS, ASKS_NAME])
  const both = { elicitation: { form: {}, url: {} } }
  const { inputRequests, requestState } = await call({}, both)
  assert.deepEqual(inputRequests, {
    terms: {
      method: 'elicitation/create',
      params: { mode: 'url', message: 'Accept the terms', url: 'https://example.com/terms' },
    },
    who: {
      method: 'elicitation/create',
      params: { mode: 'form', message: 'What is your name?', requestedSchema: NAME_FORM },
    },
  })
  const inputResponses = { terms: { action: 'accept' }, who: accept({ name: 'Ada' }) }
  assert.equal((await call({ requestState, inputResponses }, both))['resultType'], 'complete')
  assert.deepEqual(queries(), ['name=Ada'])
  for (const [capabilities, words] of [
    [
      {},
      'Accept the terms https://example.com/terms\nWhat is your name? (missing arguments: name, city)',
    ],
    [FORMS, 'Accept the terms https://example.com/terms'],
    [{ elicitation: { url: {} } }, 'What is your name? (missing arguments: name, city)'],
  ] as const) {
    const { isError, content } = await call({}, capabilities)
    const text = `This needs something from the user that this client cannot ask for. Ask them, and call again:\n${words}`
    assert.deepEqual([isError, content], [true, [{ type: 'text', text }]])
  }
})

test('prompts/get asks a modern client for required arguments', async (t) => {
  const { world, client } = await openScene(t, [])
  await world.make('createPrompt', {
    serverId: client.serverId,
    name: 'review',
    title: 'Review',
    arguments: [
      { name: 'language', title: 'Language', isRequired: true },
      { name: 'tone', description: 'How' },
    ],
    messages: [{ role: 'USER', text: '{{language}} {{tone}}' }],
  })
  const get = async (more: object, capabilities: object = FORMS) => {
    const _meta = { [CAPABILITIES_KEY]: capabilities }
    const params = { name: 'review', arguments: { tone: 'soft' }, ...more, _meta }
    return (await (await client.modern(1, 'prompts/get', params)).json()) as StreamMessage
  }
  const { result } = await get({})
  assert.deepEqual(result?.['inputRequests'], {
    arguments: {
      method: 'elicitation/create',
      params: {
        mode: 'form',
        message: 'What the prompt "Review" needs',
        requestedSchema: {
          type: 'object',
          properties: { language: { type: 'string', title: 'Language' } },
          required: ['language'],
        },
      },
    },
  })
  const answered = await get({
    requestState: result?.['requestState'],
    inputResponses: { arguments: accept({ language: 'Rust' }) },
  })
  assert.deepEqual(answered.result?.['messages'], [
    { role: 'user', content: { type: 'text', text: 'Rust soft' } },
  ])
  const declined = await get({ inputResponses: { arguments: { action: 'decline' } } })
  assert.match(declined.error?.message ?? '', /^The user declined to answer/)
  const unable = await get({}, {})
  assert.match(unable.error?.message ?? '', /^params\.arguments\.language is missing/)
})

test('a legacy session is asked on the stream of its call', async (t) => {
  const { client, queries } = await openScene(t, [ASKS_COLOR, ASKS_NAME])
  const session = await client.initialize(FORMS)
  const call = () => client.legacy(session, 5, 'tools/call', { name: 'greet', arguments: {} })
  const stream = readMessages(await call())
  const first = await stream.next()
  assert.deepEqual(
    [first?.method, first?.params],
    [
      'elicitation/create',
      { mode: 'form', message: 'What is your name?', requestedSchema: NAME_FORM },
    ],
  )
  const answer = async (id: unknown, result: object) =>
    (await client.send({ jsonrpc: '2.0', id, result }, { 'mcp-session-id': session })).status
  // Nobody answers for another session, nor what was not asked.
  const other = { 'mcp-session-id': await client.initialize(FORMS) }
  const stolen = await client.send({ jsonrpc: '2.0', id: first?.id, result: {} }, other)
  assert.equal(stolen.status, 400)
  assert.equal(await answer('question-0', {}), 400)
  assert.equal(await answer(first?.id, accept({ name: 'Ada' })), 202)
  const second = await stream.next()
  assert.equal(second?.params?.['message'], 'Which color?')
  assert.equal(await answer(first?.id, accept({ name: 'Eve' })), 400)
  assert.equal(await answer(second?.id, accept({ color: 'red' })), 202)
  const rest = await stream.rest()
  assert.deepEqual(rest, [
    { jsonrpc: '2.0', id: 5, result: { content: [{ type: 'text', text: '{"ok":true}' }] } },
  ])
  assert.deepEqual(queries(), ['name=Ada&color=red'])

  const again = readMessages(await call())
  const question = await again.next()
  await answer(question?.id, { action: 'decline' })
  const [refused] = await again.rest()
  assert.deepEqual(refused?.result, {
    content: [{ type: 'text', text: 'The user declined to answer: What is your name?' }],
    isError: true,
  })
  const failing = readMessages(await call())
  const third = await failing.next()
  await client.send(
    { jsonrpc: '2.0', id: third?.id, error: { code: -1, message: 'no' } },
    { 'mcp-session-id': session },
  )
  const [failed] = await failing.rest()
  assert.match(JSON.stringify(failed?.result), /gave no answer that fits: What is your name\?/)
})

test('a legacy client is sent to a URL by -32042, and its next call goes on', async (t) => {
  const { client, queries } = await openScene(t, [ASKS_TERMS])
  const session = await client.initialize({ elicitation: { url: {} } })
  const call = async (args: object, id = session) => {
    const params = { name: 'greet', arguments: args }
    const response = await client.legacy(id, 5, 'tools/call', params)
    assert.equal(response.status, 200)
    return (await response.json()) as StreamMessage & {
      error?: { data?: { elicitations: object[] } }
    }
  }
  const { error } = await call({ name: 'Ada' })
  assert.deepEqual(
    [error?.code, error?.message],
    [-32042, 'This call needs its user to visit a URL first'],
  )
  const [elicitation] = error?.data?.elicitations ?? []
  assert.deepEqual(
    { ...elicitation, elicitationId: undefined },
    {
      mode: 'url',
      message: 'Accept the terms',
      url: 'https://example.com/terms',
      elicitationId: undefined,
    },
  )
  assert.deepEqual(queries(), [])
  assert.equal((await call({ name: 'Bo' })).error?.code, -32042)
  assert.equal((await call({ name: 'Ada' })).error, undefined)
  assert.deepEqual(queries(), ['name=Ada'])
  // Once: the third is asked again.
  assert.equal((await call({ name: 'Ada' })).error?.code, -32042)
  const unable = await call({ name: 'Ada' }, await client.initialize())
  assert.match(JSON.stringify(unable.result), /Accept the terms https:\/\/example\.com\/terms/)
})

test('an error after a question ends the stream of the call, and says what is wrong', async (t) => {
  const { client } = await openScene(t, [ASKS_NAME, { ...ASKS_TERMS, round: 1 }])
  const session = await client.initialize({ elicitation: { form: {}, url: {} } })
  const params = { name: 'greet', arguments: {} }
  const stream = readMessages(await client.legacy(session, 5, 'tools/call', params))
  const question = await stream.next()
  const result = accept({ name: 'Ada' })
  await client.send({ jsonrpc: '2.0', id: question?.id, result }, { 'mcp-session-id': session })
  const [failed, ...others] = await stream.rest()
  assert.deepEqual([failed?.id, failed?.error?.code, others], [5, -32042, []])
})

test('updateTool refuses what is no question, and keeps what there was', async (t) => {
  const { world } = await openScene(t, [ASKS_NAME])
  const { tools } = await world.ask<{ tools: { nodes: { id: string }[] } }>(
    '{ tools(first: 1) { nodes { id } } }',
  )
  const id = tools.nodes[0]?.id
  const form = (properties: object, more: object = {}) => ({
    inputRequests: [{ ...ASKS_NAME, requestedSchema: { type: 'object', properties, ...more } }],
  })
  const long = { type: 'string', description: 'x'.repeat(7_000) }
  const [longForm] = form({ name: long }).inputRequests
  const inputSchema = {
    type: 'object',
    properties: { city: { type: 'string' } },
    additionalProperties: false,
  }
  const cases: readonly (readonly [object, string])[] = [
    [
      { inputRequests: Array.from({ length: 5 }, (_, n) => ({ ...longForm, key: `k${n}` })) },
      'inputRequests has 35736 bytes as JSON, the limit is 32768',
    ],
    [
      { request: { method: 'GET', path: '/greet', inputSchema } },
      'inputRequests[0].requestedSchema.properties.name is no argument of the tool; expected one of city',
    ],
    [
      { inputRequests: [{ ...ASKS_NAME, url: 'https://a.example' }] },
      'inputRequests[0] has both a requestedSchema and a url; expected one of them',
    ],
    [
      { inputRequests: [{ key: 'a', message: 'b' }] },
      'inputRequests[0] has neither a requestedSchema nor a url; expected one of them',
    ],
    [
      { inputRequests: [ASKS_NAME, ASKS_NAME] },
      'inputRequests[1].key is "who" for the second time',
    ],
    [
      { inputRequests: [{ ...ASKS_NAME, round: 10 }] },
      'inputRequests[0].round is 10; expected 0 to 9',
    ],
    [
      { inputRequests: [{ ...ASKS_TERMS, url: 'javascript:1' }] },
      'inputRequests[0].url is "javascript:1"; expected an absolute http or https URL, such as "https://api.example.com/v1"',
    ],
    [
      { inputRequests: Array.from({ length: 11 }, (_, n) => ({ ...ASKS_TERMS, key: `k${n}` })) },
      'inputRequests has 11 entries, the limit is 10',
    ],
    [form({}), 'inputRequests[0].requestedSchema.properties has 0 fields; expected 1 to 20'],
    [
      form({ name: { type: 'object' } }),
      'inputRequests[0].requestedSchema.properties.name has "object" as its type; expected string, number, integer, boolean, array',
    ],
    [
      form({ name: { type: 'string', pattern: '(a+)+' } }),
      'inputRequests[0].requestedSchema.properties.name.pattern is nothing that a field of type string has',
    ],
    [
      form({ name: { type: 'string', format: 'password' } }),
      'inputRequests[0].requestedSchema.properties.name.format is none of email, uri, date, date-time',
    ],
    [
      form({ name: { type: 'string' } }, { required: ['other'] }),
      'inputRequests[0].requestedSchema.required is no list of its fields',
    ],
    [
      form({ name: { type: 'string' } }, { $ref: '#/x' }),
      'inputRequests[0].requestedSchema.$ref is nothing that a form has',
    ],
    [
      form({ name: { type: 'string', description: 'x'.repeat(9_000) } }),
      'inputRequests[0].requestedSchema has 9074 bytes as JSON, the limit is 8192',
    ],
    [
      form({ other: { type: 'string' } }),
      'inputRequests[0].requestedSchema.properties.other is no argument of the tool; expected one of name, city, color, count',
    ],
  ]
  for (const [input, message] of cases) {
    const refused = await world.mutate('updateTool', { id, ...input })
    assert.deepEqual([refused.code, refused.message], ['INVALID', message])
  }
  const { tool } = await world.ask<{ tool: { inputRequests: object[] } }>(
    'query($id: ID!) { tool(id: $id) { inputRequests { key round message requestedSchema url } } }',
    { id },
  )
  assert.deepEqual(tool.inputRequests, [{ ...ASKS_NAME, round: 0, url: null }])
})
