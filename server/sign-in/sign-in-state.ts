// What a sign-in has to remember between sending a browser away and seeing it again. It travels as the
// `state` of OAuth, encrypted under a key that only this installation has, and bound to the browser by a
// hash of its cookie: nothing is stored for somebody who never comes back.
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { EncryptJWT, errors, jwtDecrypt } from 'jose'
import type { SignInSecrets } from './provider.ts'

/** A sign-in that is under way. */
export interface SignIn {
  readonly providerId: string
  /** A path of ours. */
  readonly returnTo: string
  readonly secrets: SignInSecrets
}

/** Seals and opens sign-ins. */
export interface SignInStates {
  /** A new sign-in of the browser with that cookie, for five minutes. */
  seal(
    input: Pick<SignIn, 'providerId' | 'returnTo'> & { readonly cookie: string },
  ): Promise<SignIn>
  /**
   * The sign-in, which is then used; of another browser no more than that it is, and where it was to
   * lead. Undefined where the state is none of that provider, expired or used.
   */
  open(
    state: string,
    providerId: string,
    cookie: string,
  ): Promise<SignIn | Pick<SignIn, 'returnTo'> | undefined>
}

/** 5 min: a password, a second factor. */
const LIFETIME_MS = 300_000
const MAX_STATE_CHARACTERS = 4_096
const HEADER = { alg: 'dir', enc: 'A256GCM', typ: 'hasmcp-sign-in' } as const

/** `key` has 32 bytes; `useOnce` says whether nobody used the id before; `now` is for tests. */
export function createSignInStates(
  key: Uint8Array,
  useOnce: (id: string, expiresAt: Date) => Promise<boolean>,
  now: () => number = Date.now,
): SignInStates {
  return {
    async seal({ providerId, returnTo, cookie }) {
      const [nonce, codeVerifier] = [randomText(), randomText()]
      const state = await new EncryptJWT({ returnTo, nonce, codeVerifier, browser: digest(cookie) })
        .setProtectedHeader(HEADER)
        .setAudience(providerId)
        .setJti(randomUUID())
        .setExpirationTime(new Date(now() + LIFETIME_MS))
        .encrypt(key)
      return { providerId, returnTo, secrets: { state, nonce, codeVerifier } }
    },
    async open(state, providerId, cookie) {
      if (state.length > MAX_STATE_CHARACTERS) return undefined
      const opened = await decrypt(state, key, {
        audience: providerId,
        typ: HEADER.typ,
        keyManagementAlgorithms: [HEADER.alg],
        contentEncryptionAlgorithms: [HEADER.enc],
        requiredClaims: ['jti', 'exp'],
      })
      if (opened === undefined) return undefined
      const { jti = '', exp = 0, browser, nonce, codeVerifier } = opened.payload
      const returnTo = String(opened.payload['returnTo'])
      if (browser !== digest(cookie)) return { returnTo }
      if (!(await useOnce(jti, new Date(exp * 1000)))) return undefined
      const secrets = { state, nonce: String(nonce), codeVerifier: String(codeVerifier) }
      return { providerId, returnTo, secrets }
    },
  }
}

async function decrypt(...args: Parameters<typeof jwtDecrypt>) {
  try {
    return await jwtDecrypt(...args)
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined
    throw error
  }
}

/** RFC 7636, section 4.1: 43 characters of 32 random bytes. */
function randomText(): string {
  return randomBytes(32).toString('base64url')
}

function digest(cookie: string): string {
  return createHash('sha256').update(cookie).digest('base64url')
}
