// Relay connections that page forward only. A cursor is the id of the entry it stands at: ids are
// in order of creation and say nothing that the entry does not, so there is nothing to encode.
import { InvalidError } from '../db/errors.ts'
import { isId } from '../db/id.ts'
import type { IdPrefix } from '../db/id.ts'
import type { Page, PageResult } from '../db/page.ts'
import type { Tx } from '../db/transaction.ts'
import { builder } from './builder.ts'
import { inAccount } from './context.ts'
import type { Context } from './context.ts'

// A page of 100 tools with their schemas stays below a megabyte for the documents at hand.
const MAX_FIRST = 100

/** The arguments of every list: `first` (1 to 100) and `after`. */
export const pageArgs = builder.args((t) => ({
  first: t.int({ required: true, description: `How many entries at most: 1 to ${MAX_FIRST}.` }),
  after: t.string({ description: 'A cursor: the page begins after that entry.' }),
}))

interface PageArgs {
  readonly first: number
  readonly after?: string | null | undefined
}

/** The two queries of a list. */
export interface List<Row> {
  readonly list: (tx: Tx, page: Page) => Promise<PageResult<Row>>
  readonly count: (tx: Tx) => Promise<number>
}

/**
 * A page of a list whose ids have that prefix, as the connection types resolve from it. Counting
 * waits until somebody selects `totalCount`.
 *
 * @throws {InvalidError} INVALID when `first` is out of bounds or `after` is no cursor of such a list
 */
export async function connect<Row extends { readonly id: string }>(
  context: Context,
  prefix: IdPrefix,
  args: PageArgs,
  { list, count }: List<Row>,
) {
  const page = toPage(prefix, args)
  const { rows, hasNextPage } = await inAccount(context, (tx) => list(tx, page))
  return {
    edges: rows.map((row) => ({ cursor: row.id, node: row })),
    pageInfo: {
      hasNextPage,
      hasPreviousPage: page.after !== undefined,
      startCursor: rows[0]?.id ?? null,
      endCursor: rows.at(-1)?.id ?? null,
    },
    countAll: () => inAccount(context, count),
  }
}

function toPage(prefix: IdPrefix, { first, after }: PageArgs): Page {
  if (first < 1 || first > MAX_FIRST) {
    throw new InvalidError(`first is ${first}; expected 1 to ${MAX_FIRST}`, ['first'])
  }
  if (after === undefined || after === null) return { first }
  if (isId(prefix, after)) return { first, after }
  throw new InvalidError(
    'after is no cursor of this list; expected the endCursor of a page of it',
    ['after'],
  )
}
