// People: who they are, where they belong and what they may do there. A person and a browser's session
// belong to no account, so neither is the tenant's: a role of their own, `hasmcp_identity`, signs people
// in and sees no more of an account than its name and who is in it. A tenant sees the people who are in
// it, and nobody else. (`user` is a reserved word of SQL.)
import { sql, type Kysely } from 'kysely'

const ROLE_CHECK = `role in ('OWNER', 'ADMIN', 'DEVELOPER', 'ANALYST', 'BILLING', 'MEMBER')`

const STATEMENTS = [
  `create table person (
    id text collate "C" not null,
    email text not null,
    email_key text collate "C" not null,
    name text not null,
    picture_url text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint person_pkey primary key (id),
    constraint person_email_key_key unique (email_key),
    constraint person_email_check check (char_length(email) between 3 and 254),
    constraint person_name_check check (char_length(name) between 1 and 200),
    constraint person_picture_url_check check (char_length(picture_url) <= 2048)
  )`,
  `create table membership (
    id text collate "C" not null,
    account_id text collate "C" not null,
    person_id text collate "C" not null,
    role text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint membership_pkey primary key (account_id, id),
    constraint membership_account_id_person_id_key unique (account_id, person_id),
    constraint membership_account_id_fkey foreign key (account_id)
      references account (id) on delete cascade,
    constraint membership_person_id_fkey foreign key (person_id)
      references person (id) on delete cascade,
    constraint membership_role_check check (${ROLE_CHECK})
  )`,
  'create index membership_person_id_idx on membership (person_id)',
  `create table session (
    id text collate "C" not null,
    person_id text collate "C" not null,
    account_id text collate "C",
    hash bytea not null,
    created_at timestamptz not null default now(),
    last_used_at timestamptz not null default now(),
    constraint session_pkey primary key (id),
    constraint session_hash_key unique (hash),
    constraint session_person_id_fkey foreign key (person_id)
      references person (id) on delete cascade,
    constraint session_account_id_person_id_fkey foreign key (account_id, person_id)
      references membership (account_id, person_id) on delete cascade,
    constraint session_hash_check check (octet_length(hash) = 32)
  )`,
  'create index session_person_id_id_idx on session (person_id, id)',
  'create index session_last_used_at_idx on session (last_used_at)',
  `create table invitation (
    id text collate "C" not null,
    account_id text collate "C" not null,
    email text not null,
    email_key text collate "C" not null,
    role text not null,
    invited_by text collate "C",
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    accepted_at timestamptz,
    revoked_at timestamptz,
    constraint invitation_pkey primary key (account_id, id),
    constraint invitation_account_id_fkey foreign key (account_id)
      references account (id) on delete cascade,
    constraint invitation_invited_by_fkey foreign key (invited_by)
      references person (id) on delete set null,
    constraint invitation_email_check check (char_length(email) between 3 and 254),
    constraint invitation_role_check check (${ROLE_CHECK})
  )`,
  `create index invitation_email_key_idx on invitation (email_key)
    where accepted_at is null and revoked_at is null`,
  `create table server_grant (
    account_id text collate "C" not null,
    server_id text collate "C" not null,
    membership_id text collate "C" not null,
    level text not null,
    created_at timestamptz not null default now(),
    constraint server_grant_pkey primary key (account_id, membership_id, server_id),
    constraint server_grant_account_id_server_id_fkey foreign key (account_id, server_id)
      references server (account_id, id) on delete cascade,
    constraint server_grant_account_id_membership_id_fkey foreign key (account_id, membership_id)
      references membership (account_id, id) on delete cascade,
    constraint server_grant_level_check check (level in ('USE', 'EDIT'))
  )`,
  'create index server_grant_account_id_server_id_idx on server_grant (account_id, server_id)',
  `create table used_token (
    id text collate "C" not null,
    expires_at timestamptz not null,
    constraint used_token_pkey primary key (id),
    constraint used_token_id_check check (char_length(id) between 1 and 100)
  )`,
  'create index used_token_expires_at_idx on used_token (expires_at)',
  `create table signing_key (
    id text collate "C" not null,
    public_key text not null,
    private_key text not null,
    created_at timestamptz not null default now(),
    retired_at timestamptz,
    constraint signing_key_pkey primary key (id),
    constraint signing_key_public_key_check check (octet_length(public_key) <= 1024),
    constraint signing_key_private_key_check check (octet_length(private_key) <= 2048)
  )`,
  // One at a time signs; two processes that make one at once end up with one.
  'create unique index signing_key_present_key on signing_key ((true)) where retired_at is null',
  // What a person made ends with their membership; what has no person is the account's own.
  `alter table api_key add column person_id text collate "C",
    add column role text not null default 'OWNER',
    add column carries_grants boolean not null default false,
    add constraint api_key_role_check check (${ROLE_CHECK}),
    add constraint api_key_account_id_person_id_fkey foreign key (account_id, person_id)
      references membership (account_id, person_id) on delete cascade`,
  'create index api_key_account_id_person_id_idx on api_key (account_id, person_id)',
  `alter table server_token add column person_id text collate "C",
    add constraint server_token_account_id_person_id_fkey foreign key (account_id, person_id)
      references membership (account_id, person_id) on delete cascade`,
  'create index server_token_account_id_person_id_idx on server_token (account_id, person_id)',
]

