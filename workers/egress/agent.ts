// The connections. The guard sits in `createConnection` because that is the one place that Node,
// Bun and Deno all pass through for names and for literal addresses alike: a `lookup` option never
// sees a literal, and Bun ignores the hooks of `undici`.
import http from 'node:http'
import https from 'node:https'
import type { LookupFunction, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { callbackify } from 'node:util'
import { parseAddress } from './address.ts'
import { createUnreachableError, EgressError } from './error.ts'
import { createDeniedError, isAddressAllowed, type Target } from './guard.ts'
import { type Resolve, resolveTarget } from './resolve.ts'

/** What a request hands its agent through its options. */
export interface Passage {
  readonly target: Target
  readonly resolve: Resolve
  /** Connections are shared within a partition only. */
  readonly partition: string
}

/** Options of `http.request` with a passage; without one the agents refuse to connect. */
export interface GuardedOptions extends https.RequestOptions {
  readonly passage?: Passage
}

// security.md's figures: a name within 2 s, a connection within 3 s, TLS within 5 s.
const NAME_AND_CONNECT_TIMEOUT_MS = 5_000
const TLS_TIMEOUT_MS = 5_000

const AGENT_OPTIONS = {
  keepAlive: true,
  // A quarter of Envoy's default of 1,024 connections for an upstream: several threads share one.
  maxSockets: 256,
  maxFreeSockets: 32,
  // Idle connections close after 4 s: Node's own servers, the common upstream, close theirs at 5 s.
  timeout: 4_000,
} as const

class GuardedHttpAgent extends http.Agent {
  override createConnection(
    options: http.ClientRequestArgs & GuardedOptions,
    callback: (error: Error | null, socket: Duplex) => void,
  ): Duplex | null | undefined {
    return connect(options, callback, () => super.createConnection(options))
  }

  override getName(options: GuardedOptions = {}): string {
    return nameConnections(options)
  }
}

class GuardedHttpsAgent extends https.Agent {
  override createConnection(
    options: https.RequestOptions & GuardedOptions,
    callback: (error: Error | null, socket: Duplex) => void,
  ): Duplex | null | undefined {
    return connect(options, callback, () => super.createConnection(options))
  }

  override getName(options: GuardedOptions = {}): string {
    return nameConnections(options)
  }
}

/** The agents of this thread, one for each scheme. */
export const agents = {
  http: new GuardedHttpAgent(AGENT_OPTIONS),
  https: new GuardedHttpsAgent(AGENT_OPTIONS),
} as const

/** Connections under one name are shared: same list, same origin, same partition. */
function nameConnections({ passage }: GuardedOptions): string {
  if (passage === undefined) return ''
  return `${passage.target.allow.key} ${passage.target.origin} ${passage.partition}`
}

type Failed = (error: Error, socket: Duplex) => void

/** Checks a literal address now, a name's addresses when they are known, and opens the socket. */
function connect(
  options: { passage?: Passage; lookup?: LookupFunction | undefined },
  callback: (error: Error | null, socket: Duplex) => void,
  open: () => Duplex | null | undefined,
): Duplex | null | undefined {
  const { passage } = options
  const fail = callback as Failed
  if (passage === undefined) {
    return refuse(fail, new EgressError('EGRESS_DENIED', 'Cannot connect without a passage'))
  }
  const { target } = passage
  const isLiteral = parseAddress(target.host) !== undefined
  if (isLiteral && !isAddressAllowed(target, target.host)) {
    return refuse(fail, createDeniedError(target))
  }
  options.lookup = createLookup(passage)
  const socket = open()
  if (socket) watch(socket as Socket, target)
  return socket
}

// Deno throws away the error of a socket that is destroyed before it is returned: use the callback.
function refuse(fail: Failed, error: EgressError): undefined {
  queueMicrotask(() => fail(error, undefined as unknown as Duplex))
}

/** A `lookup` that gives checked addresses or none. */
function createLookup({ target, resolve }: Passage): LookupFunction {
  const resolveLater = callbackify(() => resolveTarget(target, resolve))
  return (_hostname, options, callback) => {
    resolveLater((error, addresses) => {
      if (error !== null) return callback(error, options.all === true ? [] : '')
      if (options.all === true) return callback(null, [...addresses])
      const [first] = addresses
      return callback(null, first?.address ?? '', first?.family ?? 0)
    })
  }
}

/** Bounds the time to connect, and looks once more at whom the socket is connected to. */
function watch(socket: Socket, target: Target): void {
  const giveUp = (): void => {
    socket.destroy(createUnreachableError(target.origin))
  }
  let timer = setTimeout(giveUp, NAME_AND_CONNECT_TIMEOUT_MS)
  // Registered before the request can write: its first byte leaves only after this has run.
  socket.once('connect', () => {
    clearTimeout(timer)
    if (socket.remoteAddress === undefined || !isAddressAllowed(target, socket.remoteAddress)) {
      socket.destroy(createDeniedError(target))
    } else if (target.scheme === 'https') {
      timer = setTimeout(giveUp, TLS_TIMEOUT_MS)
    }
  })
  socket.once('secureConnect', () => clearTimeout(timer))
  socket.once('close', () => clearTimeout(timer))
}
