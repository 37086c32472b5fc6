// The environment and the command line: every problem at once, each in one sentence.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { ConfigError, readConfig } from '../server/config.ts'
import { readSandboxSetting } from '../server/sandbox-setting.ts'
import { runProduct, temporaryDir } from './support/product.ts'

function problemsOf(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): readonly string[] {
  try {
    readConfig(args, env)
    return []
  } catch (error) {
    assert(error instanceof ConfigError)
    return error.problems
  }
}

test('readConfig without anything set listens on loopback and keeps its data in ./data', () => {
  assert.deepEqual(readConfig([], {}), {
    host: '127.0.0.1',
    port: 4242,
    publicUrl: undefined,
    dataDir: resolve('data'),
    databaseUrl: undefined,
    encryptionKey: undefined,
    adminKey: undefined,
    metricsToken: undefined,
    egressAllow: '',
    callThreads: undefined,
    callTimeoutMs: 30_000,
    rateLimitPerMinute: 6_000,
    sandbox: {
      engine: (process.versions['bun'] ?? process.versions['deno']) ? 'quickjs' : 'isolated-vm',
      slots: undefined,
      softCpuMs: 100,
      hardCpuMs: 250,
      memoryMib: 16,
      rssMib: 200,
    },
    isGraphiqlOn: true,
    isIntrospectionOn: true,
    logLevel: 'info',
    quickStart: undefined,
    isJson: false,
    signIn: {
      authProviders: [],
      isSignUpOpen: false,
      smtpUrl: undefined,
      mailFrom: undefined,
    },
  })
})

// As they stand in manuals, examples and under fingers.
const GUESSABLE_KEYS = [
  Buffer.alloc(32),
  Buffer.alloc(32, 'correct horse'),
  Buffer.from('change-me-to-32-random-bytes-now'),
  Buffer.from('00112233445566778899aabbccddeeff'),
  Buffer.from('0123456789abcdef'.repeat(4), 'hex'),
  Buffer.from(Array.from({ length: 32 }, (_, n) => n)),
  Buffer.from(Array.from({ length: 32 }, (_, n) => 255 - n * 7)),
]

const CASES: readonly {
  args?: readonly string[]
  env?: Readonly<Record<string, string>>
  problem: string
}[] = [
  { env: { PORT: 'abc' }, problem: 'PORT is "abc", expected a whole number from 0 to 65535' },
  { env: { PORT: '65536' }, problem: 'PORT is "65536", expected a whole number from 0 to 65535' },
  { env: { PORT: '-1' }, problem: 'PORT is "-1", expected a whole number from 0 to 65535' },
  { env: { PORT: '1e3' }, problem: 'PORT is "1e3", expected a whole number from 0 to 65535' },
  {
    env: { PUBLIC_URL: 'mcp.example.com' },
    problem: 'PUBLIC_URL is "mcp.example.com", expected an origin such as https://mcp.example.com',
  },
  {
    env: { PUBLIC_URL: 'https://a.example/path' },
    problem:
      'PUBLIC_URL is "https://a.example/path", expected an origin such as https://mcp.example.com',
  },
  {
    env: { DATABASE_URL: 'mysql://u:secret@h/d' },
    problem:
      'DATABASE_URL is not a PostgreSQL URL, expected postgres://user:password@host:5432/database',
  },
  {
    env: { HASMCP_ENCRYPTION_KEY: 'short' },
    problem:
      'HASMCP_ENCRYPTION_KEY is not a key, expected 32 bytes as base64 or hex; make one with: openssl rand -base64 32',
  },
  ...[Buffer.alloc(31, 7), Buffer.alloc(33, 7), Buffer.alloc(0), Buffer.alloc(16, 7)].map(
    (bytes) => ({
      env: { HASMCP_ENCRYPTION_KEY: bytes.toString('hex').replace(/^$/, ' ') },
      problem:
        'HASMCP_ENCRYPTION_KEY is not a key, expected 32 bytes as base64 or hex; make one with: openssl rand -base64 32',
    }),
  ),
  ...GUESSABLE_KEYS.map((bytes) => ({
    env: { HASMCP_ENCRYPTION_KEY: bytes.toString('base64') },
    problem:
      'HASMCP_ENCRYPTION_KEY is a key that can be guessed; make one with: openssl rand -base64 32',
  })),
  ...['GRAPHIQL', 'GRAPHQL_INTROSPECTION'].map((name) => ({
    env: { [name]: 'false' },
    problem: `${name} is "false", expected on or off`,
  })),
  {
    env: { HASMCP_ADMIN_KEY: 'short' },
    problem:
      'HASMCP_ADMIN_KEY must be 32 or more of A-Z a-z 0-9 . _ ~ + / = -; make one with: openssl rand -hex 32',
  },
  {
    env: { HASMCP_ADMIN_KEY: `hmk_${'a'.repeat(49)}` },
    problem: 'HASMCP_ADMIN_KEY starts with hmk_ and its checksum is wrong: it was cut or mistyped',
  },
  {
    env: { CALL_THREADS: '0' },
    problem: 'CALL_THREADS is "0", expected a whole number from 1 to 64',
  },
  {
    env: { CALL_TIMEOUT_MS: '99' },
    problem: 'CALL_TIMEOUT_MS is "99", expected a whole number from 100 to 600000',
  },
  {
    env: { RATE_LIMIT_PER_MINUTE: 'many' },
    problem: 'RATE_LIMIT_PER_MINUTE is "many", expected a whole number from 0 to 1000000000',
  },
  {
    env: { LOG_LEVEL: 'loud' },
    problem: 'LOG_LEVEL is "loud", expected one of debug, info, warn, error, silent',
  },
  {
    env: { SANDBOX_ENGINE: 'v8' },
    problem: 'SANDBOX_ENGINE is "v8", expected one of auto, isolated-vm, quickjs',
  },
  {
    env: { SANDBOX_SLOTS: '0' },
    problem: 'SANDBOX_SLOTS is "0", expected a whole number from 1 to 64',
  },
  {
    env: { SANDBOX_HARD_CPU_MS: '50' },
    problem: 'SANDBOX_HARD_CPU_MS is 50, expected at least SANDBOX_SOFT_CPU_MS, which is 100',
  },
  { args: ['--demo', '--openapi', 'x.yaml'], problem: 'Pass --demo or --openapi, not both' },
  {
    args: ['--base-url', 'https://a.example'],
    problem: '--base-url says where the API of --openapi is; pass --openapi <file or URL> with it',
  },
  { args: ['--openapi', ''], problem: '--openapi is empty, expected a file or a URL' },
  {
    args: ['--openapi', 'ftp://a.example/x'],
    problem: '--openapi is "ftp://a.example/x", expected a file or an http(s) URL',
  },
  {
    args: ['--openapi', 'x.yaml', '--base-url', '/v1'],
    problem: '--base-url is "/v1", expected an absolute URL such as https://api.example.com/v1',
  },
]

