// Runs the suite, file by file, on Bun and on Deno, as `node --test` does on Node: what a client or an
// owner sees must not depend on the runtime. Ends with code 1 when a file fails.
//   node test/support/run-on-runtimes.ts [bun|deno]
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { RUNTIMES, ROOT, type Runtime } from './product.ts'

/** Files that say nothing about a runtime, by why. */
const LEFT_OUT: Readonly<Record<string, readonly string[]>> = {
  'they run every runtime by themselves': [
    'egress',
    'interceptor-runtime',
    'runtime',
    'sandbox',
    'sandbox-engine',
    'sandbox-hostile',
    'sandbox-soak',
    'sandbox-state',
  ],
  'they compare isolated-vm, which is Node’s': ['jmespath'],
  'they measure, or take long': [
    'import-load',
    'interceptor-load',
    'kill',
    'stream-load',
    'tenant-load',
    'call/check-budget',
    'graphql-text',
  ],
  'they read the code, not the product': ['layout', 'schema', 'readme'],
  'they send bytes to the HTTP parser, which is the runtime’s own': ['mcp-hostile'],
  'the server of the document is a program for Node': ['prism'],
  'they start the product as a process of Node’s': [
    'canary',
    'log',
    'outage',
    'quick-start',
    'start',
  ],
}

const COMMANDS = {
  bun: ['test', '--timeout', '120000'],
  deno: ['test', '-A', '--no-check'],
} as const
const FILE_TIMEOUT_MS = 180_000

const leftOut = new Set(Object.values(LEFT_OUT).flat())
const files = globSync('test/**/*.test.ts', { cwd: ROOT })
  .filter((path) => !leftOut.has(path.slice('test/'.length, -'.test.ts'.length)))
  .toSorted()

/** The output of a file that fails; undefined of one that passes. */
async function runFile(runtime: 'bun' | 'deno', path: string): Promise<string | undefined> {
  const [command] = RUNTIMES[runtime satisfies Runtime]
  const child = spawn(command, [...COMMANDS[runtime], `./${path}`], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: FILE_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
  }
  const [code] = (await once(child, 'close')) as [number | null]
  return code === 0 ? undefined : `${output}\nended with ${code ?? 'a signal'}`
}

for (const runtime of ['bun', 'deno'] as const) {
  if (process.argv[2] !== undefined && process.argv[2] !== runtime) continue
  const startedAt = performance.now()
  const queue = [...files]
  const failed: string[] = []
  const work = async () => {
    for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
      const output = await runFile(runtime, path)
      if (output === undefined) continue
      failed.push(path)
      console.log(`✖ ${path} on ${runtime}\n${output}`)
    }
  }
  await Promise.all([work(), work()])
  const seconds = Math.round((performance.now() - startedAt) / 1_000)
  const what = failed.length === 0 ? 'all pass' : `${failed.length} fail: ${failed.join(', ')}`
  console.log(`${runtime}: ${files.length} files, ${what} (${seconds} s)`)
  if (failed.length > 0) process.exitCode = 1
}
console.log(`Left out: ${[...leftOut].join(', ')}`)
