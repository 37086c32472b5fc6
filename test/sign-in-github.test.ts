// GitHub's own ways: what it calls itself, several addresses, and an API that may fail. Who is signed in
// by it, and who is not.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startApp } from './support/app.ts'
import { startGitHubProvider, type GitHubEmail } from './support/github-provider.ts'
import { openClient, placeOf } from './support/sign-in-drive.ts'

const github = await startGitHubProvider({ after }, [])
const app = await startApp(
  { after },
  {
    SIGN_UP: 'open',
    AUTH_PROVIDERS: JSON.stringify([
      {
        id: 'github',
        type: 'github',
        url: github.origin,
        clientId: github.clientId,
        clientSecret: github.clientSecret,
      },
    ]),
  },
)
const { origin } = new URL(app.graphqlUrl)
github.register(`${origin}/sign-in/github/callback`)

const OWN_NAME = `${github.origin}/login/oauth`
const ADA: readonly GitHubEmail[] = [{ email: 'ada@example.com', primary: true }]

/** The status of the way back, and who was signed in by it. */
async function signIn(emails: readonly GitHubEmail[], iss: string | undefined, name = 'Ada') {
  github.replaceUsers([{ login: 'ada', name, emails }])
  github.answerAs(iss)
  const client = openClient(app)
  const authorization = placeOf(await client.get('/sign-in/github'))
  const form = new URLSearchParams({ login: 'ada', answer: 'continue' })
  const agreed = await fetch(authorization, { method: 'POST', body: form, redirect: 'manual' })
  const back = placeOf(agreed)
  const response = await client.get(`${back.pathname}${back.search}`)
  const home = await client.get('/')
  const email = /<small>([^<]+@[^<]+)<\/small>/.exec(await home.text())?.[1]
  return [response.status, email]
}

test('GitHub is known by the name that it gives itself, or by none, and by no other', async () => {
  assert.deepEqual(await signIn(ADA, OWN_NAME), [303, 'ada@example.com'])
  assert.deepEqual(await signIn(ADA, undefined), [303, 'ada@example.com'])
  for (const iss of [
    github.origin,
    `${OWN_NAME}/`,
    OWN_NAME.toUpperCase(),
    'https://evil.example',
  ]) {
    assert.deepEqual(await signIn(ADA, iss), [502, undefined], iss)
  }
})

test('of several addresses the primary one counts, if it is verified', async () => {
  const several = (primary: GitHubEmail) => [
    { email: 'first@example.com', primary: false },
    primary,
    { email: 'last@example.com', primary: false },
  ]
  const one = { email: 'two@example.com', primary: true }
  assert.deepEqual(await signIn(several(one), OWN_NAME), [303, 'two@example.com'])
  for (const emails of [
    several({ ...one, verified: false }),
    several({ ...one, primary: false }),
    [],
    [{ email: 'owner@localhost', primary: true }],
  ]) {
    assert.deepEqual(await signIn(emails, OWN_NAME), [403, undefined], JSON.stringify(emails))
  }
})
