// The only reader of the environment and of the command line. All problems are found at once, so
// that nobody has to start the program five times to learn five things.
import { resolve } from 'node:path'
import { isCredential } from '../db/credential.ts'
import { AllowError, parseAllow } from '../workers/egress/allow.ts'
import { AuthProviderError } from './auth-provider-setting.ts'
import { readFlags, type Flags } from './command-line.ts'
import { parseInstanceKey } from './instance-key.ts'
import { readSandboxSetting, type SandboxSetting } from './sandbox-setting.ts'
import { checkOrigin, readSignInSetting, type SignInSetting } from './sign-in-setting.ts'

/** From the most talkative to none at all. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const
/** One of {@link LOG_LEVELS}. */
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Everything that the environment and the command line decide. */
export interface Config extends Flags {
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  /** Origin under which clients reach this process; undefined: where it listens. */
  readonly publicUrl: string | undefined
  /** Absolute path. */
  readonly dataDir: string
  readonly databaseUrl: string | undefined
  /** 32 bytes; undefined: read from, or generated into, `dataDir`. */
  readonly encryptionKey: Buffer | undefined
  readonly adminKey: string | undefined
  /** Who sends it as a bearer may read `/metrics`; undefined: nobody. */
  readonly metricsToken: string | undefined
  readonly egressAllow: string
  readonly callThreads: number | undefined
  readonly callTimeoutMs: number
  /** Requests a minute from one IP address; 0 turns the limit off. */
  readonly rateLimitPerMinute: number
  readonly sandbox: SandboxSetting
  /** Whether a browser gets a page at `/graphql`. */
  readonly isGraphiqlOn: boolean
  readonly isIntrospectionOn: boolean
  readonly logLevel: LogLevel
  readonly signIn: SignInSetting
}

/** Something in the environment or on the command line is wrong; the process exits with code 1. */
export class ConfigError extends Error {
  readonly code = 'CONFIG_INVALID'
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

const DEFAULT_PORT = 4242
const DEFAULT_CALL_TIMEOUT_MS = 30_000
const MAX_CALL_TIMEOUT_MS = 600_000
// 100 a second from one address: far above a busy team behind one NAT, far below a flood.
const DEFAULT_RATE_LIMIT_PER_MINUTE = 6_000
// Short keys can be guessed; 32 characters of base64 carry 192 bits.
const MIN_ADMIN_KEY_LENGTH = 32

/**
 * The configuration, complete and checked.
 *
 * @throws {ConfigError} CONFIG_INVALID with every problem, one sentence each.
 */
export function readConfig(
  args: readonly string[] = process.argv.slice(2),
  env: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  const problems: string[] = []
  const attempt = attempting(problems)
  const flags = attempt(() => readFlags(args, env['INIT_CWD'] ?? '.'))
  const text = (name: string) => (env[name] === '' ? undefined : env[name])
  const config = {
    host: text('HOST') ?? '127.0.0.1',
    port: attempt(() => readInteger('PORT', text('PORT'), DEFAULT_PORT, 0, 65_535)) ?? 0,
    publicUrl: attempt(() => readPublicUrl(text('PUBLIC_URL'))),
    dataDir: resolve(text('DATA_DIR') ?? 'data'),
    databaseUrl: attempt(() => readDatabaseUrl(text('DATABASE_URL'))),
    encryptionKey: attempt(() => readKey(text('HASMCP_ENCRYPTION_KEY'))),
    adminKey: attempt(() => readAdminKey(text('HASMCP_ADMIN_KEY'))),
    metricsToken: attempt(() => readMetricsToken(text('METRICS_TOKEN'))),
    egressAllow: attempt(() => readAllow(text('EGRESS_ALLOW'))) ?? '',
    callThreads: attempt(() => readOptionalInteger('CALL_THREADS', text('CALL_THREADS'), 1, 64)),
    callTimeoutMs:
      attempt(() =>
        readInteger(
          'CALL_TIMEOUT_MS',
          text('CALL_TIMEOUT_MS'),
          DEFAULT_CALL_TIMEOUT_MS,
          100,
          MAX_CALL_TIMEOUT_MS,
        ),
      ) ?? 0,
    rateLimitPerMinute:
      attempt(() =>
        readInteger(
          'RATE_LIMIT_PER_MINUTE',
          text('RATE_LIMIT_PER_MINUTE'),
          DEFAULT_RATE_LIMIT_PER_MINUTE,
          0,
          1_000_000_000,
        ),
      ) ?? 0,
    sandbox: readSandboxSetting(text, attempt, readOptionalInteger),
    isGraphiqlOn: attempt(() => readSwitch('GRAPHIQL', text('GRAPHIQL'))) ?? true,
    isIntrospectionOn:
      attempt(() => readSwitch('GRAPHQL_INTROSPECTION', text('GRAPHQL_INTROSPECTION'))) ?? true,
    // A person at a terminal who tries the quick start wants its text, not our log.
    logLevel:
      attempt(() => readLogLevel(text('LOG_LEVEL'), flags?.quickStart ? 'warn' : 'info')) ?? 'info',
    quickStart: flags?.quickStart,
    isJson: flags?.isJson ?? false,
    signIn: readSignInSetting(text, attempt),
  }
  attempt(() => {
    checkOrigin(config)
  })
  if (problems.length > 0) throw new ConfigError(problems)
  return config
}

/** Runs readers; what one throws becomes problems, and gives undefined. */
function attempting(problems: string[]): <T>(read: () => T) => T | undefined {
  return (read) => {
    try {
      return read()
    } catch (error) {
      problems.push(...problemsOf(error))
      return undefined
    }
  }
}

function problemsOf(error: unknown): readonly string[] {
  if (error instanceof AllowError) return error.problems.map((text) => `EGRESS_ALLOW: ${text}`)
  if (error instanceof AuthProviderError) {
    return error.problems.map((text) => `AUTH_PROVIDERS: ${text}`)
  }
  return [error instanceof Error ? error.message : String(error)]
}

function readInteger(
  name: string,
  text: string | undefined,
  fallback: number,
  min: number,
  max: number,
): number {
  if (text === undefined) return fallback
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= min && value <= max)) {
    throw new Error(
      `${name} is ${JSON.stringify(text)}, expected a whole number from ${min} to ${max}`,
    )
  }
  return value
}

