// The egress guard on every runtime that the product promises: the same tables, run by each in a
// process of its own, because each has its own sockets, resolver, HTTP parser, zlib and TLS.
import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { AllowError, parseAllow } from '../workers/egress/allow.ts'
import { request } from '../workers/egress/client.ts'
import { findHeaderProblem } from '../workers/egress/header.ts'
import { expectAddressTable } from './egress/address-table.ts'
import { expectFaultTable } from './egress/fault-table.ts'
import { expectTlsTable } from './egress/tls-table.ts'
import { startUpstream } from './support/upstream.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const run = promisify(execFile)
let certificates = ''
const hasOpenssl = spawnSync('openssl', ['version']).status === 0
const skip = !hasOpenssl && 'openssl, which makes the certificates, is not installed'

before(async () => {
  certificates = await mkdtemp(join(tmpdir(), 'hasmcp-tls-'))
  if (!hasOpenssl) return
  for (const name of ['trusted', 'unknown']) {
    const files = ['-keyout', `${name}.key`, '-out', `${name}.crt`]
    const subject = ['-subj', '/CN=api.example', '-addext', 'subjectAltName=DNS:api.example']
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
    await run('openssl', ['req', '-x509', '-days', '2', ...key, ...files, ...subject], {
      cwd: certificates,
    })
  }
})

after(() => rm(certificates, { recursive: true }))

const RUNTIMES: readonly (readonly [string, readonly string[]])[] = [
  ['node', []],
  ['bun', []],
  ['deno', ['run', '-A']],
]

for (const [runtime, flags] of RUNTIMES) {
  test(`request denies and bounds the same things on ${runtime}`, { skip }, async () => {
    const trusted = join(certificates, 'trusted.crt')
    const args = [...flags, 'test/egress/run.ts', certificates]
    const { stdout } = await run(`${root}node_modules/.bin/${runtime}`, args, {
      cwd: root,
      timeout: 60_000,
      env: { ...process.env, NODE_EXTRA_CA_CERTS: trusted, DENO_CERT: trusted },
    })
    const outcomes = JSON.parse(stdout)
    assert.deepEqual(outcomes.address, expectAddressTable())
    assert.deepEqual(outcomes.fault, expectFaultTable())
    assert.deepEqual(outcomes.tls, expectTlsTable())
  })
}

test('request names the missing entry and never the address', async () => {
  const options = { method: 'GET', headers: {}, timeoutMs: 5_000, maxBodyBytes: 100 } as const
  const resolve = async () => [{ address: '10.1.2.3', family: 4 }]
  const message = (origin: string, entry: string): string =>
    `Requests to ${origin} are not allowed: only https on port 443 of public addresses is, and ` +
    `what the operator lists; the entry for EGRESS_ALLOW would be ${entry}`
  const cases = [
    ['https://api.example/x?y', 'https://api.example', 'https://api.example:443'],
    ['http://[::1]/', 'http://[::1]', 'http://[::1]:80'],
    ['http://api.example:4010/', 'http://api.example:4010', 'http://api.example:4010'],
  ] as const
  for (const [url, origin, entry] of cases) {
    await assert.rejects(request({ ...options, url: new URL(url), egressAllow: '', resolve }), {
      name: 'EgressError',
      code: 'EGRESS_DENIED',
      message: message(origin, entry),
    })
  }
})

test('request says the same for a closed port and for a name that does not exist', async () => {
  const upstream = await startUpstream()
  await upstream.close()
  const name = `http://name.example:${upstream.port}`
  const options = { method: 'GET', headers: {}, timeoutMs: 5_000, maxBodyBytes: 100 } as const
  const resolve = () => Promise.reject(new Error('ENOTFOUND'))
  for (const origin of [upstream.origin, name]) {
    const call = { ...options, url: new URL(origin), egressAllow: origin, resolve }
    await assert.rejects(request(call), {
      code: 'UPSTREAM_UNREACHABLE',
      message: `Cannot reach ${origin}`,
    })
  }
})

