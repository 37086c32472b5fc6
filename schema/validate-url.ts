// The rules for URLs that people send, and for the `${NAME}` in what a provider sends.
import { randomBytes } from 'node:crypto'
import { findMalformedReference } from '../workers/call/variable.ts'
import { invalid, quote, type InputPath } from './validate.ts'

// What browsers and proxies carry without complaint.
const MAX_URL_CHARACTERS = 2048
// Of one server.
const MAX_ORIGINS = 50
// 16 KiB: an icon of 128 pixels.
const MAX_ICON_BYTES = 16_384

/**
 * An absolute http or https URL without user name and password, as the URL standard prints it.
 *
 * @throws {InvalidError} INVALID
 */
export function checkUrl(path: InputPath, text: string): string {
  return parseUrl(path, text).href
}

/**
 * Where a document is kept: an absolute http, https or file URL without user name and password.
 * Nothing is fetched from it; a scheme that runs something when it is clicked has no business here.
 *
 * @throws {InvalidError} INVALID
 */
export function checkDocumentUrl(path: InputPath, text: string): string {
  return parseUrl(path, text, ['http', 'https', 'file']).href
}

/**
 * Where an icon is, or the icon itself. It is only ever shown as an image, where an SVG runs nothing.
 *
 * @throws {InvalidError} INVALID
 */
export function checkIconUrl(path: InputPath, text: string): string {
  const data = /^data:image\/(?:png|jpeg|webp|svg\+xml);base64,([A-Za-z0-9+/]+={0,2})$/.exec(
    text,
  )?.[1]
  if (data === undefined && !/^data:/i.test(text)) return parseUrl(path, text, ['https']).href
  const bytes = ((data ?? '').length / 4) * 3
  if (data !== undefined && bytes <= MAX_ICON_BYTES) return text
  throw invalid(
    path,
    `is a data: URL that cannot be shown; expected a PNG, JPEG, WebP or SVG image in base64 of at most ${MAX_ICON_BYTES} bytes`,
  )
}

/**
 * An absolute http or https URL that paths can be put after: no user name, password, query or
 * fragment; printed without a `/` at its end. `${NAME}` may stand in its host and path.
 *
 * @throws {InvalidError} INVALID
 */
export function checkBaseUrl(path: InputPath, text: string): string {
  checkReferences(path, text)
  // To a URL a reference is no host. Letters and digits are taken as they are, once in lower case.
  const mark = `v${randomBytes(8).toString('hex')}v`
  const names: string[] = []
  const marked = text.replaceAll(
    /\$\{(\w+)\}/g,
    (_, name: string) => mark + (names.push(name) - 1) + 'v',
  )
  const url = parseUrl(path, marked, ['http', 'https'], text)
  // `new URL` drops an empty query or fragment from `search` and `hash`, but not from `href`.
  if (/[?#]/.test(url.href)) {
    throw invalid(path, 'has a query or a fragment; expected scheme, host and path only')
  }
  const href = url.href.replace(/\/+$/, '')
  return names.reduce(
    (result, name, index) => result.replace(`${mark}${index}v`, () => `\${${name}}`),
    href,
  )
}

/**
 * Origins of web pages, as browsers send them: at most 50, each once.
 *
 * @throws {InvalidError} INVALID
 */
export function checkOrigins(path: InputPath, origins: readonly string[]): string[] {
  if (origins.length > MAX_ORIGINS) {
    throw invalid(path, `has ${origins.length} entries, the limit is ${MAX_ORIGINS}`)
  }
  for (const [n, origin] of origins.entries()) {
    const url = parseUrl([...path, String(n)], origin)
    if (url.origin === origin) continue
    const problem = `is ${quote(origin)}; expected scheme, host and port alone, such as "${url.origin}"`
    throw invalid([...path, String(n)], problem)
  }
  return [...new Set(origins)]
}

function parseUrl(
  path: InputPath,
  text: string,
  schemes = ['http', 'https'],
  shown: string = text,
): URL {
  if (shown.length > MAX_URL_CHARACTERS) {
    throw invalid(path, `has ${shown.length} characters, the limit is ${MAX_URL_CHARACTERS}`)
  }
  // `new URL` silently drops tabs, line breaks and outer spaces: what was checked by eye is not what is called.
  const url = /[\s\p{Cc}\p{Cs}]/u.test(text) ? null : URL.parse(text)
  // It also takes `https:host` and backslashes for slashes.
  const scheme = /^([a-z]+):\/\/[^\\]*$/i.exec(text)?.[1]?.toLowerCase()
  if (url === null || scheme === undefined || !schemes.includes(scheme)) {
    throw invalid(
      path,
      `is ${quote(shown)}; expected an absolute ${schemes.join(' or ')} URL, such as "https://api.example.com/v1"`,
    )
  }
  if (url.username !== '' || url.password !== '') {
    throw invalid(path, 'has a user name or a password in it; send credentials in a header instead')
  }
  return url
}

/**
 * Refuses a `${` that refers to no variable: it would be sent as it stands.
 *
 * @throws {InvalidError} INVALID
 */
export function checkReferences(path: InputPath, text: string): void {
  const malformed = findMalformedReference(text)
  if (malformed === undefined) return
  throw invalid(
    path,
    `has ${quote(malformed)}, which refers to no variable; expected \${NAME} with a name of 1 to 64 letters, digits and _`,
  )
}
