// Interceptors as their owner uses them: made in GraphQL, at work in every call over MCP.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'

import type { Answer } from './support/upstream.ts'
import { openWorld, type World } from './support/world.ts'

// Bun and Deno run scripts in QuickJS, which names another column of what throws.
const isV8 = !('Bun' in globalThis || 'Deno' in globalThis)
const REPOSITORY = {
  id: 1296269,
  full_name: 'octocat/Hello-World',
  owner: { login: 'octocat', email: 'octocat@example.com', site_admin: false },
  stargazers_count: 80,
  topics: ['octocat', 'atom'],
}
const answerRepository: Answer = (_request, response) => {
  response
    .setHeader('content-type', 'application/json')
    .setHeader('etag', '"e1"')
    .setHeader('set-cookie', 'session=secret')
    .end(JSON.stringify(REPOSITORY))
}

interface Scene {
  readonly world: World
  readonly server: Awaited<ReturnType<World['openServer']>>
  readonly toolId: string
  /** Makes an interceptor of the tool, or of the server. */
  readonly add: (input: object) => Promise<string>
}

const PET = {
  path: '/pets/{id}',
  inputSchema: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] },
}

/** A server with one tool: `get_repo`, or `tool` with that request. */
async function openScene(
  t: TestContext,
  answer: Answer = answerRepository,
  request?: object,
): Promise<Scene> {
  const world = await openWorld(t, answer)
  const { id: providerId } = await world.make('createProvider', {
    name: 'P',
    baseUrl: world.upstream.origin,
  })
  const made = request ?? { method: 'GET', path: '/repo' }
  const name = request === undefined ? 'get_repo' : 'tool'
  const { id: toolId } = await world.make('createTool', { providerId, name, request: made })
  const server = await world.openServer({ name: 'Shop', providerIds: [providerId] })
  let count = 0
  return {
    world,
    server,
    toolId,
    async add(input) {
      const defaults = { phase: 'RESPONSE', engine: 'JAVASCRIPT', name: `script ${(count += 1)}` }
      const owner = 'serverId' in input ? {} : { toolId }
      const { id } = await world.make<{ id: string }>('createInterceptor', {
        ...defaults,
        ...owner,
        ...input,
      })
      return id
    },
  }
}

test('an answer is pruned by JMESPath while the interceptor is enabled', async (t) => {
  const { world, server, add } = await openScene(t)
  assert.deepEqual(JSON.parse((await server.call('get_repo')).text), REPOSITORY)
  const code = '{name: full_name, stars: stargazers_count}'
  const id = await add({ engine: 'JMESPATH', code })
  const pruned = { text: '{"name":"octocat/Hello-World","stars":80}', isError: false }
  assert.deepEqual(await server.call('get_repo'), pruned)
  await world.make('updateInterceptor', { id, isEnabled: false })
  assert.deepEqual(JSON.parse((await server.call('get_repo')).text), REPOSITORY)
  await world.make('updateInterceptor', { id, isEnabled: true, code: 'topics' })
  assert.deepEqual(await server.call('get_repo'), { text: '["octocat","atom"]', isError: false })
  await world.ask('mutation($id: ID!) { deleteInterceptor(id: $id) { __typename } }', { id })
  assert.deepEqual(JSON.parse((await server.call('get_repo')).text), REPOSITORY)
})

test('an answer is rewritten by JavaScript, which sees its status, some headers and the tool', async (t) => {
  const { server, add } = await openScene(t)
  await add({
    code: `delete input.owner.email
      const { name, method, path } = tool
      return { owner: input.owner, status, headers, name, method, path, server: tool.server }`,
  })
  const { text } = await server.call('get_repo')
  assert.deepEqual(JSON.parse(text), {
    owner: { login: 'octocat', site_admin: false },
    status: 200,
    headers: { 'content-type': 'application/json', etag: '"e1"' },
    name: 'get_repo',
    method: 'GET',
    path: '/repo',
    server: 'Shop',
  })
})

