// Makes a provider's imported tools those of a document: first the definitions, which nobody sees and which
// may be written twice, then the tools in one transaction, so that a process killed anywhere leaves
// the old set or the new one. Batches reach the database as the JSON text they came in: the event
// loop neither parses nor prints them.
import { sql } from 'kysely'

import type { Database } from './client.ts'
import { InvalidError, NotFoundError } from './errors.ts'
import { newId } from './id.ts'
import { withAccount, type Tx } from './transaction.ts'

/** A part of an import, as `ImportBatch` of `workers/messages.ts` describes it. */
export interface ToolBatch {
  /** UTF-8 JSON text of `[{ "hash", "definition" }]`. */
  readonly definitions: Uint8Array
  /** UTF-8 JSON text of an array of rows for the table `tool`. */
  readonly tools: Uint8Array
}

/** What an import did to one tool. */
export interface ToolChange {
  readonly kind: 'added' | 'changed' | 'removed'
  readonly method: string
  readonly path: string
  readonly name: string
}

/**
 * The id of the provider whose tools they are: made, changed or only named in the transaction that
 * stores the tools, so that there is never a new provider without its tools. It may run again where
 * the transaction does.
 */
export type OpenProvider = (tx: Tx) => Promise<string>

/** Is told what an import did in the transaction that does it; it may run again as that may. */
export type OnMerged = (tx: Tx, result: ImportResult) => Promise<void>

/** What an import did. */
export interface ImportResult {
  readonly providerId: string
  readonly added: number
  readonly changed: number
  readonly removed: number
  readonly unchanged: number
  /** Added and changed ones in the document's order, then removed ones; the first 1,000. */
  readonly changes: readonly ToolChange[]
}

// What a listing of changes shows at most; its counts are exact.
const MAX_CHANGES = 1_000
// An hour: longer than any import takes from its first definition to its last tool.
const ORPHAN_AGE = '1 hour'
// About 20 ms on the embedded database.
const ORPHANS_PER_TRANSACTION = 200
// Bounds what one import spends on what earlier ones left; the next import goes on.
const MAX_ORPHAN_TRANSACTIONS = 20

/**
 * Makes the provider's tools those of the batches: opens it, adds, changes and removes in one
 * transaction. A
 * tool is known again by its method and path and then keeps its id, its servers and whether it is
 * enabled; one that did not change is not touched. The provider's version goes up where anything
 * changed. New ids ascend in the document's order. Imports
 * of one provider wait for each other.
 *
 * @throws {NotFoundError} NOT_FOUND when the account has no such provider
 * @throws {InvalidError} INVALID when the database refuses a tool: then nothing is changed
 * @throws {UnavailableError} UNAVAILABLE when no connection is to be had
 */
export async function importTools(
  db: Database,
  accountId: string,
  openProvider: OpenProvider,
  batches: readonly ToolBatch[],
  onMerged?: OnMerged,
): Promise<ImportResult> {
  for (const batch of batches) {
    await withAccount(db, accountId, (tx) => insertDefinitions(tx, toText(batch.definitions)))
  }
  const texts = batches.map(toToolTexts)
  const result = await withAccount(db, accountId, async (tx) => {
    const merged = await mergeTools(tx, await openProvider(tx), texts)
    await onMerged?.(tx, merged)
    return merged
  })
  await deleteOrphans(db, accountId)
  return result
}

async function insertDefinitions(tx: Tx, definitions: string): Promise<void> {
  // One that is there becomes young again: it may be an orphan that is about to be deleted.
  await sql`
    insert into tool_definition (account_id, hash, definition)
    select distinct on (hash) ${tx.accountId}::text, hash, definition
    from json_to_recordset(${definitions}::text::json) as row (hash text, definition text)
    order by hash
    on conflict (account_id, hash) do update set created_at = now()
      where tool_definition.created_at < now() - interval '10 minutes'`.execute(tx.trx)
}

async function mergeTools(
  tx: Tx,
  providerId: string,
  batches: readonly ToolTexts[],
): Promise<ImportResult> {
  const provider = await tx.trx
    .selectFrom('provider')
    .select('id')
    .where('account_id', '=', tx.accountId)
    .where('id', '=', providerId)
    .forUpdate()
    .executeTakeFirst()
  if (provider === undefined) throw new NotFoundError(`No provider ${providerId}`)
  // Names may be swapped between tools, also of different batches: they are compared at the end.
  await sql`set constraints tool_account_id_provider_id_name_key deferred`.execute(tx.trx)
  const counts = { added: 0, changed: 0, removed: 0, unchanged: 0 }
  const changes: ToolChange[] = []
  const kept: string[] = []
  for (const batch of batches) {
    const merged = await mergeBatch(tx, providerId, batch)
    for (const row of merged) {
      kept.push(row.id)
      counts[row.kind] += 1
      if (row.kind !== 'unchanged') changes.push(toChange(row.kind, row))
    }
  }
  if (new Set(kept).size < kept.length) {
    // Within a batch the constraint says so; a later batch takes the first one's tool for its own.
    throw new InvalidError('Two operations of the document have the same method and path', [
      'document',
    ])
  }
  const removed = await removeOthers(tx, providerId, kept)
  counts.removed = removed.length
  changes.push(...removed.map((row) => toChange('removed', row)))
  // The names are compared here and not at the commit, whose errors look like any other's.
  await sql`set constraints tool_account_id_provider_id_name_key immediate`.execute(tx.trx)
  if (changes.length > 0) {
    await tx.trx
      .updateTable('provider')
      .set((eb) => ({ version: eb('version', '+', 1), updated_at: sql<Date>`now()` }))
      .where('account_id', '=', tx.accountId)
      .where('id', '=', providerId)
      .execute()
    tx.publish({ noun: 'tool', accountId: tx.accountId, id: providerId })
  }
  return { providerId, ...counts, changes: changes.slice(0, MAX_CHANGES) }
}

