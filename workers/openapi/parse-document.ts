// Bytes into a plain value, JSON or YAML, with every bound that keeps a hostile document from
// costing more than its size. The YAML parser is loaded only when a document needs it.
import { cleanLine } from './clean-text.ts'
import { ImportError } from './import-error.ts'
import { isObject, nameType, type JsonObject } from './json-value.ts'
import { locateJsonError } from './locate-json-error.ts'

/** 32 MiB: four times the largest public document known (GitHub's, 7 MB). */
export const MAX_DOCUMENT_BYTES = 32 * 1024 * 1024

/** 16 MiB: the YAML parser takes about 0.3 s and 50 MB of memory for each MB (measured). */
export const MAX_YAML_BYTES = 16 * 1024 * 1024

/** Levels of objects and arrays: six times the deepest of GitHub, Box, Twilio and Argo CD (22). */
export const MAX_DEPTH = 128

/** Objects, arrays and scalars, YAML aliases expanded: eight times GitHub's 258,000. */
export const MAX_VALUES = 2_000_000

// The parser's messages can quote the document.
const MAX_REASON_CHARACTERS = 200

// Uses of one YAML anchor, nested ones multiplied: stops "billion laughs" before MAX_VALUES does.
const MAX_ALIASES = 10_000

/**
 * The document as plain objects, arrays and scalars; YAML aliases may be shared, never cyclic.
 *
 * @throws {ImportError} DOCUMENT_INVALID or DOCUMENT_TOO_LARGE
 */
export async function parseDocument(bytes: Uint8Array): Promise<JsonObject> {
  const text = decode(bytes)
  const value = /^\s*\{/.test(text) ? parseJson(text) : await parseYaml(text, bytes.byteLength)
  if (!isObject(value)) {
    throw new ImportError(
      'DOCUMENT_INVALID',
      `The document is ${nameType(value)}; expected an object with an "openapi" or "swagger" key`,
    )
  }
  let valueCount = 0
  const measure = (part: unknown, depth: number): void => {
    valueCount += 1
    if (valueCount > MAX_VALUES) {
      throw new ImportError(
        'DOCUMENT_TOO_LARGE',
        `The document has more than ${MAX_VALUES} values, the limit`,
      )
    }
    if (typeof part !== 'object' || part === null) return
    if (depth >= MAX_DEPTH) throw tooDeep()
    for (const child of Array.isArray(part) ? part : Object.values(part)) measure(child, depth + 1)
  }
  measure(value, 0)
  return value
}

function decode(bytes: Uint8Array): string {
  if (bytes.byteLength > MAX_DOCUMENT_BYTES) {
    throw new ImportError(
      'DOCUMENT_TOO_LARGE',
      `The document is ${bytes.byteLength} bytes, the limit is ${MAX_DOCUMENT_BYTES}`,
    )
  }
  const [first, second] = bytes
  const hasUtf16Mark = (first === 0xfe && second === 0xff) || (first === 0xff && second === 0xfe)
  // Without a mark, ASCII in UTF-16 shows as a NUL in the first two bytes.
  if (hasUtf16Mark || (bytes.byteLength > 1 && (first === 0) !== (second === 0))) {
    throw new ImportError('DOCUMENT_INVALID', 'The document is UTF-16; expected UTF-8')
  }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new ImportError(
      'DOCUMENT_INVALID',
      'The document is no valid UTF-8: is it a binary file?',
      { cause: error },
    )
  }
  if (text.trim() === '') {
    throw new ImportError(
      'DOCUMENT_INVALID',
      'The document is empty; expected OpenAPI as JSON or YAML',
    )
  }
  if (/^\s*</.test(text)) {
    throw new ImportError(
      'DOCUMENT_INVALID',
      'The document is HTML or XML, a page to sign in perhaps; expected OpenAPI as JSON or YAML',
    )
  }
  return text
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const error = locateJsonError(text)
    // Bun's JSON.parse overflows its stack on deep nesting that is valid JSON.
    if (error === undefined) throw tooDeep()
    const place = formatPlace(text, error.offset)
    throw new ImportError(
      'DOCUMENT_INVALID',
      `The document is no valid JSON: ${place}: expected ${error.expected}`,
      { cause },
    )
  }
}

async function parseYaml(text: string, byteCount: number): Promise<unknown> {
  if (byteCount > MAX_YAML_BYTES) {
    throw new ImportError(
      'DOCUMENT_TOO_LARGE',
      `The document is ${byteCount} bytes of YAML, the limit is ${MAX_YAML_BYTES}; as JSON it may be ${MAX_DOCUMENT_BYTES}`,
    )
  }
  const yaml = await import('yaml')
  try {
    const document = yaml.parseDocument(text, {
      version: '1.2',
      schema: 'core',
      uniqueKeys: true,
      prettyErrors: false,
      // Not 'silent': that hides the error about a second document. Warnings stay in the document.
      logLevel: 'error',
    })
    const [error] = document.errors
    // The composer recurses, and reports an overflow of its stack as an error of the document.
    if (/call stack/i.test(error?.message ?? '')) throw tooDeep()
    if (error !== undefined) {
      const place = formatPlace(text, error.pos[0])
      const isSecond = error.code === 'MULTIPLE_DOCS'
      const reason = isSecond ? 'expected one document' : error.message
      throw new ImportError(
        'DOCUMENT_INVALID',
        `The document is no valid YAML: ${place}: ${cleanLine(reason, MAX_REASON_CHARACTERS)}`,
        { cause: error },
      )
    }
    return document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown
  } catch (error) {
    if (error instanceof ImportError) throw error
    if (error instanceof RangeError) throw tooDeep()
    if (error instanceof ReferenceError && error.message.startsWith('Excessive alias count')) {
      throw new ImportError(
        'DOCUMENT_TOO_LARGE',
        'The YAML aliases of the document expand to too many values; expected "$ref" for what is shared',
        { cause: error },
      )
    }
    const reason = cleanLine(error instanceof Error ? error.message : '', MAX_REASON_CHARACTERS)
    throw new ImportError('DOCUMENT_INVALID', `The document is no valid YAML: ${reason}`, {
      cause: error,
    })
  }
}

function tooDeep(): ImportError {
  return new ImportError(
    'DOCUMENT_TOO_LARGE',
    `The document is nested deeper than ${MAX_DEPTH} levels, the limit`,
  )
}

/** `line 3, column 7`, both from 1; columns in UTF-16 units. */
function formatPlace(text: string, offset: number): string {
  const before = text.slice(0, offset)
  const line = before.split('\n').length
  const column = offset - before.lastIndexOf('\n')
  return `line ${line}, column ${column}`
}
