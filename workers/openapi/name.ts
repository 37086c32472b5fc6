// Names for tools and arguments. They depend on the document alone, so that a second import finds
// the tools of the first.

/** MCP's clients accept 64 characters of `A-Za-z0-9_-` (Anthropic, OpenAI). */
export const MAX_NAME_CHARACTERS = 64

// What a longer operationId holds beyond this cannot matter for 64 characters.
const MAX_READ_CHARACTERS = 512

/** An operationId, or method and path, as a tool's name; `''` where no letter or digit is left. */
export function toToolName(text: string): string {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(text)) return text
  return toAscii(text)
    .replace(/[^A-Za-z0-9_-]+/g, '_')
    .replace(/^_+/, '')
    .slice(0, MAX_NAME_CHARACTERS)
    .replace(/_+$/, '')
}

/**
 * A parameter's name as an argument's: 1 to 64 of `A-Za-z0-9_.-`, the pattern that Anthropic's API
 * demands of a schema's property keys. `DateCreated<` becomes `DateCreated_lt`, so that Twilio's
 * three spellings of one name stay readable.
 */
export function toArgumentName(name: string): string {
  if (/^[A-Za-z0-9_.-]{1,64}$/.test(name) && name !== '__proto__') return name
  const text = toAscii(name)
    .replace(/</g, '_lt')
    .replace(/>/g, '_gt')
    .replace(/[^A-Za-z0-9_.-]+/g, '_')
    .replace(/^_+/, '')
    .slice(0, MAX_NAME_CHARACTERS)
    .replace(/_+$/, '')
  return text === '' ? 'argument' : text
}

/** Names in use, with the last number that was tried for each, so that 10⁵ equal names stay cheap. */
export type TakenNames = Map<string, number>

/** The name, or the name with `_2`, `_3`, … in at most so many characters; adds it to `taken`. */
export function makeUnique(name: string, maxCharacters: number, taken: TakenNames): string {
  const base = name.slice(0, maxCharacters)
  let unique = base
  let number = taken.get(base) ?? 1
  while (taken.has(unique)) {
    number += 1
    const suffix = `_${number}`
    unique = name.slice(0, maxCharacters - suffix.length) + suffix
  }
  taken.set(base, number)
  if (unique !== base) taken.set(unique, 1)
  return unique
}

function toAscii(text: string): string {
  return text.slice(0, MAX_READ_CHARACTERS).normalize('NFKD').replace(/\p{M}/gu, '')
}
