// Reads the token and words the one refusal. A token in the URL opens a server only where its owner
// allowed that for it; cookies are never looked at.
import { errorResponse } from '../errors.ts'

/** What a request holds: a token, nothing, or nothing that can be used. */
export type Bearer =
  | { readonly type: 'token'; readonly token: string; readonly isInUrl: boolean }
  | { readonly type: 'none' }
  | { readonly type: 'malformed' }

// RFC 6750 2.1, b64token; the scheme's name is case-insensitive (RFC 9110 11.1). Two headers arrive
// joined by a comma, which no token has. 512 characters: ours have 53.
const BEARER = /^Bearer +([\w.~+/-]{1,512}=*)$/i

/** `?token=hms_…`. */
const TOKEN_PARAMETER = 'token'
const URL_TOKEN = /^\w{1,512}$/

const REALM = 'Bearer realm="hasmcp"'
const INVALID_MESSAGE =
  'The token does not open this server: it is mistyped, expired, revoked or for another server'
const MISSING_MESSAGE = 'This server needs a token: send the header "Authorization: Bearer hms_…"'

/**
 * The token of the URL's query where it has one, else that of the `Authorization` header: who puts one
 * into the URL may need the header for the upstream.
 */
export function readToken({ url, headers }: Request): Bearer {
  // Without taking every URL apart.
  if (url.includes('?')) {
    const tokens = new URL(url).searchParams.getAll(TOKEN_PARAMETER)
    const [token = ''] = tokens
    if (tokens.length > 1 || (tokens.length === 1 && !URL_TOKEN.test(token))) {
      return { type: 'malformed' }
    }
    if (tokens.length === 1) return { type: 'token', token, isInUrl: true }
  }
  const header = headers.get('authorization')
  if (header === null) return { type: 'none' }
  const token = BEARER.exec(header)?.[1]
  return token === undefined ? { type: 'malformed' } : { type: 'token', token, isInUrl: false }
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
