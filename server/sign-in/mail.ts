// Mail, where the operator has a server for it. One attempt with short limits: whoever asked for a mail
// is told whether it was taken, and has the link in any case.
import { createTransport } from 'nodemailer'

/** What is mailed. */
export interface Mail {
  readonly to: string
  readonly subject: string
  readonly text: string
}

/** Whether a server took the mail. */
export type SendMail = (mail: Mail) => Promise<boolean>

// Half of a GraphQL operation's time.
const SMTP_TIMEOUT_MS = 4_000

/**
 * Sends by the server of `smtpUrl`, `smtp://user:password@host:587`. `onError` is told a code only: the
 * answers of mail servers repeat addresses.
 */
export function createMail(
  smtpUrl: string,
  from: () => string,
  onError: (code: string) => void,
): SendMail {
  const transport = createTransport({
    url: smtpUrl,
    connectionTimeout: SMTP_TIMEOUT_MS,
    greetingTimeout: SMTP_TIMEOUT_MS,
    socketTimeout: SMTP_TIMEOUT_MS,
    dnsTimeout: SMTP_TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return async ({ to, subject, text }) => {
    try {
      // An object: in a text, a comma would be a second recipient.
      await transport.sendMail({ from: from(), to: { name: '', address: to }, subject, text })
      return true
    } catch (error) {
      onError(error instanceof Error && 'code' in error ? String(error.code) : 'unknown')
      return false
    }
  }
}
