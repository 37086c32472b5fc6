// The tokens in links that we send and read ourselves: an invitation, a sign-in at the machine. Signed
// JWTs of one type each under one key each, so that none can stand for the other.
import { randomUUID } from 'node:crypto'
import { errors, jwtVerify, SignJWT } from 'jose'

/** What a link is for. */
export type LinkKind = 'invitation' | 'sign-in'

/** What a link's token says. */
export interface LinkClaims {
  /** Unique: by it a link is used once. */
  readonly id: string
  /** Of an invitation its account, of a sign-in the address. */
  readonly subject: string
  readonly expiresAt: Date
}

const MAX_TOKEN_CHARACTERS = 2_048
const ALGORITHM = 'HS256'

/** Compact JWS. `key` has 32 bytes. */
export async function printLinkToken(
  key: Uint8Array,
  kind: LinkKind,
  { id = randomUUID(), subject, expiresAt }: Partial<LinkClaims> & Omit<LinkClaims, 'id'>,
): Promise<string> {
  return await new SignJWT()
    .setProtectedHeader({ alg: ALGORITHM, typ: typeOf(kind) })
    .setSubject(subject)
    .setJti(id)
    .setExpirationTime(expiresAt)
    .sign(key)
}

/** What the token says; undefined where it is none of ours of that kind, or has expired. */
export async function readLinkToken(
  key: Uint8Array,
  kind: LinkKind,
  token: string,
): Promise<LinkClaims | undefined> {
  if (token.length > MAX_TOKEN_CHARACTERS) return undefined
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: [ALGORITHM],
      typ: typeOf(kind),
      requiredClaims: ['sub', 'jti', 'exp'],
    })
    const { sub = '', jti = '', exp = 0 } = payload
    return { id: jti, subject: sub, expiresAt: new Date(exp * 1000) }
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined
    throw error
  }
}

// RFC 8725, section 3.11: explicit types.
function typeOf(kind: LinkKind): string {
  return `hasmcp-${kind}+jwt`
}
