// What an operation may be made of, at each limit's edge and as an attacker would write it, with the
// time that a refusal takes; and cursors that are no cursors.
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { test } from 'node:test'
import { getIntrospectionQuery, parse, specifiedRules, validate } from 'graphql'
import { costRule } from '../schema/limit-cost.ts'
import { shapeRule } from '../schema/limit-shape.ts'
import { schema } from '../schema/schema.ts'
import {
  graphqlRequest,
  importProvider,
  openControlPlane,
  type Answer,
  type Client,
} from './support/control-plane.ts'

// Of the whole request, sign-in and all; of that, the limits were measured at 0.2 to 3 ms.
const MAX_REFUSAL_MS = 50

const repeat = (count: number, text: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => text(index)).join(' ')
/** `count` times the first text, and as many closing braces around what is in the middle. */
const nest = (count: number, open: string, middle = '') =>
  `${open.repeat(count)}${middle}${' }'.repeat(count * open.split('{').length - count)}`
const TOKENS = 'Syntax Error: Document contains more that 1000 tokens. Parsing aborted.'
const levels = (count: number) => `The operation has ${count} levels of fields, the limit is 12`
const aliases = (count: number | string) => `The operation has ${count} aliases, the limit is 15`
const repeats = (count: number) =>
  `The operation has ${count} fields of one name in one place, the limit is 10`
const directives = (count: number) => `The operation has ${count} directives, the limit is 50`

/** Fragments f0, f1 and so on, each with the next one twice; `last` is what the last one selects. */
const doubling = (count: number, last: string) =>
  `${repeat(count, (n) => `fragment f${n} on Provider { ...f${n + 1} ...f${n + 1} }`)} fragment f${count} on Provider { ${last} }`
const skip = (count: number) => '@skip(if: true) '.repeat(count)

/** Input of the operation, and the message it is refused with. */
const REFUSED: readonly (readonly [name: string, query: string, message: string])[] = [
  ['13 levels', nest(13, '{ a '), levels(13)],
  ['200 levels', nest(200, '{ a '), levels(200)],
  ['5,000 levels', nest(5000, '{ a '), TOKENS],
  [
    '13 levels in fragments',
    `{ viewer { ...f0 } } ${repeat(11, (n) => `fragment f${n} on Viewer { a { ...f${n + 1} } }`)} fragment f11 on Viewer { a }`,
    levels(13),
  ],
  ['13 levels in inline fragments', nest(13, '{ ... { a '), levels(13)],
  [
    '21 levels of introspection',
    `{ x: __type(name: "Tool") { ${nest(19, 'ofType { ', 'name')} } }`,
    'The operation has 21 levels of introspection, the limit is 20',
  ],
  ['16 aliases', `{ ${repeat(16, (n) => `a${n}: viewer { account { id } }`)} }`, aliases(16)],
  ['5,000 aliases', `{ ${repeat(5000, (n) => `a${n}: viewer { account { id } }`)} }`, TOKENS],
  [
    '16 aliases in a fragment that is spread twice',
    `{ a: viewer { ...f } viewer { ...f b: account { id } } } fragment f on Viewer { ${repeat(7, (n) => `a${n}: account { id }`)} }`,
    aliases(16),
  ],
  [
    '16 aliases of a mutation',
    `mutation { ${repeat(16, (n) => `a${n}: revokeApiKey(id: "x") { __typename }`)} }`,
    aliases(16),
  ],
  ['51 directives on a field', `{ viewer ${skip(51)} { account { id } } }`, directives(51)],
  [
    '51 directives here and there',
    `query ($x: Int ${skip(10)}) ${skip(10)} { viewer ${skip(10)} { ...f ${skip(10)} ... ${skip(10)} { account { id } } } } fragment f on Viewer ${skip(1)} { account { id } }`,
    directives(51),
  ],
  ['1,001 tokens', `{ ${'a '.repeat(999)}}`, TOKENS],
  ['3,000 equal fields', `{ ${'viewer { account { id } } '.repeat(3000)} }`, TOKENS],
  [
    '1,500 overlapping selections',
    `{ ${repeat(1500, (n) => `provider(id: "${n}") { id }`)} }`,
    TOKENS,
  ],
  [
    '30 levels of doubling fragments',
    `{ provider(id: "x") { ...f0 } } ${doubling(30, 'id')}`,
    'The answer could have 1.1e+9 fields, the limit is 100000; ask for smaller pages or fewer lists in lists',
  ],
  [
    '10 levels of doubling fragments with an alias in the last one',
    `{ provider(id: "x") { ...f0 } } ${doubling(10, 'x: id')}`,
    aliases(1024),
  ],
  [
    '3 levels of doubling fragments with 8 directives in the last one',
    `{ provider(id: "x") { ...f0 } } ${doubling(3, `id ${skip(8)}`)}`,
    directives(64),
  ],
  ['11 equal fields', `{ viewer { account { ${'id '.repeat(11)} } } }`, repeats(11)],
  [
    '11 fields of one name through a fragment',
    `{ provider(id: "x") { ${'id '.repeat(10)} ...f } } fragment f on Provider { id }`,
    repeats(11),
  ],
  [
    '5 levels of doubling fragments',
    `{ provider(id: "x") { ...f0 } } ${doubling(5, 'id')}`,
    repeats(32),
  ],
  [
    'a fragment of itself',
    '{ viewer { ...f } } fragment f on Viewer { account { id } ...f }',
    'Cannot spread fragment "f" within itself.',
  ],
  [
    'fragments of each other',
    '{ viewer { ...f } } fragment f on Viewer { ...g } fragment g on Viewer { ...f }',
    'Cannot spread fragment "f" within itself via "g".',
  ],
  ['a fragment that is not there', '{ viewer { ...f } }', 'Unknown fragment "f".'],
]

