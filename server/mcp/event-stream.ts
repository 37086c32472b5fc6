// A response that stays open: JSON-RPC messages as Server-Sent Events. Events have no ids: a client that
// lost its stream opens another one, and lists again what may have changed.

/** An open stream. What is sent after its end is dropped. */
export interface EventStream {
  readonly body: ReadableStream<Uint8Array>
  /** Sends a message, as JSON text. A reader that has too much unread loses its stream. */
  readonly send: (json: string) => void
  /** Sends a comment, which keeps proxies from closing an idle connection. */
  readonly beat: () => void
  /** Ends it, after what was sent. */
  readonly end: () => void
  /** Sends a last message of any size, UTF-8 of JSON text, and ends it. */
  readonly endWith: (json: Uint8Array | undefined) => void
  readonly isOver: boolean
}

/** 1 MiB unread is a reader that stands still: notices have a hundred bytes. */
export const MAX_UNREAD_BYTES = 1024 * 1024

/** Of every response that is a stream. "Servers SHOULD include the X-Accel-Buffering: no header." */
export const STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
} as const

const encoder = new TextEncoder()
const HEAD = encoder.encode('event: message\ndata: ')
const TAIL = encoder.encode('\n\n')
const BEAT = encoder.encode(':\n\n')

/** `onEnd` is called once, however it ends: by us, by the reader or by the connection. */
export function createEventStream(onEnd: () => void): EventStream {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  let isOver = false
  const finish = () => {
    if (isOver) return false
    isOver = true
    onEnd()
    return true
  }
  const body = new ReadableStream<Uint8Array>(
    {
      start(own) {
        controller = own
      },
      cancel() {
        finish()
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: MAX_UNREAD_BYTES }),
  )
  const write = (bytes: Uint8Array) => {
    if (isOver) return
    controller?.enqueue(bytes)
    if ((controller?.desiredSize ?? 0) > 0) return
    if (finish()) controller?.error(new Error('The reader of the stream does not keep up'))
  }
  return {
    body,
    send(json) {
      write(encoder.encode(`event: message\ndata: ${json}\n\n`))
    },
    beat() {
      write(BEAT)
    },
    end() {
      if (finish()) controller?.close()
    },
    endWith(json) {
      if (!finish()) return
      if (json !== undefined) {
        controller?.enqueue(HEAD)
        controller?.enqueue(json)
        controller?.enqueue(TAIL)
      }
      controller?.close()
    },
    get isOver() {
      return isOver
    },
  }
}
