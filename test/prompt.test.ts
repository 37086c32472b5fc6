// Prompts as their owner makes them and as clients get them.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { openWorld } from './support/world.ts'

const PNG = 'iVBORw0KGgo='
const REVIEW = {
  name: 'review',
  title: 'Review',
  description: 'Reviews a change',
  arguments: [
    { name: 'language', isRequired: true, values: ['TypeScript', 'Rust', 'Python', 'Perl'] },
    { name: 'tone', title: 'Tone', description: 'How to say it' },
  ],
  messages: [
    { role: 'USER', text: 'Review this {{language}} change. {{tone}}' },
    { role: 'ASSISTANT', image: { data: PNG, mimeType: 'image/png' } },
    { role: 'USER', audio: { data: PNG, mimeType: 'audio/wav' } },
    { role: 'USER', resource: { uri: 'docs://style/{{language}}', text: 'Style of {{language}}' } },
  ],
}

test('a prompt is made, listed, filled in, completed, changed and deleted', async (t) => {
  const world = await openWorld(t)
  const server = await world.openServer({ name: 'Reviews' })
  assert.deepEqual((await server.request('prompts/list')).body.result, { prompts: [] })
  const { id } = await world.make('createPrompt', { serverId: server.id, ...REVIEW })
  assert.deepEqual((await server.request('prompts/list')).body.result, {
    prompts: [
      {
        name: 'review',
        title: 'Review',
        description: 'Reviews a change',
        arguments: [
          { name: 'language', required: true },
          { name: 'tone', title: 'Tone', description: 'How to say it' },
        ],
      },
    ],
  })
  // What an argument says is never read for placeholders again.
  const filled = { language: '{{tone}} $&', tone: 'Kindly.' }
  const got = await server.request('prompts/get', { name: 'review', arguments: filled })
  assert.deepEqual(got.body.result, {
    description: 'Reviews a change',
    messages: [
      { role: 'user', content: { type: 'text', text: 'Review this {{tone}} $& change. Kindly.' } },
      { role: 'assistant', content: { type: 'image', data: PNG, mimeType: 'image/png' } },
      { role: 'user', content: { type: 'audio', data: PNG, mimeType: 'audio/wav' } },
      {
        role: 'user',
        content: {
          type: 'resource',
          resource: {
            uri: 'docs://style/{{tone}} $&',
            mimeType: 'text/plain',
            text: 'Style of {{tone}} $&',
          },
        },
      },
    ],
  })
  const complete = async (value: string) =>
    (
      await server.request('completion/complete', {
        ref: { type: 'ref/prompt', name: 'review' },
        argument: { name: 'language', value },
      })
    ).body.result?.['completion']
  assert.deepEqual(await complete('p'), {
    values: ['Python', 'Perl', 'TypeScript'],
    total: 3,
    hasMore: false,
  })
  assert.deepEqual(await complete('cobol'), { values: [], total: 0, hasMore: false })

  const { messages } = await world.make<{ messages: unknown }>(
    'updatePrompt',
    { id, version: 1, name: 'check', messages: [{ role: 'USER', text: 'Look at {{tone}}' }] },
    'messages { role text image { mimeType } resource { uri } }',
  )
  assert.deepEqual(messages, [
    { role: 'USER', text: 'Look at {{tone}}', image: null, resource: null },
  ])
  assert.deepEqual((await server.request('prompts/get', { name: 'review' })).body.error, {
    code: -32602,
    message: 'Unknown prompt: review',
  })
  const conflict = await world.mutate('updatePrompt', { id, version: 1, title: 'x' })
  assert.equal(conflict.code, 'CONFLICT')
  const { prompts } = await world.ask<{ prompts: { nodes: unknown; totalCount: number } }>(
    '{ prompts(first: 5, filter: { nameContains: "CHE" }) { totalCount nodes { name viewerCanUpdate server { name } arguments { name isRequired values } } } }',
  )
  assert.deepEqual(prompts, {
    totalCount: 1,
    nodes: [
      {
        name: 'check',
        viewerCanUpdate: true,
        server: { name: 'Reviews' },
        arguments: [
          {
            name: 'language',
            isRequired: true,
            values: ['TypeScript', 'Rust', 'Python', 'Perl'],
          },
          { name: 'tone', isRequired: false, values: [] },
        ],
      },
    ],
  })
  await world.ask('mutation($id: ID!) { deletePrompt(id: $id) { __typename } }', { id })
  assert.deepEqual((await server.request('prompts/list')).body.result, { prompts: [] })
})

