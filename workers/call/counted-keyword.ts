// The keywords whose cost grows with the value or with the schema's own value, in place of Ajv's:
// each counts what it does, and does less. Names, parameters and messages of errors are Ajv's.
import { _, type Ajv2020 } from 'ajv/dist/2020.js'
import { fastFormats } from 'ajv-formats/dist/formats.js'
import type { Format, FuncKeywordDefinition } from 'ajv/dist/types/index.js'
import type { CheckBudget } from './check-budget.ts'

/**
 * Formats that are checked: those whose check is linear and that APIs mean literally. Others, among
 * them `regex`, `url` and `uri-template`, are remarks.
 */
const CHECKED_FORMATS = [
  'date',
  'date-time',
  'duration',
  'email',
  'hostname',
  'int32',
  'int64',
  'ipv4',
  'ipv6',
  'uri',
  'uuid',
] as const

/** The formats that are checked, by name. Those of text count its characters. */
export function createFormats(budget: CheckBudget): Record<string, Format> {
  return Object.fromEntries(
    CHECKED_FORMATS.map((name) => [name, countFormat(fastFormats[name], budget)]),
  )
}

function countFormat(format: Format, budget: CheckBudget): Format {
  const isText = findTextCheck(format)
  if (isText === undefined) return format
  return (text: string) => {
    budget.read(text.length)
    return isText(text)
  }
}

/** The format's check of text; `undefined` where it is one of numbers. */
function findTextCheck(format: Format): ((text: string) => boolean) | undefined {
  if (format instanceof RegExp) return (text) => format.test(text)
  if (typeof format === 'function') return (text) => format(text) === true
  if (typeof format !== 'object' || format.type === 'number') return undefined
  const { validate } = format
  if (validate instanceof RegExp) return (text) => validate.test(text)
  return typeof validate === 'function'
    ? (text) => (validate as (text: string) => unknown)(text) === true
    : undefined
}

/** Replaces Ajv's keywords of the same names. */
export function addCountedKeywords(ajv: Ajv2020, budget: CheckBudget): void {
  for (const definition of defineKeywords(budget)) {
    ajv.removeKeyword(String(definition.keyword))
    ajv.addKeyword(definition)
  }
}

function defineKeywords(budget: CheckBudget): readonly FuncKeywordDefinition[] {
  return [
    {
      keyword: 'const',
      error: {
        message: 'must be equal to constant',
        params: ({ schemaCode }) => _`{allowedValue: ${schemaCode}}`,
      },
      validate: (allowed: unknown, value: unknown) => areEqual(allowed, value, budget),
    },
    {
      keyword: 'enum',
      schemaType: 'array',
      error: {
        message: 'must be equal to one of the allowed values',
        params: ({ schemaCode }) => _`{allowedValues: ${schemaCode}}`,
      },
      validate: (allowed: readonly unknown[], value: unknown) =>
        allowed.some((one) => areEqual(one, value, budget)),
    },
    // A code point is one or two units of a text's length: most texts need not be read.
    {
      keyword: 'maxLength',
      type: 'string',
      schemaType: 'number',
      error: {
        message: ({ schemaCode }) => _`"must NOT have more than " + ${schemaCode} + " characters"`,
        params: ({ schemaCode }) => _`{limit: ${schemaCode}}`,
      },
      validate: (limit: number, text: string) =>
        text.length <= limit || (text.length <= 2 * limit && countPoints(text, budget) <= limit),
    },
    {
      keyword: 'minLength',
      type: 'string',
      schemaType: 'number',
      error: {
        message: ({ schemaCode }) => _`"must NOT have fewer than " + ${schemaCode} + " characters"`,
        params: ({ schemaCode }) => _`{limit: ${schemaCode}}`,
      },
      validate: (limit: number, text: string) =>
        text.length >= 2 * limit || (text.length >= limit && countPoints(text, budget) >= limit),
    },
    // Ajv compares each pair of items; 100,000 of them would take minutes.
    {
      keyword: 'uniqueItems',
      type: 'array',
      schemaType: 'boolean',
      error: { message: 'must not have duplicate items' },
      validate: (isUnique: boolean, items: readonly unknown[]) =>
        !isUnique || areUnique(items, budget),
    },
  ]
}

function countPoints(text: string, budget: CheckBudget): number {
  budget.read(text.length)
  let points = 0
  for (let index = 0; index < text.length; index += 1) {
    if ((text.codePointAt(index) ?? 0) > 0xff_ff) index += 1
    points += 1
  }
  return points
}

function areEqual(a: unknown, b: unknown, budget: CheckBudget): boolean {
  budget.compare()
  if (a === b) {
    if (typeof a === 'string') budget.read(a.length)
    return true
  }
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const names = budget.listKeys(a)
  if (names.length !== budget.listKeys(b).length) return false
  return names.every(
    (name) =>
      Object.hasOwn(b, name) &&
      areEqual(Reflect.get(a, name) as unknown, Reflect.get(b, name) as unknown, budget),
  )
}

function areUnique(items: readonly unknown[], budget: CheckBudget): boolean {
  return new Set(items.map((item) => printCanonically(item, budget))).size === items.length
}

/** JSON with the members in order: equal values print alike. */
function printCanonically(value: unknown, budget: CheckBudget): string {
  return JSON.stringify(value, (_key, member: unknown) => {
    budget.step()
    if (typeof member === 'string') budget.read(member.length)
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member
    const members = Object.entries(member)
    for (const [name] of members) budget.read(name.length)
    return Object.fromEntries(members.toSorted(([a], [b]) => (a < b ? -1 : 1)))
  })
}
