// An operation for each root field, told from the schema: the arguments that it demands have the right
// types and name nothing that exists.
import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isNonNullType,
  type GraphQLField,
  type GraphQLInputType,
} from 'graphql'
import { schema } from '../../schema/schema.ts'

/** A field of `Query` or of `Mutation`. */
export interface RootField {
  readonly kind: 'query' | 'mutation'
  readonly field: GraphQLField<unknown, unknown>
}

/** All of them, in the schema's order. */
export const rootFields: readonly RootField[] = [
  ...Object.values(schema.getQueryType()?.getFields() ?? {}).map(
    (field) => ({ kind: 'query', field }) as const,
  ),
  ...Object.values(schema.getMutationType()?.getFields() ?? {}).map(
    (field) => ({ kind: 'mutation', field }) as const,
  ),
]

/** The operation that asks for nothing but the field. */
export function operationOf({ kind, field }: RootField): string {
  const args = field.args.filter(({ type }) => isNonNullType(type))
  const list = args.map(({ name, type }) => `${name}: ${literalOf(type)}`).join(', ')
  const selection = isLeafType(getNamedType(field.type)) ? '' : ' { __typename }'
  return `${kind} { ${field.name}${list === '' ? '' : `(${list})`}${selection} }`
}

function literalOf(type: GraphQLInputType): string {
  const inner = isNonNullType(type) ? type.ofType : type
  if (isInputObjectType(inner)) {
    const fields = Object.values(inner.getFields()).filter((field) => isNonNullType(field.type))
    return `{ ${fields.map((field) => `${field.name}: ${literalOf(field.type)}`).join(', ')} }`
  }
  const name = String(inner)
  // The last: of roles the one that everybody may give.
  if (isEnumType(inner)) return inner.getValues().at(-1)?.name ?? '?'
  if (name.startsWith('[')) return '[]'
  return (
    {
      Int: '1',
      Boolean: 'true',
      JSON: '{}',
      ID: '"x"',
      String: '"x"',
      DateTime: '"2100-01-01T00:00:00Z"',
    }[name] ?? '?'
  )
}
