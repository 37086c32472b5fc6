// What the GraphQL endpoint is attacked with, each with its one outcome. After every row the process
// is asked whether it still serves another account. Cursors, ids of others, text, repeated creates
// and slow operations have tables of their own: graphql-limit, graphql-tenant and graphql-edge,
// graphql-text, idempotency-key, graphql-deadline.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { openControlPlane, graphqlRequest, type RequestOptions } from './support/control-plane.ts'

interface Row extends RequestOptions {
  readonly attack: string
  readonly body?: string
  readonly outcome: readonly [status: number, code: string, message: string | RegExp]
  /** Sent without a key. */
  readonly isSignedOut?: boolean
}

const query = (text: string, more: object = {}) => JSON.stringify({ query: text, ...more })
const repeat = (count: number, make: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => make(index)).join(' ')
const nest = (depth: number) => query(`${'{ a '.repeat(depth)}${'}'.repeat(depth)}`)
const COSTLY = 'tools(first: 1) { totalCount }'
const CREATE =
  'mutation($input: CreateProviderInput!) { createProvider(input: $input) { __typename } }'
const WRITE = query(
  'mutation { createServer(input: { name: "Written by an attack" }) { __typename } }',
)
const TOKENS = 'Syntax Error: Document contains more that 1000 tokens. Parsing aborted.'
const UNAUTHENTICATED =
  'Not signed in: send the header "Authorization: Bearer hmk_…" with a valid API key, or sign in with a browser'
const invalid = (message: string | RegExp) => [400, 'INVALID', message] as const

