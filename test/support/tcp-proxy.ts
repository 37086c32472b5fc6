// A way to a server that can be cut, refused, or made to swallow everything, as networks do.
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

import type { Cleanup } from './database.ts'

/** A proxy on a port of 127.0.0.1. */
export interface TcpProxy {
  readonly port: number
  /** Nothing passes any more, new connections are accepted: a partition, or a stopped process. */
  freeze(): void
  thaw(): void
  /** Cuts every connection and refuses new ones. */
  stop(): Promise<void>
  start(): Promise<void>
}

/** A proxy to the port of `host`; stopped after the test. */
export async function startTcpProxy(t: Cleanup, host: string, target: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  let isFrozen = false
  const server = createServer((near) => {
    const far = connect(target, host)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('data', (bytes) => to.write(bytes))
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
      if (isFrozen) from.pause()
    }
  })
  const listen = async (port: number): Promise<void> => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  await listen(0)
  const { port } = server.address() as AddressInfo
  const stop = async (): Promise<void> => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }
  t.after(stop)
  return {
    port,
    freeze() {
      isFrozen = true
      for (const socket of sockets) socket.pause()
    },
    thaw() {
      isFrozen = false
      for (const socket of sockets) socket.resume()
    },
    stop,
    start: () => listen(port),
  }
}
