// The page for a browser: what it may load and run, who gets it, and the switches.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'

import { startApp, type TestApp } from './support/app.ts'
import { graphqlRequest, openControlPlane } from './support/control-plane.ts'

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'

async function get(app: TestApp, headers: Record<string, string>, method = 'GET') {
  const request = new Request('http://hasmcp/graphql', { method, headers })
  return await app.app(request, { ip: '192.0.2.1' })
}

test('a browser gets GraphiQL, which runs its own script and loads nothing from elsewhere', async (t) => {
  const app = await startApp(t)
  const response = await get(app, { accept: BROWSER })
  const html = await response.text()
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8')
  const [script = '', ...others] = [...html.matchAll(/<script\b[^>]*>([\s\S]*?)<\/script>/g)].map(
    ([, text = '']) => text,
  )
  assert.deepEqual(others, [])
  const hash = createHash('sha256').update(script).digest('base64')
  assert.equal(
    response.headers.get('content-security-policy'),
    `default-src 'none'; script-src 'sha256-${hash}'; worker-src blob:; style-src 'unsafe-inline'; font-src data:; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  )
  assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
  assert.equal(response.headers.get('referrer-policy'), 'no-referrer')
  assert.equal(response.headers.get('set-cookie'), null)
  // What the page itself asks a browser for, outside its script and its styles.
  const frame = html.replaceAll(/<(script|style)>[\s\S]*?<\/\1>/g, '')
  assert.deepEqual([...frame.matchAll(/(?:src|href)="(?!data:)[^"]*"/g)], [])
  assert.match(html, /Bearer hmk_YOUR_API_KEY/)
  assert.match(html, /"shouldPersistHeaders":false/)
  assert.doesNotMatch(html, new RegExp(app.apiKey))
})

test('the page comes compressed, and once', async (t) => {
  const app = await startApp(t)
  const response = await get(app, { accept: BROWSER, 'accept-encoding': 'gzip, deflate, br' })
  assert.equal(response.headers.get('content-encoding'), 'gzip')
  const bytes = await response.arrayBuffer()
  assert.equal(Number(response.headers.get('content-length')), bytes.byteLength)
  const plain = await get(app, { accept: BROWSER })
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))
  assert.equal(await new Response(unpacked).text(), await plain.text())
  const again = await get(app, {
    accept: BROWSER,
    'if-none-match': response.headers.get('etag') ?? '',
  })
  assert.deepEqual([again.status, await again.text()], [304, ''])
  const head = await get(app, { accept: BROWSER }, 'HEAD')
  assert.deepEqual([head.status, await head.text()], [200, ''])
})

test('GET /graphql is a page for browsers only, and for nobody where GRAPHIQL is off', async (t) => {
  const [on, off] = [await startApp(t), await startApp(t, { GRAPHIQL: 'off' })]
  const answers = [
    await get(on, {}),
    await get(on, { accept: '*/*' }),
    await get(on, { accept: 'application/json' }),
    await get(on, { accept: BROWSER }, 'DELETE'),
    await get(off, { accept: BROWSER }),
  ]
  for (const response of answers) {
    assert.equal(response.status, 405)
    assert.match(await response.text(), /"code":"METHOD_NOT_ALLOWED"/)
  }
})

const HINTED = [
  '{ viewer { acount { id } } }',
  '{ providrs(first: 1) { totalCount } }',
  '{ tools(first: 1, filter: { method: GETT }) { totalCount } }',
  '{ tools(first: 1, filter: { tagg: "x" }) { totalCount } }',
  'query($a: ServerFiltr) { servers(first: 1, filter: $a) { totalCount } }',
]

test('with GRAPHQL_INTROSPECTION off nothing tells what the API is made of', async (t) => {
  const [on, off] = [await openControlPlane(), await openControlPlane({ isIntrospectionOn: false })]
  for (const [field, query] of [
    ['__schema', '{ __schema { types { name } } }'],
    ['__type', '{ __type(name: "Tool") { name } }'],
    ['__schema', '{ ...f } fragment f on Query { a: __schema { types { name } } }'],
  ] as const) {
    assert.equal((await on.send(query)).status, 200)
    const { status, body } = await off.send(query)
    assert.equal(status, 400)
    assert.deepEqual(
      body.errors?.map(({ message }) => message),
      [`${field} is turned off on this installation (GRAPHQL_INTROSPECTION=off)`],
    )
  }
  const variables = { input: { nam: 'x' } }
  const create =
    'mutation($input: CreateServerInput!) { createServer(input: $input) { __typename } }'
  for (const [query, values] of [
    ...HINTED.map((text) => [text, {}] as const),
    [create, variables] as const,
  ]) {
    assert.match((await on.send(query, values)).text, /Did you mean/, query)
    const { status, text } = await off.send(query, values)
    assert.equal(status, 400)
    assert.doesNotMatch(text, /Did you mean/, query)
  }
  // A value with the same words costs nobody the reason.
  const quoting = { input: { name: 'a Did you mean b', nam: 'x' } }
  const { body: refused } = await off.send(create, quoting)
  assert.deepEqual(
    refused.errors?.map(({ message }) => message),
    [
      'Variable "$input" got invalid value { name: "a Did you mean b", nam: "x" }; Field "nam" is not defined by type "CreateServerInput".',
    ],
  )
  assert.equal((await off.send('{ __typename viewer { __typename } }')).status, 200)
  // The switch of the environment is this one.
  const app = await startApp(t, { GRAPHQL_INTROSPECTION: 'off' })
  const request = graphqlRequest('{"query":"{ __schema { types { name } } }"}', { key: app.apiKey })
  assert.equal((await app.app(request, { ip: '192.0.2.1' })).status, 400)
})
