// Mail as it leaves: to one server, once, and not for long.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createMail } from '../server/sign-in/mail.ts'
import { startMailbox } from './support/mailbox.ts'

const mailbox = await startMailbox({ after })
const MAIL = { to: 'ada@example.com', subject: 'Hello', text: 'Hello' }

function open(url: string, timeoutMs?: number) {
  const codes: string[] = []
  const onError = (code: string) => codes.push(code)
  const from = () => 'HasMCP <mcp@example.com>'
  return { codes, send: createMail(url, from, onError, timeoutMs) }
}

test('a mail goes to its one recipient', async () => {
  const { send, codes } = open(mailbox.url)
  assert.equal(await send(MAIL), true)
  const { from, to } = await mailbox.next()
  assert.deepEqual([from, to, codes], ['mcp@example.com', ['ada@example.com'], []])
})

test('a server that falls silent is given up in time, as a whole', async () => {
  mailbox.behave('silent')
  const { send, codes } = open(mailbox.url, 200)
  const since = performance.now()
  assert.equal(await send(MAIL), false)
  assert.ok(performance.now() - since < 2_000)
  assert.equal(codes.length, 1)
  mailbox.behave('accept')
})

test('a server that refuses is a code in the log, and no address', async () => {
  mailbox.behave({ at: 'recipient', code: 550 })
  const { send, codes } = open(mailbox.url)
  assert.equal(await send(MAIL), false)
  assert.deepEqual(codes, ['EENVELOPE'])
  mailbox.behave('accept')
})

test('a password is sent to no server that cannot encrypt, but on loopback', async () => {
  // Of this machine, by an address that is not known as its own: the rule goes by names.
  const other = await startMailbox({ after }, '127.0.0.2')
  const url = new URL(other.url)
  url.username = 'user'
  url.password = 'secret'
  const { send, codes } = open(url.href)
  assert.equal(await send(MAIL), false)
  assert.deepEqual(codes, ['ETLS'])
})
