// What the driver reports, as the errors of `errors.ts`. Constraints are told apart by name, which
// is why every one of them has a name; a code or a name that is not listed is a defect and passes
// through, to be masked by whoever answers the client.
import { ConflictError, InvalidError, NotFoundError, UnavailableError } from './errors.ts'

// Of postgres.js (connection closed before, while or instead of answering), of the system, and of
// PostgreSQL: class 08, too many connections, shutdown, crash, starting up, read-only standby.
const UNAVAILABLE = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
  'POOL_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
  '08000',
  '08003',
  '08006',
  '25006',
  '53300',
  '57P01',
  '57P02',
  '57P03',
])
// Serialization failure and deadlock: the transaction took no effect and may be run again.
const RETRIABLE = new Set(['40001', '40P01'])
const CHARACTER_NOT_IN_REPERTOIRE = '22021'
const UNTRANSLATABLE_CHARACTER = '22P05'
// By `statement_timeout`.
const QUERY_CANCELED = '57014'

type Explanation = (name: string, cause: unknown) => Error

const conflict =
  (noun: string): Explanation =>
  (name, cause) =>
    new ConflictError(`A ${noun} named ${JSON.stringify(name)} exists already`, { cause })

const invalid =
  (message: string, ...path: readonly string[]): Explanation =>
  (_name, cause) =>
    new InvalidError(message, path, { cause })

const missing =
  (message: string): Explanation =>
  (_name, cause) =>
    new NotFoundError(message, { cause })

const badName = invalid('The name must have 1 to 100 characters', 'name')

const EXPLANATIONS: ReadonlyMap<string, Explanation> = new Map<string, Explanation>([
  ['account_name_check', badName],
  // Where the id is told from an idempotencyKey.
  ['account_pkey', (_name, cause) => new ConflictError('This account exists already', { cause })],
  ['api_key_name_check', badName],
  ['api_key_account_id_fkey', missing('No such account')],
  ['provider_account_id_name_key', conflict('provider')],
  ['provider_account_id_fkey', missing('No such account')],
  ['provider_name_check', badName],
  [
    'provider_description_check',
    invalid('The description must have at most 10000 characters', 'description'),
  ],
  ['provider_base_url_check', invalid('The base URL must have 1 to 2048 characters', 'baseUrl')],
  [
    'provider_headers_check',
    invalid('The headers must be an object of at most 16384 bytes as JSON', 'headers'),
  ],
  ['provider_icon_url_check', invalid('The URL of the icon is too long', 'iconUrl')],
  [
    'provider_query_check',
    invalid('The query must be an object of at most 16384 bytes as JSON', 'query'),
  ],
  [
    'provider_document_url_check',
    invalid('The URL of the document must have 1 to 2048 characters', 'documentUrl'),
  ],
  [
    'tool_definition_definition_check',
    invalid('The definition of a tool must have at most 524288 bytes', 'document'),
  ],
  [
    'tool_definition_hash_check',
    invalid('The key of a definition must be 64 hexadecimal digits', 'document'),
  ],
  [
    'tool_account_id_provider_id_method_path_key',
    invalid('Two operations of the document have the same method and path', 'document'),
  ],
  [
    'tool_account_id_provider_id_name_key',
    // An import has no one name that it is about.
    (name, cause) =>
      name === ''
        ? new InvalidError(
            'Two tools of the document, or one of it and one made by hand, have the same name',
            ['document'],
            { cause },
          )
        : conflict('tool')(name, cause),
  ],
  [
    'tool_account_id_definition_hash_fkey',
    invalid('A tool of the document lacks its definition', 'document'),
  ],
  [
    'tool_name_check',
    invalid('The name of a tool must be 1 to 64 of A-Z, a-z, 0-9, _ and -', 'document'),
  ],
  [
    'tool_title_check',
    invalid('The title of a tool must have at most 1024 characters', 'document'),
  ],
  [
    'tool_description_check',
    invalid('The description of a tool must have at most 65536 characters', 'document'),
  ],
  ['tool_method_check', invalid('The method of a tool must be one of HTTP', 'document')],
  ['tool_path_check', invalid('The path of a tool must have 1 to 2048 characters', 'document')],
  ['server_account_id_name_key', conflict('server')],
  ['server_account_id_fkey', missing('No such account')],
  ['server_name_check', badName],
  [
    'server_instructions_check',
    invalid('The instructions must have at most 16384 characters', 'instructions'),
  ],
  ['server_tool_account_id_server_id_fkey', missing('No such server')],
  ['server_tool_account_id_tool_id_fkey', missing('No such tool')],
  [
    'server_tool_account_id_server_id_name_key',
    (name, cause) =>
      new ConflictError(`The server shows another tool as ${JSON.stringify(name)} already`, {
        cause,
      }),
  ],
  ['server_token_account_id_server_id_fkey', missing('No such server')],
  ['server_token_name_check', badName],
  ['idempotency_key_account_id_fkey', missing('No such account')],
  [
    'idempotency_key_key_check',
    invalid('The idempotencyKey must have 1 to 255 characters', 'idempotencyKey'),
  ],
  ['data_key_account_id_fkey', missing('No such account')],
  ['variable_account_id_name_key', conflict('variable')],
  ['variable_account_id_provider_id_name_key', conflict('variable')],
  ['variable_account_id_fkey', missing('No such account')],
  ['variable_account_id_provider_id_fkey', missing('No such provider')],
  ['prompt_name_key', conflict('prompt')],
  ['prompt_account_id_server_id_fkey', missing('No such server')],
  [
    'resource_uri_key',
    (uri, cause) =>
      new ConflictError(`A resource with the URI ${JSON.stringify(uri)} exists already`, { cause }),
  ],
  ['resource_account_id_server_id_fkey', missing('No such server')],
  ['resource_account_id_tool_id_fkey', missing('No such tool')],
  [
    'membership_account_id_person_id_key',
    (_name, cause) => new ConflictError('This person belongs to the account already', { cause }),
  ],
  ['membership_person_id_fkey', missing('No such user')],
  ['api_key_account_id_person_id_fkey', missing('You do not belong to the account any more')],
  ['server_token_account_id_person_id_fkey', missing('You do not belong to the account any more')],
  ['session_account_id_person_id_fkey', missing('You do not belong to that account any more')],
  ['server_grant_account_id_server_id_fkey', missing('No such server')],
  ['server_grant_account_id_membership_id_fkey', missing('No such membership')],
  ['document_account_id_fkey', missing('No such account')],
  ['document_byte_count_check', invalid('A document must have at most 33554432 bytes', 'document')],
  ['document_part_account_id_document_id_fkey', missing('No such document')],
  [
    'document_part_bytes_check',
    invalid('A part of a document must have 1 to 262144 bytes', 'document'),
  ],
])