test("a request passes the server's interceptors first and an answer the tool's, by position", async (t) => {
  const answer: Answer = ({ body }, response) => response.end(body)
  const { server, add } = await openScene(t, answer, {
    method: 'POST',
    path: '/notes',
    sampleArguments: { trail: '' },
  })
  const append = (letter: string) => `input.trail += '${letter}'; input`
  const serverId = server.id
  const request = { phase: 'REQUEST' }
  await add({ ...request, code: append('d'), position: 7 })
  await add({ ...request, code: append('c'), position: 3 })
  await add({ ...request, serverId, code: append('a'), position: 9 })
  await add({ ...request, serverId, code: append('b') })
  await add({ serverId, code: `input.trail += '3'; input` })
  await add({ code: `input.trail += '1'; input` })
  await add({ code: `input.trail += '2'; input` })
  const { text } = await server.call('tool', { trail: '' })
  assert.deepEqual(JSON.parse(text), { trail: 'abcd123' })
})

test('an audit changes nothing, is measured, and its failure is nobody else’s', async (t) => {
  const { world, server, toolId, add } = await openScene(t)
  const audit = await add({ mode: 'AUDIT', engine: 'JMESPATH', code: 'topics' })
  await add({ mode: 'AUDIT', code: 'throw new Error("no")' })
  await add({ onError: 'PASS_THROUGH', code: 'throw new Error("no")' })
  assert.deepEqual(JSON.parse((await server.call('get_repo')).text), REPOSITORY)
  const bytes = JSON.stringify(REPOSITORY).length
  interface Use {
    readonly interceptor: { readonly id: string; readonly name: string }
    readonly failure: string | null
    readonly bytesBefore: number
    readonly bytesAfter: number
    readonly tokensBefore: number
    readonly tokensAfter: number
  }
  const { callTool } = await world.ask<{ callTool: { data: { interceptors: Use[] } } }>(
    `mutation($toolId: ID!) { callTool(input: { toolId: $toolId }) { ... on CallToolSuccess { data {
      interceptors { interceptor { id name } failure bytesBefore bytesAfter tokensBefore tokensAfter } } } } }`,
    { toolId },
  )
  const uses = callTool.data.interceptors
  assert.deepEqual(
    uses.map(({ interceptor, failure, bytesBefore, bytesAfter }) => [
      interceptor.name,
      failure,
      bytesBefore,
      bytesAfter,
    ]),
    [
      ['script 1', null, bytes, '["octocat","atom"]'.length],
      ['script 2', 'INTERCEPTOR_FAILED', bytes, bytes],
      ['script 3', 'INTERCEPTOR_FAILED', bytes, bytes],
    ],
  )
  assert.equal(uses[0]?.interceptor.id, audit)
  assert.ok((uses[0]?.tokensAfter ?? 99) < (uses[0]?.tokensBefore ?? 0) / 4)
})

