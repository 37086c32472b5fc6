// The settings of the sandbox, read for config.ts, which gives the text: limits that somebody has a
// reason to change on a smaller machine or for strangers' code. What is left out has no setting.
import type { SandboxEngine } from '../workers/sandbox/messages.ts'

/** What the environment decides of the sandbox. */
export interface SandboxSetting {
  readonly engine: SandboxEngine
  /** Processes that run at once; undefined: as many as processors, at least 2. */
  readonly slots: number | undefined
  readonly softCpuMs: number
  readonly hardCpuMs: number
  readonly memoryMib: number
  readonly rssMib: number
}

const DEFAULT_SOFT_CPU_MS = 100
const DEFAULT_HARD_CPU_MS = 250
const DEFAULT_MEMORY_MIB = 16
const DEFAULT_RSS_MIB = 200

/** What the reader threw is noted as a problem, and gives undefined. */
type Attempt = <T>(read: () => T) => T | undefined

type ReadInteger = (
  name: string,
  text: string | undefined,
  min: number,
  max: number,
) => number | undefined

/** The settings; whatever is wrong is thrown within `attempt`, as a sentence that names the variable. */
export function readSandboxSetting(
  text: (name: string) => string | undefined,
  attempt: Attempt,
  readInteger: ReadInteger,
  isNode: boolean = process.versions['bun'] === undefined && process.versions['deno'] === undefined,
): SandboxSetting {
  const integer = (name: string, min: number, max: number) =>
    attempt(() => readInteger(name, text(name), min, max))
  const setting = {
    engine:
      attempt(() => readEngine(text('SANDBOX_ENGINE') ?? 'auto', isNode)) ?? defaultEngine(isNode),
    slots: integer('SANDBOX_SLOTS', 1, 64),
    softCpuMs: integer('SANDBOX_SOFT_CPU_MS', 10, 10_000) ?? DEFAULT_SOFT_CPU_MS,
    hardCpuMs: integer('SANDBOX_HARD_CPU_MS', 10, 10_000) ?? DEFAULT_HARD_CPU_MS,
    memoryMib: integer('SANDBOX_MEMORY_MIB', 8, 1_024) ?? DEFAULT_MEMORY_MIB,
    rssMib: integer('SANDBOX_RSS_MIB', 100, 4_096) ?? DEFAULT_RSS_MIB,
  }
  attempt(() => checkOrder(setting))
  return setting
}

function checkOrder({ softCpuMs, hardCpuMs }: SandboxSetting): void {
  if (hardCpuMs >= softCpuMs) return
  throw new Error(
    `SANDBOX_HARD_CPU_MS is ${hardCpuMs}, expected at least SANDBOX_SOFT_CPU_MS, which is ${softCpuMs}`,
  )
}

function readEngine(name: string, isNode: boolean): SandboxEngine {
  if (name === 'quickjs') return name
  if (name === 'isolated-vm' && !isNode)
    throw new Error(
      'SANDBOX_ENGINE is "isolated-vm", which runs on Node only; expected auto or quickjs',
    )
  if (name !== 'auto' && name !== 'isolated-vm')
    throw new Error(
      `SANDBOX_ENGINE is ${JSON.stringify(name)}, expected one of auto, isolated-vm, quickjs`,
    )
  return defaultEngine(isNode)
}

function defaultEngine(isNode: boolean): SandboxEngine {
  return isNode ? 'isolated-vm' : 'quickjs'
}
