// What the time of a refusal tells: nothing. A credential that never was takes as long as one that is no
// more, and an address that is known as long as one that is not.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { newCredential } from '../db/credential.ts'
import { startApp } from './support/app.ts'
import { invite, join, membershipOf, signIn, signInByLink, withKey } from './support/person.ts'

const SAMPLES = 200
// Above what is measured here by a factor of ten, and below what a network lets anybody see.
const MAX_DIFFERENCE_MS = 10

const app = await startApp({ after })
const owner = await signInByLink(app)

/** The medians of two attempts that take turns, in milliseconds. */
async function compare(one: () => Promise<unknown>, other: () => Promise<unknown>) {
  const times: readonly [number[], number[]] = [[], []]
  for (let n = 0; n < SAMPLES; n += 1) {
    for (const [index, attempt] of [one, other].entries()) {
      const start = performance.now()
      await attempt()
      times[index]?.push(performance.now() - start)
    }
  }
  return times.map((list) => list.toSorted((a, b) => a - b)[SAMPLES / 2] ?? Number.NaN)
}

function assertAlike([one = Number.NaN, other = Number.NaN]: readonly number[]): void {
  assert.ok(Math.abs(one - other) < MAX_DIFFERENCE_MS, `${one} ms and ${other} ms`)
}

test('an API key that never was and one that was revoked are refused alike', async () => {
  const { key, apiKey } = await owner.make<{ key: string; apiKey: { id: string } }>(
    'createApiKey',
    { input: { name: 'Old' } },
    'key apiKey { id }',
  )
  await owner.make('revokeApiKey', { id: apiKey.id })
  const [revoked, unknown] = [withKey(app, key), withKey(app, newCredential('hmk'))]
  assertAlike(
    await compare(
      () => revoked.send('{ viewer { id } }'),
      () => unknown.send('{ viewer { id } }'),
    ),
  )
})

test('a session that was ended and one that never was are refused alike', async () => {
  const ended = await join(app, owner, 'gone@example.com', 'MEMBER')
  const { viewer } = await ended.ask<{ viewer: { session: { id: string } } }>(
    '{ viewer { session { id } } }',
  )
  await ended.make('revokeSession', { id: viewer.session.id }, '')
  const open = (cookie: string) =>
    app.app(new Request(new URL('/', app.graphqlUrl), { headers: { cookie } }), {
      ip: '192.0.2.1',
    })
  assertAlike(
    await compare(
      () => open(ended.cookie()),
      () => open(`hasmcp-session=${newCredential('hmb')}`),
    ),
  )
})

test('an invitation for somebody else and one that is used are refused alike', async () => {
  const friend = await signIn(app, 'friend@example.com')
  const theirs = await invite(owner, 'somebody@example.com', 'MEMBER')
  const used = await invite(owner, friend.email, 'MEMBER')
  await friend.make('acceptInvitation', { url: used }, '')
  const answers = await Promise.all(
    [theirs, used].map((url) => friend.refusal('acceptInvitation', { url })),
  )
  assert.equal(answers[0], answers[1])
  assertAlike(
    await compare(
      () => friend.refusal('acceptInvitation', { url: theirs }),
      () => friend.refusal('acceptInvitation', { url: used }),
    ),
  )
  await owner.make('deleteMembership', { id: await membershipOf(owner, friend) }, '')
})
