// What is in prompts and resources, read when a client asks: it would not fit into memory for every
// server, and calls never wait for it.
import type { Database } from '../../db/client.ts'
import { NotFoundError } from '../../db/errors.ts'
import { getPrompt, type Prompt } from '../../db/prompt.ts'
import { getResource, type Resource } from '../../db/resource.ts'
import { withAccount, type Tx } from '../../db/transaction.ts'

/** Reads content. Both throw {UnavailableError} UNAVAILABLE when the database cannot be reached. */
export interface ContentStore {
  /** The prompt; undefined where it was deleted a moment ago. */
  findPrompt(accountId: string, id: string): Promise<Prompt | undefined>
  /** The resource; undefined where it was deleted a moment ago. */
  findResource(accountId: string, id: string): Promise<Resource | undefined>
}

/** Reads from the database each time. */
export function createContentStore(db: Database): ContentStore {
  const find = async <Row>(accountId: string, get: (tx: Tx) => Promise<Row>) => {
    try {
      return await withAccount(db, accountId, get)
    } catch (error) {
      if (error instanceof NotFoundError) return undefined
      throw error
    }
  }
  return {
    findPrompt: (accountId, id) => find(accountId, (tx) => getPrompt(tx, id)),
    findResource: (accountId, id) => find(accountId, (tx) => getResource(tx, id)),
  }
}
