// The link that signs in whoever stands at the machine: printed at the first start and on request.
import { linkKeyOf } from './compose.ts'
import { printLinkToken } from './link-token.ts'

/** Without a provider there is one owner, who needs no address. */
export const LOCAL_OWNER_EMAIL = 'owner@localhost'

/** 10 min: from one window to another. */
const LIFETIME_MS = 600_000

/** A link for one sign-in of that person, for ten minutes. `key` is the installation's. */
export async function printSignInLink(
  key: Buffer,
  publicUrl: string,
  email: string = LOCAL_OWNER_EMAIL,
): Promise<string> {
  const token = await printLinkToken(linkKeyOf(key), 'sign-in', {
    subject: email,
    expiresAt: new Date(Date.now() + LIFETIME_MS),
  })
  return `${publicUrl}/sign-in/link?token=${token}`
}
