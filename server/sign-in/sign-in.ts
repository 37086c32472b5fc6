// Signing in: the page with the providers, the way there and back, and the link that is printed at the
// machine. A person who is signed in gets a new session each time, whatever cookie came with the request.
import type { Database } from '../../db/client.ts'
import { hashCredential, newCredential } from '../../db/credential.ts'
import { toEmailKey } from '../../db/email.ts'
import { ConflictError } from '../../db/errors.ts'
import { deleteExpiredInvitations, hasInvitation } from '../../db/invitation.ts'
import {
  findMembershipOfUser,
  insertMembership,
  listMembershipsOfUser,
  updateMembership,
} from '../../db/membership.ts'
import { deleteExpiredSessions, deleteSessionByHash, insertSession } from '../../db/session.ts'
import { withAccount, withIdentity } from '../../db/transaction.ts'
import { deleteExpiredTokens, useToken } from '../../db/used-token.ts'
import { findUserByEmail, upsertUser, type User, type UserProfile } from '../../db/user.ts'
import type { SessionAuthenticator } from './authenticate-session.ts'
import { ROLES } from '../../schema/role.ts'
import { readLinkToken } from './link-token.ts'
import { foreignForm, html, redirect, toProblemResponse, toResponse } from './page.ts'
import { SignInError, type SignInProblem, type SignInProvider } from './provider.ts'
import type { SessionCookie } from './session-cookie.ts'
import type { SignIn, SignInStates } from './sign-in-state.ts'

/** What signing in needs of the process. */
export interface SignInDeps {
  readonly db: Database
  readonly providers: readonly SignInProvider[]
  readonly states: SignInStates
  /** 32 bytes, under which links are signed. */
  readonly linkKey: Uint8Array
  readonly sessions: Pick<SessionAuthenticator, 'isOwnForm' | 'recognise'>
  readonly cookie: SessionCookie
  readonly publicUrl: () => string
  readonly isSignUpOpen: boolean
  /** Of whoever signs in with a link from the machine itself. */
  readonly firstAccountId: string
  /** Told why nobody was signed in: a code, and nothing that a provider said. */
  readonly onProblem: (problem: string, providerId: string) => void
}

/** The routes under `/sign-in`. */
export interface SignInRoutes {
  /** `GET /sign-in` */
  readonly choose: (request: Request) => Response
  /** `GET /sign-in/{providerId}` */
  readonly begin: (request: Request, providerId: string) => Promise<Response>
  /** `GET /sign-in/{providerId}/callback` */
  readonly finish: (request: Request, providerId: string) => Promise<Response>
  /** `GET` and `POST /sign-in/link` */
  readonly link: (request: Request) => Promise<Response>
}

/** Where a browser goes that came for no page of its own. */
const HOME = '/'
const MAX_RETURN_TO_CHARACTERS = 2_048

/** The routes. */
export function createSignIn(deps: SignInDeps): SignInRoutes {
  const find = (id: string) => deps.providers.find((provider) => provider.id === id)
  return {
    choose: (request) => showProviders(deps.providers, readReturnTo(request)),
    async begin(request, providerId) {
      const provider = find(providerId)
      if (provider === undefined) return unknownProvider()
      // Whatever the cookie is of, a session or nothing yet, it says which browser this is.
      const known = deps.cookie.read(request)
      const browser = known ?? newCredential('hmb')
      const returnTo = readReturnTo(request)
      try {
        const { secrets } = await deps.states.seal({ providerId, returnTo, cookie: browser })
        const url = await provider.begin(callbackOf(deps, providerId), secrets)
        const headers = known === undefined ? { 'set-cookie': deps.cookie.print(browser) } : {}
        return redirect(url.href, headers)
      } catch (error) {
        return showProblem(deps, error, providerId)
      }
    },
    async finish(request, providerId) {
      const provider = find(providerId)
      if (provider === undefined) return unknownProvider()
      const callbackUrl = callbackOf(deps, providerId)
      callbackUrl.search = new URL(request.url).search
      const state = callbackUrl.searchParams.get('state') ?? ''
      const browser = deps.cookie.read(request) ?? ''
      const signIn = await deps.states.open(state, providerId, browser)
      if (signIn === undefined || !('secrets' in signIn)) return await stay(deps, request, signIn)
      try {
        const profile = await provider.finish(callbackUrl, signIn.secrets)
        const user = await admit(deps, profile)
        if (user === undefined) return notInvited(profile.email)
        return await startSession(deps, request, user, signIn.returnTo)
      } catch (error) {
        return showProblem(deps, error, providerId)
      }
    },
    link: async (request) =>
      request.method === 'POST' ? await useLink(deps, request) : showLink(request),
  }
}

