// Run by a test that kills it: boots a sandbox, prints the id of one of its processes and stays.
import { createSandbox } from '../../workers/sandbox/supervisor.ts'
import { fakeCommand, jobOf } from './sandbox.ts'

const sandbox = createSandbox({ command: fakeCommand(), slots: 2 })
const outcome = await sandbox.run(jobOf('pid'))
if (outcome.type === 'done') process.stdout.write(`${Buffer.from(outcome.output).toString()}\n`)
