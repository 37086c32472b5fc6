// Times the list in lists in lists that a console shows first, over 10,000 tools on PostgreSQL:
//   TEST_DATABASE_URL=postgres://… node load-tests/nested-list.ts
// The load comes from a process of its own. The smallest query there is, timed in the same run, tells
// how fast the machine is.
import { execFile, spawn } from 'node:child_process'
import { createInterface } from 'node:readline/promises'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

import type { Load, Measured } from './generate-load.ts'

const ROOT = new URL('..', import.meta.url).pathname
const PROVIDERS = 10
const TOOLS_PER_PROVIDER = 1000
const SERVERS = 50
const CONNECTIONS = 32
const DURATION_MS = 10_000
const WARM_UP_MS = 5000

const NESTED = `{ servers(first: 50) { edges { node {
  tools(first: 50) { edges { node { name provider { name } } } } } } } }`

interface Product {
  readonly graphqlUrl: string
  readonly key: string
  stop(): Promise<void>
}

async function startProduct(databaseUrl: string): Promise<Product> {
  const dataDir = await mkdtemp(join(tmpdir(), 'hasmcp-load-'))
  const child = spawn(process.execPath, [join(ROOT, 'server/main.ts'), '--json'], {
    cwd: ROOT,
    env: {
      ...process.env,
      PORT: '0',
      DATA_DIR: dataDir,
      DATABASE_URL: databaseUrl,
      LOG_LEVEL: 'warn',
      RATE_LIMIT_PER_MINUTE: '0',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })
  for await (const line of lines) {
    const { graphqlUrl, apiKey } = JSON.parse(line) as { graphqlUrl: string; apiKey: string }
    return {
      graphqlUrl,
      key: apiKey,
      async stop() {
        child.kill()
        await rm(dataDir, { recursive: true, force: true })
      },
    }
  }
  throw new Error('The product ended before it was ready')
}

async function ask<T>(product: Product, query: string, variables: object = {}): Promise<T> {
  const response = await fetch(product.graphqlUrl, {
    method: 'POST',
    headers: { authorization: `Bearer ${product.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  })
  const text = await response.text()
  const { data, errors } = JSON.parse(text) as { data: T; errors?: unknown }
  if (errors !== undefined || text.includes('Error"')) throw new Error(text.slice(0, 2000))
  return data
}

/** An OpenAPI document with that many operations. */
function printDocument(title: string, operations: number): string {
  const paths = Object.fromEntries(
    Array.from({ length: operations }, (_, index) => [
      `/things/${index}/{id}`,
      {
        get: {
          operationId: `get_thing_${index}`,
          summary: `Reads thing ${index}`,
          parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
          responses: {},
        },
      },
    ]),
  )
  return JSON.stringify({
    openapi: '3.1.0',
    info: { title, version: '1' },
    servers: [{ url: 'https://api.example.com' }],
    paths,
  })
}

async function fill(product: Product): Promise<void> {
  const origin = new URL(product.graphqlUrl).origin
  for (let index = 0; index < PROVIDERS; index += 1) {
    const upload = await fetch(`${origin}/documents`, {
      method: 'POST',
      headers: { authorization: `Bearer ${product.key}` },
      body: printDocument(`Provider ${index}`, TOOLS_PER_PROVIDER),
    })
    const { documentId } = (await upload.json()) as { documentId: string }
    await ask(
      product,
      'mutation($id: ID!) { importOpenApi(input: { documentId: $id }) { __typename } }',
      { id: documentId },
    )
  }
  const ids: string[] = []
  let after: string | null = null
  do {
    const page: {
      tools: { nodes: { id: string }[]; pageInfo: { endCursor: string; hasNextPage: boolean } }
    } = await ask(
      product,
      'query($after: String) { tools(first: 100, after: $after) { nodes { id } pageInfo { endCursor hasNextPage } } }',
      { after },
    )
    ids.push(...page.tools.nodes.map(({ id }) => id))
    after = page.tools.pageInfo.hasNextPage ? page.tools.pageInfo.endCursor : null
  } while (after !== null)
  for (let index = 0; index < SERVERS; index += 1) {
    // Every fiftieth: each server has tools of all providers.
    const toolIds = ids.filter((_, position) => position % SERVERS === index)
    await ask(
      product,
      'mutation($input: CreateServerInput!) { createServer(input: $input) { __typename } }',
      { input: { name: `Server ${index}`, toolIds } },
    )
  }
}

/** The load, out of this process. */
async function measure(load: Load): Promise<Measured> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    join(ROOT, 'load-tests/generate-load.ts'),
    JSON.stringify(load),
  ])
  return JSON.parse(stdout) as Measured
}

const databaseUrl = process.env['TEST_DATABASE_URL']
if (databaseUrl === undefined)
  throw new Error('Set TEST_DATABASE_URL to an empty PostgreSQL database')
const product = await startProduct(databaseUrl)
try {
  await fill(product)
  const load = (query: string, connections: number, durationMs = DURATION_MS) =>
    measure({
      url: product.graphqlUrl,
      headers: { authorization: `Bearer ${product.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
      connections,
      durationMs,
      expect: '"data":{',
    })
  await load(NESTED, CONNECTIONS, WARM_UP_MS)
  for (const connections of [1, CONNECTIONS]) {
    for (const [name, query] of Object.entries({ nested: NESTED, viewer: '{ viewer { id } }' })) {
      const { perSecond, p50, p95, p99, failures, failure } = await load(query, connections)
      const ms = [p50, p95, p99].map((value) => value.toFixed(1)).join(' / ')
      const rate = `${perSecond.toFixed(0)} a second, p50 / p95 / p99 ${ms} ms`
      console.log(`${name} over ${connections} connections: ${rate}, ${failures} failed`)
      if (failure !== undefined) throw new Error(failure)
    }
  }
} finally {
  await product.stop()
}
