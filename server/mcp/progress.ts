// What an API says while it streams its answer, as the notifications that a client asked for.
import type { CallProgress } from '../../workers/messages.ts'
import type { Caller } from './era.ts'
import {
  type JsonObject,
  type RequestId,
  type RpcRequest,
  isJsonObject,
  isRequestId,
} from './json-rpc.ts'
import type { Say } from './live-reply.ts'
import { readsStreams } from './media-type.ts'
import { printNotice } from './notice.ts'

/** Told of a call's progress; undefined where nobody wants to know. */
export type OnProgress = ((progress: CallProgress) => void) | undefined

/** Whether the client wants to be told of the call's progress, or its words where `wantsLog`. */
export function wantsProgress(
  { headers }: Caller,
  { params }: RpcRequest,
  wantsLog: boolean,
): boolean {
  return (wantsLog || tokenOf(params) !== undefined) && readsStreams(headers)
}

/** Says what the client wants to know; undefined where that is nothing. */
export function createProgress(
  caller: Caller,
  request: RpcRequest,
  say: Say,
  wantsLog: boolean,
): OnProgress {
  if (!wantsProgress(caller, request, wantsLog)) return undefined
  const { name } = request.params
  const progressToken = tokenOf(request.params)
  let last = Number.NEGATIVE_INFINITY
  return ({ progress, total, message }) => {
    // "The progress value MUST increase with each notification."
    if (progressToken !== undefined && progress > last) {
      last = progress
      say(printNotice('notifications/progress', { progressToken, progress, total, message }))
    }
    if (wantsLog && message !== undefined) {
      say(printNotice('notifications/message', { level: 'info', logger: name, data: message }))
    }
  }
}

/** "Progress tokens MUST be a string or integer value." */
function tokenOf({ _meta: meta }: JsonObject): RequestId | undefined {
  const token = isJsonObject(meta) ? meta['progressToken'] : undefined
  return isRequestId(token) ? token : undefined
}
