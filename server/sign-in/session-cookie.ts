// The one cookie. Its name says to browsers that no other host, no path and no plain connection can set
// or read it (`__Host-`); on loopback, where there is no TLS, browsers would refuse such a name.
import { isCredential } from '../../db/credential.ts'

/** Reads and prints the cookie of an installation. */
export interface SessionCookie {
  /** The credential in it; undefined where there is none, or none of ours. */
  readonly read: (request: Request) => string | undefined
  /** Those in all cookies of its name: more than one where somebody else has set another. */
  readonly readAll: (request: Request) => readonly string[]
  /** `Set-Cookie` that keeps the credential until the browser is closed. */
  readonly print: (credential: string) => string
  /** `Set-Cookie` that takes it away. */
  readonly clear: () => string
}

/** `publicUrl` is the origin under which browsers reach this installation. */
export function createSessionCookie(publicUrl: () => string): SessionCookie {
  const name = () => (publicUrl().startsWith('https:') ? '__Host-hasmcp-session' : 'hasmcp-session')
  // RFC 6265bis, section 5.6: Lax, as a sign-in comes back from another site.
  const flags = () => `Path=/; HttpOnly; SameSite=Lax${name().startsWith('__') ? '; Secure' : ''}`
  const valuesOf = (request: Request) => {
    const prefix = `${name()}=`
    return (request.headers.get('cookie') ?? '')
      .split(';')
      .map((pair) => pair.trim())
      .filter((pair) => pair.startsWith(prefix))
      .map((pair) => pair.slice(prefix.length))
  }
  return {
    read(request) {
      const values = valuesOf(request)
      // Two of one name: somebody else set one of them.
      const [value = ''] = values
      return values.length === 1 && isCredential('hmb', value) ? value : undefined
    },
    readAll: (request) => valuesOf(request).filter((value) => isCredential('hmb', value)),
    print: (credential) => `${name()}=${credential}; ${flags()}`,
    clear: () => `${name()}=; ${flags()}; Max-Age=0`,
  }
}