/** Whether the transaction failed for a reason that running it again removes. */
export function isRetriable(error: unknown): boolean {
  return RETRIABLE.has(readText(error, 'code'))
}

/** The error that a caller of `db/` gets for `error`; one that is not the database's, unchanged. */
export function toDatabaseError(error: unknown, name = ''): unknown {
  const code = readText(error, 'code')
  if (UNAVAILABLE.has(code) || RETRIABLE.has(code)) {
    return new UnavailableError('The database cannot be reached', { cause: error })
  }
  if (code === QUERY_CANCELED) {
    return new UnavailableError('The database took too long', { cause: error })
  }
  if (code === CHARACTER_NOT_IN_REPERTOIRE || code === UNTRANSLATABLE_CHARACTER) {
    return new InvalidError('Text must not contain the character U+0000', [], { cause: error })
  }
  const explain = EXPLANATIONS.get(readText(error, 'constraint_name'))
  return explain === undefined ? error : explain(name, error)
}

/**
 * What `query` answers. Its conflicts say which name they are about: under row-level security the
 * database does not.
 */
export async function naming<T>(name: string | undefined, query: Promise<T>): Promise<T> {
  try {
    return await query
  } catch (error) {
    throw isRetriable(error) ? error : toDatabaseError(error, name)
  }
}

/** A text property of an error of whatever shape; empty where it has none. */
export function readText(error: unknown, property: string): string {
  if (typeof error !== 'object' || error === null || !(property in error)) return ''
  const value: unknown = Reflect.get(error, property)
  return typeof value === 'string' ? value : ''
}
