// Puts signing in together from the configuration: providers, keys, mail, and the two ways in which the
// rest of the process meets people, as credentials of requests and as pages.
import type { Database } from '../../db/client.ts'
import { useToken } from '../../db/used-token.ts'
import type { People, Viewer } from '../../schema/context.ts'
import type { AuthProviderSetting } from '../auth-provider-setting.ts'
import { deriveKey } from '../instance-key.ts'
import type { Log } from '../log.ts'
import type { SignInSetting } from '../sign-in-setting.ts'
import { createSessionAuthenticator } from './authenticate-session.ts'
import { createGitHubProvider } from './github-provider.ts'
import { createIdentityFetch } from './identity-fetch.ts'
import { createMail, type SendMail } from './mail.ts'
import { createOpenIdProvider } from './openid-provider.ts'
import { createPages, type Pages } from './pages.ts'
import { createPeople } from './people.ts'
import type { SignInProvider } from './provider.ts'
import { createSessionCookie } from './session-cookie.ts'
import { createSignInStates } from './sign-in-state.ts'

/** What signing in is made of. */
export interface SignInParts {
  readonly setting: SignInSetting
  /** `EGRESS_ALLOW` */
  readonly egressAllow: string
  readonly db: Database
  /** The installation's key. */
  readonly key: Buffer
  readonly log: Log
  readonly firstAccountId: string
  readonly publicUrl: () => string
}

/** Signing in, as the rest of the process sees it. */
export interface SignInHouse {
  /** The viewer of a request with a session's cookie. */
  readonly authenticate: (request: Request) => Promise<Viewer | undefined>
  readonly createPeople: (setCookie: (text: string) => void) => People
  readonly pages: Pages
  /** Whether whoever opens a page is signed in. */
  readonly isSignedIn: (request: Request) => Promise<boolean>
}

/** Under which links are signed; `sign-in-link.ts` signs with the same one. */
export function linkKeyOf(key: Buffer): Buffer {
  return deriveKey(key, 'link')
}

/** Composes it. */
export function composeSignIn(parts: SignInParts): SignInHouse {
  const { setting, db, key, log, publicUrl, firstAccountId } = parts
  const { isSignUpOpen } = setting
  const cookie = createSessionCookie(publicUrl)
  const linkKey = linkKeyOf(key)
  const sessions = createSessionAuthenticator({ db, cookie, publicUrl, isSignUpOpen })
  const sendMail = openMail(parts)
  const people = (setCookie: (text: string) => void) =>
    createPeople({ db, linkKey, cookie, publicUrl, isSignUpOpen, sendMail }, setCookie)
  const pages = createPages({
    db,
    sessions,
    cookie,
    createPeople: people,
    providers: openProviders(parts),
    states: createSignInStates(deriveKey(key, 'sign-in state'), (id, expiresAt) =>
      useToken(db, id, expiresAt),
    ),
    linkKey,
    publicUrl,
    isSignUpOpen,
    firstAccountId,
    onProblem: (problem, providerId) => {
      log.warn({ providerId, problem }, 'nobody was signed in')
    },
  })
  return {
    authenticate: sessions.authenticate,
    createPeople: people,
    pages,
    isSignedIn: async (request) => (await sessions.recognise(request)) !== undefined,
  }
}

function openProviders({ setting, egressAllow }: SignInParts): readonly SignInProvider[] {
  return setting.authProviders.map((provider) => {
    const fetch = createIdentityFetch(egressAllow, originsOf(provider))
    return provider.type === 'github'
      ? createGitHubProvider(provider, fetch)
      : createOpenIdProvider(provider, fetch)
  })
}

function originsOf(setting: AuthProviderSetting): readonly string[] {
  const urls = setting.type === 'github' ? [setting.url, setting.apiUrl] : [setting.issuer]
  return [...new Set(urls.map((url) => new URL(url).origin))]
}

function openMail({ setting, log, publicUrl }: SignInParts): SendMail | undefined {
  const { smtpUrl, mailFrom } = setting
  if (smtpUrl === undefined) return undefined
  const from = () => mailFrom ?? `HasMCP <no-reply@${new URL(publicUrl()).hostname}>`
  return createMail(smtpUrl, from, (code) => {
    log.warn({ code }, 'the mail server took no mail')
  })
}
