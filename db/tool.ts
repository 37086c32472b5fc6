// Tools, one by one; lists are in list-tools.ts. Those of a document come and go by imports (`import-tools.ts`);
// those made by hand are made and deleted here.
import { sql, type Selectable } from 'kysely'

import { naming } from './database-error.ts'
import type { InputRequest } from './content.ts'
import { InvalidError, NotFoundError } from './errors.ts'
import { newId } from './id.ts'
import { toJsonb } from './jsonb.ts'
import type { ToolAnnotations, ToolTable } from './tables.ts'
import type { Tx } from './transaction.ts'

/** A tool as a query answers it, without its definition. */
export type Tool = Selectable<ToolTable>

/** The tool, if the account has it. */
export async function findTool(tx: Tx, id: string): Promise<Tool | undefined> {
  return await tx.trx
    .selectFrom('tool')
    .selectAll()
    .where('account_id', '=', tx.accountId)
    .where('id', '=', id)
    .executeTakeFirst()
}

/**
 * The tool.
 * @throws {NotFoundError} NOT_FOUND when the account has no such tool
 */
export async function getTool(tx: Tx, id: string): Promise<Tool> {
  const row = await findTool(tx, id)
  if (row === undefined) throw new NotFoundError(`No tool ${id}`)
  return row
}

/** What a tool made by hand is made of. */
export interface ToolInput {
  readonly providerId: string
  readonly name: string
  readonly title: string
  readonly description: string
  readonly annotations: ToolAnnotations | null
  readonly request: ToolRequest
}

/** How it is called. */
export interface ToolRequest {
  readonly method: string
  readonly path: string
  /** JSON text of a `ToolDefinition` of `workers/definition.ts`, and its SHA-256 in hex. */
  readonly definition: string
  readonly definitionHash: string
  /** What it refers to by `${NAME}`. */
  readonly variableNames: readonly string[]
}

/** An account's tools are bounded as a document's operations are: each is a part of some listing. */
export const MAX_OWN_TOOLS = 5_000

/**
 * The new tool, made by hand.
 * @throws {ConflictError} CONFLICT when the provider has one of that name
 * @throws {InvalidError} INVALID when the account has {@link MAX_OWN_TOOLS} already
 * @throws {NotFoundError} NOT_FOUND when the account has no such provider
 */
export async function insertTool(tx: Tx, input: ToolInput): Promise<Tool> {
  const { count } = await tx.trx
    .selectFrom('tool')
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .where('account_id', '=', tx.accountId)
    .where('is_imported', '=', false)
    .executeTakeFirstOrThrow()
  if (Number(count) >= MAX_OWN_TOOLS) {
    throw new InvalidError(
      `The account has ${MAX_OWN_TOOLS} tools made by hand, which is the limit`,
      [],
    )
  }
  await insertDefinition(tx, input.request)
  const row = await naming(
    input.name,
    tx.trx
      .insertInto('tool')
      .values({
        id: newId('tool'),
        account_id: tx.accountId,
        provider_id: input.providerId,
        name: input.name,
        title: input.title,
        description: input.description,
        annotations: toAnnotations(input.annotations),
        position: 0,
        is_imported: false,
        ...toColumns(input.request),
      })
      .returningAll()
      .executeTakeFirstOrThrow(),
  )
  tx.publish({ noun: 'tool', accountId: tx.accountId, id: row.provider_id })
  return row
}

