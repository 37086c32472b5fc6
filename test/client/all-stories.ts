// Stock clients of every era on every runtime, and one story for all of them: connect, list three pages,
// call, progress, cancel, notice of a change, prompt, resource, completion, a question to the user, and
// on with it after a restart of the server.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import type { StoryTask } from './story-client.ts'
import { mutation, openapi } from '../support/control-plane.ts'
import { createTestStorage } from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { graphql } from '../support/graphql.ts'
import { ROOT, RUNTIMES, startProduct, type Product, type Runtime } from '../support/product.ts'
import { startUpstream, type Answer } from '../support/upstream.ts'

const SCRIPT = join(ROOT, 'test/client/story-client.ts')
const INSPECTOR = join(
  ROOT,
  'node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js',
)
const OPERATIONS = 1_001
const STORY_RUNTIMES = Object.keys(RUNTIMES) as Runtime[]
const CLIENTS = ['sdk', 'legacy', 'auto', 'pinned'] as const
const run = promisify(execFile)

const content = (text: string) => [{ type: 'text', text }]
const NDJSON = [0, 50, 100].map((progress) => `{"progress":${progress},"total":100}\n`)
const EXPECTED = {
  pages: [500, 500, 5],
  call: content('{"url":"/echo"}'),
  streamed: content(NDJSON.join('')),
  progress: [0, 50, 100],
  cancelled: 'rejected, closed',
  prompt: [{ role: 'user', content: { type: 'text', text: 'Hello' } }],
  resource: [{ uri: 'docs://guide', mimeType: 'text/plain', text: 'Read me' }],
  completion: ['Rust', 'Ruby'],
  asked: content('{"url":"/ask?city=Rome"}'),
  after: content('{"url":"/echo"}'),
}

interface Hanging {
  readonly arrived: PromiseWithResolvers<void>
  readonly closed: PromiseWithResolvers<void>
}

/** Answers at once, as a stream, or never: then it says when a call arrived and when it was gone. */
function createApi(): Answer {
  const calls = new Map<string, Hanging>()
  const callOf = (who: string): Hanging => {
    const arrived = Promise.withResolvers<void>()
    const call = calls.get(who) ?? { arrived, closed: Promise.withResolvers<void>() }
    calls.set(who, call)
    return call
  }
  return async ({ url }, response: ServerResponse) => {
    const { pathname, searchParams } = new URL(url, 'http://upstream')
    const call = callOf(searchParams.get('who') ?? '')
    if (pathname === '/hang') {
      response.on('close', () => {
        call.closed.resolve()
      })
      return call.arrived.resolve()
    }
    if (pathname === '/arrived') return response.end(String(await call.arrived.promise))
    if (pathname === '/closed') {
      await call.closed.promise
      return response.end('closed')
    }
    if (pathname !== '/progress') {
      return response.setHeader('content-type', 'application/json').end(JSON.stringify({ url }))
    }
    response.setHeader('content-type', 'application/x-ndjson')
    for (const line of NDJSON) response.write(line)
    return response.end()
  }
}

interface Scene {
  readonly task: Omit<StoryTask, 'client' | 'who'>
  readonly restart: () => Promise<void>
}

