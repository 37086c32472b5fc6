// The thread in which the embedded database (PGlite) runs, so that the main thread never waits for
// it. It speaks PostgreSQL's protocol over message ports and not over a socket: no file that
// another process could connect to, and no limit on the length of a path.
import { parentPort, workerData, type MessagePort } from 'node:worker_threads'

import { PGlite } from '@electric-sql/pglite'

import type { EmbeddedData, EmbeddedReply, EmbeddedRequest } from './messages.ts'

// The first message of a connection has no type byte; every other one has, before its length.
const LENGTH_BYTES = 4
const TYPE_BYTES = 1
const TERMINATE = 'X'.charCodeAt(0)

if (parentPort === null) throw new Error('This file is the entry of a worker thread')
const parent = parentPort
const { directory } = workerData as EmbeddedData

const database = await open()
// One backend serves every connection: whatever is asked of it stands in one line.
let line: Promise<unknown> = Promise.resolve()

parent.on('message', (request: EmbeddedRequest) => {
  if (request.type === 'connect') {
    serve(request.port)
    return
  }
  inLine(async () => {
    await database.close()
    reply({ type: 'closed' })
  })
})
reply({ type: 'ready' })

async function open(): Promise<PGlite> {
  try {
    return await PGlite.create({ dataDir: directory, relaxedDurability: false })
  } catch (error) {
    reply({ type: 'failed', message: error instanceof Error ? error.message : String(error) })
    throw error
  }
}

function serve(port: MessagePort): void {
  let rest: Buffer = Buffer.alloc(0)
  let isStarted = false
  // What a connection that broke off may have left in the one backend.
  inLine(async () => {
    await database.exec('rollback')
    await database.exec('discard all')
  })
  port.on('message', (bytes: Uint8Array) => {
    rest = Buffer.concat([rest, bytes])
    for (;;) {
      const prefix = isStarted ? TYPE_BYTES : 0
      if (rest.length < prefix + LENGTH_BYTES) return
      const length = prefix + rest.readUInt32BE(prefix)
      if (rest.length < length) return
      const message = Uint8Array.from(rest.subarray(0, length))
      rest = rest.subarray(length)
      if (isStarted && message[0] === TERMINATE) {
        port.close()
        return
      }
      isStarted = true
      inLine(() => answer(port, message))
    }
  })
}

async function answer(port: MessagePort, message: Uint8Array): Promise<void> {
  const bytes = await database.execProtocolRaw(message)
  // A copy of its own: the answer may be a view of the database's memory.
  const copy = Uint8Array.from(bytes)
  if (copy.length > 0) port.postMessage(copy, [copy.buffer])
}

// A failure here is one of the database itself (an error in SQL is an answer): the thread dies of
// it, and its owner starts another one.
function inLine(work: () => Promise<void>): void {
  line = line.then(work).catch((error: unknown) => {
    setImmediate(() => {
      throw error
    })
  })
}

function reply(message: EmbeddedReply): void {
  parent.postMessage(message)
}
