// The only way out: every request that a user can influence is made here. It follows no redirect,
// keeps no cookie, and bounds everything that an upstream decides (time, headers, bytes).
import http, { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import https from 'node:https'
import { type GuardedOptions, agents } from './agent.ts'
import { parseAllow } from './allow.ts'
import { ACCEPTED_CODINGS, createTooLargeError, decodeBody } from './decode-body.ts'
import { createUnreachableError, EgressError } from './error.ts'
import { type Target, getTarget } from './guard.ts'
import { type Resolve, resolveName } from './resolve.ts'

/** A request, ready to be sent as it is. */
export interface EgressRequest {
  /** Absolute; a fragment is not sent. */
  readonly url: URL
  readonly method: string
  /**
   * Names in lower case. `host`, `content-length` and `accept-encoding` are the client's own, and
   * so is whatever names a connection: see `findHeaderProblem`.
   */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
  /** From now to the last byte of the response. */
  readonly timeoutMs: number
  /** Bound on the body as it travels, and again after decompression. */
  readonly maxBodyBytes: number
  /** `EGRESS_ALLOW` as configured. */
  readonly egressAllow: string
  readonly signal?: AbortSignal
  /** Connections are reused within a partition only. Default: the empty one. */
  readonly partition?: string
  /** Default: the operating system's resolver. */
  readonly resolve?: Resolve
  /** Whether a body that is too long may be cut, by the response's headers. Default: never. */
  readonly mayCut?: (headers: IncomingHttpHeaders) => boolean
  /** Called with the response's headers; what it answers is given the body's chunks as they come. */
  readonly onResponse?: (headers: IncomingHttpHeaders) => ((chunk: Uint8Array) => void) | undefined
}

/** A whole response. */
export interface EgressResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** After decompression. May be a view of a larger buffer. */
  readonly body: Uint8Array
  /** The body goes on, but was too long. */
  readonly isCut?: boolean
}

/** Node's own bound is 16 KiB; API gateways send more than that in policies and cookies. */
const MAX_HEADER_BYTES = 32_768

/** 103 Early Hints comes once or twice; a hundred of them is a way to keep a parser busy. */
const MAX_INTERIM_RESPONSES = 16

/** RFC 9110, 9.2.2: repeating one of these has the effect of sending it once. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])

/** Methods whose requests say `content-length: 0` without a body (RFC 9110, 8.6). */
const EXPECTS_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])

/** NTLM and Negotiate authenticate the connection, not the request: never lend such a one. */
const CONNECTION_AUTH = /^\s*(ntlm|negotiate)\b/i

/**
 * The response, whatever its status. An idempotent request is sent a second time, on a new
 * connection, where a reused connection turned out to be closed before the response began.
 * @throws {EgressError} EGRESS_DENIED, UPSTREAM_UNREACHABLE, UPSTREAM_TIMEOUT, UPSTREAM_INVALID,
 *   RESPONSE_TOO_LARGE or CANCELLED.
 */
export async function request(options: EgressRequest): Promise<EgressResponse> {
  const target = getTarget(options.url, parseAllow(options.egressAllow))
  const deadline = performance.now() + options.timeoutMs
  let outcome = await send(options, target, deadline, options.partition ?? '')
  if (outcome === 'stale-connection') {
    // Under another name, because one closed connection is seldom alone in its pool.
    outcome = await send(options, target, deadline, `${options.partition ?? ''} again`)
  }
  if (outcome === 'stale-connection') throw createUnreachableError(target.origin)
  const { response, chunks, isCut = false } = outcome
  const raw = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)
  const coding = response.headers['content-encoding']
  const body = coding === undefined ? raw : await decodeBody(raw, coding, options.maxBodyBytes)
  const cut = isCut ? { isCut } : {}
  return { status: response.statusCode ?? 0, headers: response.headers, body, ...cut }
}

interface Received {
  readonly response: IncomingMessage
  readonly chunks: readonly Uint8Array[]
  readonly isCut?: boolean
}

/** One exchange on one connection. */
function send(
  options: EgressRequest,
  target: Target,
  deadline: number,
  partition: string,
): Promise<Received | 'stale-connection'> {
  const { signal } = options
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(createCancelledError())
    const clientRequest = open(options, target, partition)
    let isOver = false
    const finish = (): boolean => {
      if (isOver) return false
      isOver = true
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      return true
    }
    const fail = (error: EgressError): void => {
      if (!finish()) return
      reject(error)
      clientRequest.destroy()
    }
    const onAbort = (): void => fail(createCancelledError())
    const onTimeout = (): void => fail(createTimeoutError(target, options.timeoutMs))
    const timer = setTimeout(onTimeout, Math.max(0, deadline - performance.now()))
    signal?.addEventListener('abort', onAbort)

    let isReused = false
    let hasResponse = false
    let interimCount = 0
    clientRequest.on('socket', () => {
      isReused = clientRequest.reusedSocket
      // Deno sends again by itself, even a POST and even after `destroy()`, what was sent on a
      // reused connection. Delete with https://github.com/denoland/deno/issues/36786.
      clientRequest.reusedSocket = false
    })
    clientRequest.on('error', (error: NodeJS.ErrnoException) => {
      const mayRepeat = isReused && !hasResponse && IDEMPOTENT.has(options.method)
      if (!mayRepeat || !isClosed(error)) fail(describeFailure(error, target, hasResponse))
      else if (finish()) resolve('stale-connection')
    })
    clientRequest.on('information', () => {
      interimCount += 1
      if (interimCount > MAX_INTERIM_RESPONSES) fail(createInvalidError(target))
    })
    // Node answers an upgrade that nobody asked for with this event alone.
    clientRequest.on('upgrade', () => fail(createInvalidError(target)))
    clientRequest.on('response', (response) => {
      hasResponse = true
      receive(response, options, target, fail, (received) => {
        if (!finish()) return
        resolve(received)
        // The rest is nobody's: it is not waited for.
        if (received.isCut === true) clientRequest.destroy()
      })
    })
    clientRequest.end(options.body)
  })
}

