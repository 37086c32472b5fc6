// The tables, one interface each, as Kysely sees them. Names are the database's own (snake_case),
// so that a query here reads like the SQL it becomes.
import type { ColumnType, Generated } from 'kysely'

import type {
  InvitationTable,
  MembershipTable,
  PersonTable,
  Role,
  ServerGrantTable,
  SessionTable,
  SigningKeyTable,
  UsedTokenTable,
} from './identity-tables.ts'
import type { InputRequest } from './content.ts'
import type { PromptTable, ResourceTable } from './content-tables.ts'

type CreatedAt = ColumnType<Date, Date | undefined, never>

/** Facts about this installation, one row each; no tenant's data. */
export interface InstanceTable {
  readonly key: string
  readonly value: string
}

/** The tenants; every other table but `instance` points here. */
export interface AccountTable {
  readonly id: string
  readonly name: string
  readonly created_at: CreatedAt
  /** From when on its credentials are refused; null: they are not. */
  readonly suspended_at: ColumnType<Date | null, undefined, Date | null>
}

/** Credentials of the GraphQL API. */
export interface ApiKeyTable {
  readonly id: string
  readonly account_id: string
  readonly name: string
  /** SHA-256 of the whole key. */
  readonly hash: Buffer
  readonly created_at: CreatedAt
  readonly expires_at: Date | null
  readonly revoked_at: ColumnType<Date | null, undefined, Date>
  /** Whose it is; null: the account's own. */
  readonly person_id: ColumnType<string | null, string | null | undefined, never>
  /** What it carries, and no more than its person's. */
  readonly role: ColumnType<Role, Role | undefined, never>
  /** Whether it carries what its person was lent, too. */
  readonly carries_grants: ColumnType<boolean, boolean | undefined, never>
}

/** Upstream APIs. */
export interface ProviderTable {
  readonly id: string
  readonly account_id: string
  readonly name: string
  readonly description: string
  readonly base_url: string
  /** Default headers, `{ "name": "value" }`. */
  readonly headers: ColumnType<Record<string, string>, string, string>
  /** Default query parameters, `{ "name": "value" }`. */
  readonly query: ColumnType<Record<string, string>, string | undefined, string>
  /** Names, in lower case, of clients' headers that are sent on. */
  readonly forwarded_headers: ColumnType<readonly string[], string | undefined, string>
  readonly icon_url: string | null
  readonly document_url: string | null
  readonly version: Generated<number>
  readonly created_at: CreatedAt
  readonly updated_at: ColumnType<Date, Date | undefined, Date>
}

/** Immutable and addressed by its content; the text is a `ToolDefinition` of `workers/definition.ts`. */
export interface ToolDefinitionTable {
  readonly account_id: string
  readonly hash: string
  readonly definition: string
  readonly created_at: CreatedAt
}

/** Operations of providers; what a call needs is in their definitions. */
export interface ToolTable {
  readonly id: string
  readonly account_id: string
  readonly provider_id: string
  readonly name: string
  readonly title: string
  readonly description: string
  readonly method: string
  readonly path: string
  readonly definition_hash: string
  readonly position: number
  readonly is_enabled: Generated<boolean>
  /** Whether a document has it, or somebody made it by hand. */
  readonly is_imported: Generated<boolean>
  /** What its own request refers to by `${NAME}`; an imported one refers to nothing. */
  readonly variable_names: ColumnType<readonly string[], string | undefined, string>
  /** As its owner said them; null: those that follow from the method. */
  readonly annotations: ColumnType<ToolAnnotations | null, string | null | undefined, string | null>
  readonly tags: ColumnType<readonly string[], string | undefined, string>
  /** Whether its answer becomes content, or is a `CallToolResult` itself. */
  readonly result_mode: Generated<'CONTENT' | 'MCP_RESULT'>
  readonly input_requests: ColumnType<readonly InputRequest[], string | undefined, string>
  readonly created_at: CreatedAt
  readonly updated_at: ColumnType<Date, Date | undefined, Date>
}

/** MCP's `ToolAnnotations`: hints that a client may show or heed. */
export interface ToolAnnotations {
  readonly readOnlyHint?: boolean
  readonly destructiveHint?: boolean
  readonly idempotentHint?: boolean
  readonly openWorldHint?: boolean
}

/** MCP servers. */
export interface ServerTable {
  readonly id: string
  readonly account_id: string
  readonly name: string
  readonly instructions: string
  /** Of web pages that may speak to it. */
  readonly allowed_origins: ColumnType<readonly string[], string | undefined, string>
  readonly version: Generated<number>
  readonly created_at: CreatedAt
  readonly updated_at: ColumnType<Date, Date | undefined, Date>
}

/** Which tools a server offers. */
export interface ServerToolTable {
  readonly account_id: string
  readonly server_id: string
  readonly tool_id: string
  /** What the server calls it; null: as the tool is called. So the next two. */
  readonly name: ColumnType<string | null, string | null | undefined, string | null>
  readonly title: ColumnType<string | null, string | null | undefined, string | null>
  readonly description: ColumnType<string | null, string | null | undefined, string | null>
  readonly is_enabled: Generated<boolean>
}

