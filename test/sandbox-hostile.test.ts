// Every hostile script on both engines: one outcome each, and a neighbour that never notices. The
// process is killed by the test at the supervisor's limits, and a killed one is replaced.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SandboxEngine } from '../workers/sandbox/messages.ts'
import type { Runtime } from './support/product.ts'
import {
  HOSTILE_GLOBALS,
  HOSTILE_INPUT,
  HOSTILE_SCRIPTS,
  expectedOf,
  type Expected,
  type HostileScript,
} from './support/hostile-script.ts'
import { openSandboxProcess, type Outcome } from './support/sandbox-process.ts'

/** Half of the default: most of these scripts run until they are stopped. */
const limits = { softCpuMs: 50 }

const STOPS = ['INTERCEPTOR_TIMEOUT', 'INTERCEPTOR_MEMORY']

function describeOutcome({ output, error, isKilled }: Outcome): Expected {
  if (isKilled) return 'kill'
  return error === undefined ? { output } : error.code
}

function isExpected(outcome: Outcome, expected: Expected): boolean {
  const { error } = outcome
  if (expected === 'stop') return error !== undefined && STOPS.includes(error.code)
  if (expected === 'kill') return outcome.isKilled
  return JSON.stringify(describeOutcome(outcome)) === JSON.stringify(expected)
}

async function runAll(
  engine: SandboxEngine,
  runtime: Runtime,
  scripts: readonly HostileScript[],
): Promise<readonly string[]> {
  const problems: string[] = []
  let sandbox = await openSandboxProcess(engine, runtime)
  for (const script of scripts) {
    const given = { input: HOSTILE_INPUT, globals: HOSTILE_GLOBALS, limits }
    const outcome = await sandbox.run({ ...given, ...script })
    const expected = expectedOf(script, engine)
    if (!isExpected(outcome, expected))
      problems.push(
        `${script.name}: ${JSON.stringify(describeOutcome(outcome))} ${outcome.error?.message ?? ''} instead of ${JSON.stringify(expected)}`,
      )
    if (Buffer.byteLength(outcome.error?.message ?? '') > 1024)
      problems.push(`${script.name}: long`)
    if (outcome.isKilled) sandbox = await openSandboxProcess(engine, runtime)
    const { output } = await sandbox.run({ code: 'input.n + 1', input: { n: 1 }, tenant: 'acc_2' })
    if (output !== '2') problems.push(`${script.name}: the next call answers ${output}`)
  }
  assert.equal(sandbox.stderr(), '')
  await sandbox.close()
  return problems
}

test('there are enough hostile scripts, each with a name of its own', () => {
  assert(HOSTILE_SCRIPTS.length >= 80)
  assert.equal(new Set(HOSTILE_SCRIPTS.map(({ name }) => name)).size, HOSTILE_SCRIPTS.length)
})

for (const engine of ['isolated-vm', 'quickjs'] as const)
  test(`no hostile script gets further in ${engine} than it is known to`, async () => {
    assert.deepEqual(await runAll(engine, 'node', HOSTILE_SCRIPTS), [])
  })

for (const runtime of ['bun', 'deno'] as const)
  test(`a process under ${runtime} stops what QuickJS stops by itself`, async () => {
    // Each that is stopped takes its time; every tenth of all the others shows that they are the same.
    const isLong = (script: HostileScript) => {
      const expected = expectedOf(script, 'quickjs')
      return typeof expected === 'string' && ['stop', 'kill', ...STOPS].includes(expected)
    }
    const isWhole = process.env['HOSTILE_TEST'] === 'long'
    const some = (scripts: readonly HostileScript[], step: number) =>
      scripts.filter((_, index) => isWhole || index % step === 0)
    const long = HOSTILE_SCRIPTS.filter(isLong)
    const short = HOSTILE_SCRIPTS.filter((script) => !isLong(script))
    assert.deepEqual(await runAll('quickjs', runtime, [...some(long, 15), ...some(short, 10)]), [])
  })
