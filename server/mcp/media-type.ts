// The two headers that say in which format a request is written and which ones its sender reads.
import { INVALID_REQUEST, RpcError, shown } from './rpc-error.ts'

const ACCEPTABLE = new Set(['application/json', 'application/*', '*/*'])

/**
 * Refuses what is not JSON, or compressed, and senders that do not read JSON. The specification asks
 * clients to accept event streams as well; one that takes JSON alone is served wherever JSON is the
 * answer.
 *
 * @throws {RpcError} -32600 with HTTP status 415 or 406.
 */
export function checkMediaTypes(headers: Headers): void {
  const contentType = headers.get('content-type')
  if (!isJson(contentType)) {
    const found = contentType === null ? 'missing' : shown(contentType)
    throw new RpcError(
      INVALID_REQUEST,
      `The Content-Type is ${found}, expected application/json in UTF-8`,
      { httpStatus: 415 },
    )
  }
  const coding = headers.get('content-encoding')
  if (coding !== null && coding.toLowerCase() !== 'identity') {
    throw new RpcError(
      INVALID_REQUEST,
      `The Content-Encoding is ${shown(coding)}, expected a body that is not compressed`,
      { httpStatus: 415 },
    )
  }
  const accept = headers.get('accept')
  if (accept !== null && !accept.split(',').some(isAcceptable)) {
    throw new RpcError(
      INVALID_REQUEST,
      `The Accept header is ${shown(accept)}, expected application/json, text/event-stream`,
      { httpStatus: 406 },
    )
  }
}

/** Whether the client reads streams: "The client MUST include an Accept header, listing both". */
export function readsStreams(headers: Headers): boolean {
  return headers.get('accept')?.includes('text/event-stream') ?? false
}

/** @throws {RpcError} -32600 with HTTP status 406 where a stream would not be read. */
export function checkReadsStreams(headers: Headers): void {
  if (readsStreams(headers)) return
  const message = 'The Accept header lacks text/event-stream, which the answer is'
  throw new RpcError(INVALID_REQUEST, message, { httpStatus: 406 })
}

function isJson(contentType: string | null): boolean {
  // What every client sends, without taking it apart.
  if (contentType === 'application/json') return true
  const [type = '', ...parameters] = split(contentType ?? '')
  return (
    type === 'application/json' &&
    parameters.every((text) => !text.startsWith('charset=') || /^charset="?utf-8"?$/.test(text))
  )
}

function isAcceptable(range: string): boolean {
  const [type = '', ...parameters] = split(range)
  return ACCEPTABLE.has(type) && !parameters.some((text) => /^q=0(\.0*)?$/.test(text))
}

function split(text: string): string[] {
  return text.split(';').map((part) => part.trim().toLowerCase())
}