function open(options: EgressRequest, target: Target, partition: string): ClientRequest {
  const { url, method, body } = options
  const headers: Record<string, string | number> = { ...options.headers }
  headers['host'] = url.host
  headers['accept-encoding'] = ACCEPTED_CODINGS
  if (body !== undefined) headers['content-length'] = Buffer.byteLength(body)
  else if (EXPECTS_BODY.has(method)) headers['content-length'] = 0
  if (CONNECTION_AUTH.test(options.headers['authorization'] ?? '')) headers['connection'] = 'close'
  const passage = { target, resolve: options.resolve ?? resolveName, partition }
  const guarded: GuardedOptions = {
    agent: agents[target.scheme],
    host: target.host,
    port: target.port,
    method,
    path: url.pathname + url.search,
    headers,
    maxHeaderSize: MAX_HEADER_BYTES,
    passage,
  }
  return target.scheme === 'https' ? https.request(guarded) : http.request(guarded)
}

/** Collects the body, at most `maxBodyBytes` of it. */
function receive(
  response: IncomingMessage,
  { maxBodyBytes, method, onResponse, mayCut }: EgressRequest,
  target: Target,
  fail: (error: EgressError) => void,
  done: (received: Received) => void,
): void {
  // Bun and Deno do not know `maxHeaderSize`.
  if (countHeaderBytes(response) > MAX_HEADER_BYTES) return fail(createInvalidError(target))
  const declared = response.headers['content-length']
  const declaredBytes = declared === undefined ? undefined : Number(declared)
  const hasBody = method !== 'HEAD' && response.statusCode !== 204 && response.statusCode !== 304
  const { headers } = response
  // What is compressed ends nowhere but at its end.
  const isCuttable = headers['content-encoding'] === undefined && mayCut?.(headers) === true
  if (hasBody && !isCuttable && declaredBytes !== undefined && declaredBytes > maxBodyBytes) {
    return fail(createTooLargeError(maxBodyBytes))
  }
  const chunks: Uint8Array[] = []
  let receivedBytes = 0
  const onChunk = onResponse?.(response.headers)
  response.on('data', (chunk: Uint8Array) => {
    receivedBytes += chunk.length
    if (receivedBytes > maxBodyBytes) {
      if (!isCuttable) return fail(createTooLargeError(maxBodyBytes))
      chunks.push(chunk.subarray(0, chunk.length - (receivedBytes - maxBodyBytes)))
      return done({ response, chunks, isCut: true })
    }
    chunks.push(chunk)
    onChunk?.(chunk)
  })
  response.on('end', () => {
    const isWhole = !hasBody || declaredBytes === undefined || declaredBytes === receivedBytes
    if (response.complete && isWhole) done({ response, chunks })
    else fail(createInvalidError(target))
  })
  const onLost = (error?: Error): void => fail(createInvalidError(target, error))
  response.on('error', onLost)
  response.on('close', () => onLost())
}

function countHeaderBytes(response: IncomingMessage): number {
  let total = 0
  // Four bytes a header: colon, space and the line's end.
  for (const text of response.rawHeaders) total += text.length + 2
  return total
}

function isClosed(error: NodeJS.ErrnoException): boolean {
  return error.code === 'ECONNRESET' || error.code === 'EPIPE'
}

function describeFailure(
  error: NodeJS.ErrnoException,
  target: Target,
  hasResponse: boolean,
): EgressError {
  if (error instanceof EgressError) return error
  const isUnreadable = error.code?.startsWith('HPE_') === true
  return hasResponse || isUnreadable
    ? createInvalidError(target, error)
    : createUnreachableError(target.origin, error)
}

function createInvalidError(target: Target, cause?: unknown): EgressError {
  const message = `The answer of ${target.origin} is broken off or is no HTTP response within its limits`
  return new EgressError('UPSTREAM_INVALID', message, cause)
}

function createTimeoutError(target: Target, timeoutMs: number): EgressError {
  return new EgressError(
    'UPSTREAM_TIMEOUT',
    `${target.origin} did not answer completely within ${timeoutMs} ms`,
  )
}

function createCancelledError(): EgressError {
  return new EgressError('CANCELLED', 'The call was cancelled')
}
