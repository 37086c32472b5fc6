// What the process that has a session's stream keeps of it: the stream, what it watches, and the
// questions that wait for its user. An account's sessions crowd out its own only.
import type { AccountBudget } from './account-budget.ts'
import type { EventStream } from './event-stream.ts'
import { countCharacters } from './interest-budget.ts'
import type { RequestId } from './json-rpc.ts'
import type { Session } from './session.ts'

/** What a process keeps of a session. */
export interface SessionState {
  /** The newest of its GET streams: "the server MUST send each message on only one of the streams". */
  stream: EventStream | undefined
  /** Whether log messages are wanted at level info. */
  wantsLog: boolean
  /** URIs of resources. */
  readonly subscriptions: Set<string>
  /** Questions to the user, by the id of our request. */
  readonly questions: Map<RequestId, (response: unknown) => void>
}

/** States by their sessions. */
export interface SessionStates {
  /** What is kept of it: made now, if nothing was. */
  keep(session: Session): SessionState
  /** The same; undefined where nothing was. */
  kept(session: Session): SessionState | undefined
  /** Adds a URI to what it watches; false where the account watches too much. */
  watch(session: Session, uri: string): boolean
  /** Takes it away again; of what it does not watch it does nothing. */
  unwatch(session: Session, uri: string): void
  /** Forgets it, and ends its stream. */
  forget(session: Pick<Session, 'accountId' | 'id'>): void
}

/** That something is kept of: above it the oldest without a stream is forgotten. */
const MAX_ACCOUNT_SESSIONS = 5_000

/** Nothing kept; `interest` is what all of them may watch. */
export function createSessionStates(interest: AccountBudget): SessionStates {
  const accounts = new Map<string, Map<string, SessionState>>()
  const forget = ({ accountId, id }: Pick<Session, 'accountId' | 'id'>) => {
    const states = accounts.get(accountId)
    const state = states?.get(id)
    if (states === undefined || state === undefined) return
    states.delete(id)
    if (states.size === 0) accounts.delete(accountId)
    interest.give(accountId, countCharacters(state.subscriptions))
    state.subscriptions.clear()
    state.stream?.end()
  }
  const kept = ({ accountId, id }: Session) => accounts.get(accountId)?.get(id)
  const keep = (session: Session): SessionState => {
    const present = kept(session)
    if (present !== undefined) return present
    const { accountId, id } = session
    const states = accounts.get(accountId) ?? new Map<string, SessionState>()
    accounts.set(accountId, states)
    const state: SessionState = {
      stream: undefined,
      wantsLog: false,
      subscriptions: new Set(),
      questions: new Map(),
    }
    states.set(id, state)
    // Streams are bounded by themselves.
    const oldest = [...(states.size > MAX_ACCOUNT_SESSIONS ? states : [])].find(
      ([, { stream, questions }]) => stream === undefined && questions.size === 0,
    )
    if (oldest !== undefined) forget({ ...session, id: oldest[0] })
    return state
  }
  return {
    keep,
    kept,
    forget,
    watch(session, uri) {
      const { subscriptions } = keep(session)
      if (subscriptions.has(uri)) return true
      if (!interest.take(session.accountId, uri.length)) return false
      subscriptions.add(uri)
      return true
    },
    unwatch(session, uri) {
      if (kept(session)?.subscriptions.delete(uri) !== true) return
      interest.give(session.accountId, uri.length)
    },
  }
}