for (const { args = [], env = {}, problem } of CASES) {
  test(`readConfig refuses ${JSON.stringify({ args, env })}`, () => {
    assert.deepEqual(problemsOf(args, env), [problem])
  })
}

test('SANDBOX_ENGINE=isolated-vm is refused on Bun and Deno with a sentence', () => {
  assert.throws(
    () =>
      readSandboxSetting(
        (name) => (name === 'SANDBOX_ENGINE' ? 'isolated-vm' : undefined),
        (read) => read(),
        () => undefined,
        false,
      ),
    new Error('SANDBOX_ENGINE is "isolated-vm", which runs on Node only; expected auto or quickjs'),
  )
})

test('readConfig refuses an unknown flag and names it', () => {
  assert.match(problemsOf(['--dmeo'], {}).join(), /--dmeo/)
})

test('readConfig names the malformed EGRESS_ALLOW entry', () => {
  assert.match(
    problemsOf([], { EGRESS_ALLOW: 'http://127.0.0.1:4010,nonsense' }).join('\n'),
    /^EGRESS_ALLOW: .*nonsense/,
  )
})

test('npm start with several wrong settings names all of them and ends with code 1', async (t) => {
  const { code, stdout, stderr } = await runProduct({
    args: ['--demo'],
    env: { DATA_DIR: await temporaryDir(t), PORT: 'x', LOG_LEVEL: 'loud', PUBLIC_URL: 'nowhere' },
  })
  assert.deepEqual({ code, stdout }, { code: 1, stdout: '' })
  assert.deepEqual(
    stderr.split('\n').filter((line) => line.startsWith('- ')),
    [
      '- PORT is "x", expected a whole number from 0 to 65535',
      '- PUBLIC_URL is "nowhere", expected an origin such as https://mcp.example.com',
      '- LOG_LEVEL is "loud", expected one of debug, info, warn, error, silent',
    ],
  )
})

test('README lists every environment variable that server/config.ts reads', () => {
  const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
  const names = new Set(
    [
      ...['config', 'sandbox-setting', 'sign-in-setting']
        .map((name) => read(`../server/${name}.ts`))
        .join('')
        .matchAll(/(?:text|integer)\('([A-Z_]+)'/g),
    ].map(([, name]) => name),
  )
  const listed = new Set(
    [
      ...(read('../README.md').split('## Environment')[1]?.split('\n## ')[0] ?? '').matchAll(
        /^\| `([A-Z_]+)` \|/gm,
      ),
    ].map(([, name]) => name),
  )
  assert.deepEqual(listed, names)
})
