// Who waits for a slot: tenants in turn, each tenant's runs in order. What a dead process left behind
// goes to the front, for it has waited already.
import type { DoneFrame, Engine, SandboxOutcome } from './messages.ts'

/** A run, or a check, on its way through the supervisor. */
export interface Ticket {
  readonly runId: number
  readonly tenant: string
  /** Under it is remembered who has the script compiled and how long it takes. */
  readonly scriptKey: string
  readonly interceptorId: string | undefined
  /** `Interceptor "redact"`, the beginning of a message. */
  readonly subject: string
  readonly engine: Engine
  readonly isCheck: boolean
  /** The frame, ready to be written; made when it is sent. */
  readonly encode: () => Uint8Array
  readonly enqueuedAt: number
  /** Processes that died with this run at the front of their pipe before it began. */
  losses: number
  /** Nobody waits for the outcome any more; it may still run. */
  isSettled: boolean
  readonly settle: (outcome: SandboxOutcome) => void
  readonly finish: (frame: DoneFrame, output: Uint8Array<ArrayBuffer>, startedAt: number) => void
}

/** The runs that wait for a slot. */
export interface Queue {
  readonly length: () => number
  readonly lengthOf: (tenant: string) => number
  readonly hasOther: (tenant: string) => boolean
  readonly add: (ticket: Ticket) => void
  /** In the order in which they were sent. */
  readonly addFirst: (tickets: readonly Ticket[]) => void
  readonly remove: (ticket: Ticket) => void
  /** Takes out the first run for which `place` answers, asking for one of each tenant in turn. */
  readonly take: <T>(
    place: (ticket: Ticket) => T | undefined,
  ) => { readonly ticket: Ticket; readonly place: T } | undefined
  readonly all: () => readonly Ticket[]
}

/** An empty queue. */
export function createQueue(): Queue {
  // The tenant that was served longest ago stands first.
  const waiting = new Map<string, Set<Ticket>>()
  let length = 0
  const remove = (ticket: Ticket) => {
    const own = waiting.get(ticket.tenant)
    if (own?.delete(ticket) !== true) return
    length -= 1
    if (own.size === 0) waiting.delete(ticket.tenant)
  }
  return {
    length: () => length,
    lengthOf: (tenant) => waiting.get(tenant)?.size ?? 0,
    hasOther: (tenant) => waiting.size > (waiting.has(tenant) ? 1 : 0),
    add(ticket) {
      const own = waiting.get(ticket.tenant) ?? new Set()
      waiting.set(ticket.tenant, own.add(ticket))
      length += 1
    },
    addFirst(tickets) {
      for (const [tenant, own] of Map.groupBy(tickets, (ticket) => ticket.tenant)) {
        waiting.set(tenant, new Set([...own, ...(waiting.get(tenant) ?? [])]))
      }
      length += tickets.length
    },
    remove,
    take(place) {
      for (const [tenant, own] of waiting) {
        const [ticket] = own
        const found = ticket === undefined ? undefined : place(ticket)
        if (ticket === undefined || found === undefined) continue
        remove(ticket)
        // To the end of the round.
        if (own.size > 0 && waiting.delete(tenant)) waiting.set(tenant, own)
        return { ticket, place: found }
      }
      return undefined
    },
    all: () => [...waiting.values()].flatMap((own) => [...own]),
  }
}
