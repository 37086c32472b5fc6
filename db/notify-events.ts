// Events between processes by PostgreSQL's NOTIFY, over a connection of its own. A connection that
// is half dead looks alive, and events are not kept for who was away: so a heartbeat goes the
// whole way round twice a second, and what is not proven is not trusted.
import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

import { sql } from 'kysely'
import postgres from 'postgres'

import { CONNECT_TIMEOUT_MS, openTcp, type DriverOptions } from './connection.ts'
import { readText } from './database-error.ts'
import type { DbEvent, EventBus } from './events.ts'
import { toJsonb } from './jsonb.ts'
import { createLocalEvents } from './local-events.ts'

const CHANNEL = 'hasmcp_event'
const HEARTBEAT_MS = 500
// Two beats and half a second for a busy server: how long what has changed may still be served.
const SILENCE_MS = 1_500
const MIN_BACKOFF_MS = 50
const MAX_BACKOFF_MS = 1_000

type Log = (level: 'info' | 'warn', message: string) => void

/** A connection that listens. */
interface Line {
  /** Settles when the connection is closed or silent, with the reason. */
  readonly lost: Promise<string>
  close(): void
}

interface Payload {
  /** The process that it comes from. */
  readonly from: string
  readonly event: DbEvent
}

/**
 * Events of every process on that database; answers when the first connection listens.
 * @throws {Error} of the driver when the first connection fails
 */
export async function openNotifyEvents(url: string, onLog: Log): Promise<EventBus> {
  const from = randomUUID()
  const closing = new AbortController()
  const local = createLocalEvents((error) => {
    onLog('warn', `A listener of events failed: ${readText(error, 'message')}`)
  })
  function receive(text: string): void {
    const payload = parsePayload(text)
    // What this process changed, it told its listeners already.
    if (payload !== undefined && payload.from !== from) local.deliver([payload.event])
  }

  let line = await listen(url, from, receive)

  async function keepListening(): Promise<void> {
    for (;;) {
      const reason = await line.lost
      line.close()
      if (closing.signal.aborted) return
      local.setTrusted(false)
      onLog('warn', `Events of other processes are missed: ${reason}`)
      const next = await reconnect(() => listen(url, from, receive), closing.signal)
      if (next === undefined) return
      line = next
      local.setTrusted(true)
      onLog('info', 'Events of other processes are received again')
    }
  }

  const listening = keepListening()
  return {
    ...local,
    async notify(trx, events) {
      if (events.length === 0) return
      const payloads = events.map((event): string => JSON.stringify({ from, event }))
      await sql`select pg_notify(${CHANNEL}, payload)
        from jsonb_array_elements_text(${toJsonb(payloads)}) as row (payload)
      `.execute(trx)
    },
    async close() {
      closing.abort()
      line.close()
      await listening
      await local.close()
    },
  }
}

/** A new line as soon as there can be one; `undefined` when closed before that. */
async function reconnect(
  open: () => Promise<Line>,
  signal: AbortSignal,
): Promise<Line | undefined> {
  for (let pauseMs = MIN_BACKOFF_MS; ; pauseMs = Math.min(pauseMs * 2, MAX_BACKOFF_MS)) {
    try {
      const line = await open()
      if (!signal.aborted) return line
      line.close()
      return undefined
    } catch {
      if (signal.aborted) return undefined
      await wait(pauseMs, undefined, { signal, ref: false }).catch(() => {})
      if (signal.aborted) return undefined
    }
  }
}

async function listen(url: string, from: string, receive: (text: string) => void): Promise<Line> {
  const { promise: lost, resolve: lose } = Promise.withResolvers<string>()
  const heartbeatChannel = `hasmcp_beat_${from}`
  let heardAt = performance.now()
  let socket: Socket | undefined
  const options: DriverOptions = {
    max: 1,
    fetch_types: false,
    connect_timeout: CONNECT_TIMEOUT_MS / 1000,
    idle_timeout: 0,
    max_lifetime: null,
    onnotice: () => {},
    connection: { application_name: 'hasmcp events', statement_timeout: CONNECT_TIMEOUT_MS },
    socket: (parsed) => {
      socket = openTcp(parsed)
      return socket
    },
    onclose: () => lose('the connection was closed'),
    onnotify: (channel, payload) => {
      if (channel === CHANNEL) receive(payload)
      else heardAt = performance.now()
    },
  }
  const connection = postgres(url, options)
  const beat = setInterval(() => {
    const silentMs = performance.now() - heardAt
    if (silentMs > SILENCE_MS) lose(`no heartbeat for ${Math.round(silentMs)} ms`)
    // A failure is seen as silence, or as the closed connection that it is.
    else connection.notify(heartbeatChannel, '').catch(() => {})
  }, HEARTBEAT_MS)
  const close = (): void => {
    clearInterval(beat)
    lose('closed')
    // The driver says goodbye and waits for the other side, which may be gone.
    void connection.end({ timeout: 0 }).then(() => socket?.destroy())
  }
  try {
    const listens = connection.unsafe(`listen ${CHANNEL}; listen "${heartbeatChannel}"`)
    await Promise.race([listens, lost.then((reason) => Promise.reject(new Error(reason)))])
  } catch (error) {
    close()
    throw error
  }
  return { lost, close }
}

// Whoever may connect to the database may use the channel: what is not ours is passed over.
function parsePayload(text: string): Payload | undefined {
  try {
    const payload = JSON.parse(text) as Partial<Payload> | null
    const event = payload?.event
    const isOurs =
      typeof payload?.from === 'string' &&
      typeof event?.noun === 'string' &&
      typeof event.accountId === 'string' &&
      typeof event.id === 'string'
    return isOurs ? (payload as Payload) : undefined
  } catch {
    return undefined
  }
}
