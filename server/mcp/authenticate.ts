// Reads the bearer token and words the one refusal. The query string and cookies are never looked
// at: tokens there end up in logs.
import { errorResponse } from '../errors.ts'

/** What the `Authorization` header holds: a token, nothing, or nothing that can be used. */
export type Bearer =
  | { readonly type: 'token'; readonly token: string }
  | { readonly type: 'none' }
  | { readonly type: 'malformed' }

// RFC 6750 2.1, b64token; the scheme's name is case-insensitive (RFC 9110 11.1). Two headers arrive
// joined by a comma, which no token has. 512 characters: ours have 53.
const BEARER = /^Bearer +([\w.~+/-]{1,512}=*)$/i

const REALM = 'Bearer realm="hasmcp"'
const INVALID_MESSAGE =
  'The token does not open this server: it is mistyped, expired, revoked or for another server'
const MISSING_MESSAGE = 'This server needs a token: send the header "Authorization: Bearer hms_…"'

/** What the `Authorization` header holds. */
export function readBearer(headers: Headers): Bearer {
  const header = headers.get('authorization')
  if (header === null) return { type: 'none' }
  const token = BEARER.exec(header)?.[1]
  return token === undefined ? { type: 'malformed' } : { type: 'token', token }
}

/**
 * 401, the same bytes for every token that does not open the server. Where no credential was sent
 * the challenge names no error: "the resource server SHOULD NOT include an error code".
 *
 * @see https://www.rfc-editor.org/rfc/rfc6750#section-3.1
 */
export function unauthenticated(bearer: Bearer['type'], requestId: string): Response {
  if (bearer === 'none') {
    const error = { code: 'UNAUTHENTICATED', message: MISSING_MESSAGE } as const
    return errorResponse(error, requestId, { 'www-authenticate': REALM })
  }
  const challenge = `${REALM}, error="invalid_token", error_description="${INVALID_MESSAGE}"`
  const error = { code: 'UNAUTHENTICATED', message: INVALID_MESSAGE } as const
  return errorResponse(error, requestId, { 'www-authenticate': challenge })
}
