// JSON numbers beyond 2^53 as they were written. Models copy identifiers of 64 bits from one answer
// into the next call, and `JSON.parse` alone would round them to somebody else's.

// ECMAScript's "JSON.parse source text access": Node, Bun and Deno have it, TypeScript's es2024 not yet.
interface RawJson {
  readonly rawJSON: string
}
interface SourceTextJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown
  rawJSON(text: string): RawJson
  isRawJSON(value: unknown): value is RawJson
}

const sourceJson = JSON as unknown as SourceTextJson

/** 2^53 has 16 digits: shorter ones are safe, and most calls have none. */
const MAY_BE_UNSAFE = /\d{16}/

/**
 * The value of JSON text with its unsafe integers kept: they print as they were written, by
 * {@link printScalar} and by `JSON.stringify`, and are no `number`s.
 * @throws {SyntaxError} when the text is no JSON.
 */
export function parseKeepingIntegers(text: string): unknown {
  if (!MAY_BE_UNSAFE.test(text)) return JSON.parse(text)
  return sourceJson.parse(text, (_key, value, { source }) => {
    const isUnsafe = Number.isInteger(value) && !Number.isSafeInteger(value)
    return isUnsafe && source !== undefined ? sourceJson.rawJSON(source) : value
  })
}

/** True for an object that is neither an array nor a kept integer. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !sourceJson.isRawJSON(value)
  )
}

/** A value as text: strings as they are, `null` as nothing, other scalars and structures as JSON. */
export function printScalar(value: unknown): string {
  if (typeof value === 'string') return value
  if (value === null || value === undefined) return ''
  return JSON.stringify(value)
}