test('request shares a connection within a partition only, and none that NTLM authenticates', async () => {
  const upstream = await startUpstream()
  const send = (partition: string, headers: Record<string, string> = {}) =>
    request({
      url: new URL(upstream.origin),
      method: 'GET',
      headers,
      timeoutMs: 5_000,
      maxBodyBytes: 100,
      egressAllow: upstream.origin,
      partition,
    })
  const counts: number[] = []
  for (const partition of ['a', 'a', 'b', 'a']) {
    await send(partition)
    counts.push(upstream.connectionCount())
  }
  for (const authorization of ['NTLM x', 'Negotiate x', 'Bearer x']) {
    await send('c', { authorization })
    counts.push(upstream.connectionCount())
  }
  await upstream.close()
  assert.deepEqual(counts, [1, 1, 2, 2, 3, 4, 5])
})

const EXPECTED =
  'expected scheme://host:port, scheme://address/bits:port or scheme://[address/bits]:port'

test('parseAllow reads names, addresses and ranges, each with a scheme and a port', () => {
  const text =
    'http://127.0.0.1:4010, https://API.internal.:8443,http://10.0.0.0/8:8080,http://[fd00::/8]:80,'
  const entries = parseAllow(text).entries.map(({ scheme, port, host, range }) => [
    scheme,
    port,
    host ?? `${range?.[0].toString()}/${range?.[1]}`,
  ])
  assert.deepEqual(entries, [
    ['http', 4010, '127.0.0.1/32'],
    ['https', 8443, 'api.internal'],
    ['http', 8080, '10.0.0.0/8'],
    ['http', 80, 'fd00::/8'],
  ])
  assert.equal(parseAllow(text), parseAllow(text))
  assert.deepEqual(parseAllow('').entries, [])
})

test('parseAllow lists every problem at once', () => {
  const cases = [
    ['http://localhost', `is no entry: ${EXPECTED}`],
    ['localhost:80', `is no entry: ${EXPECTED}`],
    ['https://*.corp.example:443', `is no entry: ${EXPECTED}`],
    ['ftp://a:21', `is no entry: ${EXPECTED}`],
    ['http://a@b:80', `is no entry: ${EXPECTED}`],
    ['http://a:80/path', `is no entry: ${EXPECTED}`],
    ['http://a:0', 'has the port 0: expected 1 to 65535'],
    ['http://a:70000', 'has the port 70000: expected 1 to 65535'],
    ['http://10.0.0.0/33:80', 'has 33 bits: expected 0 to 32'],
    ['http://[fd00::/129]:80', 'has 129 bits: expected 0 to 128'],
    ['http://name/8:80', `has bits behind a name: ${EXPECTED}`],
    ['http://[zz]:80', `is no entry: ${EXPECTED}`],
    ['http://[:::]:80', `has a host that is none: ${EXPECTED}`],
  ] as const
  const problems = cases.map(([entry, problem]) => `"${entry}" ${problem}`)
  assert.throws(
    () => parseAllow(cases.map(([entry]) => entry).join(',')),
    (error) => {
      assert(error instanceof AllowError)
      assert.equal(error.code, 'EGRESS_ALLOW_INVALID')
      assert.deepEqual(error.problems, problems)
      return true
    },
  )
})

test('findHeaderProblem refuses what frames a message and what ends a line', () => {
  const belongs = 'cannot be set: it belongs to the connection'
  const control = 'has a value with a line break, a control character or one outside ISO 8859-1'
  const noName = 'is no header name: expected letters, digits and hyphens'
  const cases = [
    ['x-tenant', 'ä b\tc', undefined],
    ['authorization', '', undefined],
    ...[
      'Host',
      'content-length',
      'Transfer-Encoding',
      'connection',
      'Upgrade',
      'proxy-authorization',
      'Trailer',
      'TE',
      'Expect',
      'keep-alive',
      'accept-encoding',
    ].map((name) => [name, 'x', belongs] as const),
    ['', 'x', noName],
    ['a b', 'x', noName],
    ['a:', 'x', noName],
    ['a\r\nb', 'x', noName],
    ['x', 'a\r\nb: c', control],
    ['x', 'a\nb', control],
    ['x', '\0', control],
    ['x', '€', control],
    ['x', 'a'.repeat(8_193), 'has a value of 8193 characters: the limit is 8192'],
  ] as const
  for (const [name, value, problem] of cases) assert.equal(findHeaderProblem(name, value), problem)
})
