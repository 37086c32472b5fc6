// The schema of a form, as MCP has it: a flat object of texts, numbers, yes or no, and choices, which
// every client can draw. What is not in that subset is refused: a client would have to guess.
import { checkJsonBytes, invalid, quote, type InputPath } from './validate.ts'

type Members = Readonly<Record<string, unknown>>
/** What is wrong with a keyword's value; undefined where nothing is. */
type Check = (value: unknown) => string | undefined

/** Of a form, as JSON. */
export const MAX_FORM_BYTES = 8 * 1024
const MAX_FIELDS = 20
const MAX_CHOICES = 100

const isText = (value: unknown): value is string => typeof value === 'string'
const isRecord = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const text: Check = (value) => (isText(value) ? undefined : 'is no string')
const number: Check = (value) => (Number.isFinite(value) ? undefined : 'is no number')
const count: Check = (value) =>
  Number.isSafeInteger(value) && Number(value) >= 0 ? undefined : 'is no count'
const texts: Check = (value) =>
  Array.isArray(value) && value.length > 0 && value.length <= MAX_CHOICES && value.every(isText)
    ? undefined
    : `is no list of 1 to ${MAX_CHOICES} strings`
const choices: Check = (value) =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.length <= MAX_CHOICES &&
  value.every((one) => isRecord(one) && isText(one['const']) && isText(one['title']))
    ? undefined
    : `is no list of 1 to ${MAX_CHOICES} of {"const": "…", "title": "…"}`
const boolean: Check = (value) => (typeof value === 'boolean' ? undefined : 'is no boolean')
const FORMATS = ['email', 'uri', 'date', 'date-time']
const format: Check = (value) =>
  isText(value) && FORMATS.includes(value) ? undefined : `is none of ${FORMATS.join(', ')}`
const list: Check = (value) =>
  Array.isArray(value) && value.every(isText) ? undefined : 'is no list of strings'
const items: Check = (value) => {
  if (!isRecord(value)) return 'is no object'
  const keys = Object.keys(value)
  const isPlain =
    keys.every((key) => key === 'type' || key === 'enum') && value['type'] === 'string'
  if (isPlain) return texts(value['enum'])
  return keys.length === 1 && keys[0] === 'anyOf'
    ? choices(value['anyOf'])
    : 'has neither {"type": "string", "enum": […]} nor {"anyOf": […]}'
}

const COMMON = { title: text, description: text }
const KEYWORDS: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  string: {
    ...COMMON,
    minLength: count,
    maxLength: count,
    format,
    enum: texts,
    // The older way to say a title for each choice.
    enumNames: texts,
    oneOf: choices,
    default: text,
  },
  number: { ...COMMON, minimum: number, maximum: number, default: number },
  integer: { ...COMMON, minimum: number, maximum: number, default: number },
  boolean: { ...COMMON, default: boolean },
  array: { ...COMMON, minItems: count, maxItems: count, items, default: list },
}

/**
 * The schema, as it was sent.
 *
 * @throws {InvalidError} INVALID with the place of what no form has
 * @see https://modelcontextprotocol.io/specification/2026-07-28/client/elicitation#requested-schema
 */
export function checkRequestedSchema(path: InputPath, value: unknown): Members {
  if (!isRecord(value) || value['type'] !== 'object' || !isRecord(value['properties'])) {
    throw invalid(path, 'is no form; expected {"type": "object", "properties": {…}}')
  }
  checkJsonBytes(path, value, MAX_FORM_BYTES)
  const { properties, required = [] } = value
  const names = Object.keys(properties)
  if (names.length === 0 || names.length > MAX_FIELDS) {
    throw invalid(
      [...path, 'properties'],
      `has ${names.length} fields; expected 1 to ${MAX_FIELDS}`,
    )
  }
  const extra = Object.keys(value).find(
    (key) => !['$schema', 'type', 'properties', 'required'].includes(key),
  )
  if (extra !== undefined) throw invalid([...path, extra], 'is nothing that a form has')
  if (!Array.isArray(required) || !required.every((name) => names.includes(String(name)))) {
    throw invalid([...path, 'required'], 'is no list of its fields')
  }
  for (const [name, field] of Object.entries(properties)) {
    checkField([...path, 'properties', name], field)
  }
  return value
}

function checkField(path: InputPath, field: unknown): void {
  const type = isRecord(field) ? field['type'] : undefined
  const keywords = isText(type) && Object.hasOwn(KEYWORDS, type) ? KEYWORDS[type] : undefined
  if (!isRecord(field) || keywords === undefined) {
    const found = isText(type) ? quote(type) : 'no type'
    const expected = Object.keys(KEYWORDS).join(', ')
    throw invalid(path, `has ${found} as its type; expected ${expected}`)
  }
  if (type === 'array' && field['items'] === undefined) {
    throw invalid(path, 'has no items; expected the choices')
  }
  for (const [keyword, value] of Object.entries(field)) {
    if (keyword === 'type') continue
    const check = Object.hasOwn(keywords, keyword) ? keywords[keyword] : undefined
    if (check === undefined) {
      throw invalid([...path, keyword], `is nothing that a field of type ${String(type)} has`)
    }
    const problem = check(value)
    if (problem !== undefined) throw invalid([...path, keyword], problem)
  }
}
