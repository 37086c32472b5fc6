// Killing runs mixed into good ones, with the engine itself: every good one succeeds, and afterwards
// there are as many processes and open files as before. `HOSTILE_TEST=long` runs thousands.
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { test } from 'node:test'

import { sandboxCommand } from '../workers/sandbox/spawn-process.ts'
import { createSandbox } from '../workers/sandbox/supervisor.ts'
import { jobOf, plain } from './support/sandbox.ts'

const isLong = process.env['HOSTILE_TEST'] === 'long'
const RUNS = isLong ? 11_000 : 220
const IN_PARALLEL = 16
const MAX_GROWTH_BYTES = 64 * 1024 * 1024
// No engine interrupts these: their processes have to be killed.
const KILLERS = [
  'Array.prototype.reverse.call({ length: 2 ** 53 - 1 })',
  'Array.prototype.copyWithin.call({ length: 2 ** 53 - 1 }, 1, 0)',
]
const GOOD = 'input.a + 1'

const countFiles = () => readdirSync('/proc/self/fd').length
const countChildren = () =>
  readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8')
    .split(' ')
    .filter(Boolean).length

test(
  `${RUNS / 11} killing runs among ${(RUNS / 11) * 10} good ones fail alone, and leave nothing behind`,
  { skip: process.platform !== 'linux' && 'open files and processes are counted in /proc' },
  async (t) => {
    const [files, children] = [countFiles(), countChildren()]
    const sandbox = createSandbox({ command: sandboxCommand('isolated-vm'), slots: 2 })
    t.after(() => sandbox.close())
    const first = plain(await sandbox.run(jobOf(GOOD)))
    const before = process.memoryUsage.rss()
    const wrong: unknown[] = []
    let [next, kills] = [0, 0]
    const work = async () => {
      for (let n = next++; n < RUNS; n = next++) {
        const isGood = n % 11 !== 5
        const code = isGood ? GOOD : (KILLERS[kills++ % KILLERS.length] ?? '')
        // Each has a name of its own, or it would soon be in quarantine.
        const names = { interceptorId: `int_${isGood ? 'good' : n}`, accountId: `acc_${n % 7}` }
        const outcome = await sandbox.run(jobOf(code, names))
        const isRight = isGood
          ? JSON.stringify(plain(outcome)) === JSON.stringify(first)
          : outcome.type === 'failed' && outcome.code === 'INTERCEPTOR_TIMEOUT'
        if (!isRight) wrong.push([n, isGood, plain(outcome)])
      }
    }
    await Promise.all(Array.from({ length: IN_PARALLEL }, work))
    assert.deepEqual(wrong, [])
    assert.deepEqual(first, { output: '2', console: [] })
    const { cpu, wall } = sandbox.stats().kills
    assert.equal(cpu + wall, kills)
    await sandbox.close()
    assert.deepEqual([countFiles(), countChildren()], [files, children])
    const grown = process.memoryUsage.rss() - before
    assert.ok(grown < MAX_GROWTH_BYTES, `${grown} bytes more than before`)
  },
)
