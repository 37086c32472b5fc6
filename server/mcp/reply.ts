// Answers as bytes. A tool's answer is already UTF-8 when it gets here, so that a result is put
// together from its parts with one copy and no parse.
import { STREAM_HEADERS } from './event-stream.ts'
import type { RpcError } from './rpc-error.ts'
import type { RequestId } from './json-rpc.ts'

/** What goes back for one message: nothing in the body, or one JSON-RPC response. */
export interface Reply {
  readonly status: number
  readonly body?: Uint8Array<ArrayBuffer>
  /** Instead of a body: a stream of messages. */
  readonly stream?: ReadableStream<Uint8Array>
  /** Of a session that begins with it. */
  readonly sessionId?: string
}

/** The members of a `result` object as JSON without the braces around them. */
export type Members = string | Uint8Array

/** "If the server accepts it, the server MUST return HTTP status code 202 Accepted with no body." */
export const ACCEPTED: Reply = { status: 202 }

const TAIL = '}}'

/** A result: `leading` and `members` joined; either may be empty. */
export function resultReply(id: RequestId, leading: string, members: Members): Reply {
  const comma = leading !== '' && members.length > 0 ? ',' : ''
  const head = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{${leading}${comma}`
  if (typeof members === 'string') return { status: 200, body: Buffer.from(head + members + TAIL) }
  const headBytes = Buffer.byteLength(head)
  const body = Buffer.allocUnsafe(headBytes + members.length + TAIL.length)
  body.write(head, 0)
  body.set(members, headBytes)
  body.write(TAIL, headBytes + members.length)
  return { status: 200, body }
}

/** An error. Without an id the member is left out: "except in error cases where the ID could not be read". */
export function errorReply(id: RequestId | undefined, error: RpcError, status: number): Reply {
  const { rpcCode: code, message, data } = error
  const text = JSON.stringify({ jsonrpc: '2.0', id, error: { code, message, data } })
  return { status, body: Buffer.from(text) }
}

/** A stream of messages. */
export function streamReply(stream: ReadableStream<Uint8Array>): Reply {
  return { status: 200, stream }
}

/** One JSON array of all bodies, for a batch. */
export function batchReply(replies: readonly Reply[]): Reply {
  const bodies = replies.flatMap((reply) => (reply.body === undefined ? [] : [reply.body]))
  if (bodies.length === 0) return ACCEPTED
  const parts = bodies.flatMap((body, at) => [Buffer.from(at === 0 ? '[' : ','), body])
  return { status: 200, body: Buffer.concat([...parts, Buffer.from(']')]) }
}

/** The reply as an HTTP response, with the exact length. */
export function toResponse(reply: Reply, headers: Readonly<Record<string, string>> = {}): Response {
  const { status, body, stream, sessionId } = reply
  if (stream !== undefined) {
    return new Response(stream, { status, headers: { ...STREAM_HEADERS, ...headers } })
  }
  if (body === undefined) return new Response(null, { status, headers })
  return new Response(body, {
    status,
    headers: {
      'content-type': 'application/json',
      'content-length': String(body.length),
      ...(sessionId && { 'mcp-session-id': sessionId }),
      ...headers,
    },
  })
}
