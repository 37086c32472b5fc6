// Relay connections that page forward only. A cursor names the id of the entry it stands at, and is
// signed for one list of one account: what a client can build on is that it goes on from there.
import { InvalidError } from '../db/errors.ts'
import type { Page, PageResult } from '../db/page.ts'
import type { OperatorTx, Tx } from '../db/transaction.ts'
import { builder } from './builder.ts'
import { asOperator, inAccount } from './context.ts'
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

/** The two queries of a list; of the account's own, unless `T` is the operator's transaction. */
export interface List<Row, T = Tx> {
  readonly list: (tx: T, page: Page) => Promise<PageResult<Row>>
  readonly count: (tx: T) => Promise<number>
}

/**
 * A page of a list, as the connection types resolve from it. `name` tells it from every other list
 * of the account: the field's name, and the id of the object that it is a field of. A filter is no
 * part of it, as the same entry stands at the same place. Counting waits until somebody selects
 * `totalCount`.
 *
 * @throws {InvalidError} INVALID when `first` is out of bounds or `after` is no cursor of this list
 */
export async function connect<Row extends { readonly id: string }>(
  context: Context,
  name: string,
  args: PageArgs,
  list: List<Row>,
) {
  const run = <R>(work: (tx: Tx) => Promise<R>) => inAccount(context, work)
  return await connectBy<Row, Tx>(run, context, name, args, list)
}

/**
 * The same for a list across accounts.
 *
 * @throws {ForbiddenError} FORBIDDEN when the viewer is not the instance administrator
 * @throws {InvalidError} INVALID when `first` is out of bounds or `after` is no cursor of this list
 */
export async function connectAsOperator<Row extends { readonly id: string }>(
  context: Context,
  name: string,
  args: PageArgs,
  list: List<Row, OperatorTx>,
) {
  const run = <R>(work: (tx: OperatorTx) => Promise<R>) => asOperator(context, work)
  return await connectBy<Row, OperatorTx>(run, context, name, args, list)
}

async function connectBy<Row extends { readonly id: string }, T>(
  run: <R>(work: (tx: T) => Promise<R>) => Promise<R>,
  context: Context,
  name: string,
  args: PageArgs,
  { list, count }: List<Row, T>,
) {
  const page = toPage(context, name, args)
  const cursorOf = (row: Row) => context.printCursor(name, row.id)
  const { rows, hasNextPage } = await run((tx) => list(tx, page))
  const [start, end] = [rows[0], rows.at(-1)]
  return {
    edges: rows.map((node) => ({
      node,
      // Signed where somebody selects it: an answer can have ten thousand entries.
      get cursor() {
        return cursorOf(node)
      },
    })),
    pageInfo: {
      hasNextPage,
      hasPreviousPage: page.after !== undefined,
      startCursor: start === undefined ? null : cursorOf(start),
      endCursor: end === undefined ? null : cursorOf(end),
    },
    countAll: () => run(count),
  }
}

function toPage(context: Context, name: string, { first, after }: PageArgs): Page {
  if (first < 1 || first > MAX_FIRST) {
    throw new InvalidError(`first is ${first}; expected 1 to ${MAX_FIRST}`, ['first'])
  }
  if (after === undefined || after === null) return { first }
  const id = context.readCursor(name, after)
  if (id !== undefined) return { first, after: id }
  throw new InvalidError(
    'after is no cursor of this list; expected the endCursor of a page of it',
    ['after'],
  )
}