/** Credentials of MCP servers. */
export interface ServerTokenTable {
  readonly id: string
  readonly account_id: string
  readonly server_id: string
  readonly name: string
  /** SHA-256 of the whole token. */
  readonly hash: Buffer
  /** It may stand in the URL's query. */
  readonly is_url_allowed: Generated<boolean>
  readonly created_at: CreatedAt
  readonly expires_at: Date | null
  readonly revoked_at: ColumnType<Date | null, undefined, Date>
  /** Who made it; null: nobody with a name. */
  readonly person_id: ColumnType<string | null, string | null | undefined, never>
}

/** An uploaded OpenAPI document, waiting to be imported; kept for an hour. */
export interface DocumentTable {
  readonly id: string
  readonly account_id: string
  /** Of all parts; where they have fewer, the upload is not finished. */
  readonly byte_count: ColumnType<number, number, number>
  readonly created_at: CreatedAt
}

/** A document in pieces of at most 256 KiB, so that no statement holds the event loop for long. */
export interface DocumentPartTable {
  readonly account_id: string
  readonly document_id: string
  readonly position: number
  readonly bytes: Buffer
}

/** What creates with a key of the client's made; kept for a day. */
export interface IdempotencyKeyTable {
  readonly account_id: string
  readonly key: string
  /** The mutation's name. */
  readonly operation: string
  /** SHA-256 of its input. */
  readonly input_hash: Buffer
  /** What it made; null only inside of the transaction that makes it. */
  readonly result_id: ColumnType<string | null, undefined, string>
  /** What it answered besides, as JSON; null where the object is all. */
  readonly result: ColumnType<string | null, undefined, string | null>
  readonly created_at: CreatedAt
}

/** Under which the secrets of an account are encrypted; itself encrypted, see `vault.ts`. */
export interface DataKeyTable {
  readonly id: string
  readonly account_id: string
  readonly wrapped: string
  readonly created_at: CreatedAt
}

/** Named values that requests are filled with. */
export interface VariableTable {
  readonly id: string
  readonly account_id: string
  /** Whose it is; null: every provider's. */
  readonly provider_id: string | null
  readonly name: string
  readonly kind: 'ENV' | 'SECRET'
  readonly description: string
  /** Null for a secret. */
  readonly value: string | null
  /** Of a secret, see `vault.ts`. */
  readonly ciphertext: string | null
  /** Of a provider's secret: the only origin that it may be sent to. */
  readonly origin: string | null
  readonly version: Generated<number>
  readonly created_at: CreatedAt
  readonly updated_at: ColumnType<Date, Date | undefined, Date>
}

/** Scripts that rewrite what goes to an API and what comes back. */
export interface InterceptorTable {
  readonly id: string
  readonly account_id: string
  /** Whose it is: one of the two is null. */
  readonly tool_id: string | null
  readonly server_id: string | null
  readonly name: string
  readonly description: string
  readonly phase: 'REQUEST' | 'RESPONSE'
  readonly engine: 'JAVASCRIPT' | 'JMESPATH'
  readonly code: string
  /** SHA-256 of the engine and the code, in hex. */
  readonly script_hash: string
  /** Order among those of its owner and phase, then by id. */
  readonly position: number
  readonly is_enabled: Generated<boolean>
  readonly mode: 'ENFORCE' | 'AUDIT'
  readonly on_error: 'FAIL' | 'PASS_THROUGH'
  /** Of the tools that it takes part in the requests of. */
  readonly methods: ColumnType<readonly string[], string, string>
  readonly sees_errors: boolean
  /** JSON text of what its result satisfies; null: it is a text. */
  readonly output_schema: string | null
  readonly version: Generated<number>
  readonly created_at: CreatedAt
  readonly updated_at: ColumnType<Date, Date | undefined, Date>
}

/** The schema as Kysely is told of it. */
export interface Tables {
  readonly instance: InstanceTable
  readonly account: AccountTable
  readonly api_key: ApiKeyTable
  readonly provider: ProviderTable
  readonly tool_definition: ToolDefinitionTable
  readonly tool: ToolTable
  readonly server: ServerTable
  readonly server_tool: ServerToolTable
  readonly server_token: ServerTokenTable
  readonly document: DocumentTable
  readonly document_part: DocumentPartTable
  readonly idempotency_key: IdempotencyKeyTable
  readonly data_key: DataKeyTable
  readonly variable: VariableTable
  readonly interceptor: InterceptorTable
  readonly prompt: PromptTable
  readonly resource: ResourceTable
  readonly person: PersonTable
  readonly membership: MembershipTable
  readonly session: SessionTable
  readonly invitation: InvitationTable
  readonly server_grant: ServerGrantTable
  readonly used_token: UsedTokenTable
  readonly signing_key: SigningKeyTable
}
