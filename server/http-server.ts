// Sockets: puts the app behind node:http (the same adapter on Node, Bun and Deno) and takes it off
// again without cutting a call short.
import { getRequestListener } from '@hono/node-server'
import { createServer, type Server } from 'node:http'
import { StartError } from '../db/errors.ts'
import type { App } from './app.ts'

/** A listening socket with the app behind it. */
export interface HttpServer {
  /** Where it listens, `http://127.0.0.1:4242`. */
  readonly origin: string
  /** Resolves when no request is being answered any more and nothing listens. */
  readonly drain: () => Promise<void>
  /** Cuts every connection. */
  readonly close: () => void
}

/** How long a client may take to send what it has to say; slower ones are answered 408 and cut off. */
export interface ReceiveTimeouts {
  readonly headersMs: number
  /** From the first byte of the head to the last of the body. */
  readonly requestMs: number
  /** How often connections are looked at: that much later it can be. */
  readonly checkMs: number
}

// Slower clients hold a connection for nothing (slowloris).
const HEADERS_TIMEOUT_MS = 10_000
// 32 MiB of document at 256 KiB/s.
const REQUEST_TIMEOUT_MS = 130_000
const CHECK_MS = 5_000
const RECEIVE_TIMEOUTS: ReceiveTimeouts = {
  headersMs: HEADERS_TIMEOUT_MS,
  requestMs: REQUEST_TIMEOUT_MS,
  checkMs: CHECK_MS,
}
// Above the 60 s of common load balancers, so that they close first and never race a request.
const KEEP_ALIVE_TIMEOUT_MS = 65_000
// Only while draining: how long an idle connection can delay the end.
const IDLE_SWEEP_MS = 20

/**
 * Listens on `host` and `port` (0: any free one).
 *
 * @throws {StartError} START_REFUSED when the port is taken or the address is not this machine's.
 */
export async function listen(
  app: App,
  host: string,
  port: number,
  { headersMs, requestMs, checkMs }: ReceiveTimeouts = RECEIVE_TIMEOUTS,
): Promise<HttpServer> {
  const listener = getRequestListener(
    (request, env) => app(request, { ip: env.incoming.socket.remoteAddress ?? 'unknown' }),
    { overrideGlobalObjects: false },
  )
  let isDraining = false
  const server = createServer(
    {
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: checkMs,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    },
    (incoming, outgoing) => {
      if (isDraining) outgoing.setHeader('connection', 'close')
      void listener(incoming, outgoing)
    },
  )
  await bind(server, host, port)
  const address = server.address()
  const boundPort = address !== null && typeof address === 'object' ? address.port : port
  return {
    origin: `http://${reachableHost(host)}:${boundPort}`,
    drain: () =>
      new Promise((resolve) => {
        isDraining = true
        // A connection whose last answer began before the drain stays open after it, and nothing
        // tells when it falls idle.
        const sweep = setInterval(() => {
          server.closeIdleConnections()
        }, IDLE_SWEEP_MS)
        server.close(() => {
          clearInterval(sweep)
          resolve()
        })
      }),
    close() {
      server.closeAllConnections()
    },
  }
}

/** The wildcard addresses are to listen on, not to connect to. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(new StartError(explain(error, host, port), { cause: error }))
    })
    server.listen(port, host, () => {
      resolve()
    })
  })
}

function explain(error: NodeJS.ErrnoException, host: string, port: number): string {
  switch (error.code ?? '') {
    case 'EADDRINUSE':
      return `Port ${port} on ${host} is in use; stop what listens there or set PORT to another one`
    case 'EADDRNOTAVAIL':
      return `HOST is ${host}, which is no address of this machine; 127.0.0.1 serves this machine only, 0.0.0.0 everyone`
    case 'EACCES':
      return `Port ${port} needs more rights than this user has; set PORT to one above 1023`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `HOST is ${JSON.stringify(host)}, which cannot be resolved; expected an address such as 127.0.0.1`
    default:
      return `Cannot listen on ${host}:${port}: ${error.message}`
  }
}
