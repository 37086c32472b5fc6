// Starts that are refused: one sentence, exit code 1, no stack; and the end of a process.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createTestDataDir, createTestStorage } from './support/database.ts'
import { mcpRequest } from './support/mcp.ts'
import {
  ROOT,
  runProduct,
  startProduct,
  temporaryDir,
  type QuickStartLine,
} from './support/product.ts'

interface Upstream {
  readonly origin: string
  /** Resolves when a request has arrived; `answer` lets it go. */
  readonly arrived: Promise<void>
  answer(): void
}

async function startSlowUpstream(t: TestContext): Promise<Upstream> {
  const arrived = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  const server = createServer((_request, response) => {
    arrived.resolve()
    void released.promise.then(() =>
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"done":true}'),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  assert(typeof address === 'object' && address !== null)
  return {
    origin: `http://127.0.0.1:${address.port}`,
    arrived: arrived.promise,
    answer() {
      released.resolve()
    },
  }
}

async function assertRefused(
  t: TestContext,
  env: Readonly<Record<string, string>>,
  message: RegExp,
): Promise<void> {
  const { code, stdout, stderr } = await runProduct({
    env: { DATA_DIR: await createTestDataDir(t), LOG_LEVEL: 'silent', ...env },
  })
  assert.deepEqual({ code, stdout }, { code: 1, stdout: '' })
  assert.match(stderr, message)
  assert.equal(stderr.trim().split('\n').length, 1, stderr)
}

test('npm start with a port in use says so', async (t) => {
  const upstream = await startSlowUpstream(t)
  const { port } = new URL(upstream.origin)
  await assertRefused(t, { PORT: port }, new RegExp(`^Port ${port} on 127.0.0.1 is in use`))
})

test('npm start with an address that is not this machine’s says so', async (t) => {
  await assertRefused(
    t,
    { HOST: '192.0.2.1' },
    /^HOST is 192\.0\.2\.1, which is no address of this machine/,
  )
})

test('npm start with a DATA_DIR that cannot be written says so', async (t) => {
  const file = join(await temporaryDir(t), 'file')
  await writeFile(file, '')
  await assertRefused(t, { DATA_DIR: join(file, 'data') }, /^Cannot use .*DATA_DIR|^Cannot .*data/)
})

test('npm start with a database that cannot be reached says so, without the password', async (t) => {
  await assertRefused(
    t,
    { DATABASE_URL: 'postgres://someone:hunter2@127.0.0.1:1/nothing' },
    /^Cannot use the database "nothing" at 127\.0\.0\.1:1: nothing listens there$/m,
  )
})

test('npm start with another encryption key than the first one is refused', async (t) => {
  const DATA_DIR = await createTestDataDir(t)
  const HASMCP_ENCRYPTION_KEY = randomBytes(32).toString('base64')
  const first = await startProduct(t, { env: { DATA_DIR }, args: ['--json'] })
  assert.equal(await first.end(), 0)
  await assertRefused(t, { DATA_DIR, HASMCP_ENCRYPTION_KEY }, /^The encryption key is not the one/)
})

test('npm start on a DATA_DIR that another process holds is refused', async (t) => {
  const DATA_DIR = await createTestDataDir(t)
  await startProduct(t, { env: { DATA_DIR }, args: ['--json'] })
  await assertRefused(t, { DATA_DIR }, /in use by process \d+/)
})

test('npm start makes a key file that only its owner can read', async (t) => {
  const DATA_DIR = await createTestDataDir(t)
  const first = await startProduct(t, { env: { DATA_DIR }, args: ['--json'] })
  assert.equal(await first.end(), 0)
  assert.equal((await stat(join(DATA_DIR, 'encryption.key'))).mode & 0o777, 0o600)
})

test('SIGTERM finishes the running call, takes no new connection and ends with code 0', async (t) => {
  const upstream = await startSlowUpstream(t)
  const product = await startProduct(t, {
    args: [
      '--openapi',
      join(ROOT, 'examples/sample-api.yaml'),
      '--base-url',
      upstream.origin,
      '--json',
    ],
    env: await createTestStorage(t),
  })
  const { mcpUrl, token } = JSON.parse(product.firstLine) as QuickStartLine
  const call = mcpRequest(mcpUrl, token, 'tools/call', { name: 'listTeas', arguments: {} })
  await upstream.arrived
  const ended = product.end('SIGTERM')
  await refusesConnections(mcpUrl)
  upstream.answer()
  assert.deepEqual((await call).body.result, { content: [{ type: 'text', text: '{"done":true}' }] })
  assert.equal(await ended, 0)
})

/** Resolves when nothing listens there any more. */
async function refusesConnections(url: string): Promise<void> {
  for (;;) {
    try {
      await fetch(new URL('/livez', url), { headers: { connection: 'close' } })
    } catch {
      return
    }
  }
}
