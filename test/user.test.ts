// People, through the front door: what their colleagues see of them, and how a person comes to an
// account of their own.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { newId } from '../db/id.ts'
import { startApp } from './support/app.ts'
import { join, signIn, signInByLink, withKey, type Person } from './support/person.ts'

const HASMCP_ADMIN_KEY = 'a'.repeat(16) + '0123456789abcdef'
const open = await startApp({ after }, { SIGN_UP: 'open', HASMCP_ADMIN_KEY })

const WHERE = '{ viewer { role account { id name } user { email name } } }'
const NODE = 'query($id: ID!) { node(id: $id) { ... on User { email name pictureUrl } } }'

interface ViewerAnswer {
  readonly viewer: { readonly account: { readonly id: string } | null }
}

test('where signing up is open a person makes an account, owns it and acts for it', async () => {
  const ada = await signIn(open, 'ada@example.com')
  const user = { email: 'ada@example.com', name: 'ada' }
  assert.deepEqual(await ada.ask(WHERE), { viewer: { role: null, account: null, user } })
  const thief = ada.copy()
  const { account, apiKey } = await ada.make<{ account: { id: string }; apiKey: null }>(
    'createAccount',
    { input: { name: 'Tea shop' } },
    'account { id } apiKey',
  )
  assert.equal(apiKey, null)
  assert.deepEqual(await ada.ask(WHERE), {
    viewer: { role: 'OWNER', account: { id: account.id, name: 'Tea shop' }, user },
  })
  assert.equal((await thief.send(WHERE)).status, 401, 'the cookie is another one now')
  const renamed = await ada.make('updateAccount', { input: { name: 'Tea house' } }, 'id name')
  assert.deepEqual(renamed, { id: account.id, name: 'Tea house' })
  assert.equal(
    await ada.refusal('updateAccount', { input: { name: '' } }),
    'INVALID: name is empty; expected 1 to 80 characters',
  )
  // Every account is a world of its own, and one more is only one more.
  const server = await ada.make('createServer', { input: { name: 'Desk' } })
  const second = await ada.make<{ account: { id: string } }>(
    'createAccount',
    { input: { name: 'Coffee shop' } },
    'account { id }',
  )
  const { viewer } = await ada.ask<ViewerAnswer>(WHERE)
  assert.equal(viewer.account?.id, second.account.id)
  const find = 'query($id: ID!) { node(id: $id) { id } }'
  const miss = await ada.send(find, { id: server.id })
  assert.match(miss.text, new RegExp(`No server ${server.id}`))
  await ada.make('switchAccount', { accountId: account.id })
  assert.deepEqual(await ada.ask(find, { id: server.id }), { node: { id: server.id } })
})

test('a person owns ten accounts at most', async () => {
  const bob = await signIn(open, 'bob@example.com')
  const create = (name: string) => bob.call('createAccount', { input: { name } }, 'apiKey')
  for (let n = 1; n <= 10; n += 1) {
    assert.equal((await create(`Account ${n}`)).__typename, 'CreateAccountSuccess')
  }
  assert.deepEqual(await create('Account 11'), {
    __typename: 'ConflictError',
    code: 'CONFLICT',
    message: 'You own 10 accounts, the limit is 10; leave one of them first',
  })
  assert.equal(
    await bob.refusal('createAccount', { input: { name: ' ' } }),
    'INVALID: name begins or ends with white space',
  )
})

test('a person who asks twice with one idempotencyKey has one account', async () => {
  const browsers = await Promise.all([1, 2, 3].map(() => signIn(open, 'cat@example.com')))
  const [first] = browsers as [Person]
  const input = { name: 'Once', idempotencyKey: 'once' }
  const answers = await Promise.all(
    browsers.map((one) => one.call('createAccount', { input }, 'account { id name }')),
  )
  const { viewer } = await first.ask<{ viewer: { accounts: { id: string }[] } }>(
    '{ viewer { accounts { id } } }',
  )
  assert.equal(viewer.accounts.length, 1)
  const made = { id: viewer.accounts[0]?.id, name: 'Once' }
  for (const answer of answers) {
    assert.deepEqual(answer, {
      __typename: 'CreateAccountSuccess',
      data: { account: made },
    })
  }
  assert.match(
    await first.refusal('createAccount', { input: { ...input, name: 'Twice' } }),
    /^CONFLICT: The idempotencyKey /,
  )
  // Another person's key of the same text is another one.
  const dan = await signIn(open, 'dan@example.com')
  const other = await dan.make<{ account: { id: string } }>(
    'createAccount',
    { input },
    'account { id }',
  )
  assert.notEqual(other.account.id, made.id)
  // Whoever left what the key made is not let in by it again.
  await join(open, first, 'heir@example.com', 'OWNER')
  await first.call('leaveAccount')
  const back = await signIn(open, 'cat@example.com')
  assert.match(await back.refusal('createAccount', { input }), /^CONFLICT: /)
  assert.deepEqual(await back.ask('{ viewer { accounts { id } } }'), { viewer: { accounts: [] } })
})

