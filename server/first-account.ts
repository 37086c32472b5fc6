// The account that exists from the first start on, and the credentials the program itself hands
// out. They are derived from the installation's key, not drawn at random: the quick start can print
// them at every run, while the database still holds nothing but their hashes.
import { getAccount, insertAccount } from '../db/account.ts'
import { findApiKeyByHash, insertApiKey } from '../db/api-key.ts'
import type { Database } from '../db/client.ts'
import { hashCredential, newCredential } from '../db/credential.ts'
import { ConflictError, NotFoundError } from '../db/errors.ts'
import { newId } from '../db/id.ts'
import { insertInstanceValue } from '../db/instance.ts'
import { findServerTokenByHash, insertServerToken } from '../db/server-token.ts'
import { withAccount } from '../db/transaction.ts'
import { deriveKey } from './instance-key.ts'

const ACCOUNT_NAME = 'Default'

/** The first account, and whether this start made it. */
export interface FirstAccount {
  readonly id: string
  readonly isNew: boolean
}

/** The first account; it is made at the first start, by whichever process comes first. */
export async function openFirstAccount(db: Database): Promise<FirstAccount> {
  const proposedId = newId('acc')
  const accountId = await insertInstanceValue(db, 'first_account_id', proposedId)
  try {
    await withAccount(db, accountId, async (tx) => {
      try {
        await getAccount(tx)
      } catch (error) {
        if (!(error instanceof NotFoundError)) throw error
        await insertAccount(tx, { name: ACCOUNT_NAME })
      }
    })
  } catch (error) {
    // Another process made it between our look and our insert.
    if (!(error instanceof ConflictError)) throw error
  }
  return { id: accountId, isNew: accountId === proposedId }
}

/** A credential of the program's own, and whether this call made it. */
export interface OwnCredential {
  readonly text: string
  readonly isNew: boolean
}

/** The owner's API key. Once revoked it never comes back: the next one in line takes its place. */
export async function openOwnerKey(
  db: Database,
  accountId: string,
  key: Buffer,
): Promise<OwnCredential> {
  return await openDerived({
    derive: (generation) =>
      newCredential('hmk', deriveKey(key, `owner key ${accountId} ${generation}`)),
    find: (hash) => findApiKeyByHash(db, hash),
    insert: (hash) => withAccount(db, accountId, (tx) => insertApiKey(tx, { name: 'Owner', hash })),
  })
}

/** The quick start's token for one server, the same at every run until it is revoked. */
export async function openServerToken(
  db: Database,
  accountId: string,
  serverId: string,
  key: Buffer,
): Promise<OwnCredential> {
  return await openDerived({
    derive: (generation) =>
      newCredential('hms', deriveKey(key, `server token ${serverId} ${generation}`)),
    find: (hash) => findServerTokenByHash(db, hash),
    insert: (hash) =>
      withAccount(db, accountId, (tx) =>
        insertServerToken(tx, { serverId, name: 'Quick start', hash }),
      ),
  })
}

interface Derived {
  readonly derive: (generation: number) => string
  readonly find: (hash: Buffer) => Promise<{ readonly revoked_at: Date | null } | undefined>
  readonly insert: (hash: Buffer) => Promise<unknown>
}

async function openDerived({ derive, find, insert }: Derived): Promise<OwnCredential> {
  for (let generation = 1; ; generation++) {
    const text = derive(generation)
    const hash = hashCredential(text)
    const stored = await find(hash)
    if (stored !== undefined && stored.revoked_at !== null) continue
    if (stored !== undefined) return { text, isNew: false }
    await insert(hash)
    return { text, isNew: true }
  }
}
