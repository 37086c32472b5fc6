// Reads for many objects of a list at once what each of them asks for alone, so that a list of a hundred
// costs as many statements as a list of one. Nothing is kept: a later mutation of the same request is
// never hidden by an older answer.
import DataLoader from 'dataloader'
import { NotFoundError } from '../db/errors.ts'
import { listProvidersById } from '../db/provider.ts'
import { listServersById } from '../db/server.ts'
import { listToolDefinitions, listToolsById } from '../db/list-tools.ts'
import type { Tx } from '../db/transaction.ts'
import { inAccount, type Context } from './context.ts'

/** Answers for many keys in one transaction; keys without an answer are left out. */
export type ReadMany<V> = (tx: Tx, keys: readonly string[]) => Promise<ReadonlyMap<string, V>>

const loaders = new WeakMap<Context, Map<string, DataLoader<string, unknown>>>()

/**
 * What `readMany` answers for the key; undefined where it answers nothing. Callers of one request with
 * the same `name` and the same turn share a transaction: the name says all that `readMany` goes by
 * besides the keys.
 */
export async function loadOne<V>(
  context: Context,
  name: string,
  key: string,
  readMany: ReadMany<V>,
): Promise<V | undefined> {
  const mine = loaders.get(context) ?? new Map<string, DataLoader<string, unknown>>()
  loaders.set(context, mine)
  const loader = mine.get(name) ?? createLoader(context, readMany)
  mine.set(name, loader)
  // The name says what comes back.
  return (await loader.load(key)) as V | undefined
}

function createLoader<V>(context: Context, readMany: ReadMany<V>): DataLoader<string, unknown> {
  const read = async (keys: readonly string[]) => {
    const found = await inAccount(context, (tx) => readMany(tx, [...new Set(keys)]))
    return keys.map((key) => found.get(key))
  }
  return new DataLoader(read, { cache: false })
}

async function loadRow<V>(
  context: Context,
  noun: string,
  id: string,
  readMany: ReadMany<V>,
): Promise<V> {
  const row = await loadOne(context, noun, id, readMany)
  // It was there when its id was read, a moment ago.
  if (row === undefined) throw new NotFoundError(`No ${noun} ${id}`)
  return row
}

/** The provider. */
export const loadProvider = (context: Context, id: string) =>
  loadRow(context, 'provider', id, listProvidersById)

/** The server. */
export const loadServer = (context: Context, id: string) =>
  loadRow(context, 'server', id, listServersById)

/** The tool. */
export const loadTool = (context: Context, id: string) =>
  loadRow(context, 'tool', id, listToolsById)

/** JSON text of the definition with that key. */
export const loadToolDefinition = (context: Context, hash: string) =>
  loadRow(context, 'tool definition', hash, listToolDefinitions)