async function insertDefinition(
  tx: Tx,
  { definition, definitionHash }: ToolRequest,
): Promise<void> {
  await tx.trx
    .insertInto('tool_definition')
    .values({ account_id: tx.accountId, hash: definitionHash, definition })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

function toColumns({ method, path, definitionHash, variableNames }: ToolRequest) {
  return {
    method,
    path,
    definition_hash: definitionHash,
    variable_names: toJsonb(variableNames),
  }
}

function toAnnotations(annotations: ToolAnnotations | null) {
  return annotations === null ? null : toJsonb(annotations)
}

/** What can be changed; of an imported tool only the first three. */
export interface ToolChange {
  readonly isEnabled?: boolean | undefined
  readonly resultMode?: Tool['result_mode'] | undefined
  readonly inputRequests?: readonly InputRequest[] | undefined
  readonly name?: string | undefined
  readonly title?: string | undefined
  readonly description?: string | undefined
  readonly annotations?: ToolAnnotations | undefined
  readonly request?: ToolRequest | undefined
}

/**
 * The tool with the given fields replaced.
 * @throws {ConflictError} CONFLICT when the provider has another one of that name
 * @throws {NotFoundError} NOT_FOUND when the account has no such tool
 */
export async function updateTool(tx: Tx, id: string, change: ToolChange): Promise<Tool> {
  const { isEnabled, resultMode, inputRequests, name, title, description } = change
  const { annotations, request } = change
  if (request !== undefined) await insertDefinition(tx, request)
  const row = await naming(
    name,
    tx.trx
      .updateTable('tool')
      .set({
        ...(isEnabled !== undefined && { is_enabled: isEnabled }),
        ...(resultMode !== undefined && { result_mode: resultMode }),
        ...(inputRequests !== undefined && {
          input_requests: sql<string>`${JSON.stringify(inputRequests)}::text::json`,
        }),
        ...(name !== undefined && { name }),
        ...(title !== undefined && { title }),
        ...(description !== undefined && { description }),
        ...(annotations !== undefined && { annotations: toAnnotations(annotations) }),
        ...(request !== undefined && toColumns(request)),
        updated_at: sql<Date>`now()`,
      })
      .where('account_id', '=', tx.accountId)
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst(),
  )
  if (row === undefined) throw new NotFoundError(`No tool ${id}`)
  tx.publish({ noun: 'tool', accountId: tx.accountId, id: row.provider_id })
  return row
}

/**
 * Makes many tools enabled or not, all or none.
 * @throws {NotFoundError} NOT_FOUND when the account lacks one of them: it names the first
 */
export async function updateTools(
  tx: Tx,
  ids: readonly string[],
  { isEnabled }: { readonly isEnabled: boolean },
): Promise<void> {
  await refuseMissing(tx, ids)
  await sql`
    update tool set is_enabled = ${isEnabled}, updated_at = now()
    where account_id = ${tx.accountId} and is_enabled <> ${isEnabled}
      and id in (select jsonb_array_elements_text(${toJsonb(ids)}))`.execute(tx.trx)
  tx.publish({ noun: 'tool', accountId: tx.accountId, id: tx.accountId })
}

/**
 * Deletes tools that were made by hand, all or none, also out of the servers that have them.
 * @throws {NotFoundError} NOT_FOUND when the account lacks one of them: it names the first
 * @throws {InvalidError} INVALID when one was imported: the next import would bring it back
 */
export async function deleteTools(tx: Tx, ids: readonly string[]): Promise<void> {
  await refuseMissing(tx, ids)
  const { rows } = await sql<{ id: string }>`
    select id from tool where account_id = ${tx.accountId} and is_imported
      and id in (select jsonb_array_elements_text(${toJsonb(ids)}))
    order by id limit 1`.execute(tx.trx)
  const [imported] = rows
  if (imported !== undefined) {
    throw new InvalidError(
      `The tool ${imported.id} comes from a document, and the next import would bring it back; disable it instead`,
      ['ids'],
    )
  }
  await sql`
    delete from tool where account_id = ${tx.accountId}
      and id in (select jsonb_array_elements_text(${toJsonb(ids)}))`.execute(tx.trx)
  tx.publish({ noun: 'tool', accountId: tx.accountId, id: tx.accountId })
}

/**
 * Checks that the account has all of the tools.
 * @throws {NotFoundError} NOT_FOUND when it lacks one: it names the first
 */
export async function refuseMissing(tx: Tx, ids: readonly string[]): Promise<void> {
  // As JSON text, so that a thousand ids are one parameter.
  const { rows } = await sql<{ id: string }>`
    select chosen.id
    from jsonb_array_elements_text(${toJsonb(ids)}) as chosen (id)
    where not exists (select from tool where account_id = ${tx.accountId} and tool.id = chosen.id)
    limit 1`.execute(tx.trx)
  const [missing] = rows
  if (missing !== undefined) throw new NotFoundError(`No tool ${missing.id}`)
}

/**
 * JSON text of the tool definition with that key, a `ToolDefinition` of `workers/definition.ts`.
 * @throws {NotFoundError} NOT_FOUND when the account has no such definition
 */
export async function getToolDefinition(tx: Tx, hash: string): Promise<string> {
  const row = await tx.trx
    .selectFrom('tool_definition')
    .select('definition')
    .where('account_id', '=', tx.accountId)
    .where('hash', '=', hash)
    .executeTakeFirst()
  if (row === undefined) throw new NotFoundError(`No tool definition ${hash}`)
  return row.definition
}
