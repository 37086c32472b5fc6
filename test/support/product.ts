// Starts the product as a user does, as a process of its own, on any of the three runtimes.
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'

export const ROOT = new URL('../..', import.meta.url).pathname

const BIN = join(ROOT, 'node_modules', '.bin')

export type Runtime = 'node' | 'bun' | 'deno'

export const RUNTIMES: Readonly<Record<Runtime, readonly [string, ...string[]]>> = {
  node: [process.execPath],
  bun: [join(BIN, 'bun')],
  deno: [join(BIN, 'deno'), 'run', '-A'],
}

export interface QuickStartLine {
  readonly mcpUrl: string
  readonly token: string
  readonly serverId: string
  readonly graphqlUrl: string
  readonly apiKey: string
  readonly clients: Readonly<Record<string, unknown>>
}

export interface Product {
  readonly child: ChildProcess
  /** The first line on stdout. */
  readonly firstLine: string
  /** Milliseconds from spawn to that line. */
  readonly startMs: number
  /** Sends a signal and resolves with the exit code (null after SIGKILL). */
  end(signal?: NodeJS.Signals): Promise<number | null>
  stderr(): string
}

export interface ProductOptions {
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly runtime?: Runtime
}

function spawnProduct({ args = [], env = {}, runtime = 'node' }: ProductOptions): ChildProcess {
  const [command, ...before] = RUNTIMES[runtime]
  return spawn(command, [...before, join(ROOT, 'server/main.ts'), ...args], {
    cwd: ROOT,
    // NODE_TEST_CONTEXT would make a child report to our runner.
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** Resolves when the product has printed its first line; it is killed when the test ends. */
export async function startProduct(t: TestContext, options: ProductOptions): Promise<Product> {
  const startedAt = performance.now()
  const child = spawnProduct(options)
  const exited = once(child, 'exit')
  t.after(async () => {
    child.kill('SIGKILL')
    await exited
  })
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
  const firstLine = await new Promise<string>((resolve, reject) => {
    let stdout = ''
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk
      const end = stdout.indexOf('\n')
      if (end >= 0) resolve(stdout.slice(0, end))
    })
    child.once('exit', (code) => {
      reject(new Error(`The product ended with code ${code}: ${stderr}`))
    })
  })
  return {
    child,
    firstLine,
    startMs: performance.now() - startedAt,
    async end(signal = 'SIGTERM') {
      child.kill(signal)
      await exited
      return child.exitCode
    },
    stderr: () => stderr,
  }
}

/** Runs the product to its end: for starts that are refused. */
export async function runProduct(
  options: ProductOptions,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawnProduct(options)
  assert(child.stdout && child.stderr)
  const [stdout, stderr] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ])
  return { code: child.exitCode, stdout, stderr }
}

/** A data directory of its own, removed when the test ends. */
export async function temporaryDir(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'hasmcp-test-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  return dir
}