const TENANT = `nullif(current_setting('hasmcp.account_id', true), '')`

const TENANT_TABLES = ['membership', 'invitation', 'server_grant'] as const

const RIGHTS = [
  'alter table person enable row level security, force row level security',
  `create policy person_tenant_policy on person for select to hasmcp_tenant
    using (exists (select from membership
      where membership.person_id = person.id and membership.account_id = ${TENANT}))`,
  'grant select on person to hasmcp_tenant',
  'alter table session enable row level security, force row level security',
  // Whoever loses a right signs in again: the tenant may end sessions, and read no more than whose.
  `create policy session_tenant_policy on session for all to hasmcp_tenant
    using (account_id = ${TENANT})`,
  'grant select (account_id, person_id), delete on session to hasmcp_tenant',
  'alter table used_token enable row level security, force row level security',

  'alter table signing_key enable row level security, force row level security',
  'create policy signing_key_identity_policy on signing_key to hasmcp_identity using (true)',
  'grant select, insert, update (retired_at) on signing_key to hasmcp_identity',
  `create policy signing_key_purge_policy on signing_key for delete to hasmcp_purge
    using (retired_at < now() - interval '1 hour')`,
  'grant delete on signing_key to hasmcp_purge',

  'create policy person_identity_policy on person to hasmcp_identity using (true)',
  'grant select, insert, update (email, name, picture_url, updated_at) on person to hasmcp_identity',
  'create policy session_identity_policy on session to hasmcp_identity using (true)',
  `grant select, insert, update (account_id, hash, last_used_at), delete
    on session to hasmcp_identity`,
  'create policy used_token_identity_policy on used_token to hasmcp_identity using (true)',
  'grant select, insert on used_token to hasmcp_identity',
  'create policy account_identity_policy on account for select to hasmcp_identity using (true)',
  'grant select (id, name, created_at, suspended_at) on account to hasmcp_identity',
  'create policy membership_identity_policy on membership for select to hasmcp_identity using (true)',
  'grant select on membership to hasmcp_identity',
  'create policy invitation_identity_policy on invitation for select to hasmcp_identity using (true)',
  `grant select (id, account_id, email_key, expires_at, accepted_at, revoked_at)
    on invitation to hasmcp_identity`,
  `create policy server_grant_identity_policy on server_grant for select to hasmcp_identity
    using (true)`,
  'grant select on server_grant to hasmcp_identity',

  'create policy membership_gate_policy on membership for select to hasmcp_gate using (true)',
  'grant select (id, account_id, person_id, role) on membership to hasmcp_gate',
  'create policy server_grant_gate_policy on server_grant for select to hasmcp_gate using (true)',
  'grant select (account_id, membership_id, server_id, level) on server_grant to hasmcp_gate',
  'grant select (person_id, role, carries_grants) on api_key to hasmcp_gate',

  // 14 days from the sign-in, 12 hours from the last use.
  `create policy session_purge_policy on session for delete to hasmcp_purge
    using (created_at < now() - interval '14 days' or last_used_at < now() - interval '12 hours')`,
  'grant delete on session to hasmcp_purge',
  `create policy used_token_purge_policy on used_token for delete to hasmcp_purge
    using (expires_at < now())`,
  'grant delete on used_token to hasmcp_purge',
  `create policy invitation_purge_policy on invitation for delete to hasmcp_purge
    using (expires_at < now() - interval '30 days')`,
  'grant delete on invitation to hasmcp_purge',
]

/** Creates the tables and the rights on them. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const run = (statement: string) => sql.raw(statement).execute(db)
  for (const statement of STATEMENTS) await run(statement)
  for (const table of TENANT_TABLES) {
    await run(`alter table ${table} enable row level security, force row level security`)
    await run(`create policy ${table}_tenant_policy on ${table} to hasmcp_tenant
      using (account_id = ${TENANT}) with check (account_id = ${TENANT})`)
    await run(`grant select, insert, update, delete on ${table} to hasmcp_tenant`)
  }
  for (const statement of RIGHTS) await run(statement)
}