test('a failing response interceptor never lets the answer out, and says its line', async (t) => {
  const { server, world, add } = await openScene(t)
  const id = await add({ name: 'redact', code: 'let a = 1\ninput.missing.email = 0\ninput' })
  const { text, isError } = await server.call('get_repo')
  assert.equal(isError, true)
  assert.match(
    text,
    /^Interceptor "redact" failed \(line 2, column \d+\); the upstream was called, and its answer is withheld$/,
  )
  assert.doesNotMatch(text, /octocat/)
  // Errors that quote what they are about.
  for (const code of ['JSON.parse(input.full_name)', 'throw new Error(input.full_name)']) {
    await world.make('updateInterceptor', { id, code })
    assert.match((await server.call('get_repo')).text, /^Interceptor "redact" failed \(line 1, /)
  }
  assert.equal(world.upstream.requests.length, 3)
  await world.make('updateInterceptor', { id, onError: 'PASS_THROUGH' })
  assert.deepEqual(JSON.parse((await server.call('get_repo')).text), REPOSITORY)
})

test('a failing request interceptor, or what it makes that the tool does not take, sends nothing', async (t) => {
  const { server, world, add } = await openScene(t, answerRepository, {
    method: 'POST',
    ...PET,
  })
  const cases: readonly (readonly [code: string, message: RegExp])[] = [
    [
      'throw new Error("not on Sundays")',
      new RegExp(
        `^Interceptor "script \\d": Error: not on Sundays \\(line 1, column ${isV8 ? 7 : 11}\\); nothing was sent to the upstream$`,
      ),
    ],
    ['({})', /^What the request interceptors made of the arguments cannot be sent: .*id/],
    [
      '({ id: 1, more: 2 })',
      /^What the request interceptors made of the arguments cannot be sent: .*more/,
    ],
    ['[1]', /^What the request interceptors made of the arguments cannot be sent: .*object/],
    ['undefined', /^(?:Interceptor|What the request interceptors)/],
    ['Promise.resolve(input)', /promise/i],
  ]
  for (const [code, message] of cases) {
    const id = await add({ phase: 'REQUEST', code })
    const { text, isError } = await server.call('tool', { id: 'a' })
    assert.equal(isError, true, code)
    assert.match(text, message, code)
    await world.ask('mutation($id: ID!) { deleteInterceptor(id: $id) { __typename } }', { id })
  }
  assert.equal(world.upstream.requests.length, 0)
  // Bad arguments are refused before a script sees them.
  await add({ phase: 'REQUEST', code: '({ id: "mended" })' })
  assert.match((await server.call('tool', {})).text, /^Invalid arguments/)
  assert.equal((await server.call('tool', { id: 'a' })).isError, false)
  assert.equal(world.upstream.requests[0]?.url, '/pets/mended')
})

test('request interceptors run for the methods that they name', async (t) => {
  const { server, world, add } = await openScene(t, answerRepository, {
    method: 'GET',
    ...PET,
  })
  const id = await add({ phase: 'REQUEST', code: '({ id: "other" })' })
  await server.call('tool', { id: 'a' })
  await world.make('updateInterceptor', { id, methods: ['GET'] })
  await server.call('tool', { id: 'a' })
  assert.deepEqual(
    world.upstream.requests.map(({ url }) => url),
    ['/pets/a', '/pets/other'],
  )
})

test('answers that are errors, empty or no JSON reach a script as its owner says', async (t) => {
  const answers: readonly (readonly [status: number, type: string, body: string | Buffer])[] = [
    [404, 'application/json', '{"error":"gone","stack":"secret"}'],
    [204, '', ''],
    [200, 'text/plain', 'plain'],
    [200, 'application/json', '{"broken'],
    [200, 'image/png', Buffer.from([0x89, 0x50, 0, 1])],
  ]
  let at = 0
  const { server, world, add } = await openScene(t, (_request, response) => {
    const [status, type, body] = answers[at] ?? [500, '', '']
    response.statusCode = status
    if (type !== '') response.setHeader('content-type', type)
    response.end(body)
  })
  const id = await add({ code: '({ saw: input, status })' })
  const call = async (index: number) => {
    at = index
    return await server.call('get_repo')
  }
  assert.match((await call(0)).text, /^HTTP 404 Not Found\n\{"error":"gone","stack":"secret"\}$/)
  assert.equal((await call(1)).text, '{"saw":null,"status":204}')
  assert.equal((await call(2)).text, '{"saw":"plain","status":200}')
  assert.equal((await call(3)).text, '{"saw":"{\\"broken","status":200}')
  assert.deepEqual(await call(4), {
    text: 'Interceptor "script 1" was not run: the answer is no text; the upstream was called, and its answer is withheld',
    isError: true,
  })
  await world.make('updateInterceptor', { id, seesErrors: true, code: 'delete input.stack; input' })
  assert.deepEqual(await call(0), { text: 'HTTP 404 Not Found\n{"error":"gone"}', isError: true })
  await world.make('updateInterceptor', { id, code: 'input.toUpperCase()' })
  assert.deepEqual(await call(2), { text: 'PLAIN', isError: false })
})

test('a result that its owner has a schema for is structured content, and what does not fit is withheld', async (t) => {
  const { world, server, toolId, add } = await openScene(t)
  const outputSchema = {
    type: 'object',
    properties: { stars: { $ref: '#/$defs/count' } },
    required: ['stars'],
    $defs: { count: { type: 'integer', minimum: 0 } },
  }
  const selfContained = {
    type: 'object',
    properties: { stars: { type: 'integer', minimum: 0 } },
    required: ['stars'],
  }
  const id = await add({ name: 'count', code: '({ stars: input.stargazers_count })', outputSchema })
  const shown = async () => (await server.list())[0]?.['outputSchema']
  assert.deepEqual(await shown(), selfContained)
  const call = async () => {
    const { body } = await server.request('tools/call', { name: 'get_repo', arguments: {} })
    return body.result
  }
  assert.deepEqual(await call(), {
    content: [{ type: 'text', text: '{"stars":80}' }],
    structuredContent: { stars: 80 },
  })
  for (const [code, problem] of [
    ['({ stars: -1 })', 'stars'],
    ['({})', 'stars'],
    ['[80]', 'it is no object'],
  ] as const) {
    await world.make('updateInterceptor', { id, code })
    const { text, isError } = await server.call('get_repo')
    assert.equal(isError, true)
    assert.match(text, /^Interceptor "count" made what does not fit its outputSchema: /)
    assert.ok(text.includes(problem), text)
  }
  // Behind it, one that has a say and no schema: then the result is a text again.
  await world.make('updateInterceptor', { id, code: '({ stars: 1 })' })
  const other = await add({ serverId: server.id, engine: 'JMESPATH', code: 'stars' })
  assert.equal(await shown(), undefined)
  assert.deepEqual(await call(), { content: [{ type: 'text', text: '1' }] })
  await world.make('updateInterceptor', { id: other, mode: 'AUDIT' })
  assert.deepEqual(await shown(), selfContained)
  const refusals: readonly (readonly [object, RegExp])[] = [
    [{ onError: 'PASS_THROUGH' }, /^onError is PASS_THROUGH; expected FAIL with an outputSchema$/],
    [{ phase: 'REQUEST' }, /^outputSchema is given for a request; expected it for a response$/],
    [{ outputSchema: { type: 'string' } }, /^outputSchema is no schema of an object; expected /],
    [{ outputSchema: [] }, /^outputSchema is no schema of an object; expected /],
    [
      { outputSchema: { type: 'object', properties: { a: { $ref: 'https://a.example/s' } } } },
      /^outputSchema cannot be used: /,
    ],
    [
      { outputSchema: { type: 'object', description: 'x'.repeat(16 * 1024) } },
      /^outputSchema has 16418 bytes as JSON, the limit is 16384$/,
    ],
  ]
  for (const [input, message] of refusals) {
    const { code, message: said = '' } = await world.mutate('updateInterceptor', { id, ...input })
    assert.equal(code, 'INVALID')
    assert.match(said, message)
  }
  await world.make('updateInterceptor', { id, outputSchema: null, onError: 'PASS_THROUGH' })
  assert.equal(await shown(), undefined)
  assert.ok(toolId)
})

test('a script that has to be killed again and again is off until it is edited', async (t) => {
  const { world, server, add } = await openScene(t)
  // No engine can interrupt it: its process has to be killed.
  const code = 'Array.prototype.reverse.call({ length: 2 ** 53 - 1 })'
  const id = await add({ name: 'loop', code })
  const state = async () =>
    (
      await world.ask<{ interceptor: { quarantinedUntil: string | null } }>(
        'query($id: ID!) { interceptor(id: $id) { quarantinedUntil } }',
        { id },
      )
    ).interceptor.quarantinedUntil
  for (let kill = 0; kill < 5; kill += 1) {
    assert.equal(await state(), null)
    // On a machine that is busy with others, the time on the wall may be over first.
    assert.match(
      (await server.call('get_repo')).text,
      /^Interceptor "loop" was stopped: it (used more than 250 ms of CPU time|did not finish within 1000 ms); the upstream was called, and its answer is withheld$/,
    )
  }
  assert.ok(Date.parse((await state()) ?? '') > Date.now())
  assert.match(
    (await server.call('get_repo')).text,
    /^Interceptor "loop" is off for \d+ s: it had to be killed too often; edit it to turn it on at once; /,
  )
  await world.make('updateInterceptor', { id, code: 'input.topics' })
  assert.equal(await state(), null)
  assert.equal((await server.call('get_repo')).text, '["octocat","atom"]')
})

test('a script that does not compile is refused with its place, and nothing is stored', async (t) => {
  const { world, server, add } = await openScene(t)
  const id = await add({ name: 'kept', code: 'input' })
  const cases: readonly (readonly [engine: string, code: string, line: number, column: number])[] =
    [
      ['JAVASCRIPT', 'let a = ;', 1, 9],
      ['JAVASCRIPT', 'input\nlet 1a = 2', 2, 5],
      ['JAVASCRIPT', `${'x'.repeat(65_536)}y`, 0, 0],
      ['JMESPATH', 'a.b.', 1, 5],
      ['JMESPATH', 'a[?b ==', 1, 8],
      ['JMESPATH', `"${'x'.repeat(8_192)}"`, 0, 0],
    ]
  const query = (name: string) => `mutation($input: ${name}InterceptorInput!) {
    ${name.toLowerCase()}Interceptor(input: $input) { __typename ... on InterceptorError { code message line column } } }`
  const base = { serverId: server.id, name: 'S', phase: 'RESPONSE' }
  for (const [engine, code, line, column] of cases) {
    for (const [name, input] of [
      ['Create', { ...base, engine, code }],
      ['Update', { id, engine, code }],
    ] as const) {
      const answer = await world.ask<Record<string, Record<string, unknown>>>(query(name), {
        input,
      })
      const { message, ...rest } = Object.values(answer)[0] ?? {}
      assert.deepEqual(
        rest,
        {
          __typename: 'InterceptorError',
          code: 'INTERCEPTOR_INVALID',
          line: line === 0 ? null : line,
          column: column === 0 ? null : column,
        },
        `${name} ${code.slice(0, 20)}: ${String(message)}`,
      )
    }
  }
  const { interceptors } = await world.ask<{ interceptors: object }>(
    '{ interceptors(first: 9) { nodes { id name code version } } }',
  )
  assert.deepEqual(interceptors, { nodes: [{ id, name: 'kept', code: 'input', version: 1 }] })
})

test('inputs that break a rule are refused by name, and versions and repetitions are heeded', async (t) => {
  const { world, server, toolId } = await openScene(t)
  const good = { toolId, name: 'N', phase: 'RESPONSE', engine: 'JMESPATH', code: '@' }
  const refusals: readonly (readonly [object, string])[] = [
    [{ ...good, toolId: undefined }, 'input has neither toolId nor serverId; expected one of them'],
    [{ ...good, serverId: server.id }, 'input has both toolId and serverId; expected one of them'],
    [{ ...good, name: '' }, 'name is empty; expected 1 to 80 characters'],
    [{ ...good, code: '  ' }, 'code is empty; expected a script'],
    [{ ...good, code: 'a\0' }, 'code has a NUL or half of a surrogate pair; expected text'],
    [{ ...good, position: -1 }, 'position is -1; expected 0 to 1000000'],
  ]
  for (const [input, message] of refusals) {
    const { code, message: said } = await world.mutate('createInterceptor', input, 'id')
    assert.deepEqual([code, said], ['INVALID', message])
  }
  const once = { ...good, idempotencyKey: 'k' }
  const first = await world.make('createInterceptor', once, 'id version position')
  assert.deepEqual(await world.make('createInterceptor', once, 'id version position'), first)
  const { id } = first as unknown as { id: string }
  const update = (input: object) =>
    world.mutate('updateInterceptor', { id, ...input }, 'version name mode isEnabled methods')
  assert.deepEqual(
    await update({ version: 1, mode: 'AUDIT', name: 'M', methods: ['GET', 'GET'] }),
    {
      __typename: 'UpdateInterceptorSuccess',
      data: { version: 2, name: 'M', mode: 'AUDIT', isEnabled: true, methods: ['GET'] },
    },
  )
  for (const input of [{ name: 'L' }, { code: 'a' }]) {
    const { code } = await update({ version: 1, ...input })
    assert.equal(code, 'CONFLICT')
  }
  for (let count = 1; count < 20; count += 1) await world.make('createInterceptor', good)
  const { message } = await world.mutate('createInterceptor', good, 'id')
  assert.equal(message, `The tool ${toolId} has 20 interceptors, which is the limit`)
  await world.make('createInterceptor', { ...good, toolId: undefined, serverId: server.id })
  const lists = await world.ask<Record<string, { interceptors: { totalCount: number } }>>(
    `query($tool: ID!, $server: ID!) { tool(id: $tool) { interceptors(first: 1) { totalCount } }
      server(id: $server) { interceptors(first: 1) { totalCount } } }`,
    { tool: toolId, server: server.id },
  )
  assert.deepEqual(lists, {
    tool: { interceptors: { totalCount: 20 } },
    server: { interceptors: { totalCount: 1 } },
  })
  await world.ask('mutation($id: ID!) { deleteServer(id: $id) { __typename } }', { id: server.id })
  const { interceptors } = await world.ask<{ interceptors: object }>(
    '{ interceptors(first: 1, filter: { phase: RESPONSE, isEnabled: true }) { totalCount } }',
  )
  assert.deepEqual(interceptors, { totalCount: 20 })
})

test('a script is tried on a sample, within the same limits, and nothing is stored', async (t) => {
  const { world } = await openScene(t)
  const preview = async (input: object) =>
    await world.ask<{ previewInterceptor: Record<string, unknown> }>(
      `mutation($input: PreviewInterceptorInput!) { previewInterceptor(input: $input) {
        ... on PreviewInterceptorSuccess { data { output console bytesBefore bytesAfter tokensBefore tokensAfter } }
        ... on InterceptorError { code message line column }
        ... on InvalidError { code message } } }`,
      { input: { phase: 'RESPONSE', engine: 'JAVASCRIPT', sample: REPOSITORY, ...input } },
    )
  const code =
    'console.log("stars", input.stargazers_count, status, headers.a)\nreturn input.topics'
  const { previewInterceptor: seen } = await preview({ code, status: 201, headers: { a: 'b' } })
  const { tokensBefore, tokensAfter, ...rest } = seen['data'] as Record<string, number>
  assert.deepEqual(rest, {
    output: ['octocat', 'atom'],
    console: ['stars 80 201 b'],
    bytesBefore: JSON.stringify(REPOSITORY).length,
    bytesAfter: '["octocat","atom"]'.length,
  })
  assert.ok((tokensBefore ?? 0) > 4 * (tokensAfter ?? 99))
  const failed = await preview({ code: '\nnull.a' })
  assert.deepEqual(
    { ...failed.previewInterceptor, message: '' },
    { code: 'INTERCEPTOR_FAILED', message: '', line: 2, column: isV8 ? 6 : 1 },
  )
  const looping = await preview({ code: 'for (;;);' })
  assert.equal(looping.previewInterceptor['code'], 'INTERCEPTOR_TIMEOUT')
  const wrong = await preview({ code: 'let x =' })
  assert.equal(wrong.previewInterceptor['code'], 'INTERCEPTOR_INVALID')
  const { interceptors } = await world.ask<{ interceptors: object }>(
    '{ interceptors(first: 1) { totalCount } }',
  )
  assert.deepEqual(interceptors, { totalCount: 0 })
})
