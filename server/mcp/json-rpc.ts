// The shapes of JSON-RPC 2.0 as MCP narrows them: ids are strings or integers and never null, and
// parameters are named.
import { INVALID_REQUEST, RpcError, kindOf } from './rpc-error.ts'
import { type Span, findItems, findMember } from './json-source.ts'
import { parseJsonText } from './json-text.ts'

/** As it came: it is printed back as a JSON value equal to the one that was sent. */
export type RequestId = string | number

/** A JSON object whose members nobody has checked. */
export type JsonObject = Readonly<Record<string, unknown>>

/** A message that wants an answer. */
export interface RpcRequest {
  readonly kind: 'request'
  readonly id: RequestId
  readonly method: string
  /** `{}` where none were sent. */
  readonly params: JsonObject
  /**
   * The source text of `params.arguments`, an object. Set only where the body holds numbers so long
   * that `params` may have rounded them.
   */
  readonly argumentsText?: string
}

/** A message that wants none. */
export interface RpcNotification {
  readonly kind: 'notification'
  readonly method: string
  readonly params: JsonObject
}

/** A client's answer to a request of ours, which only the legacy era has. */
export interface RpcResponse {
  readonly kind: 'response'
  readonly id: RequestId
  /** Undefined where it is an error. */
  readonly result: unknown
}

/** None of the others. `id` is set where it could still be read. */
export interface InvalidMessage {
  readonly kind: 'invalid'
  readonly id: RequestId | undefined
  readonly message: string
}

/** One message of a body, each judged by itself. */
export type Message = RpcRequest | RpcNotification | RpcResponse | InvalidMessage

/** A body: one message, or an array of them (which only 2025-03-26 has). */
export type Body =
  | { readonly kind: 'single'; readonly message: Message }
  | { readonly kind: 'batch'; readonly messages: readonly Message[] }

/** A UUID takes 36; 256 leaves room and bounds what is echoed. */
export const MAX_ID_CHARACTERS = 256
/** The longest method of the specification has 40. */
export const MAX_METHOD_CHARACTERS = 128
/** Half of what the official SDK takes: a batch of calls counts as one request in the rate limit. */
export const MAX_BATCH_MESSAGES = 50

const NO_PARAMS: JsonObject = Object.freeze({})

/**
 * What the client sent.
 *
 * @throws {RpcError} -32700 when the bytes are not JSON; -32600 when a batch is empty or holds more
 *   than {@link MAX_BATCH_MESSAGES}, or the nesting is too deep.
 */
export function parseBody(bytes: Uint8Array): Body {
  const { value, source } = parseJsonText(bytes)
  if (!Array.isArray(value)) {
    return { kind: 'single', message: withSource(readMessage(value), source, 0) }
  }
  if (value.length === 0 || value.length > MAX_BATCH_MESSAGES) {
    throw new RpcError(
      INVALID_REQUEST,
      `The batch holds ${value.length} messages, expected 1 to ${MAX_BATCH_MESSAGES}`,
    )
  }
  const spans: readonly Span[] = source === undefined ? [] : findItems(source)
  const messages = value.map((item, at) =>
    withSource(readMessage(item), source, spans[at]?.start ?? 0),
  )
  return { kind: 'batch', messages }
}

/** The message with its `argumentsText`, if it has any; it begins at `start` of `source`. */
function withSource(message: Message, source: string | undefined, start: number): Message {
  if (source === undefined || message.kind !== 'request') return message
  if (!isJsonObject(message.params['arguments'])) return message
  const params = findMember(source, start, 'params')
  const found = params && findMember(source, params.start, 'arguments')
  return found ? { ...message, argumentsText: source.slice(found.start, found.end) } : message
}

/** Whether it is a JSON object: no array, not null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function readMessage(value: unknown): Message {
  if (!isJsonObject(value))
    return invalid(undefined, `The message is ${kindOf(value)}, expected an object`)
  const { jsonrpc, id, method, params } = value
  const knownId = isRequestId(id) ? id : undefined
  if (jsonrpc !== '2.0') return invalid(knownId, 'jsonrpc must be "2.0"')
  if (id !== undefined && knownId === undefined) {
    return invalid(
      undefined,
      `id is ${kindOf(id)} that cannot be answered, expected a string of at most ${MAX_ID_CHARACTERS} characters or an integer between -(2^53 - 1) and 2^53 - 1`,
    )
  }
  if (method === undefined && ('result' in value || 'error' in value)) {
    if (knownId !== undefined) return { kind: 'response', id: knownId, result: value['result'] }
    return invalid(undefined, 'The message is a response without an id')
  }
  if (typeof method !== 'string')
    return invalid(knownId, `method is ${kindOf(method)}, expected a string`)
  if (method.length === 0 || method.length > MAX_METHOD_CHARACTERS) {
    return invalid(
      knownId,
      `method has ${method.length} characters, expected 1 to ${MAX_METHOD_CHARACTERS}`,
    )
  }
  if (params !== undefined && !isJsonObject(params)) {
    return invalid(knownId, `params is ${kindOf(params)}, expected an object`)
  }
  const named = params ?? NO_PARAMS
  return knownId === undefined
    ? { kind: 'notification', method, params: named }
    : { kind: 'request', id: knownId, method, params: named }
}

/**
 * Whether it can be answered faithfully. "Requests MUST include a string or integer ID", and an
 * integer beyond 2^53 - 1 has already become another one.
 */
export function isRequestId(value: unknown): value is RequestId {
  if (typeof value === 'string') return value.length <= MAX_ID_CHARACTERS
  return Number.isSafeInteger(value)
}

function invalid(id: RequestId | undefined, message: string): InvalidMessage {
  return { kind: 'invalid', id, message }
}