test('where people are invited nobody makes an account but the administrator', async (t) => {
  const invited = await startApp(t, { SIGN_UP: 'invited', HASMCP_ADMIN_KEY })
  const owner = await signInByLink(invited)
  const input = { name: 'Mine' }
  const sentence =
    "FORBIDDEN: Accounts are made by the instance administrator, who sends this installation's HASMCP_ADMIN_KEY, and where SIGN_UP is open by every person who is signed in"
  for (const person of [owner, await signIn(invited, 'stranger@example.com')]) {
    assert.equal(await person.refusal('createAccount', { input }), sentence)
  }
  await withKey(invited, HASMCP_ADMIN_KEY).make('createAccount', { input }, 'apiKey')
})

test('colleagues see who somebody is; others find nobody, and a key is of its person', async () => {
  const owner = await signInByLink(open)
  const [dev, stranger] = [
    await join(open, owner, 'dev@example.com', 'DEVELOPER'),
    await signIn(open, 'stranger@example.com'),
  ]
  const profile = { email: 'dev@example.com', name: 'dev', pictureUrl: null }
  assert.deepEqual(await owner.ask(NODE, { id: dev.userId }), { node: profile })
  assert.deepEqual(await dev.ask(NODE, { id: dev.userId }), { node: profile })
  // They exist, and belong to nothing that the viewer belongs to.
  const [unknown, text] = [
    newId('usr'),
    async (id: string) => (await owner.send(NODE, { id })).text,
  ]
  const bare = (answer: string) => answer.replace(/"requestId":"[^"]+"/, '')
  assert.equal(
    bare((await text(stranger.userId)).replace(stranger.userId, unknown)),
    bare(await text(unknown)),
  )
  assert.match(await text(unknown), new RegExp(`"message":"No user ${unknown}"`))
  const { key } = await dev.make<{ key: string }>('createApiKey', { input: { name: 'K' } }, 'key')
  const seen = await withKey(open, key).ask(
    '{ viewer { role user { email } apiKey { role user { id } } accounts { id } } }',
  )
  assert.deepEqual(seen, {
    viewer: {
      role: 'DEVELOPER',
      user: { email: 'dev@example.com' },
      apiKey: { role: 'DEVELOPER', user: { id: dev.userId } },
      accounts: [],
    },
  })
  const ofAccount = await withKey(open, open.apiKey).ask('{ viewer { role user { id } } }')
  assert.deepEqual(ofAccount, { viewer: { role: 'OWNER', user: null } })
})

test('a person without an account makes one and reads all of it', async () => {
  const person = await signIn(open, 'new@example.com')
  const { account } = await person.make<{ account: object }>(
    'createAccount',
    { input: { name: 'Mine' } },
    'account { name viewerCanSuspend }',
  )
  assert.deepEqual(account, { name: 'Mine', viewerCanSuspend: false })
})

test('whoever stands at the machine is an owner, whatever they were before', async (t) => {
  const app = await startApp(t)
  const owner = await signInByLink(app)
  const dev = await join(app, owner, 'dev@example.com', 'DEVELOPER')
  const again = await signInByLink(app, dev.email)
  const { viewer } = await again.ask<{ viewer: object }>('{ viewer { role account { id } } }')
  assert.deepEqual(viewer, { role: 'OWNER', account: { id: app.accountId } })
})

test('nobody signs in where a cookie would travel in clear, nor is sent around by a proxy', async (t) => {
  const app = await startApp(t, { PUBLIC_URL: 'http://10.0.0.5:4242' })
  const get = async (of: typeof app, url: string) => {
    const response = await of.app(new Request(url), { ip: '192.0.2.1' })
    return [response.status, /<h1>([^<]*)/.exec(await response.text())?.[1]]
  }
  assert.deepEqual(await get(app, 'http://10.0.0.5:4242/sign-in'), [403, 'Signing in needs https'])
  const proxied = await startApp(t, { PUBLIC_URL: 'http://localhost:8080' })
  assert.deepEqual(await get(proxied, 'http://127.0.0.1:4242/sign-in'), [200, 'Sign in'])
  assert.deepEqual(await get(proxied, 'http://127.0.0.1:8080/sign-in'), [303, undefined])
})
