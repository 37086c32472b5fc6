// Reads the document's structure, of any version, down to what tools are made of: operations with
// their parameters and bodies in place, and the schemas they use. Everything is checked here, so
// that the upgrader gets a small and well-formed document: on hostile ones it throws, and its
// reading of Swagger 2 responses can write to Object.prototype.
import { HTTP_METHODS, type HttpMethod } from '../definition.ts'
import { createSchemaCopier, type SchemaCopier } from './copy-schema.ts'
import { ImportError, LeftOutError } from './import-error.ts'
import { isObject, nameType, own, ownString, type JsonObject } from './json-value.ts'
import { formatPointer } from './pointer.ts'
import { mergeParameters, readParameters } from './read-parameter.ts'
import { isMediaType, readContent } from './read-content.ts'
import { resolveReference } from './resolve-reference.ts'
import type { Version } from './version.ts'
import type { Warnings } from './warning.ts'

/** Operations of one document: four times GitHub's 1,223. */
export const MAX_OPERATIONS = 5_000

/** What {@link reduceDocument} hands to everything that reads a part of the document. */
export interface Source {
  readonly document: JsonObject
  readonly version: Version
  readonly schemas: SchemaCopier
  readonly warnings: Warnings
}

/** A document for the upgrader, and where its schemas came from. */
export interface ReducedDocument {
  /** `{ openapi | swagger, …, paths: { path: { method: operation } } }` */
  readonly document: Record<string, unknown>
  readonly operationCount: number
  findPlace(schemaName: string): string | undefined
}

// UTF-8. A path is part of a database index, whose entries end at 2,700 bytes.
const MAX_PATH_BYTES = 2_048

const OTHER_METHODS = ['trace', 'query', 'connect', 'additionaloperations']

/**
 * The operations that can be read; the others are left out with a warning.
 *
 * @throws {ImportError} DOCUMENT_INVALID where there are no paths; DOCUMENT_TOO_LARGE
 */
export function reduceDocument(
  document: JsonObject,
  version: Version,
  warnings: Warnings,
): ReducedDocument {
  const home = version === '2.0' ? '#/definitions/' : '#/components/schemas/'
  const schemas = createSchemaCopier(document, home, warnings)
  const source: Source = { document, version, schemas, warnings }
  const paths = own(document, 'paths')
  if (!isObject(paths)) {
    throw new ImportError(
      'DOCUMENT_INVALID',
      `Cannot read the paths (#/paths): expected an object, found ${nameType(paths)}`,
    )
  }
  const reducedPaths: Record<string, Record<string, unknown>> = {}
  let operationCount = 0
  for (const path of Object.keys(paths)) {
    if (path.startsWith('x-')) continue
    const operations = reducePath(source, path, paths[path])
    if (operations === undefined) continue
    reducedPaths[path] = operations
    operationCount += Object.keys(operations).length
    if (operationCount > MAX_OPERATIONS) {
      throw new ImportError(
        'DOCUMENT_TOO_LARGE',
        `The document has more than ${MAX_OPERATIONS} operations, the limit`,
      )
    }
  }
  const named = schemas.takeNamed()
  const reduced =
    version === '2.0'
      ? { swagger: '2.0', ...copyConsumes(document), paths: reducedPaths, definitions: named }
      : { openapi: `${version}.0`, paths: reducedPaths, components: { schemas: named } }
  return { document: reduced, operationCount, findPlace: (name) => schemas.findPlace(name) }
}

function reducePath(
  source: Source,
  path: string,
  value: unknown,
): Record<string, unknown> | undefined {
  const place = formatPointer('paths', path)
  const { warnings } = source
  let item: JsonObject
  try {
    checkPath(path)
    item = resolveReference(source.document, value, 'a path item')
  } catch (error) {
    if (!(error instanceof LeftOutError)) throw error
    warnings.add(`Left out a path (${place}): ${error.message}`)
    return undefined
  }
  const operations: Record<string, unknown> = {}
  for (const key of Object.keys(item)) {
    const method = toMethod(key)
    if (method === undefined) {
      if (OTHER_METHODS.includes(key.toLowerCase())) {
        warnings.add(`Left out ${key} (${place}): expected one of ${HTTP_METHODS.join(', ')}`)
      }
      continue
    }
    try {
      operations[key.toLowerCase()] = reduceOperation(source, path, item, key)
    } catch (error) {
      if (!(error instanceof LeftOutError)) throw error
      const operationPlace = formatPointer('paths', path, key)
      warnings.add(`Left out ${method} ${path} (${operationPlace}): ${error.message}`)
    }
  }
  return operations
}

