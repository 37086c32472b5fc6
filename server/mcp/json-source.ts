// Finds the source text of a value inside of JSON text, for numbers that JSON.parse would round. It
// walks text that JSON.parse has accepted, so it checks nothing; and it slices where a reviver would
// call back for each value of a body of 4 MiB.

/** A value's place in a text: from its first character to the one after its last. */
export interface Span {
  readonly start: number
  readonly end: number
}

const SPACE = 0x20
const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACKET = 0x5b
const BACKSLASH = 0x5c
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/** The items of the array that is the whole of `text`, in order. */
export function findItems(text: string): readonly Span[] {
  const items: Span[] = []
  let at = skipSpace(text, skipSpace(text, 0) + 1)
  while (text.charCodeAt(at) !== CLOSE_BRACKET) {
    const end = skipValue(text, at)
    items.push({ start: at, end })
    at = skipSeparator(text, end, COMMA)
  }
  return items
}

/**
 * The value that JSON.parse takes for that member of the object at `start`: the last of its name,
 * however the name is escaped. Undefined where there is none. White space may precede the object.
 */
export function findMember(text: string, start: number, name: string): Span | undefined {
  let found: Span | undefined
  let at = skipSpace(text, skipSpace(text, start) + 1)
  while (text.charCodeAt(at) !== CLOSE_BRACE) {
    const keyEnd = skipString(text, at)
    const valueStart = skipSeparator(text, keyEnd, COLON)
    const end = skipValue(text, valueStart)
    if (isString(text.slice(at, keyEnd), name)) found = { start: valueStart, end }
    at = skipSeparator(text, end, COMMA)
  }
  return found
}

/** Whether a string's source stands for `value`. */
function isString(source: string, value: string): boolean {
  return source.includes('\\') ? JSON.parse(source) === value : source === `"${value}"`
}

/** From a value's first character to the one after its last. */
function skipValue(text: string, at: number): number {
  const first = text.charCodeAt(at)
  if (first === QUOTE) return skipString(text, at)
  if (first === OPEN_BRACKET || first === OPEN_BRACE) return skipStructure(text, at)
  let end = at + 1
  while (end < text.length && !endsScalar(text.charCodeAt(end))) end += 1
  return end
}

/** JSON's white space is all that is at or below the space. */
function endsScalar(code: number): boolean {
  return code <= SPACE || code === COMMA || code === CLOSE_BRACKET || code === CLOSE_BRACE
}

function skipString(text: string, at: number): number {
  let end = at + 1
  while (text.charCodeAt(end) !== QUOTE) end += text.charCodeAt(end) === BACKSLASH ? 2 : 1
  return end + 1
}

function skipStructure(text: string, at: number): number {
  let depth = 0
  let end = at
  do {
    const code = text.charCodeAt(end)
    if (code === QUOTE) {
      end = skipString(text, end)
      continue
    }
    if (code === OPEN_BRACKET || code === OPEN_BRACE) depth += 1
    else if (code === CLOSE_BRACKET || code === CLOSE_BRACE) depth -= 1
    end += 1
  } while (depth > 0)
  return end
}

/** Past one separator, if it is there, and the white space around it. */
function skipSeparator(text: string, at: number, separator: number): number {
  const next = skipSpace(text, at)
  return text.charCodeAt(next) === separator ? skipSpace(text, next + 1) : next
}

function skipSpace(text: string, at: number): number {
  let next = at
  while (text.charCodeAt(next) <= SPACE) next += 1
  return next
}