const ALLOWED: readonly (readonly [name: string, query: string])[] = [
  ['introspection', getIntrospectionQuery()],
  [
    'introspection with all that GraphiQL can ask for',
    getIntrospectionQuery({
      specifiedByUrl: true,
      directiveIsRepeatable: true,
      schemaDescription: true,
      inputValueDeprecation: true,
      oneOf: true,
    }),
  ],
  ['20 levels of introspection', `{ __type(name: "Tool") { ${nest(18, 'ofType { ', 'name')} } }`],
  [
    '12 levels',
    '{ servers(first: 1) { edges { node { tools(first: 1) { edges { node { provider { tools(first: 1) { edges { node { provider { name } } } } } } } } } } } }',
  ],
  ['15 aliases', `{ ${repeat(15, (n) => `a${n}: viewer { account { id } }`)} }`],
  [
    '50 directives',
    `{ viewer { account { ${repeat(25, (n) => `${['id', 'name', 'createdAt'][n % 3]} @skip(if: false) @include(if: true)`)} } } }`,
  ],
]

const firstError = ({ status, body }: Answer) => {
  const error = body.errors?.[0] as { message: string; extensions: { code: string } } | undefined
  return { status, code: error?.extensions.code, message: error?.message }
}

test('POST /graphql refuses an operation over a limit with 400, its number and the limit, within 50 ms', async () => {
  const plane = await openControlPlane()
  const slow: unknown[] = []
  for (const [name, query, message] of REFUSED) {
    const times: number[] = []
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      const startedAt = performance.now()
      // What was validated once is remembered: the comment makes it another text.
      const answer = await plane.send(`${query} # ${attempt}`)
      times.push(performance.now() - startedAt)
      assert.deepEqual(firstError(answer), { status: 400, code: 'INVALID', message }, name)
      assert.equal('data' in answer.body, false, name)
    }
    // The fastest of three: the slower ones tell of what else the machine does.
    if (Math.min(...times) > MAX_REFUSAL_MS) slow.push([name, times])
  }
  assert.deepEqual(slow, [])
  assert.deepEqual(plane.logged, [])
})

