// The settings of signing in, as readConfig reads them: everything that is wrong at once, each in one
// sentence, and no sentence that repeats a secret.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError, readConfig } from '../server/config.ts'

function problemsOf(env: Readonly<Record<string, string>>): readonly string[] {
  try {
    readConfig([], env)
    return []
  } catch (error) {
    assert(error instanceof ConfigError)
    return error.problems
  }
}

const GOOGLE = {
  id: 'google',
  type: 'oidc',
  issuer: 'https://accounts.google.com',
  clientId: 'c',
  clientSecret: 's',
}
const PUBLIC_URL = 'https://mcp.example.com'
const EXAMPLE =
  '[{"id":"google","type":"oidc","issuer":"https://accounts.google.com","clientId":"…","clientSecret":"…"}]'

const providers = (...entries: readonly unknown[]) => JSON.stringify(entries)
const signInOf = (env: Readonly<Record<string, string>>) => readConfig([], env).signIn

test('AUTH_PROVIDERS, SIGN_UP, SMTP_URL and MAIL_FROM are read as they stand', () => {
  const github = { id: 'gh', type: 'github', clientId: 'c', clientSecret: 's' }
  const enterprise = { ...github, id: 'ghes', name: 'Work', url: 'https://git.example.com/' }
  const { clientSecret: _secret, ...publicClient } = { ...GOOGLE, id: 'public', name: 'Public' }
  assert.deepEqual(
    signInOf({
      PUBLIC_URL,
      AUTH_PROVIDERS: providers(GOOGLE, publicClient, github, enterprise),
      SIGN_UP: 'open',
      SMTP_URL: 'smtp://user:secret@mail.example.com:587',
      MAIL_FROM: 'HasMCP <mcp@example.com>',
    }),
    {
      authProviders: [
        { ...GOOGLE, name: 'google' },
        { ...publicClient, clientSecret: undefined },
        {
          ...github,
          name: 'GitHub',
          url: 'https://github.com',
          apiUrl: 'https://api.github.com',
        },
        {
          ...enterprise,
          url: 'https://git.example.com',
          apiUrl: 'https://git.example.com/api/v3',
        },
      ],
      isSignUpOpen: true,
      smtpUrl: 'smtp://user:secret@mail.example.com:587',
      mailFrom: 'HasMCP <mcp@example.com>',
    },
  )
  assert.deepEqual(signInOf({ AUTH_PROVIDERS: '', SIGN_UP: 'invited', SMTP_URL: '' }), {
    authProviders: [],
    isSignUpOpen: false,
    smtpUrl: undefined,
    mailFrom: undefined,
  })
})

const https = 'expected an https URL such as "https://accounts.google.com"'

const CASES: Readonly<Record<string, readonly [string, readonly string[]]>> = {
  'no JSON': ['{', [`it is no JSON, expected a list such as ${EXAMPLE}`]],
  'no list': [JSON.stringify(GOOGLE), [`it is no list, expected one such as ${EXAMPLE}`]],
  'too many': [
    providers(...Array.from({ length: 21 }, () => GOOGLE)),
    ['it has 21 entries, the limit is 20'],
  ],
  'no object': [
    providers(null),
    [
      'entry 1 has no type, expected "oidc" or "github"',
      'entry 1 has no id, expected a text',
      'entry 1 has no name, expected a text',
      'entry 1 has no clientId, expected a text',
      'entry 1 has no issuer, expected a text',
    ],
  ],
  'several problems of several entries': [
    providers(
      { ...GOOGLE, id: 'Google', clientId: 7, scope: 'all' },
      { type: 'github', id: 'github', clientId: 'c', issuer: 'https://github.com' },
    ),
    [
      'entry 1 has "scope", which is unknown; expected id, type, name, issuer, clientId, clientSecret',
      'entry 1 has the id "Google", expected 1 to 32 of a-z, 0-9 and -',
      'entry 1 has no clientId, expected a text',
      'entry 2 has "issuer", which is unknown; expected id, type, name, url, clientId, clientSecret',
      'entry 2 has no clientSecret, expected a text',
    ],
  ],
  'an id that a page has': [
    providers({ ...GOOGLE, id: 'link' }),
    ['entry 1 has the id "link", which is taken; expected another'],
  ],
  'an id twice': [providers(GOOGLE, GOOGLE), ['entry 2 has the id "google" for the second time']],
  'an issuer in clear': [
    providers({ ...GOOGLE, issuer: 'http://accounts.example.com' }),
    [`entry 1 has the issuer "http://accounts.example.com", ${https}`],
  ],
  'an issuer that is no URL': [
    providers({ ...GOOGLE, issuer: 'accounts.google.com' }),
    [`entry 1 has the issuer "accounts.google.com", ${https}`],
  ],
  'an issuer with a query': [
    providers({ ...GOOGLE, issuer: 'https://a.example/?x=1' }),
    [`entry 1 has the issuer "https://a.example/?x=1", ${https}`],
  ],
}

