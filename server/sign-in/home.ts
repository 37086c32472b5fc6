// The pages of a person who is signed in: who they are and for which account they act, an invitation to
// join another, and the way out.
import type { Database } from '../../db/client.ts'
import { hashCredential } from '../../db/credential.ts'
import { ConflictError } from '../../db/errors.ts'
import { listMembershipsOfUser, type MembershipOfUser } from '../../db/membership.ts'
import { deleteSessionByHash } from '../../db/session.ts'
import { withIdentity } from '../../db/transaction.ts'
import type { People, Person, Viewer } from '../../schema/context.ts'
import type { SessionAuthenticator } from './authenticate-session.ts'
import { foreignForm, html, redirect, toProblemResponse, toResponse } from './page.ts'
import { INVITATION_PATH } from './people.ts'
import type { SessionCookie } from './session-cookie.ts'

/** What the pages need of the process. */
export interface HomeDeps {
  readonly db: Database
  readonly sessions: SessionAuthenticator
  readonly cookie: SessionCookie
  readonly publicUrl: () => string
  readonly isSignUpOpen: boolean
  readonly createPeople: (setCookie: (text: string) => void) => People
}

/** The routes of who is signed in. */
export interface HomeRoutes {
  /** `GET /` */
  readonly show: (request: Request) => Promise<Response>
  /** `POST /switch-account` */
  readonly switchAccount: (request: Request) => Promise<Response>
  /** `GET` and `POST /invitation` */
  readonly invitation: (request: Request) => Promise<Response>
  /** `POST /sign-out` */
  readonly signOut: (request: Request) => Promise<Response>
}

/** The routes. */
export function createHome(deps: HomeDeps): HomeRoutes {
  const { db, sessions, cookie } = deps
  return {
    async show(request) {
      const viewer = await sessions.recognise(request)
      if (viewer?.session === undefined) return redirect('/sign-in')
      const { user } = viewer.session
      const memberships = await withIdentity(db, (tx) => listMembershipsOfUser(tx, user.id))
      return showHome(deps, viewer, viewer.session, memberships)
    },
    async switchAccount(request) {
      const person = await readPerson(deps, request)
      if (person instanceof Response) return person
      const accountId = new URLSearchParams(await request.text()).get('accountId')
      const mine = await withIdentity(db, (tx) => listMembershipsOfUser(tx, person.user.id))
      const chosen = mine.find(({ account }) => account.id === accountId)
      if (chosen === undefined) {
        return toProblemResponse(404, 'There is no such account', 'You belong to no such account.')
      }
      return await renewed(deps, person, () => Promise.resolve(chosen.account.id))
    },
    invitation: (request) =>
      request.method === 'POST' ? accept(deps, request) : showInvitation(deps, request),
    async signOut(request) {
      if (!sessions.isOwnForm(request)) return foreignForm(deps.publicUrl())
      await withIdentity(db, async (tx) => {
        // Whichever is the browser's own: it must not outlive this.
        for (const credential of cookie.readAll(request)) {
          await deleteSessionByHash(tx, hashCredential(credential))
        }
      })
      return redirect('/sign-in', { 'set-cookie': cookie.clear() })
    },
  }
}

/** Who sent one of our forms; else the response that says why nobody did. */
async function readPerson(
  { sessions, publicUrl }: HomeDeps,
  request: Request,
): Promise<Person | Response> {
  if (!sessions.isOwnForm(request)) return foreignForm(publicUrl())
  const viewer = await sessions.recognise(request)
  return viewer?.session ?? redirect('/sign-in')
}

/** The session in the account that `work` names, under a new secret. */
async function renewed(
  { createPeople }: HomeDeps,
  { session }: Person,
  work: (people: People) => Promise<string>,
): Promise<Response> {
  const cookies: string[] = []
  const people = createPeople((text) => cookies.push(text))
  await people.renewSession(session.id, await work(people))
  return redirect('/', { 'set-cookie': cookies.join() })
}

function showHome(
  { isSignUpOpen }: HomeDeps,
  { role, accountProblem }: Viewer,
  { user, session }: Person,
  memberships: readonly MembershipOfUser[],
): Response {
  const current = memberships.find(({ account }) => account.id === session.account_id)
  const others = memberships.filter((one) => one !== current)
  const nowhere = isSignUpOpen
    ? 'You belong to no account yet: make one with the mutation createAccount, or follow an invitation.'
    : 'You belong to no account yet: ask an owner of one to invite you.'
  const where =
    current === undefined
      ? memberships.length > 0
        ? 'Choose the account to act for.'
        : nowhere
      : (accountProblem?.message ?? `You act for ${current.account.name}, as ${role ?? ''}.`)
  return toResponse(
    user.name,
    html`<p><small>${user.email}</small></p>
      <p>${where}</p>
      <ul>
        ${others.map(
          ({ account }) =>
            html`<li>
              ${account.name}
              <form method="post" action="/switch-account">
                <input type="hidden" name="accountId" value="${account.id}" />
                <button class="quiet">Act for it</button>
              </form>
            </li>`,
        )}
      </ul>
      <p><a class="button" href="/graphql">Open the GraphQL API</a></p>
      <form method="post" action="/sign-out"><button class="quiet">Sign out</button></form>`,
  )
}

async function showInvitation({ sessions }: HomeDeps, request: Request): Promise<Response> {
  const token = new URL(request.url).searchParams.get('token') ?? ''
  const viewer = await sessions.recognise(request)
  if (viewer?.session === undefined) {
    const returnTo = `${INVITATION_PATH}?token=${encodeURIComponent(token)}`
    return redirect(`/sign-in?returnTo=${encodeURIComponent(returnTo)}`)
  }
  return toResponse(
    'Join an account',
    html`<p>You are signed in as ${viewer.session.user.email}.</p>
      <form method="post" action="${INVITATION_PATH}">
        <input type="hidden" name="token" value="${token}" />
        <button>Accept the invitation</button>
      </form>`,
  )
}

async function accept(deps: HomeDeps, request: Request): Promise<Response> {
  const person = await readPerson(deps, request)
  if (person instanceof Response) return person
  const token = new URLSearchParams(await request.text()).get('token') ?? ''
  try {
    return await renewed(deps, person, (people) => people.acceptInvitation(token, person.user))
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error
    return toProblemResponse(409, 'You did not join', `${error.message}.`)
  }
}
