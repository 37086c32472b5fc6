// What a call still has to ask its user, whatever the era: which requests are open, what an answer is
// worth, and the arguments with the answers in them. How the client is asked is its era's business.
import type { InputRequest } from '../../db/content.ts'
import type { InputSchema } from '../../workers/definition.ts'
import { compileCheck } from '../../workers/call/check-arguments.ts'
import { ArgumentsError } from '../../workers/call/error.ts'
import type { ClientCapabilities } from './client-capability.ts'
import { type JsonObject, isJsonObject } from './json-rpc.ts'

/** What users answered, by the keys of requests: the fields of a form, or true where a URL was visited. */
export type Answers = ReadonlyMap<string, JsonObject | true>

/** A request to be asked now, its form without what the arguments say already. */
export interface Question {
  readonly key: string
  readonly message: string
  /** A form's, else undefined. */
  readonly requestedSchema: JsonObject | undefined
  readonly url: string | undefined
}

/** What a client's answer is worth. */
export type Reading =
  | { readonly type: 'answered'; readonly answer: JsonObject | true }
  /** It is missing, or does not fit: to be asked again. */
  | { readonly type: 'open' }
  /** The user does not want to; the words are for the model. */
  | { readonly type: 'declined'; readonly text: string }

/** A form's answer, as JSON: it travels in the state of the next round. */
const MAX_ANSWER_CHARACTERS = 16_384

/** The open requests of the lowest round that has any. `requests` are in the order of their rounds. */
export function findQuestions(
  requests: readonly InputRequest[],
  args: JsonObject,
  answers: Answers,
): readonly Question[] {
  const first = requests.find((one) => isOpen(one, args, answers))
  if (first === undefined) return []
  return requests
    .filter((one) => one.round === first.round && isOpen(one, args, answers))
    .map(({ key, message, requestedSchema, url }) => ({
      key,
      message,
      requestedSchema: requestedSchema && withoutKnown(requestedSchema, args),
      url,
    }))
}

function isOpen(
  { key, requestedSchema }: InputRequest,
  args: JsonObject,
  answers: Answers,
): boolean {
  if (answers.has(key)) return false
  if (requestedSchema === undefined) return true
  const required = requestedSchema['required']
  const fields =
    Array.isArray(required) && required.length > 0 ? required : fieldsOf(requestedSchema)
  // A form without fields asks nothing.
  return fields.some((name) => !Object.hasOwn(args, String(name)))
}

function fieldsOf(schema: JsonObject): readonly string[] {
  return isJsonObject(schema['properties']) ? Object.keys(schema['properties']) : []
}

/** What the model said is not asked again. */
function withoutKnown(schema: JsonObject, args: JsonObject): JsonObject {
  const { properties, required } = schema
  const open = Object.entries(isJsonObject(properties) ? properties : {}).filter(
    ([name]) => !Object.hasOwn(args, name),
  )
  const names = new Set(open.map(([name]) => name))
  return {
    ...schema,
    properties: Object.fromEntries(open),
    ...(Array.isArray(required) && {
      required: required.filter((name) => names.has(String(name))),
    }),
  }
}

/**
 * What an `ElicitResult` says to the question.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/client/elicitation#response-actions
 */
export function readAnswer(question: Question, result: unknown): Reading {
  if (!isJsonObject(result)) return { type: 'open' }
  const { action, content } = result
  if (action === 'decline' || action === 'cancel') {
    const what = action === 'decline' ? 'declined to answer' : 'left unanswered'
    return { type: 'declined', text: `The user ${what}: ${question.message}` }
  }
  if (action !== 'accept') return { type: 'open' }
  if (question.requestedSchema === undefined) return { type: 'answered', answer: true }
  if (!isJsonObject(content) || JSON.stringify(content).length > MAX_ANSWER_CHARACTERS) {
    return { type: 'open' }
  }
  // "Servers SHOULD ignore any information they do not recognize."
  const fields = fieldsOf(question.requestedSchema).filter((name) => Object.hasOwn(content, name))
  const answer = Object.fromEntries(fields.map((name) => [name, content[name]]))
  return fits(question.requestedSchema, answer) ? { type: 'answered', answer } : { type: 'open' }
}

function fits(schema: JsonObject, answer: JsonObject): boolean {
  try {
    // A form has no pattern and no reference; compiling it takes about a millisecond.
    compileCheck(schema as InputSchema)(answer)
    return true
  } catch (error) {
    if (error instanceof ArgumentsError) return false
    throw error
  }
}

/** The arguments' JSON text with the answers before them; `text` has none of their names. */
export function mergeAnswers(text: string, answers: Answers): string {
  const fields = [...answers.values()].filter((answer) => answer !== true)
  const members = JSON.stringify(Object.assign({}, ...fields)).slice(1, -1)
  if (members === '') return text
  // As text: numbers of any length stay what the client wrote.
  const rest = text.trim().slice(1).trimStart()
  return `{${members}${rest === '}' ? '' : ','}${rest}`
}

/** The questions that the client cannot put to its user. */
export function findUnaskable(
  questions: readonly Question[],
  { canFillForms, canOpenUrls }: ClientCapabilities,
): readonly Question[] {
  return questions.filter(({ url }) => (url === undefined ? !canFillForms : !canOpenUrls))
}

/** What a model is told then: it can ask its user itself. */
export function describeUnaskable(questions: readonly Question[]): string {
  const lines = questions.map(({ message, requestedSchema, url }) =>
    url === undefined
      ? `${message} (missing arguments: ${fieldsOf(requestedSchema ?? {}).join(', ')})`
      : `${message} ${url}`,
  )
  return `This needs something from the user that this client cannot ask for. Ask them, and call again:\n${lines.join('\n')}`
}

/** `params` of `elicitation/create`. */
export function toElicitation({ message, requestedSchema, url }: Question): JsonObject {
  return url === undefined
    ? { mode: 'form', message, requestedSchema }
    : { mode: 'url', message, url }
}