test('POST /graphql answers an operation that is at a limit', async () => {
  const plane = await openControlPlane()
  for (const [name, query] of ALLOWED) {
    const { status, body } = await plane.send(query)
    assert.deepEqual([status, body.errors], [200, undefined], name)
  }
})

/** Everything that reads like a GraphQL operation, in JSON or in a template of JavaScript. */
function findOperations(text: string): string[] {
  const inJson = [...text.matchAll(/"query": ?("(?:query|mutation|\{)(?:[^"\\]|\\.)*")/g)]
  const inCode = [...text.matchAll(/[`']((?:query|mutation)\b[^`']*\}|\{ \w[^`']*\})\s*[`']/g)]
  return [
    ...inJson.map(([, json = '']) => JSON.parse(json) as string),
    // What is put together as it runs is no text yet.
    ...inCode.map(([, code = '']) => code).filter((code) => !code.includes('${')),
  ]
}

test('README, examples, quick start and load tests use only operations that are within the limits', () => {
  const root = new URL('../', import.meta.url)
  const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
  const list = (directory: string) =>
    readdirSync(new URL(directory, root), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.[a-z]+$/.test(name))
      .map((name) => `${directory}/${name}`)
  const files = [
    'README.md',
    'server/quick-start-client.ts',
    ...list('examples'),
    ...list('load-tests'),
  ]
  const found = new Map(files.map((path) => [path, findOperations(read(path))]))
  const rules = [...specifiedRules, costRule, shapeRule]
  for (const [path, operations] of found) {
    for (const text of operations) {
      assert.deepEqual(validate(schema, parse(text), rules), [], `${path}: ${text}`)
    }
  }
  // That it finds them.
  const count = (path: string) => found.get(path)?.length ?? 0
  assert.ok(count('README.md') >= 10, String(count('README.md')))
  assert.equal(count('server/quick-start-client.ts'), 5)
  assert.equal(count('load-tests/nested-list.ts'), 5)
})

const PROVIDER =
  'mutation($input: CreateProviderInput!) { createProvider(input: $input) { __typename } }'

test('POST /graphql answers hostile bodies and variables with a 4xx and runs nothing', async () => {
  const plane = await openControlPlane()
  const VIEWER = '{ viewer { account { id } } }'
  const cases: readonly (readonly [name: string, body: string, status: number])[] = [
    ['a batch of 1', JSON.stringify([{ query: VIEWER }]), 400],
    [
      'a batch of 1,000',
      JSON.stringify(Array.from({ length: 1000 }, () => ({ query: VIEWER }))),
      400,
    ],
    [
      '1,000,000 ints for an input object',
      JSON.stringify({ query: PROVIDER, variables: { input: Array(1_000_000).fill(1) } }),
      400,
    ],
    [
      'an object of 50,000 levels',
      `{"query":${JSON.stringify(PROVIDER)},"variables":{"input":${'{"name":'.repeat(50_000)}1${'}'.repeat(50_000)}}}`,
      400,
    ],
    [
      'variables of 50,000 levels',
      `{"query":${JSON.stringify(PROVIDER)},"variables":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
      400,
    ],
    [
      '__proto__ in an input',
      `{"query":${JSON.stringify(PROVIDER)},"variables":{"input":{"name":"A","baseUrl":"https://a.example","__proto__":{"isAdministrator":true}}}}`,
      400,
    ],
    [
      'an unknown persisted operation',
      '{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"0"}}}',
      400,
    ],
  ]
  for (const [name, body, status] of cases) {
    const response = await plane.fetch(graphqlRequest(body, { key: plane.key }))
    const { errors } = (await response.json()) as { errors: { extensions: { code: string } }[] }
    const codes = new Set(errors.map(({ extensions }) => extensions.code))
    assert.deepEqual([response.status, [...codes]], [status, ['INVALID']], name)
  }
  const { providers } = await plane.ask<{ providers: object }>(
    '{ providers(first: 1) { totalCount } }',
  )
  assert.deepEqual(providers, { totalCount: 0 })
  assert.equal('isAdministrator' in {}, false)
  assert.deepEqual(plane.logged, [])
})