function reduceOperation(
  source: Source,
  path: string,
  item: JsonObject,
  key: string,
): Record<string, unknown> {
  const operation = own(item, key)
  const place = formatPointer('paths', path, key)
  if (!isObject(operation)) {
    throw new LeftOutError(`expected an object, found ${nameType(operation)}`)
  }
  const shared = readParameters(source, own(item, 'parameters'), formatPointer('paths', path))
  const parameters = readParameters(source, own(operation, 'parameters'), place)
  warnOfServers(source, path, item, operation, place)
  const reduced: Record<string, unknown> = {
    operationId: ownString(operation, 'operationId'),
    summary: ownString(operation, 'summary') ?? ownString(item, 'summary'),
    description: ownString(operation, 'description') ?? ownString(item, 'description'),
    deprecated: own(operation, 'deprecated') === true,
    tags: copyTags(operation),
    parameters: mergeParameters(shared, parameters),
  }
  if (source.version === '2.0') return { ...reduced, ...copyConsumes(operation) }
  if (own(operation, 'requestBody') !== undefined) {
    const body = resolveReference(source.document, operation['requestBody'], 'the request body')
    reduced['requestBody'] = {
      description: ownString(body, 'description'),
      required: own(body, 'required') === true,
      content: readContent(source, own(body, 'content'), place),
    }
  }
  return reduced
}

// define-tool.ts cleans and counts them; here they only must be nothing else.
function copyTags(operation: JsonObject): readonly string[] {
  const tags = own(operation, 'tags')
  return Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : []
}

function toMethod(key: string): HttpMethod | undefined {
  return HTTP_METHODS.find((method) => method === key.toUpperCase())
}

/** Refuses templates that cannot be joined to a base URL without changing what they mean. */
function checkPath(path: string): void {
  if (!path.startsWith('/')) throw new LeftOutError('expected a path that starts with "/"')
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw new LeftOutError(`a path has at most ${MAX_PATH_BYTES} bytes`)
  }
  if (path.startsWith('//')) throw new LeftOutError('a path starts with one "/"')
  if (!path.isWellFormed() || /[\p{Cc}\\]/u.test(path)) {
    throw new LeftOutError('a path holds no control character and no backslash')
  }
  if (path.includes('?')) throw new LeftOutError('a path holds no query')
  const slots = path.replaceAll(/\{[^{}]+\}/g, 'x')
  if (/[{}]/.test(slots)) throw new LeftOutError('expected "{name}" for each slot of the path')
  if (/(?:^|\/)(?:\.|%2e){1,2}(?:\/|$)/i.test(slots)) {
    throw new LeftOutError('a path holds no "." and no ".." segment')
  }
}

function copyConsumes(holder: JsonObject): { readonly consumes?: readonly string[] } {
  const consumes = own(holder, 'consumes')
  if (!Array.isArray(consumes)) return {}
  const types = consumes.filter((type) => isMediaType(type))
  return types.length > 0 ? { consumes: types } : {}
}

function warnOfServers(
  source: Source,
  path: string,
  item: JsonObject,
  operation: JsonObject,
  place: string,
): void {
  for (const [holder, where] of [
    [item, formatPointer('paths', path)],
    [operation, place],
  ] as const) {
    const servers: unknown = own(holder, 'servers')
    const [server] = Array.isArray(servers) ? (servers as unknown[]) : []
    const url = isObject(server) ? ownString(server, 'url') : undefined
    const all = own(source.document, 'servers')
    const [first] = Array.isArray(all) ? (all as unknown[]) : []
    if (url === undefined || (isObject(first) && ownString(first, 'url') === url)) continue
    source.warnings.add(`Ignored the servers (${where}/servers): a provider has one base URL`)
  }
}
