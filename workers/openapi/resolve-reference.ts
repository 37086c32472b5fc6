// Follows the local `$ref` of a path item, a parameter, a body or a media type to the object it
// stands for. Nothing is ever fetched: a reference to elsewhere is refused.
import { LeftOutError } from './import-error.ts'
import { isObject, nameType, ownString, type JsonObject } from './json-value.ts'
import { cutPointer, findValue, parsePointer } from './pointer.ts'

/**
 * The object itself, or what its chain of references ends at, with the siblings of each `$ref` on
 * top of the target.
 *
 * @throws {LeftOutError} LEFT_OUT when it is no object, or the chain is external, dangling or a circle
 */
export function resolveReference(document: JsonObject, value: unknown, what: string): JsonObject {
  const seen = new Set<string>()
  const siblings: JsonObject[] = []
  let current = value
  for (;;) {
    if (!isObject(current)) {
      throw new LeftOutError(`expected ${what} to be an object, found ${nameType(current)}`)
    }
    const reference = ownString(current, '$ref')
    if (reference === undefined) break
    const shown = `${what} refers to ${cutPointer(reference)}`
    const segments = parsePointer(reference)
    if (segments === undefined)
      throw new LeftOutError(`${shown}, only local references are followed`)
    if (seen.has(reference)) throw new LeftOutError(`${shown}, which leads back to itself`)
    seen.add(reference)
    const { $ref: _reference, ...rest } = current
    siblings.push(rest)
    current = findValue(document, segments)
    if (current === undefined) throw new LeftOutError(`${shown}, there is nothing`)
  }
  if (siblings.length === 0) return current
  // A spread defines own keys, `__proto__` among them; Object.assign would set the prototype.
  return siblings.reduceRight<JsonObject>((target, sibling) => ({ ...target, ...sibling }), current)
}