const ROWS: readonly Row[] = [
  {
    attack: '13 levels',
    body: nest(13),
    outcome: invalid('The operation has 13 levels of fields, the limit is 12'),
  },
  {
    attack: '200 levels',
    body: nest(200),
    outcome: invalid('The operation has 200 levels of fields, the limit is 12'),
  },
  { attack: '5,000 levels', body: nest(5000), outcome: invalid(TOKENS) },
  {
    attack: '16 aliases of a costly field',
    body: query(`{ ${repeat(16, (n) => `a${n}: ${COSTLY}`)} }`),
    outcome: invalid('The operation has 16 aliases, the limit is 15'),
  },
  {
    attack: '5,000 aliases',
    body: query(`{ ${repeat(5000, (n) => `a${n}: ${COSTLY}`)} }`),
    outcome: invalid(TOKENS),
  },
  {
    attack: '51 directives',
    body: query(`{ viewer { id ${'@skip(if: false) '.repeat(51)} } }`),
    outcome: invalid('The operation has 51 directives, the limit is 50'),
  },
  { attack: '1,001 tokens', body: query(`{ ${'a '.repeat(999)}}`), outcome: invalid(TOKENS) },
  {
    attack: 'a fragment of itself',
    body: query('{ viewer { ...f } } fragment f on Viewer { id ...f }'),
    outcome: invalid('Cannot spread fragment "f" within itself.'),
  },
  {
    attack: 'fragments that double 30 times',
    body: query(
      `{ viewer { ...f0 } } ${repeat(30, (n) => `fragment f${n} on Viewer { ...f${n + 1} ...f${n + 1} }`)} fragment f30 on Viewer { id }`,
    ),
    outcome: invalid(
      'The answer could have 1.1e+9 fields, the limit is 100000; ask for smaller pages or fewer lists in lists',
    ),
  },
  {
    attack: '3,000 equal fields',
    body: query(`{ ${'viewer { id } '.repeat(3000)} }`),
    outcome: invalid(TOKENS),
  },
  {
    attack: '75 overlapping selections in fragments, with aliases',
    body: query(`{ ${repeat(75, (n) => `...on Query { viewer { id a${n}: id } }`)} }`),
    outcome: invalid('The operation has 75 aliases, the limit is 15'),
  },
  {
    attack: '140 overlapping selections without an alias',
    body: query(`{ ${'viewer { id } '.repeat(140)} }`),
    outcome: invalid('The operation has 140 fields of one name in one place, the limit is 10'),
  },
  {
    attack: 'a list of 1,000,000 numbers for an object',
    body: query(CREATE, { variables: { input: Array(1_000_000).fill(1) } }),
    outcome: invalid(
      /^Variable "\$input" got invalid value \[1, .{900,960} 1]; Expected type "CreateProviderInput" to be an object\.$/,
    ),
  },
  {
    attack: 'variables of 50,000 levels',
    body: `{"query":${JSON.stringify(CREATE)},"variables":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
    outcome: invalid('Expected "variables" param to be empty or an object, but given array.'),
  },
  { attack: 'a batch of one', body: `[${WRITE}]`, outcome: invalid('Batching is not supported.') },
  {
    attack: 'a batch of 1,000',
    body: `[${Array(1000).fill(WRITE).join(',')}]`,
    outcome: invalid('Batching is not supported.'),
  },
  {
    attack: 'a mutation by GET',
    method: 'GET',
    outcome: [405, 'METHOD_NOT_ALLOWED', 'The method is GET; expected POST'],
  },
  ...['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', ''].map(
    (type): Row => ({
      attack: `a mutation as "${type}", which a page of another site can send`,
      body: WRITE,
      headers: { 'content-type': type },
      outcome: [415, 'INVALID', 'The Content-Type must be application/json'],
    }),
  ),
  {
    attack: 'introspection without a key',
    body: query('{ __schema { types { name } } }'),
    isSignedOut: true,
    outcome: [401, 'UNAUTHENTICATED', UNAUTHENTICATED],
  },
  {
    attack: 'a name that is almost right, without a key',
    body: query('{ provider { id } vewer { id } }'),
    isSignedOut: true,
    outcome: [401, 'UNAUTHENTICATED', UNAUTHENTICATED],
  },
  {
    attack: 'a list without first',
    body: query('{ providers { totalCount } }'),
    outcome: invalid(
      'Field "providers" argument "first" of type "Int!" is required, but it was not provided.',
    ),
  },
  ...[0, -1, 101, 2_147_483_647].map((first): Row => ({
    attack: `first: ${first}`,
    body: query(`{ providers(first: ${first}) { totalCount } }`),
    outcome: invalid(`first is ${first}; expected 1 to 100`),
  })),
  {
    attack: 'first: 2^31',
    body: query('{ providers(first: 2147483648) { totalCount } }'),
    outcome: invalid('Int cannot represent non 32-bit signed integer value: 2147483648'),
  },
  {
    attack: 'a persisted operation that nobody persisted',
    body: '{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"ab"}}}',
    outcome: invalid('Must provide query string.'),
  },
  {
    attack: 'a subscription',
    body: query('subscription { viewer { id } }'),
    outcome: invalid('Schema is not configured to execute subscription operation.'),
  },
  {
    attack: '@defer, which would stream',
    body: query('{ viewer { id ... @defer { account { id } } } }'),
    outcome: invalid('Unknown directive "@defer".'),
  },
]

test('every attack has its one outcome, and another account is served after it', async () => {
  const plane = await openControlPlane()
  for (const { attack, body = WRITE, outcome, isSignedOut = false, ...options } of ROWS) {
    const request = graphqlRequest(body, { ...options, ...(!isSignedOut && { key: plane.key }) })
    const response = await plane.fetch(request)
    const { errors } = (await response.json()) as {
      errors?: { message: string; extensions: { code: string } }[]
    }
    const [error] = errors ?? []
    const [status, code, message] = outcome
    assert.deepEqual([response.status, error?.extensions.code], [status, code], attack)
    if (typeof message === 'string') assert.equal(error?.message, message, attack)
    else assert.match(error?.message ?? '', message, attack)
    const { viewer } = await plane.other.ask<{ viewer: { account: { id: string } } }>(
      '{ viewer { account { id } } }',
    )
    assert.equal(viewer.account.id, plane.other.accountId, attack)
  }
  const written = '{ servers(first: 1) { totalCount } providers(first: 1) { totalCount } }'
  assert.deepEqual(await plane.ask(written), {
    servers: { totalCount: 0 },
    providers: { totalCount: 0 },
  })
  assert.deepEqual(plane.logged, [])
})
