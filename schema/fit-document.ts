// What a document says about itself, made to fit a provider. A document is read as it is, so its
// texts are mended here where a person's own input would be refused.
import { InvalidError } from '../db/errors.ts'
import { checkBaseUrl } from './validate-url.ts'
import { BAD_IN_TEXT, MAX_NAME_CHARACTERS, MAX_TEXT_CHARACTERS, quote } from './validate.ts'

const EXAMPLE_BASE_URL = 'https://api.example.com/v1'

/**
 * The title as a provider's name.
 *
 * @throws {InvalidError} INVALID when nothing of it can be shown
 */
export function fitName(title: string): string {
  const line = clean(title).replace(/\s+/g, ' ').trim()
  const name = Array.from(line).slice(0, MAX_NAME_CHARACTERS).join('').trimEnd()
  if (name !== '') return name
  throw new InvalidError('The document has no title: pass a name', ['input', 'name'])
}

/** The description, cut to what a provider can hold. */
export function fitDescription(description: string): string {
  return Array.from(clean(description)).slice(0, MAX_TEXT_CHARACTERS).join('').trim()
}

function clean(text: string): string {
  return text.replaceAll(new RegExp(BAD_IN_TEXT, 'gu'), '')
}

/**
 * The document's server as a base URL. `documentUrl` is where the document was fetched from: with
 * it a relative server has a meaning, which is proposed and not taken, because many documents are
 * not kept where their API is. Nor may a document refer to a variable: its author would be told the
 * account's secrets.
 *
 * @throws {InvalidError} INVALID when it is missing, relative, or no base URL
 */
export function chooseBaseUrl(
  serverUrl: string | undefined,
  documentUrl: string | undefined,
): string {
  const path = ['input', 'baseUrl']
  try {
    if (serverUrl !== undefined && !serverUrl.includes('${')) return checkBaseUrl(path, serverUrl)
  } catch (error) {
    if (!(error instanceof InvalidError)) throw error
  }
  const resolved = documentUrl === undefined ? null : URL.parse(serverUrl ?? '/', documentUrl)
  const proposal = resolved === null ? EXAMPLE_BASE_URL : resolved.href.replace(/\/+$/, '')
  throw new InvalidError(
    `The document ${describeServer(serverUrl)}: pass the base URL as baseUrl, for example "${proposal}"`,
    path,
  )
}

function describeServer(serverUrl: string | undefined): string {
  if (serverUrl === undefined) return 'names no server'
  const isRelative = !/^[a-z][a-z0-9+.-]*:/i.test(serverUrl)
  return isRelative
    ? `has the relative server ${quote(serverUrl)}`
    : `has the server ${quote(serverUrl)}, which cannot be a base URL`
}
