// Keyset pages: by id, which is the order of creation, or by a column and then id. Stable while rows
// come and go, one index range a page.
import { sql, type RawBuilder } from 'kysely'

import { toJsonb } from './jsonb.ts'
import type { Tx } from './transaction.ts'

/** What a list can be ordered by besides ids. */
export interface Order {
  readonly column: 'name' | 'created_at' | 'updated_at'
  readonly isDescending: boolean
}

/** Which part of a list: at most `first` rows that come after the one at `after`. */
export interface Page {
  readonly first: number
  /** The position of the last row of the page before, see {@link positionOf}. */
  readonly after?: string | undefined
  /** Default: by id, ascending. */
  readonly order?: Order | undefined
}

/** Rows in the order of the page. */
export interface PageResult<Row> {
  readonly rows: readonly Row[]
  readonly hasNextPage: boolean
}

/** The page out of `first + 1` rows that the query asked for. */
export function toPageResult<Row>(rows: readonly Row[], page: Page): PageResult<Row> {
  return { rows: rows.slice(0, page.first), hasNextPage: rows.length > page.first }
}

interface Ordered {
  readonly id: string
  readonly name?: string
  readonly created_at?: Date
  readonly updated_at?: Date
}

/** Where the row stands in a list of that order: its id, and what comes before the id. */
export function positionOf(row: Ordered, order: Order | undefined): string {
  if (order === undefined) return row.id
  const value = row[order.column]
  return JSON.stringify([value instanceof Date ? value.toISOString() : value, row.id])
}

/** For `order by`, over rows of `table`. */
export function orderOf(table: string, { order }: Page): RawBuilder<unknown> {
  const id = sql.ref(`${table}.id`)
  if (order === undefined) return sql`${id}`
  const direction = sql.raw(order.isDescending ? 'desc' : 'asc')
  return sql`${keyOf(table, order)} ${direction}, ${id} ${direction}`
}

/** For `where`: the rows of `table` behind the position; all of them where there is none. */
export function isAfter(table: string, { after, order }: Page): RawBuilder<boolean> {
  if (after === undefined) return sql<boolean>`true`
  const id = sql.ref(`${table}.id`)
  if (order === undefined) return sql<boolean>`${id} > ${after}`
  const [value, lastId] = JSON.parse(after) as [string, string]
  const comparison = sql.raw(order.isDescending ? '<' : '>')
  const type = sql.raw(order.column === 'name' ? 'text' : 'timestamptz')
  return sql<boolean>`(${keyOf(table, order)}, ${id}) ${comparison} (${value}::${type}, ${lastId})`
}

/** To the millisecond, as a position says it. */
function keyOf(table: string, { column }: Order): RawBuilder<unknown> {
  const key = sql.ref(`${table}.${column}`)
  return column === 'name' ? sql`${key}` : sql`date_trunc('milliseconds', ${key})`
}

/** Lists of many parents, as one statement reads them. */
export interface NestedSource {
  readonly table: string
  /** The rest of the `from` clause. Default: nothing. */
  readonly join?: RawBuilder<unknown>
  /** All must hold; `parent.id` is the parent. */
  readonly conditions: readonly RawBuilder<unknown>[]
}

/**
 * The page of each parent's list, by the parent's id; those whose list is empty are left out.
 * `columns` are selected of the table.
 */
export async function listNested<Row>(
  tx: Tx,
  { table, join = sql``, conditions }: NestedSource,
  parentIds: readonly string[],
  page: Page,
): Promise<ReadonlyMap<string, PageResult<Row>>> {
  const { rows } = await sql<Row & { readonly parent_id: string }>`
    select parent.id as parent_id, child.*
    from jsonb_array_elements_text(${toJsonb(parentIds)}) as parent (id)
    cross join lateral (
      select ${sql.table(table)}.* from ${sql.table(table)} ${join}
      where ${sql.join(conditions, sql` and `)} and ${isAfter(table, page)}
      order by ${orderOf(table, page)} limit ${page.first + 1}
    ) as child
    order by parent.id, ${orderOf('child', page)}`.execute(tx.trx)
  const lists = Map.groupBy(rows, (row) => row.parent_id)
  return new Map([...lists].map(([id, list]) => [id, toPageResult<Row>(list, page)]))
}

/** How long each parent's list is, by the parent's id. */
export async function countNested(
  tx: Tx,
  { table, join = sql``, conditions }: NestedSource,
  parentIds: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql<{ readonly id: string; readonly count: string }>`
    select parent.id, counted.count
    from jsonb_array_elements_text(${toJsonb(parentIds)}) as parent (id)
    cross join lateral (
      select count(*) as count from ${sql.table(table)} ${join}
      where ${sql.join(conditions, sql` and `)}
    ) as counted`.execute(tx.trx)
  return new Map(rows.map(({ id, count }) => [id, Number(count)]))
}
