// Run by a test under each runtime: a good run, each way to be killed and a good run again, printed
// as one JSON line.
import { createSandbox } from '../../workers/sandbox/supervisor.ts'
import { fakeCommand, jobOf, plain } from './sandbox.ts'

const sandbox = createSandbox({ command: fakeCommand(), slots: 2 })
const outcomes: object[] = []
for (const code of ['echo', 'spin', 'allocate', 'stop', 'exit', 'flood', 'wrong-id', 'echo']) {
  outcomes.push(plain(await sandbox.run(jobOf(code))))
}
await sandbox.close()
process.stdout.write(`${JSON.stringify(outcomes)}\n`)
