// A real SMTP server on the loopback interface, without TLS and without a password: what the
// product sends is taken off the wire, and what a mail server can do wrong is done here.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'
import type { Cleanup } from './database.ts'

/** A message as it was delivered. */
export interface Mail {
  /** Of the envelope, as are the recipients. */
  readonly from: string
  readonly to: readonly string[]
  /** Headers and body as sent. */
  readonly text: string
  /** What a reader sees: the message, or its first part of text/plain, decoded. */
  readonly body: string
}

/** Where a message is refused, and by which reply: 4xx is "later", 5xx is "never". */
export interface MailRefusal {
  readonly at: 'connection' | 'sender' | 'recipient' | 'message'
  readonly code: number
}

export interface Mailbox {
  /** `smtp://127.0.0.1:port`. */
  readonly url: string
  readonly port: number
  /** Every message so far, in order of arrival. */
  readonly mails: readonly Mail[]
  /** The first message that no call of this has returned, as soon as there is one. */
  next(): Promise<Mail>
  /** From now on: takes messages (so it starts), refuses them, or lets a client wait for the greeting. */
  behave(how: 'accept' | 'silent' | MailRefusal): void
}

/** Starts one; it stops when the test ends. */
export async function startMailbox(t: Cleanup, host = '127.0.0.1'): Promise<Mailbox> {
  let how: 'accept' | 'silent' | MailRefusal = 'accept'
  const mails: Mail[] = []
  const unread: Mail[] = []
  const waiting: ((mail: Mail) => void)[] = []
  const answerAt = (at: MailRefusal['at'], done: (error?: Error | null) => void) => {
    if (how === 'silent') return
    if (how === 'accept' || how.at !== at) return done()
    done(Object.assign(new Error('Refused by the test'), { responseCode: how.code }))
  }
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    logger: false,
    // Whoever is left waiting for a greeting is let go at the end of the test, not 30 s after it.
    closeTimeout: 1,
    onConnect: (_session, done) => answerAt('connection', done),
    onMailFrom: (_address, _session, done) => answerAt('sender', done),
    onRcptTo: (_address, _session, done) => answerAt('recipient', done),
    onData: async (stream, { envelope }, done) => {
      const raw = await text(stream)
      const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address
      const to = envelope.rcptTo.map(({ address }) => address)
      answerAt('message', (error) => {
        done(error)
        if (error) return
        const mail = { from, to, text: raw, body: readBody(raw) }
        mails.push(mail)
        const resolve = waiting.shift()
        if (resolve === undefined) unread.push(mail)
        else resolve(mail)
      })
    },
  })
  // A client that hangs up in the middle is no failure of the server.
  server.on('error', () => {})
  await once(server.listen(0, host), 'listening')
  t.after(() => new Promise<void>((resolve) => server.close(() => resolve())))
  const { port } = server.server.address() as AddressInfo
  return {
    url: `smtp://${host}:${port}`,
    port,
    mails,
    next: async () => unread.shift() ?? new Promise((resolve) => waiting.push(resolve)),
    behave: (next) => {
      how = next
    },
  }
}

/** Of a message or a part of one: what its encoding stands for; of a multipart its first text/plain. */
function readBody(entity: string): string {
  const end = entity.indexOf('\r\n\r\n')
  const headers = entity.slice(0, end).replace(/\r\n[ \t]+/g, ' ')
  const body = entity.slice(end + 4)
  const header = (name: string) => new RegExp(`^${name}: *(.*)$`, 'im').exec(headers)?.[1] ?? ''
  const type = header('content-type')
  const boundary = /boundary="?([^";]+)/i.exec(type)?.[1]
  if (boundary !== undefined) {
    const parts = body.split(`--${boundary}`).slice(1, -1)
    const plain = parts.find((part) => /^content-type: *(text\/plain|multipart\/)/im.test(part))
    return plain === undefined ? '' : readBody(plain.replace(/^\r\n/, ''))
  }
  switch (header('content-transfer-encoding').trim().toLowerCase()) {
    case 'base64':
      return Buffer.from(body, 'base64').toString()
    case 'quoted-printable':
      return Buffer.from(
        body
          .replace(/=\r\n/g, '')
          .replace(/=([0-9A-F]{2})/g, (_match, hex: string) =>
            String.fromCharCode(Number.parseInt(hex, 16)),
          ),
        'latin1',
      ).toString()
    default:
      return body
  }
}
