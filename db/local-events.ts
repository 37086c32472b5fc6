// Listeners of this process: all there is where the database is embedded, and the near half where
// it is a server.
import type { DbEvent, EventBus } from './events.ts'

/** The listeners of this process, told at once; they are never distrusted unless told so. */
export interface LocalEvents extends EventBus {
  setTrusted(isTrusted: boolean): void
}

/**
 * An empty set of listeners. `onError` gets what a listener throws: the others are told all the
 * same, and the transaction is committed already.
 */
export function createLocalEvents(onError: (error: unknown) => void): LocalEvents {
  const listeners = new Set<(event: DbEvent) => void>()
  const distrusters = new Set<() => void>()
  let isTrusted = true

  return {
    subscribe: (listener) => add(listeners, listener),
    onDistrust: (listener) => add(distrusters, listener),
    isTrusted: () => isTrusted,
    setTrusted(value) {
      isTrusted = value
      // Also when trust returns: what was read in between may have been changed since.
      for (const listener of distrusters) guard(listener, onError)
    },
    deliver(events) {
      for (const event of events) {
        for (const listener of listeners) guard(() => listener(event), onError)
      }
    },
    async notify() {},
    async close() {
      listeners.clear()
      distrusters.clear()
    },
  }
}

function guard(call: () => void, onError: (error: unknown) => void): void {
  try {
    call()
  } catch (error) {
    onError(error)
  }
}

function add<Listener>(set: Set<Listener>, listener: Listener): () => void {
  set.add(listener)
  return () => {
    set.delete(listener)
  }
}
