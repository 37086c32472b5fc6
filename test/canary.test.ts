// Secrets are planted wherever a secret can be, and looked for wherever something can leak. What is
// planted in the open is found by the same search, which proves that it works.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { globSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import postgres from 'postgres'
import { mutation, openapi, type Result } from './support/control-plane.ts'
import { createTestStorage } from './support/database.ts'
import { startProduct } from './support/product.ts'
import { startUpstream } from './support/upstream.ts'

/** As the text could be spelt by what holds it. */
function spellings(canary: string): readonly Buffer[] {
  const bytes = Buffer.from(canary)
  const texts = [
    canary,
    encodeURIComponent(canary),
    JSON.stringify(canary).slice(1, -1),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    // Two alignments more, as something may stand before it.
    ...['', 'a', 'ab'].map((before) =>
      Buffer.from(before + canary)
        .toString('base64')
        .slice(4, -4),
    ),
    Array.from(canary).toReversed().join(''),
  ]
  return [...new Set(texts)].map((text) => Buffer.from(text))
}

const has = (haystack: Uint8Array, canary: string): boolean =>
  spellings(canary).some((needle) => Buffer.from(haystack).includes(needle))

/** Whatever a mutation here selects. */
interface Made {
  readonly id: string
  readonly provider: { readonly id: string }
  readonly token: string
  readonly mcpUrl: string
}

const makeCanary = (name: string) => `canary "${name}" ${randomBytes(12).toString('hex')} ü&`

async function dump(storage: Readonly<Record<string, string>>): Promise<readonly Buffer[]> {
  const { DATA_DIR = '', DATABASE_URL } = storage
  // The write-ahead log, too.
  const paths = globSync(join(DATA_DIR, '**/*')).filter((path) => statSync(path).isFile())
  const files = paths
    .filter((path) => !path.endsWith('encryption.key'))
    .map((path) => readFileSync(path))
  if (DATABASE_URL === undefined) return files
  const sql = postgres(DATABASE_URL, { max: 1 })
  const tables = await sql<{ name: string }[]>`
    select relname as name from pg_class
    where relnamespace = 'public'::regnamespace and relkind = 'r'`
  const rows: Buffer[] = []
  for (const { name } of tables) {
    const found = await sql<
      { text: string }[]
    >`select to_jsonb(t)::text as text from ${sql(name)} t`
    rows.push(...found.map(({ text }) => Buffer.from(text)))
  }
  await sql.end()
  return [...files, ...rows]
}

