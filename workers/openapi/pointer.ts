// JSON pointers (RFC 6901) in the fragment form that OpenAPI's `$ref` uses. Only pointers into the
// document itself are ever followed.
import { isObject, own, type JsonObject } from './json-value.ts'

// Long enough for any honest place, short enough for a hundred warnings in one answer.
const MAX_SHOWN_CHARACTERS = 200

/** `#/paths/~1pets/get` from its segments; cut where it is longer than 200 characters. */
export function formatPointer(...segments: readonly (string | number)[]): string {
  const escaped = segments.map((segment) =>
    String(segment).replaceAll('~', '~0').replaceAll('/', '~1'),
  )
  return cutPointer(['#', ...escaped].join('/'))
}

/** A pointer or other reference as a message shows it: at most 200 characters. */
export function cutPointer(pointer: string): string {
  return pointer.length > MAX_SHOWN_CHARACTERS
    ? `${pointer.slice(0, MAX_SHOWN_CHARACTERS)}…`
    : pointer
}

/** The segments of a local reference, or undefined where it is not `#` or `#/…`. */
export function parsePointer(reference: string): readonly string[] | undefined {
  if (reference === '#') return []
  if (!reference.startsWith('#/')) return undefined
  return reference.slice(2).split('/').map(unescapeSegment)
}

/** The value at a place of the document, or undefined. */
export function findValue(document: JsonObject, segments: readonly string[]): unknown {
  let value: unknown = document
  for (const segment of segments) {
    if (Array.isArray(value)) {
      value = /^(?:0|[1-9]\d{0,8})$/.test(segment) ? value[Number(segment)] : undefined
    } else if (isObject(value)) {
      value = own(value, segment)
    } else {
      return undefined
    }
  }
  return value
}

function unescapeSegment(segment: string): string {
  let text = segment
  try {
    text = decodeURIComponent(segment)
  } catch {
    // A stray `%` is not percent-encoding: documents in the field name schemas like that.
  }
  return text.replaceAll('~1', '/').replaceAll('~0', '~')
}