/** The product with everything that the story needs, on a port that it finds again. */
async function openScene(t: TestContext): Promise<Scene> {
  const upstream = await startUpstream(createApi())
  t.after(() => upstream.close())
  const env = {
    ...(await createTestStorage(t)),
    PORT: String(await freePort()),
    EGRESS_ALLOW: upstream.origin,
    HASMCP_ADMIN_KEY: 'an-administrator-of-the-whole-house',
  }
  const start = (): Promise<Product> => startProduct(t, { args: ['--json'], env })
  let product = await start()
  const { graphqlUrl } = JSON.parse(product.firstLine) as { graphqlUrl: string }
  const apiKey = env.HASMCP_ADMIN_KEY
  const make = async <T = { id: string }>(name: string, input: object, data = 'id') => {
    const answer = await graphql<Record<string, { data?: T; message?: string }>>(
      graphqlUrl,
      apiKey,
      mutation(name, data),
      { input },
    )
    const made = answer[name]?.data
    assert.ok(made, JSON.stringify(answer))
    return made
  }
  const many = Array.from({ length: OPERATIONS }, (_, n) => `get /t${n}`)
  const { provider } = await make<{ provider: { id: string } }>(
    'importOpenApi',
    {
      text: openapi(['get /echo', 'get /progress', ...many]),
      baseUrl: upstream.origin,
    },
    'provider { id }',
  )
  const inputSchema = { type: 'object', properties: { city: { type: 'string' } } }
  const { id: toolId } = await make('createTool', {
    providerId: provider.id,
    name: 'ask_city',
    request: { method: 'GET', path: '/ask', inputSchema },
  })
  await make('createTool', {
    providerId: provider.id,
    name: 'hang',
    request: { method: 'GET', path: '/hang', sampleArguments: { who: 'x' } },
  })
  const inputRequests = [{ key: 'where', message: 'Where?', requestedSchema: inputSchema }]
  await make('updateTool', { id: toolId, inputRequests })
  const { id: serverId } = await make('createServer', { name: 'S', providerIds: [provider.id] })
  const say = (text: string) => [{ role: 'USER', text }]
  await make('createPrompt', { serverId, name: 'hello', messages: say('Hello') })
  await make('createPrompt', {
    serverId,
    name: 'ask',
    arguments: [{ name: 'language', values: ['Rust', 'Go', 'Ruby'] }],
    messages: say('{{language}}'),
  })
  const uri = 'docs://guide'
  await make('createResource', { serverId, uri, name: 'guide', text: 'Read me' })
  const { token, mcpUrl } = await make<{ token: string; mcpUrl: string }>(
    'createServerToken',
    { serverId, name: 'T' },
    'token mcpUrl',
  )
  return {
    task: { mcpUrl, token, graphqlUrl, apiKey, serverId, upstreamOrigin: upstream.origin },
    async restart() {
      assert.equal(await product.end('SIGTERM'), 0, product.stderr())
      product = await start()
    },
  }
}

/** Runs the story under the runtime; answers what it saw, without what only one generation shows. */
async function tell(runtime: Runtime, task: StoryTask, restart: () => Promise<void>) {
  const [command, ...before] = RUNTIMES[runtime]
  const child = spawn(command, [...before, SCRIPT, JSON.stringify(task)], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'] },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
  const exited = once(child, 'exit')
  let last = ''
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'restart') {
      await restart()
      child.stdin.write('\n')
    } else last = line
  }
  await exited
  assert.notEqual(last, '', stderr)
  return JSON.parse(last) as Readonly<Record<string, unknown>>
}

const memberOf = (value: unknown, name: string) => (value as Record<string, unknown>)[name]

/** Restarts once, when so many wait for it. */
function createBarrier(count: number, restart: () => Promise<void>): () => Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let waiting = 0
  return () => {
    waiting += 1
    if (waiting === count) restart().then(resolve, reject)
    return promise
  }
}

/** The inspector has a command line, which is a program for Node. */
async function inspectAll(task: Scene['task']): Promise<void> {
  const inspect = async (...args: readonly string[]) => {
    const { stdout } = await run(process.execPath, [
      INSPECTOR,
      '--cli',
      task.mcpUrl,
      '--transport',
      'http',
      '--header',
      `Authorization: Bearer ${task.token}`,
      '--method',
      ...args,
    ])
    return JSON.parse(stdout) as Readonly<Record<string, readonly object[]>>
  }
  const listed = await inspect('tools/list')
  assert.equal(listed['tools']?.length, OPERATIONS + 4)
  const called = await inspect('tools/call', '--tool-name', 'get_echo')
  assert.deepEqual(called['content'], EXPECTED.call)
  const got = await inspect('prompts/get', '--prompt-name', 'hello')
  assert.deepEqual(got['messages'], EXPECTED.prompt)
  const read = await inspect('resources/read', '--uri', 'docs://guide')
  assert.deepEqual(read['contents'], EXPECTED.resource)
}

test(`stock clients of every era on ${STORY_RUNTIMES.join(', ')} tell the whole story, and so does the inspector`, async (t) => {
  const { task, restart } = await openScene(t)
  for (const runtime of STORY_RUNTIMES) {
    const barrier = createBarrier(CLIENTS.length, restart)
    const stories = CLIENTS.map(async (client) => {
      const seen = await tell(runtime, { ...task, client, who: `${client}-${runtime}` }, barrier)
      assert.deepEqual(
        {
          ...seen,
          call: memberOf(seen['call'], 'content'),
          streamed: memberOf(seen['streamed'], 'content'),
          prompt: memberOf(seen['prompt'], 'messages'),
          resource: memberOf(seen['resource'], 'contents'),
          completion: memberOf(memberOf(seen['completion'], 'completion'), 'values'),
          asked: memberOf(seen['asked'], 'content'),
          after: memberOf(seen['after'], 'content'),
        },
        EXPECTED,
        `${client} on ${runtime}`,
      )
    })
    await Promise.all(stories)
  }
  await inspectAll(task)
})
