// The tables of what servers tell besides tools, one interface each, as Kysely sees them.
import type { ColumnType, Generated } from 'kysely'

import type { PromptArgument, PromptMessage, ResourceVariable } from './content.ts'

type CreatedAt = ColumnType<Date, Date | undefined, never>

/** Prompts of servers. */
export interface PromptTable {
  readonly id: string
  readonly account_id: string
  readonly server_id: string
  readonly name: string
  readonly title: string
  readonly description: string
  readonly arguments: ColumnType<readonly PromptArgument[], string, string>
  readonly messages: ColumnType<readonly PromptMessage[], string, string>
  readonly version: Generated<number>
  readonly created_at: CreatedAt
  readonly updated_at: ColumnType<Date, Date | undefined, Date>
}

/** Resources of servers; one of `text`, `blob` and `tool_id` is the content. */
export interface ResourceTable {
  readonly id: string
  readonly account_id: string
  readonly server_id: string
  /** Of a template with its `{variables}`. */
  readonly uri: string
  readonly is_template: boolean
  readonly name: string
  readonly title: string
  readonly description: string
  /** Empty: the answer's own, or none. */
  readonly mime_type: string
  readonly text: string | null
  readonly blob: Buffer | null
  /** The GET operation that is called at each read, with `arguments` and the template's variables. */
  readonly tool_id: string | null
  readonly arguments: ColumnType<Readonly<Record<string, unknown>>, string, string>
  readonly variables: ColumnType<readonly ResourceVariable[], string, string>
  readonly version: Generated<number>
  readonly created_at: CreatedAt
  readonly updated_at: ColumnType<Date, Date | undefined, Date>
}
