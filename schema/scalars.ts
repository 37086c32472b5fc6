// The scalars beside GraphQL's own five.
import { GraphQLError } from 'graphql'
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

builder.scalarType('JSON', {
  description: 'Any JSON value, as it is. Used for answers only.',
  serialize: (value) => value,
  parseValue: () => {
    throw new GraphQLError('JSON is used for answers only')
  },
})
