// The tables about people, one interface each, as Kysely sees them. What PostgreSQL reserves the word
// `user` for is called a person here.
import type { ColumnType } from 'kysely'

type CreatedAt = ColumnType<Date, Date | undefined, never>

/** What a member of an account may do: see the table in `schema/role.ts`. */
export type Role = 'OWNER' | 'ADMIN' | 'DEVELOPER' | 'ANALYST' | 'BILLING' | 'MEMBER'

/** What somebody may do with one server: connect to it, or change it too. */
export type GrantLevel = 'USE' | 'EDIT'

/** People: all that is known of them. */
export interface PersonTable {
  readonly id: string
  /** As it was given. */
  readonly email: string
  /** As it is compared, see `email.ts`. */
  readonly email_key: string
  readonly name: string
  readonly picture_url: string | null
  readonly created_at: CreatedAt
  readonly updated_at: ColumnType<Date, Date | undefined, Date>
}

/** Who belongs to which account. */
export interface MembershipTable {
  readonly id: string
  readonly account_id: string
  readonly person_id: string
  readonly role: Role
  readonly created_at: CreatedAt
  readonly updated_at: ColumnType<Date, Date | undefined, Date>
}

/** Browsers that are signed in. */
export interface SessionTable {
  readonly id: string
  readonly person_id: string
  /** In which account they act; null: in none. */
  readonly account_id: string | null
  /** SHA-256 of the whole cookie. */
  readonly hash: Buffer
  readonly created_at: CreatedAt
  readonly last_used_at: ColumnType<Date, undefined, Date>
}

/** Whom an account asks to join. */
export interface InvitationTable {
  readonly id: string
  readonly account_id: string
  readonly email: string
  readonly email_key: string
  readonly role: Role
  /** A person. */
  readonly invited_by: string | null
  readonly created_at: CreatedAt
  readonly expires_at: Date
  readonly accepted_at: ColumnType<Date | null, undefined, Date>
  readonly revoked_at: ColumnType<Date | null, undefined, Date>
}

/** What members may do with single servers, beyond their role. */
export interface ServerGrantTable {
  readonly account_id: string
  readonly server_id: string
  readonly membership_id: string
  readonly level: GrantLevel
  readonly created_at: CreatedAt
}

/** What may be used once and was, until it is of no use any more. */
export interface UsedTokenTable {
  readonly id: string
  readonly expires_at: Date
}

/** Keys that sign what other parties read. */
export interface SigningKeyTable {
  /** The `kid`. */
  readonly id: string
  /** A JWK. */
  readonly public_key: string
  /** A JWK, encrypted under the installation's key. */
  readonly private_key: string
  readonly created_at: CreatedAt
  /** From when on it signs nothing; null: it does. */
  readonly retired_at: ColumnType<Date | null, undefined, Date>
}
