// An answer that may turn into a stream: JSON where nothing is said before the result, Server-Sent
// Events from the first notification on.
import { createEventStream, type EventStream } from './event-stream.ts'
import { type Reply, streamReply } from './reply.ts'

/** Says something to the client before the result: a notification or a request, as JSON text. */
export type Say = (json: string) => void

/**
 * The reply of `work`, as it is or at the end of a stream. `signal`, which `work` gets, aborts with
 * `outer` and when the client closes the stream.
 */
export function answerLive(
  outer: AbortSignal,
  work: (say: Say, signal: AbortSignal) => Promise<Reply>,
): Promise<Reply> {
  const closed = new AbortController()
  const onAbort = () => {
    closed.abort()
  }
  outer.addEventListener('abort', onAbort, { once: true })
  if (outer.aborted) onAbort()
  let isWorking = true
  let stream: EventStream | undefined
  return new Promise((resolve, reject) => {
    const say: Say = (json) => {
      if (!isWorking) return
      if (stream === undefined) {
        stream = createEventStream(onAbort)
        resolve(streamReply(stream.body))
      }
      stream.send(json)
    }
    work(say, closed.signal)
      .then((reply) => {
        if (stream === undefined) resolve(reply)
        else stream.endWith(reply.body)
      }, reject)
      .finally(() => {
        isWorking = false
        outer.removeEventListener('abort', onAbort)
      })
  })
}

/** Whether the client reads streams: "The client MUST include an Accept header, listing both". */
export function readsStreams(headers: Headers): boolean {
  return headers.get('accept')?.includes('text/event-stream') ?? false
}