function callbackOf({ publicUrl }: SignInDeps, providerId: string): URL {
  return new URL(`${publicUrl()}/sign-in/${providerId}/callback`)
}

/**
 * Nobody signs in. Whoever did so in another tab meanwhile, which gave the browser another cookie, goes on
 * as who they are.
 */
async function stay(
  { sessions }: SignInDeps,
  request: Request,
  of: Pick<SignIn, 'returnTo'> | undefined,
): Promise<Response> {
  const isSignedIn = of !== undefined && (await sessions.recognise(request)) !== undefined
  return isSignedIn ? redirect(of.returnTo) : staleSignIn()
}

/** A path of ours; anything else, or nothing, is the home page. */
function readReturnTo(request: Request): string {
  const text = new URL(request.url).searchParams.get('returnTo') ?? ''
  // A browser takes `//host` and `/\host` for another host.
  if (!/^\/(?![/\\])[\x21-\x5B\x5D-\x7E]*$/.test(text)) return HOME
  const url = URL.parse(text, 'http://here.invalid')
  if (url?.host !== 'here.invalid') return HOME
  // Without its dots `/..//host` is `//host`; and what is encoded is three times as long.
  const path = `${url.pathname}${url.search}`
  return path.startsWith('//') || path.length > MAX_RETURN_TO_CHARACTERS ? HOME : path
}

/** The person, stored as the provider describes them; undefined where nobody knows them. */
async function admit(
  { db, isSignUpOpen }: SignInDeps,
  profile: UserProfile,
): Promise<User | undefined> {
  const mayJoin = isSignUpOpen || (await hasInvitation(db, profile.emailKey))
  return await withIdentity(db, async (tx) => {
    if (!mayJoin && (await findUserByEmail(tx, profile.emailKey)) === undefined) return undefined
    return await upsertUser(tx, profile)
  })
}

/** A new session in that account, or in the one that the person joined first. */
async function startSession(
  { db, cookie }: SignInDeps,
  request: Request,
  user: User,
  returnTo: string,
  inAccountId?: string,
): Promise<Response> {
  const [before, credential] = [cookie.read(request), newCredential('hmb')]
  await deleteExpiredSessions(db)
  await deleteExpiredTokens(db)
  await deleteExpiredInvitations(db)
  await withIdentity(db, async (tx) => {
    if (before !== undefined) await deleteSessionByHash(tx, hashCredential(before))
    const memberships = await listMembershipsOfUser(tx, user.id)
    const open = memberships.find(({ account }) => account.suspended_at === null)
    const accountId = inAccountId ?? (open ?? memberships[0])?.account.id ?? null
    await insertSession(tx, { userId: user.id, accountId, hash: hashCredential(credential) })
  })
  return redirect(returnTo, { 'set-cookie': cookie.print(credential) })
}

function showProviders(providers: readonly SignInProvider[], returnTo: string): Response {
  const query = returnTo === HOME ? '' : `?returnTo=${encodeURIComponent(returnTo)}`
  if (providers.length === 0) {
    return toResponse(
      'Sign in',
      html`<p>
          No identity provider is configured here. At the machine itself, this prints a link that
          signs you in:
        </p>
        <p><code>npm run sign-in-link</code></p>`,
    )
  }
  const buttons = providers.map(
    ({ id, name }) =>
      html`<p><a class="button" href="/sign-in/${id}${query}">Continue with ${name}</a></p>`,
  )
  return toResponse(
    'Sign in',
    html`${buttons}
      <p>
        <small>
          Your name, address and picture's URL are stored, and one cookie that keeps you signed in.
          Nothing else.
        </small>
      </p>`,
  )
}

