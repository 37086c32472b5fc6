// The scalars beside GraphQL's own five.
import { GraphQLError } from 'graphql'
import { builder } from './builder.ts'

// RFC 3339, with a zone: a time without one would mean another instant on every machine.
const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/i

builder.scalarType('DateTime', {
  description:
    'An instant as RFC 3339 text with a zone, `2026-01-31T09:30:00Z`. Answers are in UTC.',
  serialize: (date) => date.toISOString(),
  parseValue: (value) => {
    const date = new Date(typeof value === 'string' && DATE_TIME.test(value) ? value : Number.NaN)
    if (!Number.isNaN(date.getTime())) return date
    throw new GraphQLError('a DateTime is RFC 3339 with a zone, such as "2026-01-31T09:30:00Z"')
  },
})

builder.scalarType('JSON', {
  description: 'Any JSON value, as it is. Used for answers only.',
  serialize: (value) => value,
  parseValue: () => {
    throw new GraphQLError('JSON is used for answers only')
  },
})
