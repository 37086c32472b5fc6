// Reads an answer while it comes, where it is a stream of events (Server-Sent Events, or JSON line by
// line), and tells of each. The answer itself is collected as ever: this only listens.
import type { IncomingHttpHeaders } from 'node:http'
import type { CallProgress } from '../messages.ts'
import { isRecord } from './number.ts'

/** Told of each chunk of a body. */
export type OnChunk = (chunk: Uint8Array) => void

/** Of an event, in characters: a line for a person. */
const MAX_MESSAGE_CHARACTERS = 1_024
/** An event that is longer is told of without its words. */
const MAX_LINE_CHARACTERS = 65_536
/** "Both parties SHOULD implement rate limiting": 20 at once, and 20 a second; others are dropped. */
const MAX_REPORTS_PER_SECOND = 20
/** Of one answer. */
const MAX_REPORTS = 10_000

/** What listening needs. */
export interface ReportOptions {
  /** Whether the events' words may be shown. */
  readonly isVerbose: boolean
  /** Takes secrets out of a text. */
  readonly mask: (text: string) => string
  readonly report: (progress: CallProgress) => void
  /** Milliseconds that only go forward. Default: `performance.now`. */
  readonly now?: () => number
}

/** Listens to the body of an answer with these headers; undefined where it is no stream of events. */
export function createReporter(
  headers: IncomingHttpHeaders,
  options: ReportOptions,
): OnChunk | undefined {
  const type = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  // What is compressed cannot be read as it comes.
  if (headers['content-encoding'] !== undefined) return undefined
  if (type === 'text/event-stream') return readLines(createEventReader(options))
  if (!/\/(x-)?(ndjson|jsonlines|jsonl)$|\/json-seq$/.test(type)) return undefined
  const tell = createTeller(options)
  return readLines((line) => {
    if (line !== '') tell(line)
  })
}

function readLines(onLine: (line: string) => void): OnChunk {
  const decoder = new TextDecoder()
  let rest = ''
  let isTooLong = false
  let endedWithReturn = false
  return (chunk) => {
    const text = decoder.decode(chunk, { stream: true })
    if (text === '') return
    // The line feed that belongs to a carriage return of the chunk before.
    const from = endedWithReturn && text.startsWith('\n') ? 1 : 0
    endedWithReturn = text.endsWith('\r')
    // What came before is not looked through again: an upstream may send byte by byte.
    const [first = '', ...others] = text.slice(from).split(/\r\n|\n|\r/)
    const lines = [rest + first, ...others]
    rest = lines.pop() ?? ''
    for (const line of lines) {
      onLine(isTooLong ? '' : line)
      isTooLong = false
    }
    if (rest.length <= MAX_LINE_CHARACTERS) return
    rest = ''
    isTooLong = true
  }
}

/** https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation */
function createEventReader(options: ReportOptions): (line: string) => void {
  const tell = createTeller(options)
  let data: string[] = []
  return (line) => {
    if (line === '') {
      if (data.length > 0) tell(data.join('\n'))
      data = []
    } else if (line.startsWith('data:') && data.length < 100) {
      data.push(line.slice('data:'.length).replace(/^ /, ''))
    }
  }
}

/** An event may say its own `progress`, `total` and `message`; else events are counted. */
function createTeller({ isVerbose, mask, report, now = () => performance.now() }: ReportOptions) {
  let count = 0
  let lastAt = now()
  let left = MAX_REPORTS_PER_SECOND
  return (text: string) => {
    count += 1
    const at = now()
    const gained = ((at - lastAt) / 1_000) * MAX_REPORTS_PER_SECOND
    left = Math.min(MAX_REPORTS_PER_SECOND, left + gained)
    lastAt = at
    if (count > MAX_REPORTS || left < 1) return
    left -= 1
    const own = parseOwn(text)
    const { progress = count, total, message = text } = own
    report({
      progress: typeof progress === 'number' ? progress : count,
      ...(typeof total === 'number' && { total }),
      ...(isVerbose &&
        typeof message === 'string' && { message: mask(message).slice(0, MAX_MESSAGE_CHARACTERS) }),
    })
  }
}

function parseOwn(text: string): Readonly<Record<string, unknown>> {
  if (!text.startsWith('{')) return {}
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : {}
  } catch {
    return {}
  }
}
