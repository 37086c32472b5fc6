// Times calls with interceptors against the same call without one, in one run:
//   node load-tests/interceptor.ts [isolated-vm|quickjs]
// The upstream, the product and the load are processes of their own.
import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { promisify } from 'node:util'

import type { Load, Measured } from './generate-load.ts'

const ROOT = new URL('..', import.meta.url).pathname
const CONNECTIONS = 32
const WARM_UP_MS = 10_000
const DURATION_MS = 8_000
const BODY_BYTES = 5_000

const INTERCEPTORS = {
  none: undefined,
  jmespath: { engine: 'JMESPATH', code: 'items[].{id: id, name: name}' },
  javascript: {
    engine: 'JAVASCRIPT',
    code: 'input.items.map(({ id, name }) => ({ id, name }))',
  },
} as const

/** About 5 KB of JSON. */
function makeBody(): string {
  const items: object[] = []
  for (let id = 0; JSON.stringify({ items }).length < BODY_BYTES; id += 1) {
    items.push({ id, name: `Item ${id}`, description: 'A thing of that kind', price: 9.5 })
  }
  return JSON.stringify({ items })
}

async function startUpstream() {
  const body = makeBody()
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server }
}

async function startProduct(env: Readonly<Record<string, string>>) {
  const dataDir = await mkdtemp(join(tmpdir(), 'hasmcp-load-'))
  const child = spawn(process.execPath, [join(ROOT, 'server/main.ts'), '--json'], {
    cwd: ROOT,
    env: { ...process.env, PORT: '0', DATA_DIR: dataDir, LOG_LEVEL: 'warn', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  for await (const line of createInterface({ input: child.stdout })) {
    const { graphqlUrl, apiKey } = JSON.parse(line) as { graphqlUrl: string; apiKey: string }
    const stop = async () => {
      child.kill()
      await rm(dataDir, { recursive: true, force: true })
    }
    return { graphqlUrl, apiKey, stop }
  }
  throw new Error('The product ended before it was ready')
}

const upstream = await startUpstream()
const product = await startProduct({
  RATE_LIMIT_PER_MINUTE: '0',
  EGRESS_ALLOW: upstream.origin,
  SANDBOX_ENGINE: process.argv[2] ?? 'auto',
})

async function make<T>(name: string, input: object, data: string): Promise<T> {
  const type = `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`
  const query = `mutation($input: ${type}Input!) { ${name}(input: $input) {
    ... on ${type}Success { data { ${data} } } ... on Error { message } } }`
  const response = await fetch(product.graphqlUrl, {
    method: 'POST',
    headers: { authorization: `Bearer ${product.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables: { input } }),
  })
  const answer = (await response.json()) as { data?: Record<string, { data?: T }> }
  const made = answer.data?.[name]?.data
  if (made === undefined) throw new Error(JSON.stringify(answer))
  return made
}

/** The load, out of this process. */
async function measure(load: Load): Promise<Measured> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    join(ROOT, 'load-tests/generate-load.ts'),
    JSON.stringify(load),
  ])
  return JSON.parse(stdout) as Measured
}

async function openServer(interceptor: object | undefined, providerId: string, name: string) {
  const request = { method: 'GET', path: '/items' }
  const tool = await make<{ id: string }>('createTool', { providerId, name, request }, 'id')
  if (interceptor !== undefined) {
    const input = { toolId: tool.id, name, phase: 'RESPONSE', ...interceptor }
    await make('createInterceptor', input, 'id')
  }
  const server = await make<{ id: string; mcpUrl: string }>(
    'createServer',
    { name, toolIds: [tool.id] },
    'id mcpUrl',
  )
  const { token } = await make<{ token: string }>(
    'createServerToken',
    { serverId: server.id, name },
    'token',
  )
  return { url: server.mcpUrl, token }
}

try {
  const provider = await make<{ id: string }>(
    'createProvider',
    { name: 'P', baseUrl: upstream.origin },
    'id',
  )
  let base = 0
  for (const [name, interceptor] of Object.entries(INTERCEPTORS)) {
    const { url, token } = await openServer(interceptor, provider.id, name)
    const load: Load = {
      url,
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${name}","arguments":{}}}`,
      connections: CONNECTIONS,
      durationMs: WARM_UP_MS,
      expect: 'Item 3',
    }
    await measure(load)
    const { perSecond, p50, p95, failures, failure } = await measure({
      ...load,
      durationMs: DURATION_MS,
    })
    base ||= perSecond
    const ms = `p50 / p95 ${p50.toFixed(1)} / ${p95.toFixed(1)} ms`
    console.log(
      `${name}: ${perSecond.toFixed(0)} a second, ${(perSecond / base).toFixed(2)} of without, ${ms}, ${failures} failed`,
    )
    if (failure !== undefined) throw new Error(failure)
  }
} finally {
  await product.stop()
  upstream.server.close()
}
