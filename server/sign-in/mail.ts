// Mail, where the operator has a server for it. One attempt with short limits: whoever asked for a mail
// is told whether it was taken, and has the link in any case.
import { createTransport } from 'nodemailer'
import { settlesWithin } from '../settles-within.ts'

/** What is mailed. */
export interface Mail {
  readonly to: string
  readonly subject: string
  readonly text: string
}

/** Whether a server took the mail. */
export type SendMail = (mail: Mail) => Promise<boolean>

// Half of a GraphQL operation's time, from the connection to the server's word that it took the mail.
const SMTP_TIMEOUT_MS = 4_000

/**
 * Sends by the server of `smtpUrl`, `smtp://user:password@host:587`. `onError` is told a code only: the
 * answers of mail servers repeat addresses. Default of `timeoutMs`: 4 s.
 */
export function createMail(
  smtpUrl: string,
  from: () => string,
  onError: (code: string) => void,
  timeoutMs = SMTP_TIMEOUT_MS,
): SendMail {
  const transport = createTransport({
    url: smtpUrl,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
    requireTLS: needsTls(new URL(smtpUrl)),
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return async ({ to, subject, text }) => {
    try {
      // An object: in a text, a comma would be a second recipient.
      const sent = transport.sendMail({
        from: from(),
        to: { name: '', address: to },
        subject,
        text,
      })
      // The library's limits are each for one step of many.
      const isSent = await settlesWithin(
        sent.then(() => undefined),
        timeoutMs,
      )
      if (!isSent) onError('ETIMEDOUT')
      return isSent
    } catch (error) {
      onError(error instanceof Error && 'code' in error ? String(error.code) : 'unknown')
      return false
    }
  }
}

/** A password does not go out in clear because somebody on the way takes STARTTLS from the answer. */
function needsTls({ hostname, username, protocol }: URL): boolean {
  const isLoopback = ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
  return protocol === 'smtp:' && username !== '' && !isLoopback
}
