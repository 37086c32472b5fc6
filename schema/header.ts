// Headers and query parameters, as they are shown and sent: names with values that may refer to
// variables.
import { builder } from './builder.ts'

/** A header or a query parameter. */
export interface NameAndValue {
  readonly name: string
  readonly value: string
}

/** As a list, in its order. */
export const toPairs = (values: Readonly<Record<string, string>>): NameAndValue[] =>
  Object.entries(values).map(([name, value]) => ({ name, value }))

/** The GraphQL type `Header`. */
export const HeaderRef = builder.objectRef<NameAndValue>('Header').implement({
  description: 'An HTTP header.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'As it is spelt on the wire.' }),
    value: t.exposeString('value', {
      description:
        'As it is sent, but that `${NAME}` stands for a variable; shown to whoever may read the provider.',
    }),
  }),
})

/** The GraphQL type `QueryParameter`. */
export const QueryParameterRef = builder.objectRef<NameAndValue>('QueryParameter').implement({
  description: 'A parameter of a URL’s query.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Without percent-encoding.' }),
    value: t.exposeString('value', {
      description:
        'Without percent-encoding; `${NAME}` stands for a variable. Shown to whoever may read the provider.',
    }),
  }),
})

/** The GraphQL input `HeaderInput`. */
export const HeaderInput = builder.inputType('HeaderInput', {
  description: 'An HTTP header to send.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'A token of RFC 9110, at most 128 characters.' }),
    value: t.string({
      required: true,
      description:
        'Visible ASCII, with spaces only inside. `${NAME}` is replaced by the variable of that name at each call.',
    }),
  }),
})

/** The GraphQL input `QueryParameterInput`. */
export const QueryParameterInput = builder.inputType('QueryParameterInput', {
  description: 'A query parameter to send.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'At most 128 characters, not percent-encoded.' }),
    value: t.string({
      required: true,
      description:
        'Not percent-encoded. `${NAME}` is replaced by the variable of that name at each call.',
    }),
  }),
})
