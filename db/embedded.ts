// The embedded database as seen from the main thread: a source of sockets for the driver. Should
// the thread die, it is started again; the files survive that as they survive a killed process.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { MessageChannel, Worker } from 'node:worker_threads'

import { readText } from './database-error.ts'
import { StartError } from './errors.ts'
import { acquireLock } from './lock.ts'
import type { EmbeddedData, EmbeddedReply, EmbeddedRequest } from './messages.ts'

/** The embedded database of this process. */
export interface Embedded {
  /** A new connection; it fails when the database's thread is gone. */
  openSocket(): Duplex
  /** Shuts the database down and gives the directory free. */
  close(): Promise<void>
}

/**
 * Opens the database in `dataDir`, which is made if need be. The first start takes 2 to 3 s, later
 * ones half a second.
 *
 * @throws {StartError} START_REFUSED when the directory is not writable, belongs to another
 *   process, or holds files that cannot be opened
 */
export async function openEmbedded(
  dataDir: string,
  onLog: (level: 'info' | 'warn', message: string) => void,
): Promise<Embedded> {
  const directory = join(dataDir, 'database')
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new StartError(
      `Cannot write to the data directory "${dataDir}" (${readText(error, 'code')}): ` +
        'set DATA_DIR to a directory that this user may write to',
      { cause: error },
    )
  }
  const lock = await acquireLock(dataDir)
  const sockets = new Set<Duplex>()
  let isClosing = false
  let thread: Worker | undefined

  async function start(): Promise<void> {
    const worker = await startThread({ directory })
    thread = worker
    worker.once('exit', () => {
      thread = undefined
      for (const socket of sockets) socket.destroy()
      if (isClosing) return
      onLog('warn', 'The embedded database stopped and is started again')
      start().catch((error: unknown) => {
        onLog('warn', `The embedded database does not start: ${readText(error, 'message')}`)
      })
    })
  }

  try {
    await start()
  } catch (error) {
    lock.release()
    throw new StartError(
      `Cannot open the database in "${directory}": ${readText(error, 'message')}`,
      { cause: error },
    )
  }
  return {
    openSocket() {
      const socket = createSocket(thread)
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      return socket
    },
    async close() {
      isClosing = true
      if (thread !== undefined) await stopThread(thread)
      lock.release()
    },
  }
}

async function startThread(data: EmbeddedData): Promise<Worker> {
  const worker = new Worker(new URL('embedded-thread.ts', import.meta.url), { workerData: data })
  return await new Promise((resolve, reject) => {
    // Reported by the exit: what a thread dies of is its own business.
    worker.on('error', (error) => {
      reject(error instanceof Error ? error : new Error(String(error)))
    })
    worker.once('exit', (code) => {
      reject(new Error(`its thread ended with code ${code}`))
    })
    worker.on('message', (reply: EmbeddedReply) => {
      if (reply.type === 'ready') resolve(worker)
      if (reply.type === 'failed') reject(new Error(reply.message))
    })
  })
}

async function stopThread(worker: Worker): Promise<void> {
  const exited = new Promise<void>((resolve) => {
    worker.once('exit', () => {
      resolve()
    })
    worker.on('message', (reply: EmbeddedReply) => {
      if (reply.type === 'closed') resolve()
    })
  })
  post(worker, { type: 'close' })
  await exited
  await worker.terminate()
}

// What the driver takes for a socket: the streams' interface and `readyState`.
function createSocket(worker: Worker | undefined): Duplex {
  if (worker === undefined) {
    const dead = new Duplex({ read() {}, write: (_chunk, _encoding, callback) => callback() })
    const error = new Error('The embedded database is not running')
    // Later: the driver listens for errors only once it has the socket.
    setImmediate(() => dead.destroy(Object.assign(error, { code: 'ECONNREFUSED' })))
    return dead
  }
  const { port1, port2 } = new MessageChannel()
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, callback) {
      port1.postMessage(Uint8Array.from(chunk))
      callback()
    },
    final(callback) {
      callback()
      socket.destroy()
    },
    destroy(error, callback) {
      port1.close()
      callback(error)
    },
  })
  port1.on('message', (bytes: Uint8Array) => {
    socket.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  })
  // The other side closed: the driver said that it has done, or the thread is gone.
  port1.on('close', () => socket.destroy())
  Object.defineProperty(socket, 'readyState', {
    get: () => (socket.destroyed ? 'closed' : 'open'),
  })
  post(worker, { type: 'connect', port: port2 })
  return socket
}

function post(worker: Worker, request: EmbeddedRequest): void {
  worker.postMessage(request, request.type === 'connect' ? [request.port] : [])
}