interface MergedRow {
  readonly id: string
  readonly kind: 'added' | 'changed' | 'unchanged'
  readonly method: string
  readonly path: string
  readonly name: string
}

async function mergeBatch(
  tx: Tx,
  providerId: string,
  batch: ToolTexts,
): Promise<readonly MergedRow[]> {
  const { rows } = await sql<MergedRow>`
    with incoming as materialized (
      select row.*, tool.id as tool_id, tool.id is not null and (
        tool.definition_hash <> row.definition_hash or tool.title <> row.title
        or tool.description <> row.description or tool.name <> row.name
        or tool.tags <> row.tags) as is_changed
      from json_to_recordset(${batch.tools}::text::json) as row (name text, title text,
        description text, method text, path text, definition_hash text, position integer,
        tags jsonb)
      left join tool on tool.account_id = ${tx.accountId} and tool.provider_id = ${providerId}
        and tool.method = row.method and tool.path = row.path and tool.is_imported
    ), updated as (
      update tool set name = incoming.name, title = incoming.title,
        description = incoming.description, definition_hash = incoming.definition_hash,
        position = incoming.position, tags = incoming.tags, updated_at = now()
      from incoming
      where tool.account_id = ${tx.accountId} and tool.id = incoming.tool_id
        and incoming.is_changed
    ), inserted as (
      insert into tool (id, account_id, provider_id, name, title, description, method, path,
        definition_hash, position, tags)
      select ids.id, ${tx.accountId}::text, ${providerId}::text, name, title, description, method,
        path, definition_hash, position, tags
      from (
        select *, row_number() over (order by position) as place from incoming
        where tool_id is null
      ) as fresh
      left join json_array_elements_text(${batch.ids}::text::json)
        with ordinality as ids (id, place) on ids.place = fresh.place
      returning id, method, path
    )
    select coalesce(incoming.tool_id, inserted.id) as id, incoming.method, incoming.path,
      incoming.name, case when incoming.tool_id is null then 'added'
        when incoming.is_changed then 'changed' else 'unchanged' end as kind
    from incoming left join inserted
      on inserted.method = incoming.method and inserted.path = incoming.path
    order by incoming.position`.execute(tx.trx)
  return rows
}

async function removeOthers(
  tx: Tx,
  providerId: string,
  kept: readonly string[],
): Promise<readonly Omit<ToolChange, 'kind'>[]> {
  const { rows } = await sql<Omit<ToolChange, 'kind'>>`
    with removed as (
      delete from tool where account_id = ${tx.accountId} and provider_id = ${providerId}
        and is_imported and id not in (select json_array_elements_text(${JSON.stringify(kept)}::text::json))
      returning id, method, path, name
    )
    select method, path, name from removed order by id`.execute(tx.trx)
  return rows
}

/** What earlier imports left behind goes in small transactions; whatever is left waits. */
async function deleteOrphans(db: Database, accountId: string): Promise<void> {
  try {
    for (let count = 0; count < MAX_ORPHAN_TRANSACTIONS; count += 1) {
      const deleted = await withAccount(db, accountId, async (tx) => {
        const result = await sql`
          delete from tool_definition where account_id = ${tx.accountId} and hash in (
            select hash from tool_definition as orphan
            where account_id = ${tx.accountId} and created_at < now() - ${ORPHAN_AGE}::interval
              and not exists (select from tool where tool.account_id = orphan.account_id
                and tool.definition_hash = orphan.hash)
            limit ${ORPHANS_PER_TRANSACTION})`.execute(tx.trx)
        return Number(result.numAffectedRows ?? 0n)
      })
      if (deleted < ORPHANS_PER_TRANSACTION) return
    }
  } catch {
    // The import is done; an orphan costs bytes only, and the next import tries again. What fails
    // here is a definition that another import has just begun to use, or a database that is gone.
  }
}

/** The rows of a batch and as many new ids, both JSON text. */
interface ToolTexts {
  readonly tools: string
  readonly ids: string
}

// Before the transaction: whoever waits for it need not wait for this too.
function toToolTexts(batch: ToolBatch): ToolTexts {
  const tools = toText(batch.tools)
  return { tools, ids: newToolIds(tools) }
}

// Enough ids for every row: each has this key once. Sorted, as the clock may be set back.
function newToolIds(tools: string): string {
  const rowCount = tools.split('"definition_hash"').length - 1
  return JSON.stringify(Array.from({ length: rowCount }, () => newId('tool')).toSorted())
}

function toChange(kind: ToolChange['kind'], row: Omit<ToolChange, 'kind'>): ToolChange {
  return { kind, method: row.method, path: row.path, name: row.name }
}

function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}
