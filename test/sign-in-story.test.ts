// People in real browsers: two providers, an account, an invitation, what a role sees, and how every door
// shuts; and what all of that leaves behind in the browser.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Page } from 'playwright-core'
import { PERSONAL, permissionsOf } from '../schema/role.ts'
import { startApp, type TestApp } from './support/app.ts'
import { noBrowser, openBrowser, type Visitor } from './support/browser.ts'
import { mutation } from './support/control-plane.ts'
import { startGitHubProvider } from './support/github-provider.ts'
import { startIdentityProvider } from './support/identity-provider.ts'
import { startMailbox } from './support/mailbox.ts'

const ADA = {
  email: 'Ada@Example.com',
  name: 'Ada Lovelace',
  picture: 'https://example.com/ada.png',
}
const BO = 'bo@example.com'

interface Scene {
  readonly app: TestApp
  readonly origin: string
  readonly visit: () => Promise<Visitor>
  readonly nextMail: () => Promise<{ readonly body: string }>
  /** Where the providers are. */
  readonly providers: readonly string[]
}

async function openScene(t: TestContext): Promise<Scene> {
  const identity = await startIdentityProvider(t, [ADA])
  const github = await startGitHubProvider(t, [
    {
      login: 'bo',
      name: 'Bo',
      emails: [
        { email: 'bo@private.example', primary: false, verified: true },
        { email: BO, primary: true, verified: true },
        { email: 'old@example.com' },
      ],
    },
  ])
  const mailbox = await startMailbox(t)
  const app = await startApp(t, {
    SIGN_UP: 'open',
    SMTP_URL: mailbox.url,
    AUTH_PROVIDERS: JSON.stringify([
      {
        id: 'corp',
        type: 'oidc',
        name: 'Corp',
        issuer: identity.issuer,
        clientId: identity.clientId,
        clientSecret: identity.clientSecret,
      },
      {
        id: 'github',
        type: 'github',
        url: github.origin,
        clientId: github.clientId,
        clientSecret: github.clientSecret,
      },
    ]),
  })
  const { origin } = new URL(app.graphqlUrl)
  await identity.register(`${origin}/sign-in/corp/callback`)
  github.register(`${origin}/sign-in/github/callback`)
  const browser = await openBrowser(t)
  const providers = [identity.issuer, github.origin]
  return { app, origin, visit: () => browser.visit(), nextMail: () => mailbox.next(), providers }
}

interface GraphqlAnswer {
  readonly status: number
  readonly body: {
    readonly data?: Readonly<Record<string, never>> | null
    readonly errors?: readonly { readonly message: string }[]
  }
}

const consoles = new WeakMap<Visitor, Page>()

/** A tab of our origin whose scripts may send requests: that of GraphiQL. */
async function openConsole(visitor: Visitor, origin: string): Promise<void> {
  const page = await visitor.context.newPage()
  await page.goto(`${origin}/graphql`)
  consoles.set(visitor, page)
}

/** As a console's script would, with the cookie that the browser adds. */
async function ask(
  visitor: Visitor,
  query: string,
  variables: object = {},
): Promise<GraphqlAnswer> {
  const page = consoles.get(visitor) ?? visitor.page
  return await page.evaluate(async (body) => {
    const headers = { 'content-type': 'application/json', 'x-hasmcp-csrf': '1' }
    const response = await fetch('/graphql', { method: 'POST', headers, body })
    return { status: response.status, body: (await response.json()) as never }
  }, JSON.stringify({ query, variables }))
}

async function make<T>(page: Visitor, name: string, input: object, data: string): Promise<T> {
  const { body } = await ask(page, mutation(name, data), { input })
  assert.equal(body.errors, undefined, JSON.stringify(body))
  const result = body.data?.[name] as unknown as { readonly data?: T }
  assert.ok(result.data, JSON.stringify(body))
  return result.data
}

async function signIn(
  { page }: Visitor,
  origin: string,
  button: string,
  field: string,
  who: string,
) {
  await page.goto(`${origin}/sign-in`)
  await page.getByRole('link', { name: button }).click()
  await page.getByLabel(field).fill(who)
  await page.getByRole('button', { name: 'Continue' }).click()
}

const VIEWER = '{ viewer { role account { name } user { email name pictureUrl } permissions } }'

