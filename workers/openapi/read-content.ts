// The `content` of a body or of a parameter: media types with their schemas, unreadable ones left
// out.
import { LeftOutError } from './import-error.ts'
import { isObject, nameType, own } from './json-value.ts'
import type { Source } from './reduce-document.ts'
import { resolveReference } from './resolve-reference.ts'

// RFC 9110, 8.3.1. It becomes a header's value, and a key of an object.
const MEDIA_TYPE =
  /^[\w!#$&^.+*-]{1,127}\/[\w!#$&^.+*-]{1,127}(?:[ \t]*;[ \t]*[\w-]{1,63}=(?:[\w!#$&^.+*-]{1,127}|"[^"\\\p{Cc}]{0,127}"))*$/u

/** True for a media type with or without parameters, `*` allowed as the document's ranges have it. */
export function isMediaType(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 255 && MEDIA_TYPE.test(value)
}

/**
 * `{ mediaType: { schema } }` in the document's order.
 *
 * @throws {LeftOutError} LEFT_OUT when no media type can be read
 */
export function readContent(
  source: Source,
  value: unknown,
  place: string,
): Record<string, { schema: unknown }> {
  if (!isObject(value)) {
    throw new LeftOutError(`expected "content" to be an object, found ${nameType(value)}`)
  }
  const content: Record<string, { schema: unknown }> = {}
  for (const [type, entry] of Object.entries(value)) {
    if (!isMediaType(type)) continue
    const media = resolveReference(source.document, entry, 'a media type')
    content[type] = { schema: source.schemas.copy(own(media, 'schema'), place) }
  }
  if (Object.keys(content).length === 0) {
    throw new LeftOutError('expected "content" to name a media type, like "application/json"')
  }
  return content
}
