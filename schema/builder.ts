// The one schema builder. Deny is the default: a root field that names no permission is none. Fields
// and arguments are non-null unless they say so.
import SchemaBuilder from '@pothos/core'
import ErrorsPlugin from '@pothos/plugin-errors'
import RelayPlugin from '@pothos/plugin-relay'
import type { Context } from './context.ts'
import { locateErrorPlugin } from './locate-error.ts'
import { typenameOfId } from './noun.ts'
import { permissionPlugin } from './permission-plugin.ts'

interface Types {
  Context: Context
  DefaultFieldNullability: false
  DefaultEdgesNullability: false
  DefaultNodeNullability: false
  /** Counted only where somebody selects `totalCount`. */
  Connection: { countAll: () => Promise<number> }
  Scalars: {
    ID: { Input: string; Output: string }
    DateTime: { Input: Date; Output: Date }
    JSON: { Input: unknown; Output: unknown }
  }
}

const capitalize = (name: string): string => `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`

/** Every noun's file adds its types and root fields to it. */
export const builder = new SchemaBuilder<Types>({
  // The first wraps the others. Auth is before errors: whoever is refused gets no union.
  plugins: [locateErrorPlugin, permissionPlugin, ErrorsPlugin, RelayPlugin],
  defaultFieldNullability: false,
  errors: {
    defaultResultOptions: {
      name: ({ fieldName }) => `${capitalize(fieldName)}Success`,
      description: 'The mutation did what it was asked to.',
    },
    defaultUnionOptions: {
      name: ({ fieldName }) => `${capitalize(fieldName)}Result`,
      description: 'What came of the mutation: its success, or the one error that stopped it.',
    },
  },
  relay: {
    encodeGlobalID: (_typename, id) => String(id),
    decodeGlobalID: (id) => ({ typename: typenameOfId(id) ?? '', id }),
    // `node` and `nodes` are in node.ts: a miss is an error here, not null.
    nodeQueryOptions: false,
    nodesQueryOptions: false,
    idFieldOptions: { description: 'Unique in the whole installation, and the same for ever.' },
    nodeTypeOptions: {
      description: 'Anything that has an id of its own and can be read again by it.',
      resolveType: (value) => typenameOfId((value as { id: string }).id),
    },
    pageInfoTypeOptions: { description: 'Where a page stands in its list.' },
    hasNextPageFieldOptions: { description: 'Whether there are entries after this page.' },
    hasPreviousPageFieldOptions: { description: 'Whether the page was asked for by `after`.' },
    startCursorFieldOptions: { description: "The first entry's cursor; null for an empty page." },
    endCursorFieldOptions: {
      description: "The last entry's cursor, to be sent as `after`; null for an empty page.",
    },
    pageInfoFieldOptions: { description: 'Where this page stands in the list.' },
    edgesFieldOptions: { description: 'The entries, each with its cursor.', nullable: false },
    nodesOnConnection: { description: 'The entries alone.' },
    nodeFieldOptions: { description: 'The entry itself.', nullable: false },
    cursorFieldOptions: { description: 'The place of the entry, to be sent as `after`.' },
  },
})

builder.queryType({
  description:
    'What can be read. Everything belongs to the account of the key that asks; only the instance administrator reads other accounts, and nothing that is in them.',
})

builder.mutationType({
  description:
    'What can be changed. A mutation answers with a union: its success or the error that it ran into; select `... on Error { message code }` to see any error.',
})

type ErrorClass = new (...args: never[]) => Error

/** The `errors` option of a mutation: what `data` holds when it succeeds, and what else it can answer. */
export function answer<Class extends ErrorClass>(data: string, types: Class[]) {
  return { types, dataField: { description: data } }
}

builder.globalConnectionField('totalCount', (t) =>
  t.int({
    description: 'How many entries there are on all pages together.',
    resolve: ({ countAll }) => countAll(),
  }),
)
