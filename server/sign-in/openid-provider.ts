// OpenID Connect, by openid-client: discovery, the authorization code with PKCE, and the checks of state,
// nonce, issuer, audience and signature are the library's.
import { decodeProtectedHeader } from 'jose'
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  ClientSecretBasic,
  ClientSecretPost,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
  None,
  type ClientAuth,
  type Configuration,
  type CustomFetch,
  type IDToken,
} from 'openid-client'
import type { OpenIdSetting } from '../auth-provider-setting.ts'
import { SignInError, toProfile, toSignInError, type SignInProvider } from './provider.ts'

// A provider that moves its endpoints keeps the old ones for days.
const DISCOVERY_LIFETIME_MS = 3_600_000
/** Clocks of two machines; a token from further ahead was made to be used later. */
const MAX_SKEW_SECONDS = 60
/** What `Date` can hold. */
const MAX_DATE_SECONDS = 8.64e12

/** The provider; it is asked for its metadata at the first sign-in, and every hour from then on. */
export function createOpenIdProvider(setting: OpenIdSetting, fetch: CustomFetch): SignInProvider {
  const discover = createDiscovery(setting, fetch)
  return {
    id: setting.id,
    name: setting.name,
    async begin(redirectUri, { state, nonce, codeVerifier }) {
      try {
        return buildAuthorizationUrl(await discover(), {
          redirect_uri: redirectUri.href,
          scope: 'openid email profile',
          state,
          nonce,
          code_challenge: await calculatePKCECodeChallenge(codeVerifier),
          code_challenge_method: 'S256',
        })
      } catch (error) {
        throw toSignInError(error)
      }
    },
    async finish(callbackUrl, { state, nonce, codeVerifier }) {
      try {
        const config = await discover()
        const tokens = await authorizationCodeGrant(config, callbackUrl, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: codeVerifier,
          idTokenExpected: true,
        })
        const claims = tokens.claims()
        if (claims === undefined) throw new SignInError('PROVIDER_FAILED', 'no ID token')
        checkIdToken(tokens.id_token ?? '', claims)
        if (isComplete(claims)) return toProfile(claims)
        // The library refuses the claims of another subject.
        return toProfile(await fetchUserInfo(config, tokens.access_token, claims.sub))
      } catch (error) {
        throw toSignInError(error)
      }
    },
  }
}

/**
 * What the library leaves open: that the token is one of this kind (RFC 8725, section 3.11), and that its
 * times are ones.
 */
function checkIdToken(token: string, { iat, exp }: IDToken): void {
  const { typ = 'JWT' } = decodeProtectedHeader(token)
  if (String(typ).toUpperCase() !== 'JWT') throw new SignInError('PROVIDER_FAILED', 'ID token typ')
  const latest = Date.now() / 1000 + MAX_SKEW_SECONDS
  if (iat > latest || exp > MAX_DATE_SECONDS)
    throw new SignInError('PROVIDER_FAILED', 'ID token times')
}

/** An address and whether it is verified are of one source: together they say something. */
function isComplete({ email, email_verified: isVerified, name }: IDToken): boolean {
  return typeof email === 'string' && isVerified !== undefined && typeof name === 'string'
}

function createDiscovery(setting: OpenIdSetting, fetch: CustomFetch): () => Promise<Configuration> {
  const { issuer, clientId, clientSecret } = setting
  let found: Promise<Configuration> | undefined
  let foundAt = 0
  return async () => {
    if (found !== undefined && performance.now() - foundAt < DISCOVERY_LIFETIME_MS) {
      return await found
    }
    foundAt = performance.now()
    const isPlain = issuer.startsWith('http:')
    const flight = discovery(new URL(issuer), clientId, undefined, authenticateBy(clientSecret), {
      [customFetch]: fetch,
      execute: [enableNonRepudiationChecks, ...(isPlain ? [allowInsecureRequests] : [])],
    })
    found = flight
    try {
      return await flight
    } catch (error) {
      // The next person tries again.
      if (found === flight) found = undefined
      throw error
    }
  }
}

/** As the provider takes it; RFC 8414, section 2: where it does not say, by the header. */
function authenticateBy(secret: string | undefined): ClientAuth {
  if (secret === undefined) return None()
  const [post, basic] = [ClientSecretPost(secret), ClientSecretBasic(secret)]
  return (server, ...rest) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
    return (methods.includes('client_secret_post') ? post : basic)(server, ...rest)
  }
}
