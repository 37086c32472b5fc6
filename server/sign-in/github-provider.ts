// GitHub, which speaks plain OAuth2: who somebody is, is read from its API. Of several addresses only the
// primary one counts, if it is verified. GitHub Enterprise is the same elsewhere.
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  ClientSecretPost,
  Configuration,
  customFetch,
  fetchProtectedResource,
  type CustomFetch,
} from 'openid-client'
import type { GitHubSetting } from '../auth-provider-setting.ts'
import { SignInError, toProfile, toSignInError, type SignInProvider } from './provider.ts'

const HEADERS = { accept: 'application/vnd.github+json', 'user-agent': 'hasmcp' }

/** The provider. */
export function createGitHubProvider(setting: GitHubSetting, fetch: CustomFetch): SignInProvider {
  const { id, name, url, apiUrl } = setting
  const config = configure(setting, fetch)
  const read = async (token: string, path: string): Promise<unknown> => {
    const response = await fetchProtectedResource(
      config,
      token,
      new URL(`${apiUrl}${path}`),
      'GET',
      undefined,
      new Headers(HEADERS),
    )
    if (!response.ok) throw new SignInError('PROVIDER_FAILED', `${path} ${response.status}`)
    return await response.json()
  }
  return {
    id,
    name,
    async begin(redirectUri, { state, codeVerifier }) {
      return buildAuthorizationUrl(config, {
        redirect_uri: redirectUri.href,
        scope: 'read:user user:email',
        state,
        code_challenge: await calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
      })
    },
    async finish(callbackUrl, { state, codeVerifier }) {
      try {
        const { access_token: token } = await authorizationCodeGrant(config, callbackUrl, {
          expectedState: state,
          pkceCodeVerifier: codeVerifier,
        })
        const [user, emails] = [await read(token, '/user'), await read(token, '/user/emails')]
        return toProfile({ ...readUser(user), ...readEmail(emails, url) })
      } catch (error) {
        throw toSignInError(error)
      }
    },
  }
}

function configure({ url, clientId, clientSecret }: GitHubSetting, fetch: CustomFetch) {
  const config = new Configuration(
    {
      // What GitHub says of itself as `iss` (RFC 9207) in its answers, and others check it by.
      issuer: `${url}/login/oauth`,
      authorization_endpoint: `${url}/login/oauth/authorize`,
      token_endpoint: `${url}/login/oauth/access_token`,
    },
    clientId,
    undefined,
    ClientSecretPost(clientSecret),
  )
  config[customFetch] = fetch
  if (url.startsWith('http:')) allowInsecureRequests(config)
  return config
}

type Row = Readonly<Record<string, unknown>>

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null
}

function readUser(user: unknown) {
  if (!isRow(user)) throw new SignInError('PROVIDER_FAILED', 'no user')
  return { name: user['name'] ?? user['login'], picture: user['avatar_url'] }
}

function readEmail(emails: unknown, url: string) {
  if (!Array.isArray(emails)) throw new SignInError('PROVIDER_FAILED', `no addresses from ${url}`)
  const primary = emails.find((row: unknown) => isRow(row) && row['primary'] === true) as
    | Row
    | undefined
  return { email: primary?.['email'], email_verified: primary?.['verified'] }
}
