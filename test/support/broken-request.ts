// A client that breaks off in the middle of a body, over a real socket, and what the log says of it.
import { once } from 'node:events'
import { connect } from 'node:net'
import { pino } from 'pino'
import { createApp, type AppDeps } from '../../server/app.ts'
import { createApiKeyAuthenticator } from '../../server/authenticate-api-key.ts'
import { createDocumentUpload } from '../../server/document.ts'
import { listen } from '../../server/http-server.ts'
import { createRateLimit } from '../../server/rate-limit.ts'
import type { ControlPlane } from './control-plane.ts'
import type { Cleanup } from './database.ts'

/** What is asserted of a line of the log. */
export interface LogLine {
  readonly level: number
  readonly msg: string
  readonly path?: string
  readonly status?: number
}

/**
 * Sends the head of a `POST` that announces `announcedBytes` and the bytes of `body`, then cuts the
 * connection. Answers the log, at level debug, up to the line about this request.
 */
export async function breakOff(
  t: Cleanup,
  plane: ControlPlane,
  path: string,
  body: Uint8Array,
  announcedBytes: number,
): Promise<LogLine[]> {
  const lines: LogLine[] = []
  const answered = Promise.withResolvers<void>()
  const write = (text: string): void => {
    const { level, msg, path: of, status } = JSON.parse(text) as LogLine
    lines.push({ level, msg, ...(of !== undefined && { path: of }), ...(status && { status }) })
    if (msg === 'request') answered.resolve()
  }
  const started = Promise.withResolvers<void>()
  const authenticate = createApiKeyAuthenticator({ db: plane.db })
  const documentUpload = createDocumentUpload({ db: plane.db, authenticate })
  const app = createApp({
    mcp: () => Promise.reject(new Error('not asked for')),
    graphql: (request) => plane.fetch(request),
    documentUpload,
    pages: {} as AppDeps['pages'],
    schemaDownload: () => Promise.reject(new Error('not asked for')),
    listKeys: () => Promise.resolve([]),
    findUnreadiness: () => Promise.resolve(undefined),
    rateLimit: createRateLimit(0),
    log: pino({ level: 'debug' }, { write }),
  })
  const server = await listen(
    (request, connection) => {
      started.resolve()
      return app(request, connection)
    },
    '127.0.0.1',
    0,
  )
  t.after(() => {
    server.close()
    return server.drain()
  })
  const socket = connect(Number(new URL(server.origin).port), '127.0.0.1')
  await once(socket, 'connect')
  const head = [
    `POST ${path} HTTP/1.1`,
    'host: hasmcp',
    `authorization: Bearer ${plane.key}`,
    'content-type: application/json',
    `content-length: ${announcedBytes}`,
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n`)
  const { promise: sent, resolve: onSent } = Promise.withResolvers<void>()
  socket.write(body, () => onSent())
  await Promise.all([sent, started.promise])
  socket.destroy()
  await answered.promise
  return lines
}
