// The endpoint as an HTTP client sees it: who is let in, what is refused before anything runs, and
// what an error may say.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { insertApiKey } from '../db/api-key.ts'
import { hashCredential, newCredential } from '../db/credential.ts'
import { UnavailableError } from '../db/errors.ts'
import { withAccount } from '../db/transaction.ts'
import { permissionsOf } from '../schema/role.ts'
import { createApiKeyAuthenticator } from '../server/authenticate-api-key.ts'
import { breakOff } from './support/broken-request.ts'
import {
  REQUEST_ID,
  graphqlRequest,
  openControlPlane,
  type RequestOptions,
} from './support/control-plane.ts'

const VIEWER = '{"query":"{ viewer { id } }"}'
const UNAUTHENTICATED =
  'Not signed in: send the header "Authorization: Bearer hmk_…" with a valid API key, or sign in with a browser'

interface Refusal extends RequestOptions {
  readonly name: string
  readonly body?: string
  readonly status: number
  readonly code: string
  readonly message: string
}

const query = (text: string) => JSON.stringify({ query: text })
const pages = (first: number) =>
  `{ providers(first: ${first}) { nodes { tools(first: ${first}) { nodes { provider { tools(first: ${first}) { nodes { id } } } } } } } }`
const aliases = (count: number) =>
  `{ ${Array.from({ length: count }, (_, n) => `a${n}: providers(first: 100) { nodes { tools(first: 100) { nodes { id } } } }`).join(' ')} }`
const doubling = Array.from(
  { length: 30 },
  (_, n) =>
    `fragment f${n} on Provider { a: tools(first: 1) { nodes { provider { ...f${n + 1} } } } b: tools(first: 1) { nodes { provider { ...f${n + 1} } } } }`,
)

const REFUSALS: readonly Refusal[] = [
  {
    name: 'GET',
    method: 'GET',
    status: 405,
    code: 'METHOD_NOT_ALLOWED',
    message: 'The method is GET; expected POST',
  },
  {
    name: 'PUT',
    method: 'PUT',
    status: 405,
    code: 'METHOD_NOT_ALLOWED',
    message: 'The method is PUT; expected POST',
  },
  ...[
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/graphql',
    'application/jsonp',
  ].map((type) => ({
    name: type,
    headers: { 'content-type': type },
    status: 415,
    code: 'INVALID',
    message: 'The Content-Type must be application/json',
  })),
  {
    name: 'no JSON',
    body: '{',
    status: 400,
    code: 'INVALID',
    message: 'POST body sent invalid JSON.',
  },
  {
    name: 'an empty body',
    body: '',
    status: 400,
    code: 'INVALID',
    message: 'POST body sent invalid JSON.',
  },
  {
    name: 'null',
    body: 'null',
    status: 400,
    code: 'INVALID',
    message: 'POST body is expected to be object but received null',
  },
  {
    name: 'a number',
    body: '1',
    status: 400,
    code: 'INVALID',
    message: 'POST body is expected to be object but received number',
  },
  {
    name: 'a batch',
    body: `[${VIEWER}]`,
    status: 400,
    code: 'INVALID',
    message: 'Batching is not supported.',
  },
  {
    name: 'no query',
    body: '{}',
    status: 400,
    code: 'INVALID',
    message: 'Must provide query string.',
  },
  {
    name: 'another member',
    body: '{"query":"{ viewer { id } }","x":1}',
    status: 400,
    code: 'INVALID',
    message: 'Unexpected parameter "x" in the request body.',
  },
  {
    name: 'half a query',
    body: query('{ viewer {'),
    status: 400,
    code: 'INVALID',
    message: 'Syntax Error: Expected Name, found <EOF>.',
  },
  {
    name: 'an unknown field',
    body: query('{ nothing }'),
    status: 400,
    code: 'INVALID',
    message: 'Cannot query field "nothing" on type "Query".',
  },
  {
    name: 'no first',
    body: query('{ providers { totalCount } }'),
    status: 400,
    code: 'INVALID',
    message:
      'Field "providers" argument "first" of type "Int!" is required, but it was not provided.',
  },
  ...[0, -1, 101, 2_147_483_647].map((first) => ({
    name: `first ${first}`,
    body: query(`{ providers(first: ${first}) { totalCount } }`),
    status: 400,
    code: 'INVALID',
    message: `first is ${first}; expected 1 to 100`,
  })),
  {
    name: 'first 2^31',
    body: query('{ providers(first: 2147483648) { totalCount } }'),
    status: 400,
    code: 'INVALID',
    message: 'Int cannot represent non 32-bit signed integer value: 2147483648',
  },
  ...[
    '',
    'x',
    'srv_01h455vb4pex5vsknk084sn02q',
    'prv_01h455vb4pex5vsknk084sn02',
    "prv_' or 1=1 --",
  ].map((after) => ({
    name: `after ${after}`,
    body: query(`{ providers(first: 1, after: ${JSON.stringify(after)}) { totalCount } }`),
    status: 400,
    code: 'INVALID',
    message: 'after is no cursor of this list; expected the endCursor of a page of it',
  })),
  {
    name: 'lists in lists in lists',
    body: query(pages(100)),
    status: 400,
    code: 'INVALID',
    message:
      'The answer could have 2.0e+6 fields, the limit is 100000; ask for smaller pages or fewer lists in lists',
  },
  {
    name: 'costly aliases',
    body: query(aliases(16)),
    status: 400,
    code: 'INVALID',
    message:
      'The answer could have 3.2e+5 fields, the limit is 100000; ask for smaller pages or fewer lists in lists',
  },
  {
    name: 'doubling fragments',
    body: query(
      `{ provider(id: "x") { ...f0 } } ${doubling.join(' ')} fragment f30 on Provider { id }`,
    ),
    status: 400,
    code: 'INVALID',
    message: 'Syntax Error: Document contains more that 1000 tokens. Parsing aborted.',
  },
  {
    name: 'doubling fragments, fewer',
    body: query(
      `{ provider(id: "x") { ...f0 } } ${doubling.slice(0, 18).join(' ')} fragment f18 on Provider { id }`,
    ),
    status: 400,
    code: 'INVALID',
    message:
      'The answer could have 1.8e+6 fields, the limit is 100000; ask for smaller pages or fewer lists in lists',
  },
  {
    name: 'a fragment cycle',
    body: query('{ viewer { ...f } } fragment f on Viewer { id ...f }'),
    status: 400,
    code: 'INVALID',
    message: 'Cannot spread fragment "f" within itself.',
  },
  {
    name: 'depth 5,000',
    body: query(`${'{a'.repeat(5000)}${'}'.repeat(5000)}`),
    status: 400,
    code: 'INVALID',
    message: 'Syntax Error: Document contains more that 1000 tokens. Parsing aborted.',
  },
  {
    name: '1,001 tokens',
    body: query(`{ ${'a '.repeat(999)}}`),
    status: 400,
    code: 'INVALID',
    message: 'Syntax Error: Document contains more that 1000 tokens. Parsing aborted.',
  },
  {
    name: 'a subscription',
    body: query('subscription { viewer { id } }'),
    status: 400,
    code: 'INVALID',
    message: 'Schema is not configured to execute subscription operation.',
  },
]

