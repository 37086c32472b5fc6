// Values of columns that hold JSON.
import { sql, type RawBuilder } from 'kysely'

/**
 * The value for a column of type `jsonb`. Through text: the driver prints a parameter of that type as
 * JSON, and would print JSON text a second time, as a string.
 */
export function toJsonb(value: unknown): RawBuilder<string> {
  return sql<string>`${JSON.stringify(value)}::text::jsonb`
}
