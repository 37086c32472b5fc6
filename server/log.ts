// The one logger: JSON lines on stderr, so that stdout stays free for what a person or a program
// asked for. No payload, token, secret or client address is ever passed to it.
import { destination, pino, type Logger } from 'pino'
import type { LogLevel } from './config.ts'

/** The logger; its fields are named where they are written. */
export type Log = Logger

/** Lines of JSON with `time` in ISO 8601 UTC. */
export function createLog(level: LogLevel): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination({ dest: 2, sync: true }),
  )
}
