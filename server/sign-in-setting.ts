// The settings of signing in, read for config.ts, which gives the text: with whom, who may, and by which
// mail server invitations go.
import { readAuthProviders, type AuthProviderSetting } from './auth-provider-setting.ts'

/** What the environment decides of signing in. */
export interface SignInSetting {
  /** With whom people can sign in; none: with a link that is printed at the machine. */
  readonly authProviders: readonly AuthProviderSetting[]
  /** Whether whoever signs in may make an account; else only who is invited gets in. */
  readonly isSignUpOpen: boolean
  readonly smtpUrl: string | undefined
  /** The sender of mails; undefined: one of the public origin's host. */
  readonly mailFrom: string | undefined
}

/** What the reader threw is noted as a problem, and gives undefined. */
type Attempt = <T>(read: () => T) => T | undefined

/** The settings; whatever is wrong is thrown within `attempt`, as a sentence that names the variable. */
export function readSignInSetting(
  text: (name: string) => string | undefined,
  attempt: Attempt,
): SignInSetting {
  return {
    authProviders: attempt(() => readAuthProviders(text('AUTH_PROVIDERS'))) ?? [],
    isSignUpOpen: attempt(() => readSignUp(text('SIGN_UP'))) ?? false,
    smtpUrl: attempt(() => readSmtpUrl(text('SMTP_URL'))),
    mailFrom: attempt(() => readMailFrom(text('MAIL_FROM'))),
  }
}

/**
 * A cookie that opens an account must not travel in clear.
 *
 * @throws {Error} with a sentence about PUBLIC_URL
 */
export function checkOrigin({
  signIn,
  publicUrl,
}: {
  readonly signIn: SignInSetting
  readonly publicUrl: string | undefined
}): void {
  const isNeeded = signIn.authProviders.length > 0
  if (!isNeeded || publicUrl === undefined || isSecure(new URL(publicUrl))) return
  throw new Error(
    `PUBLIC_URL is "${publicUrl}", expected https where people sign in by AUTH_PROVIDERS`,
  )
}

function isSecure({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
}

function readSignUp(text = 'invited'): boolean {
  if (text === 'open' || text === 'invited') return text === 'open'
  throw new Error(`SIGN_UP is ${JSON.stringify(text)}, expected invited or open`)
}

function readSmtpUrl(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const url = URL.parse(text)
  // Its text is not repeated: it holds a password.
  if (url === null || !['smtp:', 'smtps:'].includes(url.protocol) || url.hostname === '') {
    throw new Error(
      'SMTP_URL is not the URL of a mail server, expected smtp://user:password@host:587 or smtps://…',
    )
  }
  return text
}

function readMailFrom(text: string | undefined): string | undefined {
  if (text === undefined || /^[^\r\n<>@]*<[^\s<>@]+@[^\s<>@]+>$|^[^\s<>@]+@[^\s<>@]+$/.test(text)) {
    return text
  }
  throw new Error(
    `MAIL_FROM is ${JSON.stringify(text)}, expected an address such as "HasMCP <mcp@example.com>"`,
  )
}
