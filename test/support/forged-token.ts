// ID tokens as nobody's library would make them: any header, any claims, any signature.
import { createHmac, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'

/** How a token differs from an honest one of the same sign-in. */
export interface Forgery {
  /** Over `{ alg: 'RS256', kid: 'mine' }`; undefined takes a member out. */
  readonly header?: Readonly<Record<string, unknown>>
  /** Over the honest ones. */
  readonly claims?: Readonly<Record<string, unknown>>
  /** The signature of `header.payload`. Default: by the published key. */
  readonly sign?: (input: string) => string
  /** All of the token, made of the honest one. */
  readonly whole?: (token: string) => string
}

const createKey = (modulusLength = 2_048): KeyObject =>
  generateKeyPairSync('rsa', { modulusLength }).privateKey

/** The key that {@link JWKS} publishes, and one that it does not. */
export const [KEY, OTHER_KEY] = [createKey(), createKey()] as const

const toJwk = (key: KeyObject) => {
  const { kty, n, e } = key.export({ format: 'jwk' })
  return { kty, n, e, kid: 'mine', use: 'sig', alg: 'RS256' }
}

/** The public half of {@link OTHER_KEY}, as a header of a token would hold it. */
export const OTHER_JWK = toJwk(OTHER_KEY)

/** The key set of whoever signs with {@link KEY}. */
export const JWKS = { keys: [toJwk(KEY)] }

/** The same, with a key that can be broken; and it. */
export const WEAK_KEY = createKey(1_024)
export const WEAK_JWKS = { keys: [toJwk(WEAK_KEY)] }

/** Base64url, RS256. */
export function signWith(key: KeyObject): (input: string) => string {
  return (input) => sign('RSA-SHA256', Buffer.from(input), key).toString('base64url')
}

/** Base64url, HS256. */
export function macWith(secret: string): (input: string) => string {
  return (input) => createHmac('sha256', secret).update(input).digest('base64url')
}

/** The public half of {@link KEY} as everybody can have it. */
export const PUBLIC_PEM = createPublicKey(KEY).export({ type: 'spki', format: 'pem' }).toString()

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A compact JWS of these honest claims, spoiled. */
export function forge(
  claims: Readonly<Record<string, unknown>>,
  { header, claims: spoiled, sign: signer = signWith(KEY), whole = (token) => token }: Forgery,
): string {
  const input = [
    encode({ alg: 'RS256', kid: 'mine', ...header }),
    encode({ ...claims, ...spoiled }),
  ].join('.')
  return whole(`${input}.${signer(input)}`)
}
