// The pages and what every one of them has: a small body, and one origin, as cookies and forms count
// there only.
import { withBoundedBody } from '../bounded-body.ts'
import { createHome, type HomeDeps, type HomeRoutes } from './home.ts'
import { redirect, toProblemResponse } from './page.ts'
import { createSignIn, type SignInDeps, type SignInRoutes } from './sign-in.ts'

/** Answers a request for a page. `providerId` is of the path, where it has one. */
export type Page = (request: Request, providerId: string) => Promise<Response>

/** The pages. */
export type Pages = Readonly<Record<keyof HomeRoutes | keyof SignInRoutes, Page>>

/** The largest form holds a token of 2 KiB. */
const MAX_FORM_BYTES = 16 * 1024
const LOOPBACK: readonly string[] = ['localhost', '127.0.0.1', '[::1]']

/** The pages, each within the bounds. */
export function createPages(deps: HomeDeps & SignInDeps): Pages {
  const bounded =
    (page: (request: Request, providerId: string) => Response | Promise<Response>): Page =>
    async (request, providerId) => {
      if (!isSafe(new URL(deps.publicUrl()))) return unsafe(deps.publicUrl())
      const elsewhere = toPublicUrl(new URL(request.url), deps.publicUrl())
      if (elsewhere !== undefined && request.method === 'GET') {
        return redirect(elsewhere.href)
      }
      const whole = await withBoundedBody(request, MAX_FORM_BYTES)
      if (whole !== undefined) return await page(whole, providerId)
      return toProblemResponse(
        413,
        'This is too much',
        `A form has at most ${MAX_FORM_BYTES} bytes.`,
      )
    }
  const [home, signIn] = [createHome(deps), createSignIn(deps)]
  return {
    show: bounded(home.show),
    switchAccount: bounded(home.switchAccount),
    invitation: bounded(home.invitation),
    signOut: bounded(home.signOut),
    choose: bounded(signIn.choose),
    begin: bounded(signIn.begin),
    finish: bounded(signIn.finish),
    link: bounded(signIn.link),
  }
}

/** The cookie must not travel in clear, but on this machine. */
function isSafe({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || LOOPBACK.includes(hostname)
}

function unsafe(publicUrl: string): Response {
  return toProblemResponse(
    403,
    'Signing in needs https',
    `This installation is reached at ${publicUrl}, where a cookie would travel in clear. Set PUBLIC_URL to an https origin; API keys work as they are.`,
  )
}

/**
 * The same page at the public origin, for a browser on this machine that calls it by another of its
 * names. Elsewhere a proxy may have changed the name: that is no mistake.
 */
function toPublicUrl(url: URL, publicUrl: string): URL | undefined {
  const { hostname, port, origin } = new URL(publicUrl)
  const isOther = LOOPBACK.includes(hostname) && LOOPBACK.includes(url.hostname)
  // Of another port is what a proxy in between makes of it, and would again.
  if (!isOther || url.hostname === hostname || url.port !== port) return undefined
  return new URL(`${url.pathname}${url.search}`, origin)
}