test('POST /graphql refuses what it cannot run, with a code and a sentence', async () => {
  const plane = await openControlPlane()
  for (const { name, body = VIEWER, status, code, message, ...options } of REFUSALS) {
    const response = await plane.fetch(graphqlRequest(body, { key: plane.key, ...options }))
    const answer = (await response.json()) as { errors: { message: string; extensions: object }[] }
    const [error] = answer.errors
    assert.deepEqual(
      {
        status: response.status,
        message: error?.message,
        code: error?.extensions['code' as keyof object],
        requestId: error?.extensions['requestId' as keyof object],
      },
      { status, message, code, requestId: REQUEST_ID },
      name,
    )
  }
  assert.deepEqual(plane.logged, [])
})

test('POST /graphql lets in who has a valid key, and nobody else', async () => {
  const plane = await openControlPlane()
  const insert = async (expiresAt?: Date) => {
    const key = newCredential('hmk')
    await withAccount(plane.db, plane.accountId, (tx) =>
      insertApiKey(tx, { name: 'K', hash: hashCredential(key), expiresAt }),
    )
    return key
  }
  const [expired, future] = [
    await insert(new Date(Date.now() - 1000)),
    await insert(new Date(Date.now() + 60_000)),
  ]
  const refused: readonly (readonly [string, string | undefined])[] = [
    ['nothing', undefined],
    ['no scheme', plane.key],
    ['another scheme', `Basic ${plane.key}`],
    ['an unknown key', `Bearer ${newCredential('hmk')}`],
    ['an expired key', `Bearer ${expired}`],
    ['a wrong checksum', `Bearer ${plane.key.slice(0, -1)}${plane.key.endsWith('0') ? '1' : '0'}`],
    ['a server token', `Bearer ${newCredential('hms')}`],
    ['two keys', `Bearer ${plane.key}, Bearer ${plane.key}`],
    ['something behind it', `Bearer ${plane.key} x`],
    ['64 KiB', `Bearer ${'x'.repeat(65_536)}`],
  ]
  for (const [name, authorization] of refused) {
    const request = graphqlRequest(
      '{ not even JSON',
      authorization === undefined ? {} : { headers: { authorization } },
    )
    const response = await plane.fetch(request)
    assert.deepEqual(
      {
        status: response.status,
        challenge: response.headers.get('www-authenticate'),
        body: await response.json(),
      },
      {
        status: 401,
        challenge: 'Bearer realm="hasmcp"',
        body: {
          errors: [
            {
              message: UNAUTHENTICATED,
              extensions: { code: 'UNAUTHENTICATED', requestId: REQUEST_ID },
            },
          ],
        },
      },
      name,
    )
  }
  for (const authorization of [`Bearer ${plane.key}`, `bearer  ${plane.key}`, `Bearer ${future}`]) {
    const response = await plane.fetch(graphqlRequest(VIEWER, { headers: { authorization } }))
    assert.equal(response.status, 200, authorization)
  }
})