const NO_CURSOR = 'after is no cursor of this list; expected the endCursor of a page of it'

interface Listed {
  readonly edges: readonly { readonly cursor: string; readonly node: { readonly id: string } }[]
  readonly pageInfo: { readonly startCursor: string; readonly endCursor: string }
}

const PAGE = '{ edges { cursor node { id } } pageInfo { startCursor endCursor } }'
const listProviders = async (client: Client, first: number): Promise<Listed> =>
  (await client.ask<{ providers: Listed }>(`{ providers(first: ${first}) ${PAGE} }`)).providers
const listTools = async (client: Client, id: string): Promise<Listed> =>
  (
    await client.ask<{ provider: { tools: Listed } }>(
      `{ provider(id: "${id}") { tools(first: 1) ${PAGE} } }`,
    )
  ).provider.tools

test('cursors are opaque, and none but those of the same list and account are taken', async () => {
  const plane = await openControlPlane()
  const { providerId, toolIds } = await importProvider(plane)
  const { providerId: secondId } = await importProvider(plane, ['get /a'], 'Second')
  await importProvider(plane.other)
  const { edges, pageInfo } = await listProviders(plane, 2)
  const cursor = edges[0]?.cursor ?? ''
  assert.deepEqual(pageInfo, { startCursor: cursor, endCursor: edges[1]?.cursor })
  assert.match(cursor, /^[\w-]{60,63}$/)
  const foreign = (await listProviders(plane.other, 1)).pageInfo.endCursor
  const ofTools = (await listTools(plane, providerId)).pageInfo.endCursor
  const bytes = Buffer.from(cursor, 'base64url')
  const flipped = Array.from({ length: bytes.length }, (_, index) => {
    const copy = Buffer.from(bytes)
    copy.writeUInt8(copy.readUInt8(index) ^ 1, index)
    return copy.toString('base64url')
  })
  const refused: readonly (readonly [name: string, after: string])[] = [
    ['empty', ''],
    ['the id', providerId],
    ['the id, encoded', Buffer.from(providerId).toString('base64url')],
    ['of another account', foreign],
    ['of another list', ofTools],
    ...Array.from({ length: 5 }, (_, n) => [`short of ${n + 1}`, cursor.slice(0, -n - 1)] as const),
    ['without its signature', bytes.subarray(16).toString('base64url')],
    ['signature alone', bytes.subarray(0, 16).toString('base64url')],
    [
      'with another id',
      Buffer.concat([bytes.subarray(0, 16), Buffer.from(secondId)]).toString('base64url'),
    ],
    ['longer', `${cursor}AAAA`],
    ['padded', `${cursor}=`],
    ['with a space', ` ${cursor}`],
    ['100,000 characters', 'A'.repeat(100_000)],
    ...flipped.map((after, index) => [`bit 0 of byte ${index}`, after] as const),
  ]
  const query = 'query($after: String) { providers(first: 1, after: $after) { nodes { id } } }'
  for (const [name, after] of refused) {
    const expected = { status: 400, code: 'INVALID', message: NO_CURSOR }
    assert.deepEqual(firstError(await plane.send(query, { after })), expected, name)
  }
  assert.deepEqual(await plane.ask(query, { after: cursor }), {
    providers: { nodes: [{ id: secondId }] },
  })
  const tools = (id: string) =>
    `{ provider(id: "${id}") { tools(first: 1, after: "${ofTools}") { nodes { id } } } }`
  assert.deepEqual(await plane.ask(tools(providerId)), {
    provider: { tools: { nodes: [{ id: toolIds[1] }] } },
  })
  assert.deepEqual(firstError(await plane.send(tools(secondId))), {
    // `provider` is null then, and null is an answer.
    status: 200,
    code: 'INVALID',
    message: NO_CURSOR,
  })
})
