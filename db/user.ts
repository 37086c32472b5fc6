// People, by their email address, which is what makes two sign-ins one person. Nothing else is known of
// them but a name and a picture's URL.
import { sql, type Selectable } from 'kysely'

import { NotFoundError } from './errors.ts'
import { newId } from './id.ts'
import type { PersonTable } from './identity-tables.ts'
import type { OperatorTx, Tx } from './transaction.ts'

/** A person as a query answers them. */
export type User = Selectable<PersonTable>

/** What a sign-in tells of a person. */
export interface UserProfile {
  readonly email: string
  /** `toEmailKey` of it. */
  readonly emailKey: string
  readonly name: string
  readonly pictureUrl: string | null
}

/** The person with that address, if there is one. */
export async function findUserByEmail(tx: OperatorTx, emailKey: string): Promise<User | undefined> {
  return await tx.trx
    .selectFrom('person')
    .selectAll()
    .where('email_key', '=', emailKey)
    .executeTakeFirst()
}

/** The person with that address, made where there was none, as the profile describes them. */
export async function upsertUser(tx: OperatorTx, profile: UserProfile): Promise<User> {
  const { email, emailKey, name, pictureUrl } = profile
  return await tx.trx
    .insertInto('person')
    .values({ id: newId('usr'), email, email_key: emailKey, name, picture_url: pictureUrl })
    .onConflict((conflict) =>
      conflict
        .column('email_key')
        .doUpdateSet({ email, name, picture_url: pictureUrl, updated_at: sql<Date>`now()` }),
    )
    .returningAll()
    .executeTakeFirstOrThrow()
}

/**
 * A person who belongs to the account.
 * @throws {NotFoundError} NOT_FOUND when nobody with that id does
 */
export async function getUser(tx: Tx, id: string): Promise<User> {
  const row = await tx.trx
    .selectFrom('person')
    .selectAll()
    .where('id', '=', id)
    .where((eb) =>
      eb.exists(
        eb
          .selectFrom('membership')
          .select('membership.id')
          .where('account_id', '=', tx.accountId)
          .whereRef('person_id', '=', 'person.id'),
      ),
    )
    .executeTakeFirst()
  if (row === undefined) throw new NotFoundError(`No user ${id}`)
  return row
}

/**
 * Any person.
 * @throws {NotFoundError} NOT_FOUND when there is none
 */
export async function getUserById(tx: OperatorTx, id: string): Promise<User> {
  const row = await tx.trx.selectFrom('person').selectAll().where('id', '=', id).executeTakeFirst()
  if (row === undefined) throw new NotFoundError(`No user ${id}`)
  return row
}