function showLink(request: Request): Response {
  const token = new URL(request.url).searchParams.get('token') ?? ''
  // A button, as what follows links by itself (a mail scanner, a preview) would use it up.
  return toResponse(
    'Sign in',
    html`<form method="post" action="/sign-in/link">
      <input type="hidden" name="token" value="${token}" />
      <button>Sign in</button>
    </form>`,
  )
}

async function useLink(deps: SignInDeps, request: Request): Promise<Response> {
  // Another site must not sign somebody in as somebody else.
  if (!deps.sessions.isOwnForm(request)) return foreignForm(deps.publicUrl())
  const { db, linkKey } = deps
  const form = new URLSearchParams(await request.text())
  const claims = await readLinkToken(linkKey, 'sign-in', form.get('token') ?? '')
  const emailKey = claims && toEmailKey(claims.subject)
  const isFresh =
    claims !== undefined &&
    emailKey !== undefined &&
    (await useToken(db, claims.id, claims.expiresAt))
  if (!isFresh) {
    return toProblemResponse(
      403,
      'This link does not sign you in',
      'It was used, or is older than ten minutes. At the machine itself, npm run sign-in-link prints another.',
    )
  }
  const email = claims.subject
  const user = await withIdentity(
    db,
    async (tx) =>
      (await findUserByEmail(tx, emailKey)) ??
      (await upsertUser(tx, {
        email,
        emailKey,
        name: email.slice(0, email.indexOf('@')),
        pictureUrl: null,
      })),
  )
  await joinFirstAccount(deps, user.id)
  return await startSession(deps, request, user, HOME, deps.firstAccountId)
}

/** Whoever stands at the machine is an owner, whatever they were before. */
async function joinFirstAccount({ db, firstAccountId }: SignInDeps, userId: string): Promise<void> {
  const isOwner = () =>
    withAccount(db, firstAccountId, async (tx) => {
      const membership = await findMembershipOfUser(tx, userId)
      if (membership === undefined || membership.role === 'OWNER') return membership !== undefined
      await updateMembership(tx, membership.id, 'OWNER', {
        keepsTokens: true,
        invitationRoles: ROLES,
      })
      return true
    })
  if (await isOwner()) return
  try {
    await withAccount(db, firstAccountId, (tx) => insertMembership(tx, { userId, role: 'OWNER' }))
  } catch (error) {
    // A second link, used at the same moment, was quicker.
    if (!(error instanceof ConflictError) || !(await isOwner())) throw error
  }
}

const PROBLEMS: Readonly<Record<SignInProblem, readonly [number, string, string]>> = {
  REFUSED: [403, 'You were not signed in', 'The identity provider says that you declined.'],
  PROVIDER_FAILED: [
    502,
    'The identity provider did not answer as it should',
    'Nobody was signed in. Try again; if it stays like this, the log of this installation says more.',
  ],
  NO_VERIFIED_EMAIL: [
    403,
    'Your address is not verified',
    'The identity provider has no verified address of yours, by which you would be known here. Verify it there and come back.',
  ],
}

function showProblem({ onProblem }: SignInDeps, error: unknown, providerId: string): Response {
  if (!(error instanceof SignInError)) throw error
  onProblem(error.message, providerId)
  return toProblemResponse(...PROBLEMS[error.code])
}

function unknownProvider(): Response {
  return toProblemResponse(404, 'There is no such provider', 'Choose one that is configured here.')
}

function staleSignIn(): Response {
  return toProblemResponse(
    403,
    'This sign-in does not continue here',
    'It was begun more than five minutes ago or in another browser, or was finished before. Begin again.',
  )
}

function notInvited(email: string): Response {
  return toProblemResponse(
    403,
    'Nobody invited you yet',
    `No account here waits for ${email}. Ask an owner of one to invite that address, then sign in again.`,
  )
}