for (const [name, [text, problems]] of Object.entries(CASES)) {
  test(`AUTH_PROVIDERS is refused: ${name}`, () => {
    assert.deepEqual(
      problemsOf({ PUBLIC_URL, AUTH_PROVIDERS: text }),
      problems.map((problem) => `AUTH_PROVIDERS: ${problem}`),
    )
  })
}

test('a provider on loopback needs no TLS', () => {
  for (const host of ['localhost', '127.0.0.1', '[::1]']) {
    const issuer = `http://${host}:4000`
    assert.deepEqual(problemsOf({ AUTH_PROVIDERS: providers({ ...GOOGLE, issuer }) }), [], host)
  }
})

test('PUBLIC_URL must be https where people sign in by a provider, but for loopback', () => {
  const AUTH_PROVIDERS = providers(GOOGLE)
  assert.deepEqual(problemsOf({ AUTH_PROVIDERS, PUBLIC_URL: 'http://mcp.example.com' }), [
    'PUBLIC_URL is "http://mcp.example.com", expected https where people sign in by AUTH_PROVIDERS',
  ])
  for (const url of [PUBLIC_URL, 'http://localhost:4242', 'http://127.0.0.1', 'http://[::1]:1']) {
    assert.deepEqual(problemsOf({ AUTH_PROVIDERS, PUBLIC_URL: url }), [], url)
  }
  assert.deepEqual(problemsOf({ PUBLIC_URL: 'http://mcp.example.com' }), [])
})

test('SIGN_UP, SMTP_URL and MAIL_FROM are refused all at once, and no password is repeated', () => {
  const smtp =
    'SMTP_URL is not the URL of a mail server, expected smtp://user:password@host:587 or smtps://…'
  for (const SMTP_URL of [
    'http://user:secret@mail.example.com',
    'user:secret@mail.example.com:587',
    'smtp://',
  ]) {
    assert.deepEqual(
      problemsOf({ SIGN_UP: 'yes', SMTP_URL, MAIL_FROM: 'nobody', AUTH_PROVIDERS: 'secret' }),
      [
        `AUTH_PROVIDERS: it is no JSON, expected a list such as ${EXAMPLE}`,
        'SIGN_UP is "yes", expected invited or open',
        smtp,
        'MAIL_FROM is "nobody", expected an address such as "HasMCP <mcp@example.com>"',
      ],
      SMTP_URL,
    )
  }
})

test('MAIL_FROM is one address, with a name or without, and no second header', () => {
  for (const text of ['mcp@example.com', 'HasMCP <mcp@example.com>', '<mcp@example.com>']) {
    assert.deepEqual(problemsOf({ MAIL_FROM: text }), [], text)
  }
  for (const text of [
    'HasMCP',
    'a@b c@d',
    'a <b@c> <d@e>',
    'a@b\r\nBcc: c@d',
    'A\nBcc: <a@b>',
    'a@b, c@d',
  ]) {
    assert.deepEqual(problemsOf({ MAIL_FROM: text }).length, 1, text)
  }
})
