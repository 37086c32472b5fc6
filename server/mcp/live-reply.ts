// An answer that may turn into a stream: JSON where nothing is said before the result, Server-Sent
// Events from the first notification on.
import { createEventStream, type EventStream } from './event-stream.ts'
import type { Caller } from './era.ts'
import type { RequestId } from './json-rpc.ts'
import { type Reply, errorReply, streamReply } from './reply.ts'

/** The status of a stream was sent with its first message. */
const OK = 200

/** Says something to the client before the result: a notification or a request, as JSON text. */
export type Say = (json: string) => void

/**
 * The reply of `work` to the caller's request of that id, as it is or at the end of a stream. `signal`,
 * which `work` gets, aborts with the caller's and when the client closes the stream. What `work` throws
 * is thrown, or ends the stream as an error.
 */
export function answerLive(
  { signal: outer, toRpcError }: Caller,
  id: RequestId,
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
      })
      .catch((error: unknown) => {
        if (stream === undefined) reject(error)
        else stream.endWith(errorReply(id, toRpcError(error), OK).body)
      })
      .finally(() => {
        isWorking = false
        outer.removeEventListener('abort', onAbort)
      })
  })
}
