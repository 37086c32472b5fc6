// What an API says while it streams its answer, as the notifications that a client asked for.
import type { CallProgress } from '../../workers/messages.ts'
import type { Caller } from './era.ts'
import { type RpcRequest, isJsonObject, isRequestId } from './json-rpc.ts'
import { readsStreams, type Say } from './live-reply.ts'
import { printNotice } from './notice.ts'

/** Told of a call's progress; undefined where nobody wants to know. */
export type OnProgress = ((progress: CallProgress) => void) | undefined

/** "progressToken": a string or an integer; log messages only where `wantsLog`. */
export function createProgress(
  { headers }: Caller,
  { params }: RpcRequest,
  say: Say,
  wantsLog: boolean,
): OnProgress {
  const meta = params['_meta']
  const token = isJsonObject(meta) ? meta['progressToken'] : undefined
  const wantsProgress = isRequestId(token)
  if ((!wantsProgress && !wantsLog) || !readsStreams(headers)) return undefined
  const { name } = params
  let last = Number.NEGATIVE_INFINITY
  return ({ progress, total, message }) => {
    // "The progress value MUST increase with each notification."
    if (wantsProgress && progress > last) {
      last = progress
      say(printNotice('notifications/progress', { progressToken: token, progress, total, message }))
    }
    if (wantsLog && message !== undefined) {
      say(printNotice('notifications/message', { level: 'info', logger: name, data: message }))
    }
  }
}
