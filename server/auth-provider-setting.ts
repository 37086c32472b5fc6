// The identity providers, read for config.ts, which gives the text: a JSON list in AUTH_PROVIDERS. All
// that is wrong with it is found at once.

/** An OpenID Connect provider. */
export interface OpenIdSetting {
  readonly type: 'oidc'
  /** In URLs. */
  readonly id: string
  /** For a button. */
  readonly name: string
  /** As the provider's metadata spells it. */
  readonly issuer: string
  readonly clientId: string
  /** Undefined for a public client, which PKCE alone protects. */
  readonly clientSecret: string | undefined
}

/** GitHub, or a GitHub Enterprise Server. */
export interface GitHubSetting {
  readonly type: 'github'
  readonly id: string
  readonly name: string
  /** Without a slash at its end. */
  readonly url: string
  readonly apiUrl: string
  readonly clientId: string
  readonly clientSecret: string
}

/** One provider. */
export type AuthProviderSetting = OpenIdSetting | GitHubSetting

/** Several things are wrong at once. */
export class AuthProviderError extends Error {
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(problems.join('; '))
    this.problems = problems
  }
}

const GITHUB_URL = 'https://github.com'
const MAX_PROVIDERS = 20
const EXAMPLE =
  '[{"id":"google","type":"oidc","issuer":"https://accounts.google.com","clientId":"…","clientSecret":"…"}]'
const KEYS: Readonly<Record<string, readonly string[]>> = {
  oidc: ['id', 'type', 'name', 'issuer', 'clientId', 'clientSecret'],
  github: ['id', 'type', 'name', 'url', 'clientId', 'clientSecret'],
}

/**
 * The providers; none where there is no text.
 *
 * @throws {AuthProviderError} with a sentence for everything that is wrong; no sentence repeats a secret
 */
export function readAuthProviders(text: string | undefined): readonly AuthProviderSetting[] {
  if (text === undefined) return []
  const entries = parseList(text)
  const problems: string[] = []
  const settings = entries.map((entry, index) => readEntry(entry, `entry ${index + 1}`, problems))
  for (const [index, { id }] of settings.entries()) {
    if (settings.findIndex((other) => other.id === id) < index) {
      problems.push(`entry ${index + 1} has the id ${JSON.stringify(id)} for the second time`)
    }
  }
  if (problems.length > 0) throw new AuthProviderError(problems)
  return settings
}

function parseList(text: string): readonly unknown[] {
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch {
    throw new AuthProviderError([`it is no JSON, expected a list such as ${EXAMPLE}`])
  }
  if (!Array.isArray(list)) {
    throw new AuthProviderError([`it is no list, expected one such as ${EXAMPLE}`])
  }
  if (list.length > MAX_PROVIDERS) {
    throw new AuthProviderError([`it has ${list.length} entries, the limit is ${MAX_PROVIDERS}`])
  }
  return list as readonly unknown[]
}

function readEntry(entry: unknown, place: string, problems: string[]): AuthProviderSetting {
  const fields = (typeof entry === 'object' && entry !== null ? entry : {}) as Readonly<
    Record<string, unknown>
  >
  const type = fields['type'] === 'github' ? 'github' : 'oidc'
  if (fields['type'] !== type) problems.push(`${place} has no type, expected "oidc" or "github"`)
  for (const key of Object.keys(fields)) {
    if (KEYS[type]?.includes(key) === true) continue
    problems.push(
      `${place} has ${JSON.stringify(key)}, which is unknown; expected ${KEYS[type]?.join(', ')}`,
    )
  }
  const text = (key: string, fallback?: string): string => {
    const value = fields[key] ?? fallback
    if (typeof value === 'string' && value !== '') return value
    problems.push(`${place} has no ${key}, expected a text`)
    return ''
  }
  const id = text('id')
  if (id !== '' && !/^[a-z0-9][a-z0-9-]{0,31}$/.test(id)) {
    problems.push(`${place} has the id ${JSON.stringify(id)}, expected 1 to 32 of a-z, 0-9 and -`)
  }
  if (id === 'link') problems.push(`${place} has the id "link", which is taken; expected another`)
  const name = text('name', type === 'github' ? 'GitHub' : id)
  const clientId = text('clientId')
  if (type === 'github') {
    const url = readUrl('url', text('url', GITHUB_URL), place, problems).replace(/\/$/, '')
    const apiUrl = url === GITHUB_URL ? 'https://api.github.com' : `${url}/api/v3`
    return { type, id, name, clientId, clientSecret: text('clientSecret'), url, apiUrl }
  }
  const hasSecret = fields['clientSecret'] !== undefined
  const issuer = readUrl('issuer', text('issuer'), place, problems)
  return {
    type,
    id,
    name,
    clientId,
    issuer,
    clientSecret: hasSecret ? text('clientSecret') : undefined,
  }
}

/** Tokens travel there: in clear on loopback only. */
function readUrl(key: string, text: string, place: string, problems: string[]): string {
  if (text === '') return text
  const url = URL.parse(text)
  const isLoopback = url !== null && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  const isFine =
    url !== null &&
    (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback)) &&
    url.username === '' &&
    url.search === '' &&
    url.hash === ''
  if (url !== null && url.username + url.password !== '') {
    problems.push(`${place} has a ${key} with a user name or password in it, expected none`)
  } else if (!isFine) {
    problems.push(
      `${place} has the ${key} ${JSON.stringify(text)}, expected an https URL such as "https://accounts.google.com"`,
    )
  }
  return text
}