test('secrets are in no answer, no log line and no file but encrypted; what is shown is found', async (t) => {
  const upstream = await startUpstream((request, response) => {
    const echo = { headers: request.headers, url: request.url, body: request.body }
    response.statusCode = request.url.startsWith('/fails') ? 500 : 200
    response.setHeader('content-type', 'application/json').end(JSON.stringify(echo))
  })
  t.after(() => upstream.close())
  const storage = await createTestStorage(t)
  const product = await startProduct(t, {
    args: ['--json'],
    env: { ...storage, LOG_LEVEL: 'debug', EGRESS_ALLOW: upstream.origin },
  })
  const { graphqlUrl, apiKey } = JSON.parse(product.firstLine) as Record<
    'graphqlUrl' | 'apiKey',
    string
  >
  const answers: Buffer[] = []
  const post = async (url: string, bearer: string, body: object) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${bearer}`,
        'content-type': 'application/json',
        accept: 'application/json',
      },
      body: JSON.stringify(body),
    })
    const text = await response.text()
    answers.push(Buffer.from(text), Buffer.from(JSON.stringify([...response.headers])))
    return JSON.parse(text) as Record<string, never>
  }
  const mutate = async (name: string, input: object, data = 'id') => {
    const body = { query: mutation(name, data), variables: { input } }
    const answer = (await post(graphqlUrl, apiKey, body)) as { data?: Record<string, Result> }
    return answer.data?.[name] as { data: Made }
  }
  const secrets = ['account', 'provider', 'updated', 'refused', 'idempotent', 'twice'].map(
    makeCanary,
  )
  const [account = '', own = '', updated = '', refused = '', idempotent = '', twice = ''] = secrets
  const shown = makeCanary('shown')

  const { data: imported } = await mutate(
    'importOpenApi',
    { text: openapi(['get /echoes', 'get /fails']), baseUrl: upstream.origin },
    'provider { id }',
  )
  const providerId = imported.provider.id
  const secret = (name: string, value: string, more: object = {}) =>
    mutate('createVariable', { name, kind: 'SECRET', value, ...more }, 'id name value description')
  await secret('ACCOUNT', account)
  await secret('OWN', own, { providerId })
  const { data: changed } = await secret('UPDATED', 'was something else')
  await mutate('updateVariable', { id: changed.id, value: updated }, 'id value')
  await secret('no name', refused)
  await secret('ACCOUNT', refused)
  await secret('LONG', refused + 'x'.repeat(8192))
  await secret('IDEMPOTENT', idempotent, { idempotencyKey: 'k' })
  await secret('IDEMPOTENT', idempotent, { idempotencyKey: 'k' })
  await secret('IDEMPOTENT', refused, { idempotencyKey: 'k' })
  await secret('ONE', twice)
  await secret('TWO', twice)
  await mutate('createVariable', { name: 'SHOWN', kind: 'ENV', value: shown }, 'id value')
  // A wrong type, a wrong field and no GraphQL at all: what is refused early says least of what it got.
  await post(graphqlUrl, apiKey, {
    query: mutation('createVariable', 'id'),
    variables: { input: { name: 1, kind: 'SECRET', value: refused } },
  })
  await post(graphqlUrl, apiKey, {
    query: `mutation { createVariable(input: { name: "N", kind: SECRET, value: ${JSON.stringify(refused)}, x: 1 }) { __typename } }`,
  })

  const query = ['ACCOUNT', 'OWN', 'UPDATED', 'IDEMPOTENT', 'SHOWN'].map((name) => ({
    name,
    value: `\${${name}}`,
  }))
  await mutate('updateProvider', { id: providerId, query }, 'id query { name value }')
  const { data: server } = await mutate('createServer', { name: 'S', providerIds: [providerId] })
  const { data: token } = await mutate(
    'createServerToken',
    { serverId: server.id, name: 'T' },
    'token mcpUrl',
  )
  // The credential itself is shown once, here.
  answers.splice(-2)
  const call = (name: string) =>
    post(token.mcpUrl, token.token, {
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name },
    })
  await call('get_echoes')
  await call('get_fails')
  // It leads somewhere else now, and what was set for the old place does not follow.
  await mutate('updateProvider', { id: providerId, baseUrl: 'https://192.0.2.1' })
  await call('get_echoes')
  await mutate('updateProvider', {
    id: providerId,
    baseUrl: upstream.origin,
    query: [],
    headers: [{ name: 'X', value: '${ACCOUNT}' }],
  })
  await call('get_echoes')
  await post(graphqlUrl, apiKey, {
    query:
      '{ variables(first: 100) { nodes { name value description } } servers(first: 1) { nodes { variables { name variable { value } } } } }',
  })
  assert.equal(upstream.requests.length, 3, 'the calls that could be sent')
  const sent = decodeURIComponent(upstream.requests[0]?.url ?? '')
  for (const one of [account, own, updated, idempotent, shown]) assert.ok(sent.includes(one))
  assert.equal(await product.end(), 0)

  const places = { answers, log: [Buffer.from(product.stderr())], storage: await dump(storage) }
  const found = Object.entries(places).flatMap(([place, haystacks]) =>
    [...secrets, token.token]
      .filter((canary) => haystacks.some((haystack) => has(haystack, canary)))
      .map((canary) => `${canary} in ${place}`),
  )
  assert.deepEqual(found, [])
  assert.ok(places.answers.some((haystack) => has(haystack, shown)))
  assert.ok(places.storage.some((haystack) => has(haystack, shown)))
  assert.ok(has(Buffer.from(`a line with ${encodeURIComponent(account)}`), account))
  assert.match(product.stderr(), /"path":"\/graphql"/)
})
