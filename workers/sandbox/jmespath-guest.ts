// JMESPath inside a realm: the library and these functions are printed into the engine as text. An
// expression is data, so one realm serves many calls, provided that it reaches own properties only:
// the library itself would answer `constructor` with a function, and `__proto__` with a prototype.
import { readFileSync } from 'node:fs'

/** What the realm gives the host; both answer an envelope. */
export interface JmespathGuest {
  readonly run: (expression: string, input: string, maxOutputCharacters: number) => string
  /** `o` where the expression is fine, `f` with the message and the place (line, column) where not. */
  readonly check: (expression: string) => string
}

interface Token {
  readonly type: string
  readonly value: unknown
  readonly start: number
}

interface Node {
  readonly type: string
  readonly name?: unknown
  readonly children?: readonly Node[]
  readonly value?: unknown
}

interface Runtime {
  readonly _functionTable: Record<string, { _func: unknown }>
  createKeyFunction(expression: unknown, types: readonly number[]): (item: unknown) => string
}

interface Library {
  readonly TYPE_STRING: number
  readonly TreeInterpreter: { readonly runtime: Runtime }
  compile(expression: string): Node
  search(data: unknown, expression: string): unknown
  tokenize(expression: string): readonly Token[]
  readonly Lexer: { readonly _current: number }
  readonly Parser: { readonly index: number; readonly tokens: readonly Token[] }
}

interface Interpreter {
  visit: (this: unknown, node: Node, value: unknown) => unknown
}

function harden(library: Library): void {
  // Without this accessor `__proto__` is a name like any other, to read and to write.
  Reflect.deleteProperty(Object.prototype, '__proto__')
  const interpreter = Object.getPrototypeOf(library.TreeInterpreter) as Interpreter
  const { visit } = interpreter
  interpreter.visit = function (node, value) {
    if (node.type !== 'Field') return visit.call(this, node, value)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
    if (!Object.hasOwn(value, node.name as string)) return null
    return (value as Readonly<Record<string, unknown>>)[node.name as string] ?? null
  }
  const { runtime } = library.TreeInterpreter
  const functions = runtime._functionTable
  Object.setPrototypeOf(functions, null)
  const groupBy = functions['group_by']
  if (groupBy === undefined) throw new Error('group_by is gone')
  groupBy._func = ([items, expression]: readonly [readonly unknown[], unknown]) => {
    const key = runtime.createKeyFunction(expression, [library.TYPE_STRING])
    const groups = new Map<string, unknown[]>()
    for (const item of items) {
      const name = key(item ?? {})
      const group = groups.get(name)
      if (group === undefined) groups.set(name, [item])
      else group.push(item)
    }
    return Object.fromEntries(groups)
  }
}

function findUnknownFunction(library: Library, node: unknown): string | undefined {
  if (typeof node !== 'object' || node === null) return undefined
  const { type, name } = node as Node
  if (type === 'Literal') return undefined
  const functions = library.TreeInterpreter.runtime._functionTable
  if (type === 'Function' && functions[name as string] === undefined) return name as string
  for (const part of Object.values(node)) {
    const found = findUnknownFunction(library, part)
    if (found !== undefined) return found
  }
  return undefined
}

/** The number of open brackets that no expression may pass, and of tokens; see `MAX_…` in `engine.ts`. */
function findExcess(tokens: readonly Token[], maxTokens: number, maxDepth: number) {
  let depth = 0
  for (const [index, { type, start }] of tokens.entries()) {
    if (/^(?:Lparen|Lbracket|Lbrace|Filter)$/.test(type)) depth += 1
    else if (/^(?:Rparen|Rbracket|Rbrace)$/.test(type)) depth -= 1
    if (depth > maxDepth) return { start, message: `nested over ${maxDepth} levels deep` }
    if (index >= maxTokens) return { start, message: `over ${maxTokens} tokens` }
  }
  return undefined
}

function sealError(expression: string, message: string, start: number): string {
  const before = expression.slice(0, start).split('\n')
  const column = (before[before.length - 1] ?? '').length + 1
  return `f0:${message.slice(0, 1024)}\0interceptor.jmespath:${before.length}:${column}`
}

function checkExpression(
  library: Library,
  expression: string,
  maxTokens: number,
  maxDepth: number,
): string {
  let tokens: readonly Token[]
  try {
    tokens = library.tokenize(expression)
  } catch (error) {
    const at = Math.min(library.Lexer._current, expression.length)
    return sealError(expression, (error as Error).message, at)
  }
  const excess = findExcess(tokens, maxTokens, maxDepth)
  if (excess !== undefined) return sealError(expression, excess.message, excess.start)
  try {
    const name = findUnknownFunction(library, library.compile(expression))
    if (name === undefined) return 'o0:'
    const at = tokens.findIndex(
      ({ value }, index) => value === name && tokens[index + 1]?.type === 'Lparen',
    )
    return sealError(expression, `Unknown function: ${name}()`, tokens[at]?.start ?? 0)
  } catch (error) {
    const { message } = error as Error
    const { index, tokens: read } = library.Parser
    // The parser has passed a token that cannot begin an expression, and looks at any other.
    const at = message.startsWith('Syntax error: invalid token') ? index - 1 : index
    const start = read[Math.min(Math.max(at, 0), read.length - 1)]?.start ?? 0
    return sealError(expression, message, start)
  }
}

function createJmespath(library: Library, maxTokens: number, maxDepth: number): JmespathGuest {
  harden(library)
  const { parse, stringify } = JSON
  return {
    check: (expression) => checkExpression(library, expression, maxTokens, maxDepth),
    run: (expression, input, maxOutputCharacters) => {
      try {
        const output = stringify(library.search(parse(input), expression) ?? null)
        return output.length > maxOutputCharacters ? 'l0:' : `o0:${output}`
      } catch (error) {
        const message = String(error).slice(0, 1024)
        const isMemory = message === 'InternalError: out of memory'
        return `${isMemory ? 'm' : 'f'}0:${message.replace(/^Error: /, '')}\0`
      } finally {
        // The interpreter holds the last input as its root, and the parser the last tokens.
        library.search(null, '@')
      }
    },
  }
}

const FUNCTIONS = [
  harden,
  findUnknownFunction,
  findExcess,
  sealError,
  checkExpression,
  createJmespath,
]

// The library keeps its lexer and parser to itself; they alone know where an error is.
const EXPORT_ANCHOR = 'exports.tokenize = tokenize;'

/** Tokens of an expression. */
export const MAX_TOKENS = 500

/** Brackets that are open at once in an expression. */
export const MAX_DEPTH = 32

/**
 * A script, whose completion value is a realm's `JmespathGuest`. Run it in a realm that runs nothing else.
 * Reads the library's file once.
 *
 * @throws {Error} when the library is another release than the one this was written for
 */
export function readJmespathScript(): string {
  const library = readFileSync(
    new URL('index.umd.js', import.meta.resolve('@jmespath-community/jmespath')),
    'utf8',
  )
  if (!library.includes(EXPORT_ANCHOR)) throw new Error('the JMESPath library is not the one known')
  const opened = library.replace(
    EXPORT_ANCHOR,
    `${EXPORT_ANCHOR} exports.Lexer = Lexer_default; exports.Parser = Parser_default;`,
  )
  return `(() => {
'use strict'
${opened}
${FUNCTIONS.join('\n')}
return createJmespath(jmespath, ${MAX_TOKENS}, ${MAX_DEPTH})
})()`
}
