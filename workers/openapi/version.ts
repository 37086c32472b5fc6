// Which specification a document follows. YAML reads an unquoted `3.1` or `2.0` as a number, and so
// do we.
import { ImportError } from './import-error.ts'
import { own, type JsonObject } from './json-value.ts'

/** Swagger 2.0 and the lines of OpenAPI 3. */
export type Version = '2.0' | '3.0' | '3.1' | '3.2'

const EXPECTED = 'expected "openapi": "3.0", "3.1" or "3.2", or "swagger": "2.0"'

/**
 * The document's version without its patch number.
 *
 * @throws {ImportError} DOCUMENT_INVALID when it has none that can be read
 */
export function readVersion(document: JsonObject): Version {
  const swagger = own(document, 'swagger')
  if (swagger === '2.0' || swagger === 2 || swagger === '2') return '2.0'
  const openapi = own(document, 'openapi')
  if (swagger === undefined && openapi === undefined) {
    throw new ImportError(
      'DOCUMENT_INVALID',
      `The document has no "openapi" or "swagger" key at its top; ${EXPECTED}`,
    )
  }
  const text = typeof openapi === 'number' ? String(openapi) : openapi
  const match =
    typeof text === 'string' ? /^3(?:\.([012]))?(?:\.\d{1,3}.{0,16})?$/.exec(text) : null
  if (match !== null) return `3.${(match[1] ?? '0') as '0' | '1' | '2'}`
  const [key, found] = openapi === undefined ? ['swagger', swagger] : ['openapi', openapi]
  const shown = JSON.stringify(found).slice(0, 40)
  throw new ImportError(
    'DOCUMENT_INVALID',
    `Cannot read ${key === 'openapi' ? 'OpenAPI' : 'Swagger'} ${shown} (#/${key}): ${EXPECTED}`,
  )
}
