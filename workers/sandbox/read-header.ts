// Reads the headers that a sandbox process sends. They are hostile: what is kept of them is of known
// shape and bounded.
import type { DoneFrame, ScriptError } from './messages.ts'

const MAX_CONSOLE_LINES = 100
const MAX_CONSOLE_CHARACTERS = 1_024
const MAX_MESSAGE_CHARACTERS = 1_024

/** A frame that is known, and of known shape. */
export type Header =
  | { readonly type: 'ready'; readonly runId?: undefined }
  | { readonly type: 'started'; readonly runId: number }
  | { readonly type: 'done'; readonly runId: number; readonly done: DoneFrame }

/** What a frame says, in our own objects and within bounds; undefined: nothing we know. */
export function readHeader(header: unknown): Header | undefined {
  if (!isRecord(header)) return undefined
  const { type, runId } = header
  if (type === 'ready') return { type }
  if (typeof runId !== 'number') return undefined
  if (type === 'started') return { type, runId }
  if (type !== 'done') return undefined
  const { console: printed, cpuMs, error } = header
  const lines = Array.isArray(printed) ? printed.slice(0, MAX_CONSOLE_LINES) : []
  const done: DoneFrame = {
    type,
    runId,
    console: lines.map((line) => String(line).slice(0, MAX_CONSOLE_CHARACTERS)),
    cpuMs: typeof cpuMs === 'number' && Number.isFinite(cpuMs) ? cpuMs : 0,
  }
  if (error === undefined) return { type, runId, done }
  const scriptError = readError(error)
  return scriptError && { type, runId, done: { ...done, error: scriptError } }
}

const ERROR_CODES: readonly ScriptError['code'][] = [
  'INTERCEPTOR_INVALID',
  'INTERCEPTOR_FAILED',
  'INTERCEPTOR_TIMEOUT',
  'INTERCEPTOR_MEMORY',
  'INTERCEPTOR_OUTPUT',
]

function readError(error: unknown): ScriptError | undefined {
  if (!isRecord(error)) return undefined
  const { message, line, column } = error
  const code = ERROR_CODES.find((known) => known === error['code'])
  if (code === undefined || typeof message !== 'string') return undefined
  return {
    code,
    message: message.slice(0, MAX_MESSAGE_CHARACTERS),
    ...(typeof line === 'number' ? { line } : {}),
    ...(typeof column === 'number' ? { column } : {}),
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