test(
  'people sign in, make an account, invite, see what their role allows, and are shut out at once',
  { skip: noBrowser },
  async (t) => {
    const { app, origin, visit, nextMail, providers } = await openScene(t)
    const ada = await visit()
    await signIn(ada, origin, 'Continue with Corp', 'Email', ADA.email)
    await ada.page.getByRole('heading', { name: ADA.name }).waitFor()
    assert.match(await ada.page.textContent('main').then(String), /You belong to no account yet/)

    await openConsole(ada, origin)
    const { account } = await make<{ account: { id: string } }>(
      ada,
      'createAccount',
      { name: 'Tea shop' },
      'account { id }',
    )
    const seen = await ask(ada, VIEWER)
    assert.deepEqual(
      { ...(seen.body.data?.['viewer'] as unknown as object), permissions: undefined },
      {
        role: 'OWNER',
        account: { name: 'Tea shop' },
        user: { email: ADA.email, name: ADA.name, pictureUrl: ADA.picture },
        permissions: undefined,
      },
    )

    const { url, isMailed } = await make<{ url: string; isMailed: boolean }>(
      ada,
      'createInvitation',
      { email: 'BO@example.com', role: 'ANALYST' },
      'url isMailed',
    )
    const mail = await nextMail()
    assert.equal(isMailed, true)
    assert.ok(mail.body.includes(url), mail.body)

    const bo = await visit()
    await bo.page.goto(url)
    await bo.page.getByRole('link', { name: 'Continue with GitHub' }).click()
    await bo.page.getByLabel('Login').fill('bo')
    await bo.page.getByRole('button', { name: 'Continue' }).click()
    await bo.page.getByRole('button', { name: 'Accept the invitation' }).click()
    await bo.page.getByText('You act for Tea shop, as ANALYST.').waitFor()

    await openConsole(bo, origin)
    const reads = await ask(
      bo,
      '{ servers(first: 1) { totalCount } viewer { user { email } permissions } }',
    )
    const may = [...permissionsOf('ANALYST'), ...PERSONAL, 'account:create']
    assert.deepEqual(reads.body.data, {
      servers: { totalCount: 0 },
      viewer: { user: { email: BO }, permissions: [...new Set(may)].toSorted() },
    })
    const writes = await ask(bo, mutation('createServer', 'id'), { input: { name: 'Mine' } })
    assert.deepEqual(
      writes.body.errors?.map(({ message }) => message),
      [
        'The role ANALYST lacks the permission server:write, which OWNER, ADMIN, and DEVELOPER have',
      ],
    )
    const { key } = await make<{ key: string }>(bo, 'createApiKey', { name: 'CLI' }, 'key')
    const byKey = () =>
      fetch(app.graphqlUrl, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ query: '{ viewer { role } }' }),
      })
    assert.deepEqual(await (await byKey()).json(), { data: { viewer: { role: 'ANALYST' } } })

    // Ada goes, once Bo can be what she was; everything of hers is shut within a second.
    const members = '{ memberships(first: 9) { nodes { id role user { email } } } }'
    const listed = (await ask(ada, members)).body.data as unknown as {
      readonly memberships: {
        readonly nodes: readonly {
          readonly id: string
          readonly user: { readonly email: string }
        }[]
      }
    }
    const idOf = (email: string) =>
      listed.memberships.nodes.find(({ user }) => user.email === email)?.id
    await make(ada, 'updateMembership', { id: idOf(BO), role: 'OWNER' }, 'id')
    const adaKey = await make<{ key: string }>(ada, 'createApiKey', { name: 'CLI' }, 'key')
    assert.equal((await ask(bo, VIEWER)).status, 401, 'a new role, a new session')
    await signIn(bo, origin, 'Continue with GitHub', 'Login', 'bo').catch(() => undefined)
    await bo.page.getByText('You act for Tea shop, as OWNER.').waitFor()
    const since = performance.now()
    const removal = await ask(
      bo,
      'mutation($id: ID!) { deleteMembership(id: $id) { __typename } }',
      { id: idOf(ADA.email) },
    )
    assert.deepEqual(removal.body.data, {
      deleteMembership: { __typename: 'DeleteMembershipSuccess' },
    })
    assert.equal((await ask(ada, VIEWER)).status, 401)
    const refused = await fetch(app.graphqlUrl, {
      method: 'POST',
      headers: { authorization: `Bearer ${adaKey.key}`, 'content-type': 'application/json' },
      body: '{"query":"{ viewer { id } }"}',
    })
    assert.equal(refused.status, 401)
    assert.ok(performance.now() - since < 1_000)
    assert.equal((await byKey()).status, 200, 'of somebody else')
    assert.ok(account.id)

    await bo.page.goto(origin)
    await bo.page.getByRole('button', { name: 'Sign out' }).click()
    await bo.page.getByRole('heading', { name: 'Sign in' }).waitFor()
    assert.equal((await ask(bo, VIEWER)).status, 401)

    // What is left in the browsers: of us nothing but, in Ada's, the one cookie of a session that is over.
    const ours = (cookies: readonly { readonly domain: string; readonly name: string }[]) =>
      cookies.filter(({ domain }) => domain === new URL(origin).hostname).map(({ name }) => name)
    assert.deepEqual(ours(await bo.cookies()), [])
    assert.deepEqual(ours(await ada.cookies()), ['hasmcp-session'])
    const [cookie] = (await ada.cookies()).filter(({ name }) => name === 'hasmcp-session')
    assert.deepEqual(
      [cookie?.httpOnly, cookie?.sameSite, cookie?.path, cookie?.expires],
      [true, 'Lax', '/', -1],
    )
    for (const visitor of [ada, bo]) {
      assert.deepEqual(
        (await visitor.storage()).filter((item) => item.origin === origin),
        [],
      )
      const known = [origin, ...providers]
      const strangers = visitor.requests.map((request) => new URL(request.url).origin)
      assert.deepEqual(
        strangers.filter((one) => !known.includes(one)),
        [],
      )
    }
  },
)

test(
  'whoever is signed in uses GraphiQL without a key, and it keeps nothing',
  { skip: noBrowser },
  async (t) => {
    const { origin, visit } = await openScene(t)
    const ada = await visit()
    await signIn(ada, origin, 'Continue with Corp', 'Email', ADA.email)
    await openConsole(ada, origin)
    await make(ada, 'createAccount', { name: 'Tea shop' }, 'account { id }')
    await ada.page.goto(origin)
    await ada.page.getByRole('link', { name: 'Open the GraphQL API' }).click()
    await ada.page.getByRole('button', { name: /Execute query/ }).click()
    await ada.page.locator('.graphiql-response').getByText('"servers"').waitFor()
    assert.deepEqual(
      (await ada.storage()).filter((item) => item.origin === origin),
      [],
    )
  },
)
