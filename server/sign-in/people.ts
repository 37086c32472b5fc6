// What is done with people that the GraphQL API and the pages share: invitations and sessions. Each
// change of what a session may do gives it a new secret.
import { ConflictError } from '../../db/errors.ts'
import type { Database } from '../../db/client.ts'
import { hashCredential, newCredential } from '../../db/credential.ts'
import { acceptInvitation, type Invitation } from '../../db/invitation.ts'
import { insertMembership } from '../../db/membership.ts'
import { updateSession } from '../../db/session.ts'
import { withAccount, withIdentity } from '../../db/transaction.ts'
import type { User } from '../../db/user.ts'
import type { People } from '../../schema/context.ts'
import { printLinkToken, readLinkToken } from './link-token.ts'
import type { SendMail } from './mail.ts'
import type { SessionCookie } from './session-cookie.ts'

/** What it needs of the process. */
export interface PeopleDeps {
  readonly db: Database
  /** 32 bytes, under which links are signed. */
  readonly linkKey: Uint8Array
  readonly cookie: SessionCookie
  readonly publicUrl: () => string
  readonly isSignUpOpen: boolean
  /** Undefined where there is no mail server. */
  readonly sendMail: SendMail | undefined
}

/** Where an invitation's link leads. */
export const INVITATION_PATH = '/invitation'

/** `setCookie` is given the `Set-Cookie` of the response. */
export function createPeople(deps: PeopleDeps, setCookie: (text: string) => void): People {
  const { db, linkKey, cookie, publicUrl, isSignUpOpen, sendMail } = deps
  return {
    isSignUpOpen,
    async linkInvitation({ id, account_id: subject, expires_at: expiresAt }) {
      const token = await printLinkToken(linkKey, 'invitation', { id, subject, expiresAt })
      return `${publicUrl()}${INVITATION_PATH}?token=${token}`
    },
    mailInvitation: (invitation, accountName, link) =>
      sendMail === undefined
        ? Promise.resolve(false)
        : sendMail(printInvitation(invitation, accountName, link)),
    acceptInvitation: (url, user) => accept(deps, url, user),
    async renewSession(sessionId, accountId) {
      const credential = newCredential('hmb')
      const hash = hashCredential(credential)
      await withIdentity(db, (tx) => updateSession(tx, sessionId, { accountId, hash }))
      setCookie(cookie.print(credential))
    },
  }
}

async function accept({ db, linkKey }: PeopleDeps, url: string, user: User): Promise<string> {
  const token = URL.parse(url)?.searchParams.get('token') ?? url
  const claims = await readLinkToken(linkKey, 'invitation', token)
  if (claims === undefined) throw refusal()
  return await withAccount(db, claims.subject, async (tx) => {
    const invitation = await acceptInvitation(tx, claims.id, user.email_key)
    if (invitation === undefined) throw refusal()
    await insertMembership(tx, { userId: user.id, role: invitation.role })
    return tx.accountId
  })
}

/** One sentence for all reasons: whose address an invitation is for is nobody else's business. */
function refusal(): ConflictError {
  return new ConflictError(
    'This invitation cannot be accepted: it was used or taken back, it is older than 7 days, or it is for another address than the one you are signed in with',
  )
}

function printInvitation(
  { email, role, expires_at: expiresAt }: Invitation,
  accountName: string,
  link: string,
) {
  return {
    to: email,
    subject: `Join ${accountName} on HasMCP`,
    text: [
      `You are invited to join the account "${accountName}" on HasMCP, with the role ${role}.`,
      '',
      link,
      '',
      `The link works once, until ${expiresAt.toUTCString()}, for whoever signs in as ${email}.`,
      'If you did not expect this, do nothing: without you, nothing happens.',
      '',
    ].join('\n'),
  }
}
