// Relay connections that page forward only. A cursor names where an entry stands, and is signed for one
// list of one account in one order: what a client can build on is that it goes on from there.
import { InvalidError } from '../db/errors.ts'
import {
  countNested,
  listNested,
  positionOf,
  type NestedSource,
  type Order,
  type Page,
  type PageResult,
} from '../db/page.ts'
import type { OperatorTx, Tx } from '../db/transaction.ts'
import { loadOne } from './batch.ts'
import { builder } from './builder.ts'
import { asOperator, inAccount } from './context.ts'
import type { Context } from './context.ts'

// A page of 100 tools with their schemas stays below a megabyte for the documents at hand.
const MAX_FIRST = 100

/** The arguments of every list: `first` (1 to 100) and `after`. */
export const pageArgs = builder.args((t) => ({
  first: t.int({ required: true, description: `How many entries at most: 1 to ${MAX_FIRST}.` }),
  after: t.string({
    description: 'A cursor of the same list in the same order: the page begins after that entry.',
  }),
}))

const COLUMNS = { NAME: 'name', CREATED_AT: 'created_at', UPDATED_AT: 'updated_at' } as const

const ListOrder = builder.inputType('ListOrder', {
  description: 'The order of a list. What is equal by it is in the order of creation.',
  fields: (t) => ({
    field: t.field({
      required: true,
      description: 'What to order by.',
      type: builder.enumType('ListOrderField', {
        description: 'What a list can be ordered by.',
        values: {
          NAME: { description: 'By name, as the database compares text.' },
          CREATED_AT: { description: 'By when it was made.' },
          UPDATED_AT: { description: 'By when it was last changed.' },
        } as const,
      }),
    }),
    isDescending: t.boolean({ description: 'The greatest or latest first. Default: false.' }),
  }),
})

/** The arguments of a list that can be ordered. */
export const orderArgs = builder.args((t) => ({
  ...pageArgs,
  orderBy: t.field({ type: ListOrder, description: 'The order. Default: oldest first.' }),
}))

interface PageArgs {
  readonly first: number
  readonly after?: string | null | undefined
  readonly orderBy?: typeof ListOrder.$inferInput | null | undefined
}

/** The two queries of a list; of the account's own, unless `T` is the operator's transaction. */
export interface List<Row, T = Tx> {
  readonly list: (tx: T, page: Page) => Promise<PageResult<Row>>
  readonly count: (tx: T) => Promise<number>
}

interface Node {
  readonly id: string
}

/**
 * A page of a list, as the connection types resolve from it. `name` tells it from every other list
 * of the account. A filter is no part of it, as the same entry stands at the same place. Counting
 * waits until somebody selects `totalCount`.
 *
 * @throws {InvalidError} INVALID when `first` is out of bounds or `after` is no cursor of this list
 */
export async function connect<Row extends Node>(
  context: Context,
  name: string,
  args: PageArgs,
  { list, count }: List<Row>,
) {
  const page = toPage(context, name, args)
  const result = await inAccount(context, (tx) => list(tx, page))
  return toConnection(context, name, page, result, () => inAccount(context, count))
}

/**
 * The same for a list across accounts.
 *
 * @throws {ForbiddenError} FORBIDDEN when the viewer is not the instance administrator
 * @throws {InvalidError} INVALID when `first` is out of bounds or `after` is no cursor of this list
 */
export async function connectAsOperator<Row extends Node>(
  context: Context,
  name: string,
  args: PageArgs,
  { list, count }: List<Row, OperatorTx>,
) {
  const page = toPage(context, name, args)
  const result = await asOperator(context, (tx) => list(tx, page))
  return toConnection(context, name, page, result, () => asOperator(context, count))
}

/** A list that every object of a kind has, `tools of servers`. */
export interface NestedList {
  /** With the parent's id it is the list's name. */
  readonly name: string
  readonly parentId: string
  /** The filter as it was checked: lists with another one are read apart. */
  readonly filter: object
  readonly source: (tx: Tx) => NestedSource
}

/**
 * The same for a list of one of many objects: those that are asked for in the same turn are one
 * statement.
 *
 * @throws {InvalidError} INVALID when `first` is out of bounds or `after` is no cursor of this list
 */
export async function connectNested<Row extends Node>(
  context: Context,
  args: PageArgs,
  { name, parentId, filter, source }: NestedList,
) {
  const listName = `${name} ${parentId}`
  const page = toPage(context, listName, args)
  const shared = `${name} ${JSON.stringify([page, filter])}`
  const result = await loadOne(context, shared, parentId, (tx, ids) =>
    listNested<Row>(tx, source(tx), ids, page),
  )
  const countAll = async () =>
    (await loadOne(context, `count ${shared}`, parentId, (tx, ids) =>
      countNested(tx, source(tx), ids),
    )) ?? 0
  const empty = { rows: [], hasNextPage: false }
  return toConnection<Row>(context, listName, page, result ?? empty, countAll)
}

function toConnection<Row extends Node>(
  context: Context,
  name: string,
  page: Page,
  { rows, hasNextPage }: PageResult<Row>,
  countAll: () => Promise<number>,
) {
  const list = nameInOrder(name, page.order)
  const cursorOf = (row: Row) => context.printCursor(list, positionOf(row, page.order))
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
      get startCursor() {
        return start === undefined ? null : cursorOf(start)
      },
      get endCursor() {
        return end === undefined ? null : cursorOf(end)
      },
    },
    countAll,
  }
}

function nameInOrder(name: string, order: Order | undefined): string {
  if (order === undefined) return name
  return `${name} by ${order.column}${order.isDescending ? ' descending' : ''}`
}

function toPage(context: Context, name: string, { first, after, orderBy }: PageArgs): Page {
  if (first < 1 || first > MAX_FIRST) {
    throw new InvalidError(`first is ${first}; expected 1 to ${MAX_FIRST}`, ['first'])
  }
  const order = orderBy
    ? { column: COLUMNS[orderBy.field], isDescending: orderBy.isDescending === true }
    : undefined
  if (after === undefined || after === null) return { first, order }
  const position = context.readCursor(nameInOrder(name, order), after)
  if (position !== undefined) return { first, after: position, order }
  throw new InvalidError(
    'after is no cursor of this list; expected the endCursor of a page of it',
    ['after'],
  )
}
