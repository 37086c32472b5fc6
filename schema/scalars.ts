// The scalars beside GraphQL's own five.
import { GraphQLError, Kind, type ValueNode } from 'graphql'
import { builder } from './builder.ts'

// RFC 3339, with a zone: a time without one would mean another instant on every machine.
const DATE_TIME =
  /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d{1,9})?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$/i
// What RFC 3339 can write; the years before 1 are years BC to PostgreSQL.
const FIRST_YEAR = 1
const LAST_YEAR = 9999

builder.scalarType('DateTime', {
  description:
    'An instant as RFC 3339 text with a zone, `2026-01-31T09:30:00Z`. Answers are in UTC.',
  serialize: (date) => date.toISOString(),
  parseValue: parseDateTime,
})

/** The instant, to the millisecond; what `new Date` makes of such text differs by runtime. */
function parseDateTime(value: unknown): Date {
  const match = typeof value === 'string' ? DATE_TIME.exec(value) : null
  if (match === null) throw notDateTime('RFC 3339 with a zone')
  const [, day = '', time = '', fraction = '', sign, hours = '0', minutes = '0'] = match
  const text = `${day}T${time}.${fraction.slice(1, 4).padEnd(3, '0')}Z`
  const local = new Date(text)
  // 30 February and 24:00 are carried over to the next day, which nobody meant.
  if (Number.isNaN(local.getTime()) || local.toISOString() !== text) {
    throw notDateTime('a day of the calendar and a time from 00:00:00 to 23:59:59')
  }
  const offsetMinutes = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1)
  const instant = new Date(local.getTime() - offsetMinutes * 60_000)
  const year = instant.getUTCFullYear()
  if (year >= FIRST_YEAR && year <= LAST_YEAR) return instant
  throw notDateTime(`within the years ${FIRST_YEAR} to ${LAST_YEAR} in UTC`)
}

function notDateTime(expected: string): GraphQLError {
  return new GraphQLError(`a DateTime is ${expected}, such as "2026-01-31T09:30:00Z"`)
}

// Deeper ones are no schema and no arguments; what walks over them later is recursive.
const MAX_JSON_DEPTH = 64

builder.scalarType('JSON', {
  description: `Any JSON value, as it is: at most ${MAX_JSON_DEPTH} levels where it is sent. In a query itself it is written as GraphQL writes lists and objects.`,
  serialize: (value) => value,
  parseValue: (value) => {
    refuseDeep(value, 0)
    return value
  },
  parseLiteral: (node, variables) => readLiteral(node, variables, 0),
})

function refuseDeep(value: unknown, depth: number): void {
  if (depth > MAX_JSON_DEPTH) throw tooDeep()
  if (typeof value !== 'object' || value === null) return
  for (const member of Object.values(value)) refuseDeep(member, depth + 1)
}

function tooDeep(): GraphQLError {
  return new GraphQLError(`a JSON value has at most ${MAX_JSON_DEPTH} levels`)
}

function readLiteral(
  node: ValueNode,
  variables: Readonly<Record<string, unknown>> | null | undefined,
  depth: number,
): unknown {
  if (depth > MAX_JSON_DEPTH) throw tooDeep()
  switch (node.kind) {
    case Kind.OBJECT:
      // `fromEntries` defines own keys, `__proto__` among them.
      return Object.fromEntries(
        node.fields.map(({ name, value }) => [
          name.value,
          readLiteral(value, variables, depth + 1),
        ]),
      )
    case Kind.LIST:
      return node.values.map((value) => readLiteral(value, variables, depth + 1))
    case Kind.VARIABLE:
      return variables?.[node.name.value]
    case Kind.INT:
    case Kind.FLOAT:
      return Number(node.value)
    case Kind.NULL:
      return null
    case Kind.STRING:
    case Kind.BOOLEAN:
    case Kind.ENUM:
      return node.value
  }
}
