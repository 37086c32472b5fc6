// The rows that most stories begin with.
import { insertAccount } from '../../db/account.ts'
import type { Database } from '../../db/client.ts'
import { newId } from '../../db/id.ts'
import type { Role } from '../../db/identity-tables.ts'
import { insertMembership } from '../../db/membership.ts'
import { insertProvider } from '../../db/provider.ts'
import { withAccount, withIdentity } from '../../db/transaction.ts'
import { upsertUser } from '../../db/user.ts'

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

/** The id of a new membership of the person with that address. */
export async function addMember(
  db: Database,
  accountId: string,
  email: string,
  role: Role = 'MEMBER',
): Promise<string> {
  const { id: userId } = await withIdentity(db, (tx) =>
    upsertUser(tx, { email, emailKey: email, name: email, pictureUrl: null }),
  )
  return (await withAccount(db, accountId, (tx) => insertMembership(tx, { userId, role }))).id
}
