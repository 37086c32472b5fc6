// Finds where JSON goes wrong. The engines' own messages differ between Node, Bun and Deno and not
// all name a place; this runs only after JSON.parse has refused, and never recurses.

/** Where the first error is, as an offset in UTF-16 units, and what would be right there. */
export interface JsonError {
  readonly offset: number
  readonly expected: string
}

type State = 'value' | 'value-or-end' | 'key' | 'key-or-end' | 'colon' | 'comma-or-end' | 'end'

const BLANK = /[ \t\n\r]*/y
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const ESCAPE = /["\\/bfnrt]|u[\dA-Fa-f]{4}/y

/** The first error of a text, or undefined where it is valid JSON. */
export function locateJsonError(text: string): JsonError | undefined {
  const open: ('{' | '[')[] = []
  let state: State = 'value'
  let offset = 0
  for (;;) {
    offset = matchEnd(BLANK, text, offset) ?? offset
    const character = text[offset]
    if (state === 'end' && character === undefined) return undefined
    const step = take(text, offset, character, state, open)
    if ('expected' in step) return step
    offset = step.offset
    state = step.state
  }
}

function take(
  text: string,
  offset: number,
  character: string | undefined,
  state: State,
  open: ('{' | '[')[],
): JsonError | { readonly offset: number; readonly state: State } {
  const closer = open.at(-1) === '{' ? '}' : ']'
  const isClosing = character === closer && open.length > 0
  if (isClosing && (state.endsWith('-or-end') || state === 'comma-or-end')) {
    open.pop()
    return { offset: offset + 1, state: afterValue(open) }
  }
  switch (state) {
    case 'value':
    case 'value-or-end':
      return takeValue(text, offset, character, open)
    case 'key':
    case 'key-or-end': {
      if (character !== '"') return { offset, expected: 'a key in double quotes' }
      const end = takeString(text, offset)
      return typeof end === 'number' ? { offset: end, state: 'colon' } : end
    }
    case 'colon':
      if (character !== ':') return { offset, expected: '":"' }
      return { offset: offset + 1, state: 'value' }
    case 'comma-or-end':
      if (character !== ',') return { offset, expected: `"," or "${closer}"` }
      return { offset: offset + 1, state: closer === '}' ? 'key' : 'value' }
    case 'end':
      return { offset, expected: 'the end' }
  }
}

function takeValue(
  text: string,
  offset: number,
  character: string | undefined,
  open: ('{' | '[')[],
): JsonError | { readonly offset: number; readonly state: State } {
  if (character === '{' || character === '[') {
    open.push(character)
    return { offset: offset + 1, state: character === '{' ? 'key-or-end' : 'value-or-end' }
  }
  if (character === '"') {
    const end = takeString(text, offset)
    return typeof end === 'number' ? { offset: end, state: afterValue(open) } : end
  }
  const end = matchEnd(SCALAR, text, offset)
  if (end === undefined) return { offset, expected: 'a value' }
  return { offset: end, state: afterValue(open) }
}

function takeString(text: string, start: number): number | JsonError {
  let offset = start + 1
  for (;;) {
    const character = text[offset]
    if (character === undefined) return { offset, expected: 'the closing quote of a string' }
    if (character === '"') return offset + 1
    if (character < ' ') return { offset, expected: 'no bare control character in a string' }
    offset += 1
    if (character === '\\') {
      const end = matchEnd(ESCAPE, text, offset)
      if (end === undefined) return { offset, expected: 'an escape that JSON knows' }
      offset = end
    }
  }
}

function afterValue(open: readonly string[]): State {
  return open.length === 0 ? 'end' : 'comma-or-end'
}

function matchEnd(pattern: RegExp, text: string, offset: number): number | undefined {
  pattern.lastIndex = offset
  return pattern.test(text) ? pattern.lastIndex : undefined
}
