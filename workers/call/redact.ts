// Takes the secrets of a call out of what its upstream answered: some APIs echo the headers that they
// were sent, and what only the upstream may know must not become a model's context.
import type { Variables } from './variable.ts'

/** Shorter ones are words of ordinary answers, and were easily guessed anyway. */
const MIN_SECRET_CHARACTERS = 8

const MASK = Buffer.from('***')

/**
 * What to look for: each secret as it is, and as JSON, a URL and base64 would spell it. Undefined
 * where there is nothing to hide.
 */
export function toNeedles(variables: Variables | undefined): readonly Buffer[] | undefined {
  if (variables === undefined) return undefined
  const spellings = new Set<string>()
  for (const { value, isSecret } of Object.values(variables)) {
    if (!isSecret || value.length < MIN_SECRET_CHARACTERS) continue
    spellings.add(value)
    spellings.add(JSON.stringify(value).slice(1, -1))
    spellings.add(encodeURIComponent(value.toWellFormed()))
    // Without the last group, which depends on what follows.
    const bytes = Buffer.from(value)
    const whole = bytes.subarray(0, bytes.length - (bytes.length % 3))
    if (whole.length >= MIN_SECRET_CHARACTERS) {
      spellings.add(whole.toString('base64'))
      spellings.add(whole.toString('base64url'))
    }
  }
  if (spellings.size === 0) return undefined
  // The longest first, or a part of one would be left.
  return [...spellings].toSorted((a, b) => b.length - a.length).map((text) => Buffer.from(text))
}

/** The body with `***` in the place of every needle; the same bytes where there is none. */
export function redact(body: Uint8Array, needles: readonly Buffer[]): Uint8Array {
  let bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  for (const needle of needles) bytes = replace(bytes, needle)
  return bytes
}

function replace(bytes: Buffer<ArrayBufferLike>, needle: Buffer): Buffer<ArrayBufferLike> {
  let found = bytes.indexOf(needle)
  if (found < 0) return bytes
  const parts: Uint8Array[] = []
  let position = 0
  while (found >= 0) {
    parts.push(bytes.subarray(position, found), MASK)
    position = found + needle.length
    found = bytes.indexOf(needle, position)
  }
  return Buffer.concat([...parts, bytes.subarray(position)])
}
