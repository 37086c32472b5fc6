// A real HTTP server on a free port of the loopback interface that remembers what it was sent.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** A request as it arrived, body included. */
export interface RecordedRequest {
  readonly method: string
  /** Path and query as on the request line. */
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface Upstream {
  /** `http://127.0.0.1:port`, which is also the entry for EGRESS_ALLOW. */
  readonly origin: string
  readonly port: number
  /** In order of arrival. */
  readonly requests: readonly RecordedRequest[]
  /** Connections accepted so far. */
  readonly connectionCount: () => number
  /** Resolves when the next connection from now on is closed by whichever side. */
  readonly nextClose: () => Promise<void>
  readonly close: () => Promise<void>
}

export type Answer = (
  request: RecordedRequest,
  response: ServerResponse,
  raw: IncomingMessage,
) => unknown

/** Answers every request with 200 and `{"ok":true}`. */
export const answerOk: Answer = (_request, response) => {
  response.setHeader('content-type', 'application/json').end('{"ok":true}')
}

/** A listening upstream. Default host: 127.0.0.1; default port: a free one. */
export async function startUpstream(
  answer: Answer = answerOk,
  host = '127.0.0.1',
  wantedPort = 0,
): Promise<Upstream> {
  const requests: RecordedRequest[] = []
  let connectionCount = 0
  let closeWaiters: (() => void)[] = []
  const server = createServer(async (raw, response) => {
    const { method = '', url = '', headers } = raw
    // Whoever aborts a request leaves its body unread: that is no failure of the upstream.
    const body = await text(raw).catch(() => '')
    const request = { method, url, headers, body }
    requests.push(request)
    await answer(request, response, raw)
  })
  server.on('connection', (socket) => {
    connectionCount += 1
    socket.on('error', () => {})
    socket.on('close', () => {
      for (const resolve of closeWaiters) resolve()
      closeWaiters = []
    })
  })
  server.listen(wantedPort, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    requests,
    connectionCount: () => connectionCount,
    nextClose: () => new Promise((resolve) => closeWaiters.push(resolve)),
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