test('prompts/get says which argument is missing, unknown or no string', async (t) => {
  const world = await openWorld(t)
  const server = await world.openServer({ name: 'Reviews' })
  await world.make('createPrompt', { serverId: server.id, ...REVIEW })
  const cases: readonly (readonly [object, string])[] = [
    [{}, "params.name is missing, expected a prompt's name"],
    [{ name: 'none' }, 'Unknown prompt: none'],
    [
      { name: 'review' },
      'params.arguments.language is missing, expected a string: the prompt needs it',
    ],
    [{ name: 'review', arguments: [] }, 'params.arguments is an array, expected an object'],
    [
      { name: 'review', arguments: { language: 1 } },
      'params.arguments.language is a number, expected a string',
    ],
    [
      { name: 'review', arguments: { language: 'x', other: 'y' } },
      'params.arguments.other is no argument of it, expected language, tone',
    ],
    [
      { name: 'review', arguments: { language: 'x'.repeat(20_000) } },
      'params.arguments.language has 20000 characters, expected at most 16384',
    ],
  ]
  for (const [params, message] of cases) {
    const { status, body } = await server.request('prompts/get', params)
    assert.deepEqual([status, body.error], [200, { code: -32602, message }])
  }
  const ref = { type: 'ref/prompt', name: 'review' }
  const refusals: readonly (readonly [object, string])[] = [
    [{}, 'params.argument is missing, expected an object'],
    [{ argument: { name: 'tone' }, ref }, 'params.argument.value is missing, expected a string'],
    [
      { argument: { name: 'x', value: '' }, ref },
      'params.argument.name is x, expected language, tone',
    ],
    [{ argument: { name: 'x', value: '' } }, 'params.ref is missing, expected an object'],
    [
      { argument: { name: 'x', value: '' }, ref: { type: 'ref/tool' } },
      'params.ref.type is ref/tool, expected ref/prompt or ref/resource',
    ],
    [
      { argument: { name: 'x', value: '' }, ref: { type: 'ref/resource', uri: 'a:b' } },
      'Unknown resource template: a:b',
    ],
  ]
  for (const [params, message] of refusals) {
    const { body } = await server.request('completion/complete', params)
    assert.deepEqual(body.error, { code: -32602, message })
  }
})

test('a prompt is refused before it grows beyond what a client may make of it', async (t) => {
  const world = await openWorld(t)
  const server = await world.openServer({ name: 'Reviews' })
  await world.make('createPrompt', {
    serverId: server.id,
    name: 'echo',
    arguments: [{ name: 'a' }],
    messages: [{ role: 'USER', text: '{{a}}'.repeat(20_000) }],
  })
  const get = async (length: number) =>
    (await server.request('prompts/get', { name: 'echo', arguments: { a: 'x'.repeat(length) } }))
      .body
  assert.equal(JSON.stringify((await get(50)).result).length > 1_000_000, true)
  for (const length of [53, 16_384]) {
    assert.deepEqual((await get(length)).error, {
      code: -32602,
      message:
        'The prompt echo with these arguments is larger than 1048576 bytes, expected shorter ones',
    })
  }
})

test('createPrompt refuses what breaks a rule, and makes nothing', async (t) => {
  const world = await openWorld(t)
  const server = await world.openServer({ name: 'Reviews' })
  const cases: readonly (readonly [object, string])[] = [
    [{ name: 'a b' }, 'name is "a b"; expected 1 to 64 of A-Z, a-z, 0-9, _ and -'],
    [{ messages: [] }, 'messages has 0 entries; expected 1 to 50'],
    [
      { messages: [{ role: 'USER' }] },
      'messages[0] has no content; expected one of text, image, audio and resource',
    ],
    [
      { messages: [{ role: 'USER', text: 'a', image: { data: PNG, mimeType: 'image/png' } }] },
      'messages[0] has 2 contents; expected one of text, image, audio and resource',
    ],
    [
      { messages: [{ role: 'USER', text: '{{nobody}}' }] },
      'messages[0] refers to {{nobody}}; expected the name of one of its arguments',
    ],
    [
      { messages: [{ role: 'USER', image: { data: 'no', mimeType: 'image/png' } }] },
      'messages[0].image.data is no Base64 of RFC 4648 section 4; expected it with its padding',
    ],
    [
      { messages: [{ role: 'USER', image: { data: PNG, mimeType: 'audio/wav' } }] },
      'messages[0].image.mimeType is "audio/wav"; expected image/…',
    ],
    [
      { messages: Array.from({ length: 3 }, () => ({ role: 'USER', text: 'x'.repeat(50_000) })) },
      'messages has 150157 bytes as JSON, the limit is 131072',
    ],
    [
      { arguments: [{ name: 'a' }, { name: 'a' }], messages: [{ role: 'USER', text: 'x' }] },
      'arguments[1].name is "a" for the second time',
    ],
    [
      {
        arguments: Array.from({ length: 20 }, (_, n) => ({
          name: `a${n}`,
          description: 'x'.repeat(2_000),
        })),
        messages: [{ role: 'USER', text: 'x' }],
      },
      'arguments has 41431 bytes as JSON, the limit is 32768',
    ],
  ]
  for (const [input, message] of cases) {
    const refused = await world.mutate('createPrompt', { serverId: server.id, ...REVIEW, ...input })
    assert.deepEqual([refused.code, refused.message], ['INVALID', message])
  }
  assert.deepEqual((await server.request('prompts/list')).body.result, { prompts: [] })
})
