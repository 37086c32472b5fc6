// A real OpenID provider for a test: `oidc-provider`, which the OpenID Foundation has certified, in
// a process of its own. Its host is `localhost` where the product's is 127.0.0.1: cookies know no
// ports, and on one host each would be sent the other's.
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { ClientAuthMethod } from 'oidc-provider'
import type { Cleanup } from './database.ts'
import type { FromProvider, ProviderAccount, ToProvider } from './identity-provider-process.ts'
import { ROOT } from './product.ts'

/** Somebody who can sign in at the provider by typing the address. */
export interface ProviderPerson {
  readonly email: string
  readonly name: string
  readonly picture?: string
  /** Default: true. */
  readonly isEmailVerified?: boolean
  /** Stays when the address changes. Default: made of the address, and unlike it. */
  readonly sub?: string
}

export interface IdentityProviderOptions {
  /** Any other is refused, as the specification wants. Default: `client_secret_post`, openid-client's. */
  readonly clientAuthMethod?: ClientAuthMethod
}

/** A page asks for `email` and has the buttons "Continue" and "Cancel"; nobody is asked to consent. */
export interface IdentityProvider {
  /** `http://localhost:port`, which is also the entry for EGRESS_ALLOW. */
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** The client's only redirect URIs from now on, compared letter by letter; without any it is unknown. */
  register(...redirectUris: readonly string[]): Promise<void>
  /** Everybody from now on: for an address, a name or a picture that changes between two sign-ins. */
  replacePeople(people: readonly ProviderPerson[]): Promise<void>
  /** Every code, access token, ID token and refresh token that was issued so far. */
  tokens(): Promise<readonly string[]>
}

const SCRIPT = join(ROOT, 'test/support/identity-provider-process.ts')

/** The world outside runs on Node, whatever runs the test. */
const NODE =
  process.versions['bun'] === undefined && process.versions['deno'] === undefined
    ? process.execPath
    : join(ROOT, 'node_modules/.bin/node')

/** The `sub` of a person of this address without one of their own. */
export function subjectOf(email: string): string {
  return createHash('sha256').update(email).digest('hex').slice(0, 16)
}

function toAccount(person: ProviderPerson): ProviderAccount {
  return { isEmailVerified: true, sub: subjectOf(person.email), ...person }
}

/** Starts one; it ends with the test. */
export async function startIdentityProvider(
  t: Cleanup,
  people: readonly ProviderPerson[],
  { clientAuthMethod = 'client_secret_post' }: IdentityProviderOptions = {},
): Promise<IdentityProvider> {
  // NODE_TEST_CONTEXT would make a child report to our runner.
  const env = { PATH: process.env['PATH'] }
  const child = spawn(NODE, [SCRIPT], { cwd: ROOT, env, stdio: ['pipe', 'pipe', 'pipe'] })
  const exited = once(child, 'exit')
  t.after(async () => {
    child.kill('SIGKILL')
    await exited
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
  child.stdin.on('error', () => {})
  const waiting: PromiseWithResolvers<FromProvider>[] = []
  createInterface({ input: child.stdout }).on('line', (line) =>
    waiting.shift()?.resolve(JSON.parse(line) as FromProvider),
  )
  child.on('exit', (code) => {
    const error = new Error(`The provider ended with code ${code}: ${stderr}`)
    for (const { reject } of waiting.splice(0)) reject(error)
  })
  const ask = (command: ToProvider): Promise<FromProvider> => {
    const answer = Promise.withResolvers<FromProvider>()
    waiting.push(answer)
    child.stdin.write(`${JSON.stringify(command)}\n`)
    return answer.promise
  }
  const clientId = 'hasmcp'
  const clientSecret = `canary-client-secret-${randomBytes(16).toString('hex')}`
  const accounts = people.map(toAccount)
  const started = await ask({ type: 'start', clientId, clientSecret, clientAuthMethod, accounts })
  if (started.type !== 'started') throw new Error(`The provider answered ${started.type}`)
  return {
    issuer: started.issuer,
    clientId,
    clientSecret,
    register: async (...redirectUris) => void (await ask({ type: 'register', redirectUris })),
    replacePeople: async (next) =>
      void (await ask({ type: 'replace-accounts', accounts: next.map(toAccount) })),
    tokens: async () => {
      const answer = await ask({ type: 'list-tokens' })
      return answer.type === 'tokens' ? answer.tokens : []
    },
  }
}
