// Starts a sandbox process with as little as the runtime and the system let it have: no environment,
// no files but its own code, no network where the runtime can forbid it, no core file, low priority,
// and where we are root another user.
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { setPriority } from 'node:os'
import { dirname } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { SandboxEngine } from './messages.ts'

/** A started process: frames go in by stdin and out by stdout; stderr is for what boots badly. */
export type SandboxProcess = ChildProcessByStdio<Writable, Readable, Readable>

// A guest that burns its allowance must not delay the main thread; more than 5 starves honest guests
// on a busy machine.
const NICE = 5
// Of the process's own heap; the guest's has its own, lower limit.
const HEAP_MIB = 64
const NOBODY = 65_534

const root = fileURLToPath(new URL('../../', import.meta.url))

/** The command that runs the engine on the runtime that this process runs on. */
export function sandboxCommand(engine: SandboxEngine): readonly string[] {
  return [...runtimeCommand(), `${root}workers/sandbox/sandbox-process.ts`, engine]
}

/** The runtime and its flags, to which the file to run is added. */
export function runtimeCommand(readable: readonly string[] = []): readonly string[] {
  const paths = [
    `${root}workers/sandbox`,
    `${root}node_modules`,
    `${root}package.json`,
    ...readable,
  ]
  if (process.versions['deno'] !== undefined) {
    const denied = ['net', 'env', 'run', 'ffi', 'sys', 'write'].map((name) => `--deny-${name}`)
    const read = `--allow-read=${paths.join(',')}`
    const heap = `--v8-flags=--max-old-space-size=${HEAP_MIB}`
    return [process.execPath, 'run', '--quiet', '--no-prompt', '--no-remote', heap, read, ...denied]
  }
  if (process.versions['bun'] !== undefined) return [process.execPath]
  // Where isolated-vm's loader looks for the C library that its binary has to fit.
  const reads = [...paths, '/etc/alpine-release'].map((path) => `--allow-fs-read=${path}`)
  const flags = ['--permission', '--allow-addons', '--no-warnings']
  return [process.execPath, ...flags, `--max-old-space-size=${HEAP_MIB}`, ...reads]
}

/**
 * Starts the command. It is in the background of the machine's scheduler; a command that does not
 * exist is told by the process's `error` event.
 */
export function spawnProcess(command: readonly string[]): SandboxProcess {
  const [file = '', ...args] = withoutCoreFile(command)
  const child = spawn(file, args, {
    cwd: '/',
    env: { TZ: 'UTC', LANG: 'C.UTF-8' },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(canBeNobody(command) ? { uid: NOBODY, gid: NOBODY } : {}),
  })
  try {
    if (child.pid !== undefined) setPriority(child.pid, NICE)
  } catch {
    // It has ended already: its exit says so.
  }
  return child
}

/** A core file would hold tenants' payloads. The shell becomes the command: the pid stays. */
function withoutCoreFile(command: readonly string[]): readonly string[] {
  if (!existsSync('/bin/sh')) return command
  return ['/bin/sh', '-c', 'ulimit -c 0; exec "$@"', 'sandbox', ...command]
}

/** Whether another user can read the code: root's home, for one, is closed to it. */
function canBeNobody(command: readonly string[]): boolean {
  if (process.getuid?.() !== 0) return false
  const files = command.filter((part) => part.startsWith('/') && existsSync(part))
  return files.every((path) => isOpen(path))
}

function isOpen(path: string): boolean {
  const isOwn = (statSync(path).mode & constants.S_IROTH) !== 0
  for (let dir = dirname(path); dir !== '/'; dir = dirname(dir)) {
    if ((statSync(dir).mode & constants.S_IXOTH) === 0) return false
  }
  accessSync('/', constants.R_OK)
  return isOwn
}
