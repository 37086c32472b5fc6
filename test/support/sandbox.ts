// A sandbox of hostile processes: what a run's code says is what its process does.
import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import type { SandboxJob, SandboxOutcome } from '../../workers/sandbox/messages.ts'
import { runtimeCommand } from '../../workers/sandbox/spawn-process.ts'
import {
  createSandbox,
  type Sandbox,
  type SandboxOptions,
} from '../../workers/sandbox/supervisor.ts'

const supportDir = fileURLToPath(new URL('.', import.meta.url))

/** The command of a process that misbehaves when told to; `broken` never boots. */
export function fakeCommand(mode = ''): readonly string[] {
  return [...runtimeCommand([supportDir]), `${supportDir}fake-sandbox-process.ts`, mode]
}

/** A sandbox that the test closes when it ends. */
export function openSandbox(
  t: { after: (end: () => Promise<void>) => void },
  options: Partial<SandboxOptions> = {},
): Sandbox {
  const sandbox = createSandbox({ command: fakeCommand(), slots: 2, ...options })
  t.after(() => sandbox.close())
  return sandbox
}

/** A job whose code is a command of the fake process. */
export function jobOf(code: string, more: Partial<SandboxJob> = {}): SandboxJob {
  return {
    accountId: 'acc_1',
    interceptorId: `int_${code}`,
    interceptorName: code,
    engine: 'javascript',
    code,
    scriptHash: createHash('sha256').update(code).digest('hex'),
    globals: '{}',
    input: '{"a":1}',
    ...more,
  }
}

/** The outcome without what differs from run to run; a `done` output as text. */
export function plain(outcome: SandboxOutcome): object {
  if (outcome.type === 'failed') return outcome
  return { output: Buffer.from(outcome.output).toString(), console: outcome.console }
}