function readOptionalInteger(
  name: string,
  text: string | undefined,
  min: number,
  max: number,
): number | undefined {
  return text === undefined ? undefined : readInteger(name, text, min, min, max)
}

/** On, unless it says otherwise. */
function readSwitch(name: string, text = 'on'): boolean {
  if (text === 'on' || text === 'off') return text === 'on'
  throw new Error(`${name} is ${JSON.stringify(text)}, expected on or off`)
}

function readPublicUrl(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const url = URL.parse(text)
  const isOrigin =
    url !== null &&
    ['http:', 'https:'].includes(url.protocol) &&
    url.pathname === '/' &&
    url.search === '' &&
    url.hash === '' &&
    url.username === ''
  if (!isOrigin)
    throw new Error(
      `PUBLIC_URL is ${JSON.stringify(text)}, expected an origin such as https://mcp.example.com`,
    )
  return url.origin
}

function readDatabaseUrl(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const url = URL.parse(text)
  // Its text is not repeated: it holds a password.
  if (url === null || !['postgres:', 'postgresql:'].includes(url.protocol)) {
    throw new Error(
      'DATABASE_URL is not a PostgreSQL URL, expected postgres://user:password@host:5432/database',
    )
  }
  return text
}

function readKey(text: string | undefined): Buffer | undefined {
  return text === undefined ? undefined : parseInstanceKey('HASMCP_ENCRYPTION_KEY', text)
}

function readAdminKey(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const isOurs = text.startsWith('hmk_')
  if (
    isOurs
      ? isCredential('hmk', text)
      : /^[\w.~+/=-]+$/.test(text) && text.length >= MIN_ADMIN_KEY_LENGTH
  )
    return text
  throw new Error(
    isOurs
      ? 'HASMCP_ADMIN_KEY starts with hmk_ and its checksum is wrong: it was cut or mistyped'
      : `HASMCP_ADMIN_KEY must be ${MIN_ADMIN_KEY_LENGTH} or more of A-Z a-z 0-9 . _ ~ + / = -; make one with: openssl rand -hex 32`,
  )
}

function readMetricsToken(text: string | undefined): string | undefined {
  if (text === undefined || /^[\x21-\x7E]{16,512}$/.test(text)) return text
  throw new Error(
    'METRICS_TOKEN must be 16 to 512 visible ASCII characters; make one with: openssl rand -hex 32',
  )
}

function readAllow(text: string | undefined): string {
  if (text === undefined) return ''
  parseAllow(text)
  return text
}

function readLogLevel(text: string | undefined, fallback: LogLevel): LogLevel {
  if (text === undefined) return fallback
  const level = LOG_LEVELS.find((known) => known === text)
  if (level === undefined)
    throw new Error(
      `LOG_LEVEL is ${JSON.stringify(text)}, expected one of ${LOG_LEVELS.join(', ')}`,
    )
  return level
}
