// Asking the user in the legacy era: a request of ours on the stream of the call, whose answer comes in
// an HTTP request of its own, to the process that has the session.
import { randomUUID } from 'node:crypto'
import type { InputRequest } from '../../db/content.ts'
import { BusyError } from '../../workers/error.ts'
import { createAccountBudget } from './account-budget.ts'
import { createLru } from './lru.ts'
import type { Caller } from './era.ts'
import type { JsonObject } from './json-rpc.ts'
import type { Say } from './live-reply.ts'
import { readsStreams } from './media-type.ts'
import {
  type Question,
  type Reading,
  describeUnaskable,
  findQuestions,
  findUnaskable,
  mergeAnswers,
  readAnswer,
  toElicitation,
} from './question.ts'
import { digestRequest } from './request-state.ts'
import { RpcError, URL_ELICITATION_REQUIRED } from './rpc-error.ts'
import type { SessionState } from './session-state.ts'
import type { Sessions } from './session.ts'

/** All that is known, the arguments' JSON text; or that the call cannot be made, in words for a model. */
export type Asking =
  | { readonly type: 'ready'; readonly argumentsText: string }
  | { readonly type: 'stop'; readonly text: string }

/** Asks users. */
export type AskUser = (
  caller: Caller,
  asked: Asked,
  say: Say,
  signal: AbortSignal,
) => Promise<Asking>

/** What is asked about. */
export interface Asked {
  readonly params: JsonObject
  readonly requests: readonly InputRequest[]
  readonly args: JsonObject
  readonly argumentsText: string
}

/** 5 min: a person who fills in a form, with a client that waits. */
const QUESTION_TIMEOUT_MS = 300_000
/** That wait at once in one session. */
const MAX_QUESTIONS = 10
/** Of all users: each holds a connection. */
const MAX_WAITING_QUESTIONS = 2_000
/** Calls whose users were sent to a URL; the oldest is forgotten, and its user sent again. */
const MAX_VISITS = 10_000
const VISIT_LIFETIME_MS = 600_000
const CANNOT_ASK = { canFillForms: false, canOpenUrls: false }

/** Asks by `elicitation/create` for forms, and by -32042 for URLs; `now` in milliseconds. */
export function createAskUser(sessions: Sessions, now = () => performance.now()): AskUser {
  const visits = createLru<number>(MAX_VISITS, MAX_VISITS)
  const waiting = createAccountBudget(MAX_WAITING_QUESTIONS, MAX_WAITING_QUESTIONS / 2)
  return async (caller, asked, say, signal) => {
    const { requests, args, argumentsText, params } = asked
    const { session, headers } = caller
    // The client declared what it can do when the session began.
    const capabilities = session ?? CANNOT_ASK
    const call = `${caller.route.serverId} ${caller.tokenId} ${digestRequest('tools/call', params)}`
    const answers = new Map<string, JsonObject | true>()
    for (;;) {
      const questions = findQuestions(requests, args, answers)
      if (questions.length === 0) {
        return { type: 'ready', argumentsText: mergeAnswers(argumentsText, answers) }
      }
      const canFillForms = capabilities.canFillForms && readsStreams(headers)
      const unaskable = findUnaskable(questions, { ...capabilities, canFillForms })
      if (unaskable.length > 0) return { type: 'stop', text: describeUnaskable(unaskable) }
      visitUrls(visits, call, questions, answers, now())
      for (const question of questions.filter(({ url }) => url === undefined)) {
        const { accountId } = caller.route
        if (session === undefined || !waiting.take(accountId, 1)) {
          throw new BusyError('Too many questions wait for their users; try again later')
        }
        const state = sessions.keep(session)
        const put = putTo(state, question, say, signal)
        const reading = readAnswer(
          question,
          await put.finally(() => {
            waiting.give(accountId, 1)
          }),
        )
        if (reading.type !== 'answered') return { type: 'stop', text: explain(question, reading) }
        answers.set(question.key, reading.answer)
      }
    }
  }
}

/**
 * "If a request cannot be processed until an elicitation is completed, the server MAY return a
 * URLElicitationRequiredError": the same call, made again within ten minutes, is past that.
 *
 * @throws {RpcError} -32042 with the URLs, the first time.
 */
function visitUrls(
  visits: ReturnType<typeof createLru<number>>,
  call: string,
  questions: readonly Question[],
  answers: Map<string, JsonObject | true>,
  now: number,
): void {
  const urls = questions.filter(({ url }) => url !== undefined)
  if (urls.length === 0) return
  const key = `${call} ${urls.map((one) => one.key).join(' ')}`
  const visitedAt = visits.use(key)
  visits.delete(key)
  if (visitedAt !== undefined && now - visitedAt < VISIT_LIFETIME_MS) {
    for (const one of urls) answers.set(one.key, true)
    return
  }
  visits.set(key, now, 1)
  const elicitations = urls.map((question) => ({
    ...toElicitation(question),
    elicitationId: randomUUID(),
  }))
  throw new RpcError(URL_ELICITATION_REQUIRED, 'This call needs its user to visit a URL first', {
    httpStatus: 200,
    data: { elicitations },
  })
}

/** What the client answers; undefined where it does not, in time or at all. */
async function putTo(
  state: SessionState,
  question: Question,
  say: Say,
  signal: AbortSignal,
): Promise<unknown> {
  if (state.questions.size >= MAX_QUESTIONS || signal.aborted) return undefined
  const id = `question-${randomUUID()}`
  const { promise, resolve } = Promise.withResolvers<unknown>()
  const onAbort = () => {
    resolve(undefined)
  }
  const timer = setTimeout(onAbort, QUESTION_TIMEOUT_MS)
  signal.addEventListener('abort', onAbort, { once: true })
  state.questions.set(id, resolve)
  const params = toElicitation(question)
  say(JSON.stringify({ jsonrpc: '2.0', id, method: 'elicitation/create', params }))
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
    state.questions.delete(id)
  }
}

function explain({ message }: Question, reading: Reading): string {
  if (reading.type === 'declined') return reading.text
  return `The user's client gave no answer that fits: ${message}`
}