test('createApiKeyAuthenticator takes the configured key for its account', async () => {
  const plane = await openControlPlane()
  const admin = {
    keyHash: hashCredential('any text of 32 characters or more'.replaceAll(' ', '-')),
    accountId: plane.accountId,
  }
  const authenticate = createApiKeyAuthenticator({ db: plane.db, admin })
  assert.deepEqual(
    await authenticate(graphqlRequest('', { key: 'any-text-of-32-characters-or-more' })),
    {
      accountId: plane.accountId,
      apiKeyId: undefined,
      userId: undefined,
      session: undefined,
      role: 'OWNER',
      permissions: new Set([
        ...permissionsOf('OWNER'),
        'account:administer',
        'account:create',
        'signing-key:write',
      ]),
      carriesGrants: false,
      grants: new Map(),
      isAdministrator: true,
    },
  )
  assert.equal(
    await authenticate(graphqlRequest('', { key: 'any-text-of-32-characters-or-mora' })),
    undefined,
  )
})

test('POST /graphql masks an unexpected error and logs it with the request id', async () => {
  const secret = new Error('postgres://user:secret@10.0.0.1/db')
  const plane = await openControlPlane({ importDocument: () => Promise.reject(secret) })
  const { status, body } = await plane.send(
    'mutation { importOpenApi(input: { text: "x" }) { __typename } }',
  )
  assert.deepEqual(
    { status, body },
    {
      status: 500,
      body: {
        data: null,
        errors: [
          {
            message: 'Unexpected error',
            locations: [{ line: 1, column: 12 }],
            path: ['importOpenApi'],
            extensions: { code: 'INTERNAL', requestId: REQUEST_ID },
          },
        ],
      },
    },
  )
  assert.deepEqual(plane.logged, [{ error: secret, requestId: REQUEST_ID }])
})

test('POST /graphql over a connection that is cut in mid-body logs no error', async (t) => {
  const plane = await openControlPlane()
  const lines = await breakOff(t, plane, '/graphql', Buffer.from(VIEWER.slice(0, 9)), VIEWER.length)
  assert.deepEqual(lines, [{ level: 20, msg: 'request', path: '/graphql', status: 499 }])
  assert.deepEqual(plane.logged, [])
})

test('POST /graphql says 503 while the database cannot be reached', async () => {
  const down = new UnavailableError('connect ECONNREFUSED 10.0.0.1:5432')
  const plane = await openControlPlane({ importDocument: () => Promise.reject(down) })
  const response = await plane.fetch(
    graphqlRequest(query('mutation { importOpenApi(input: { text: "x" }) { __typename } }'), {
      key: plane.key,
    }),
  )
  assert.deepEqual(
    {
      status: response.status,
      retry: response.headers.get('retry-after'),
      body: await response.json(),
    },
    {
      status: 503,
      retry: '1',
      body: {
        data: null,
        errors: [
          {
            message: 'The database cannot be reached; try again',
            locations: [{ line: 1, column: 12 }],
            path: ['importOpenApi'],
            extensions: { code: 'UNAVAILABLE', requestId: REQUEST_ID },
          },
        ],
      },
    },
  )
  assert.deepEqual(plane.logged, [])
})

test('POST /graphql answers introspection, whose size is bounded by the schema', async () => {
  const plane = await openControlPlane()
  const { __schema: schema } = await plane.ask<{ __schema: { queryType: { name: string } } }>(
    '{ __schema { queryType { name } } }',
  )
  assert.deepEqual(schema, { queryType: { name: 'Query' } })
})
