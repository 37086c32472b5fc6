// The rows that most stories begin with.
import { insertAccount } from '../../db/account.ts'
import type { Database } from '../../db/client.ts'
import { newId } from '../../db/id.ts'
import { insertProvider } from '../../db/provider.ts'
import { withAccount } from '../../db/transaction.ts'

/** The id of a new account. */
export async function createAccount(db: Database, name = 'Acme'): Promise<string> {
  const id = newId('acc')
  await withAccount(db, id, (tx) => insertAccount(tx, { name }))
  return id
}

/** The id of a new provider of the account. */
export async function createProvider(
  db: Database,
  accountId: string,
  name = 'Pets',
): Promise<string> {
  const baseUrl = 'https://pets.example'
  const provider = await withAccount(db, accountId, (tx) =>
    insertProvider(tx, { name, description: '', baseUrl }),
  )
  return provider.id
}
