// Asking the user in 2026-07-28: the call ends with what is needed, and comes again with the answers.
// Nothing waits here in between.
import type { InputRequest } from '../../db/content.ts'
import { capabilitiesOf } from './client-capability.ts'
import type { Caller } from './era.ts'
import { type JsonObject, isJsonObject } from './json-rpc.ts'
import {
  type Answers,
  type Question,
  describeUnaskable,
  findQuestions,
  findUnaskable,
  mergeAnswers,
  readAnswer,
  toElicitation,
} from './question.ts'
import type { RequestStates } from './request-state.ts'
import { digestRequest } from './request-state.ts'
import { INVALID_PARAMS, RpcError, kindOf } from './rpc-error.ts'

/** What asking led to. */
export type Asking =
  /** All is known: the arguments' JSON text. */
  | { readonly type: 'ready'; readonly argumentsText: string }
  /** Members of an `InputRequiredResult` without `resultType`. */
  | { readonly type: 'ask'; readonly members: string }
  /** The call cannot be made; the words are for the model. */
  | { readonly type: 'stop'; readonly text: string }

/** What is asked about. */
export interface Asked {
  readonly method: string
  readonly params: JsonObject
  readonly requests: readonly InputRequest[]
  readonly args: JsonObject
  readonly argumentsText: string
}

/**
 * Takes the answers that came with the request, and says what is missing still.
 *
 * @throws {RpcError} -32602 when `requestState` or `inputResponses` are malformed or not this request's.
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr
 */
export async function ask(states: RequestStates, caller: Caller, asked: Asked): Promise<Asking> {
  const { params, requests, args, argumentsText } = asked
  const digest = digestRequest(asked.method, params)
  const before: Answers =
    params['requestState'] === undefined
      ? new Map()
      : await states.open(caller, digest, params['requestState'])
  const questions = findQuestions(requests, args, before)
  const responses = readResponses(params['inputResponses'])
  const answers = new Map(before)
  for (const question of questions) {
    const reading = readAnswer(question, responses[question.key])
    if (reading.type === 'declined') return { type: 'stop', text: reading.text }
    if (reading.type === 'answered') answers.set(question.key, reading.answer)
  }
  const open = findQuestions(requests, args, answers)
  if (open.length === 0) {
    return { type: 'ready', argumentsText: mergeAnswers(argumentsText, answers) }
  }
  const unaskable = findUnaskable(open, capabilitiesOf(params))
  if (unaskable.length > 0) return { type: 'stop', text: describeUnaskable(unaskable) }
  const requestState = await states.seal(caller, digest, answers)
  const result = { inputRequests: toInputRequests(open), requestState }
  return { type: 'ask', members: JSON.stringify(result).slice(1, -1) }
}

function readResponses(value: unknown): JsonObject {
  if (value === undefined) return {}
  if (isJsonObject(value)) return value
  throw new RpcError(
    INVALID_PARAMS,
    `params.inputResponses is ${kindOf(value)}, expected an object with an answer for each of the inputRequests`,
  )
}

function toInputRequests(questions: readonly Question[]): JsonObject {
  return Object.fromEntries(
    questions.map((question) => [
      question.key,
      { method: 'elicitation/create', params: toElicitation(question) },
    ]),
  )
}
