// The document's base URL. It is read here and not by the upgrader, so that https wins where
// Swagger 2 offers several schemes or none: egress allows nothing else by default.
import { cleanText } from './clean-text.ts'
import { isObject, own, ownString, type JsonObject } from './json-value.ts'
import type { Version } from './version.ts'
import type { Warnings } from './warning.ts'

const MAX_URL_CHARACTERS = 2_048

/** The first server's URL, its variables filled with their defaults; undefined where there is none. */
export function readServerUrl(
  document: JsonObject,
  version: Version,
  warnings: Warnings,
): string | undefined {
  const url = version === '2.0' ? readHost(document) : readFirstServer(document, warnings)
  const clean = cleanText(url, MAX_URL_CHARACTERS)
  return clean === '' ? undefined : clean
}

function readHost(document: JsonObject): string | undefined {
  const host = ownString(document, 'host') ?? ''
  const basePath = ownString(document, 'basePath') ?? ''
  if (host === '') return basePath
  const list = own(document, 'schemes')
  const schemes = (Array.isArray(list) ? (list as readonly unknown[]) : []).filter(
    (scheme) => scheme === 'http' || scheme === 'https',
  )
  const scheme = schemes.length === 0 || schemes.includes('https') ? 'https' : 'http'
  return `${scheme}://${host}${basePath}`
}

function readFirstServer(document: JsonObject, warnings: Warnings): string | undefined {
  const servers = own(document, 'servers')
  const [server] = Array.isArray(servers) ? (servers as readonly unknown[]) : []
  if (!isObject(server)) return undefined
  const variables = own(server, 'variables')
  return ownString(server, 'url')?.replaceAll(/\{([^{}]+)\}/g, (slot, name: string) => {
    const variable = isObject(variables) ? own(variables, name) : undefined
    const value = isObject(variable) ? own(variable, 'default') : undefined
    if (typeof value === 'string' || typeof value === 'number') return String(value)
    warnings.add(`Left ${slot} in the server's URL (#/servers/0): the variable has no default`)
    return slot
  })
}
