// What a process has used: read from /proc where there is one (a few microseconds, no process is
// started), asked of `ps` elsewhere. CPU time, not time on the wall: on a busy machine a deadline on
// the wall kills the innocent.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** What a process has used since it began. */
export interface Usage {
  /** CPU time of all its threads in milliseconds, in steps of 10 ms. */
  readonly cpuMs: number
  /** Resident memory. */
  readonly rssBytes: number
}

// The kernel shows programs 100 ticks a second whatever its own rate is.
const TICK_MS = 10

/** What a process has used; undefined where it is gone or cannot be measured. */
export function measureProcess(pid: number): Usage | undefined | Promise<Usage | undefined> {
  return process.platform === 'linux' ? readProc(pid) : askPs(pid)
}

function readProc(pid: number): Usage | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field is the program's name in parentheses and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const cpuMs = (Number(fields[11]) + Number(fields[12])) * TICK_MS
    // Here in KiB, while `stat` counts pages, whose size no runtime tells.
    const status = readFileSync(`/proc/${pid}/status`, 'latin1')
    const rssKib = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0)
    return { cpuMs, rssBytes: rssKib * 1024 }
  } catch {
    return undefined
  }
}

function askPs(pid: number): Promise<Usage | undefined> {
  return new Promise((resolve) => {
    execFile('ps', ['-o', 'rss=,time=', '-p', String(pid)], (error, stdout) => {
      resolve(error === null ? parsePs(stdout) : undefined)
    })
  })
}

/** `51234   0:01.25` (macOS), `51234 00:00:01` elsewhere; the columns of `ps -o rss=,time=`. */
export function parsePs(line: string): Usage | undefined {
  const [, rssKib, time = ''] = /^\s*(\d+)\s+([\d:.]+)\s*$/.exec(line) ?? []
  if (rssKib === undefined) return undefined
  const seconds = time.split(':').reduce((total, part) => total * 60 + Number(part), 0)
  return { cpuMs: Math.round(seconds * 1000), rssBytes: Number(rssKib) * 1024 }
}
