// Keyset pages by id: the order of creation, stable while rows come and go, one index range a page.

/** Which part of a list: at most `first` rows whose id is greater than `after`. */
export interface Page {
  readonly first: number
  /** The last id of the page before. */
  readonly after?: string
}

/** Rows ascending by id. */
export interface PageResult<Row> {
  readonly rows: readonly Row[]
  readonly hasNextPage: boolean
}

/** The page out of `first + 1` rows that the query asked for. */
export function toPageResult<Row>(rows: readonly Row[], page: Page): PageResult<Row> {
  return { rows: rows.slice(0, page.first), hasNextPage: rows.length > page.first }
}
