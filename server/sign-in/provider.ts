// What signing in with a provider comes to, whatever its protocol: a place to send the browser to, and
// who came back. The provider's tokens live in one function each and go nowhere from there.
import { toEmailKey } from '../../db/email.ts'
import type { UserProfile } from '../../db/user.ts'

/** What ties an answer to its request. All are single use. */
export interface SignInSecrets {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
}

/** An identity provider. */
export interface SignInProvider {
  readonly id: string
  /** For a button. */
  readonly name: string
  /**
   * Where to send the browser.
   *
   * @throws {SignInError} PROVIDER_FAILED when the provider does not say where
   */
  begin(redirectUri: URL, secrets: SignInSecrets): Promise<URL>
  /**
   * Who came back with the provider's answer, which is in the URL.
   *
   * @throws {SignInError} when it is nobody whom we can know
   */
  finish(callbackUrl: URL, secrets: SignInSecrets): Promise<UserProfile>
}

/** Why nobody was signed in. */
export type SignInProblem =
  /** The person, or the provider for them, said no. */
  | 'REFUSED'
  /** The provider answered nothing, or nothing that can be believed. */
  | 'PROVIDER_FAILED'
  /** The provider knows no address of theirs, or has not verified it. */
  | 'NO_VERIFIED_EMAIL'

/** Nobody was signed in. Its cause may hold a token, and is therefore never kept. */
export class SignInError extends Error {
  override readonly name = 'SignInError'
  readonly code: SignInProblem
  /** What the log may say of it: a code, and no word of the provider's. */
  readonly detail: string
  constructor(code: SignInProblem, detail: string) {
    super(`${code}: ${detail}`)
    this.code = code
    this.detail = detail
  }
}

/** What a library's error may be known by: its class and its code. */
export function toSignInError(error: unknown): SignInError {
  if (error instanceof SignInError) return error
  if (!(error instanceof Error)) return new SignInError('PROVIDER_FAILED', typeof error)
  // Where the library has no code of its own, it passes ours on: EGRESS_DENIED, UPSTREAM_TIMEOUT.
  const code = codeOf(error) ?? codeOf(error.cause) ?? ''
  const refusal = 'error' in error && error.error === 'access_denied'
  return new SignInError(refusal ? 'REFUSED' : 'PROVIDER_FAILED', `${error.name} ${code}`.trim())
}

function codeOf(error: unknown): string | undefined {
  const isCoded = error instanceof Error && 'code' in error && typeof error.code === 'string'
  return isCoded ? String(error.code) : undefined
}

const MAX_NAME_CHARACTERS = 200
const MAX_PICTURE_URL_CHARACTERS = 2_048

/** What a provider claims of a person; nothing of it has been checked. */
export type Claims = Readonly<Record<string, unknown>>

/**
 * The person, as they are stored: only a verified address makes one.
 *
 * @throws {SignInError} NO_VERIFIED_EMAIL
 */
export function toProfile({
  email,
  email_verified: isVerified,
  name,
  picture,
}: Claims): UserProfile {
  if (typeof email !== 'string' || isVerified !== true) {
    throw new SignInError('NO_VERIFIED_EMAIL', 'the provider knows no verified address')
  }
  const emailKey = toEmailKey(email)
  // A name without a dot is of this machine or network; `owner@localhost` is the one without a provider.
  if (emailKey === undefined || !emailKey.split('@')[1]?.includes('.')) {
    throw new SignInError('NO_VERIFIED_EMAIL', 'the address is none that can be compared')
  }
  return {
    email,
    emailKey,
    name: cleanName(name) || email.slice(0, email.indexOf('@')),
    pictureUrl: toPictureUrl(picture),
  }
}

function cleanName(name: unknown): string {
  if (typeof name !== 'string') return ''
  // A half of a character at the cut's end, too, is none that a database takes.
  return name
    .replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, MAX_NAME_CHARACTERS)
    .toWellFormed()
}

function toPictureUrl(picture: unknown): string | null {
  if (typeof picture !== 'string' || picture.length > MAX_PICTURE_URL_CHARACTERS) return null
  const url = URL.parse(picture)
  return url !== null && url.protocol === 'https:' && url.href.length <= MAX_PICTURE_URL_CHARACTERS
    ? url.href
    : null
}
