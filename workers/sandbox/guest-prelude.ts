// What is in a guest's realm before the author's code: these functions are never called here, but
// printed into the engine as text, so they may use nothing but their arguments, each other and the
// language. What they need after the author's code has run is captured before, as that code may
// replace everything. Results leave as one string (`openEnvelope` in `engine.ts` reads it), so that
// getters, `toJSON`, proxies and thenables run in here, inside the limits, and never in the host.

/** How code is run: as a script with a completion value, or, with a `return` of its own, as a function's body. */
export type CodeShape = 'script' | 'function'

/** What the realm gives the host: runs the code once, and answers an envelope. */
export type GuestRun = (
  code: string,
  shape: CodeShape,
  input: string,
  globals: string,
  seed: string,
  maxOutputCharacters: number,
) => string

type Realm = ReturnType<typeof capture>

interface Log {
  text: string
  lines: number
}

function capture() {
  return {
    apply: Reflect.apply,
    define: Object.defineProperty,
    // `eval` under another name is indirect: the code sees the globals, and nothing of ours.
    // oxlint-disable-next-line no-eval
    evaluate: globalThis['eval'],
    freeze: Object.freeze,
    FunctionOf: Function,
    isArray: Array.isArray,
    parse: JSON.parse,
    // oxlint-disable-next-line typescript/unbound-method
    slice: String.prototype.slice,
    stringify: JSON.stringify,
    text: String,
  }
}

// Memory outside the heap's limit, shared memory, clocks finer than a millisecond.
function removeGlobals(): void {
  const names = 'WebAssembly SharedArrayBuffer Atomics Temporal performance console queueMicrotask'
  for (const name of names.split(' ')) Reflect.deleteProperty(globalThis, name)
}

function addBase64(realm: Realm): void {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  const charCodeAt = (text: string, at: number) => text.charCodeAt(at)
  function btoa(value: unknown): string {
    const text = String(value)
    let out = ''
    for (let at = 0; at < text.length; at += 3) {
      const [a, b, c] = [charCodeAt(text, at), charCodeAt(text, at + 1), charCodeAt(text, at + 2)]
      if (a > 255 || b > 255 || c > 255) throw new RangeError('btoa: a character over U+00FF')
      out += alphabet.charAt(a >> 2) + alphabet.charAt(((a & 3) << 4) | (b >> 4))
      out += at + 1 < text.length ? alphabet.charAt(((b & 15) << 2) | (c >> 6)) : '='
      out += at + 2 < text.length ? alphabet.charAt(c & 63) : '='
    }
    return out
  }
  function atob(value: unknown): string {
    const text = String(value).replace(/[\t\n\f\r ]/g, '')
    const body = text.length % 4 === 0 ? text.replace(/={1,2}$/, '') : text
    let out = ''
    let bits = 0
    let count = 0
    for (const character of body) {
      const digit = alphabet.indexOf(character)
      if (digit < 0 || body.length % 4 === 1) throw new RangeError('atob: not Base64')
      bits = ((bits << 6) | digit) & 0xffffff
      count += 6
      if (count >= 8) {
        count -= 8
        out += String.fromCharCode((bits >> count) & 255)
      }
    }
    return out
  }
  for (const [name, value] of [['atob', atob] as const, ['btoa', btoa] as const])
    realm.define(globalThis, name, { value, writable: true, configurable: true, enumerable: false })
}

function deepFreeze(realm: Realm, value: unknown): unknown {
  if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) deepFreeze(realm, part)
    realm.freeze(value)
  }
  return value
}

// xoshiro128**: instances restored from one snapshot share the engine's own generator.
function seedRandom(realm: Realm, seed: string): void {
  let a = parseInt(seed.slice(0, 8), 16) | 0
  let b = parseInt(seed.slice(8, 16), 16) | 0
  let c = parseInt(seed.slice(16, 24), 16) | 0
  let d = parseInt(seed.slice(24, 32), 16) | 1
  const imul = Math.imul
  function next(): number {
    const e = imul(b, 5)
    const result = imul((e << 7) | (e >>> 25), 9)
    const shifted = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = (d << 11) | (d >>> 21)
    return result >>> 0
  }
  const value = () => ((next() >>> 5) * 67108864 + (next() >>> 6)) / 9007199254740992
  realm.define(Math, 'random', { value, writable: true, configurable: true, enumerable: false })
}

function printValue(realm: Realm, value: unknown): string {
  if (typeof value === 'string') return value
  try {
    if (value instanceof Error) return `${value.name}: ${value.message}`
    return realm.stringify(value) ?? realm.text(value)
  } catch {
    return '[cannot be printed]'
  }
}

function addConsole(realm: Realm, log: Log): void {
  function print(...values: unknown[]): void {
    if (log.lines >= 100) return
    let line = ''
    for (let at = 0; at < values.length && line.length < 1024; at++)
      line +=
        (at === 0 ? '' : ' ') + realm.apply(realm.slice, printValue(realm, values[at]), [0, 1024])
    log.text += (log.lines === 0 ? '' : '\0') + realm.apply(realm.slice, line, [0, 1024])
    log.lines += 1
  }
  const value = { debug: print, error: print, info: print, log: print, warn: print }
  realm.define(globalThis, 'console', { value, writable: true, configurable: true })
}

function addGlobals(realm: Realm, input: string, globals: string): void {
  const given = realm.parse(globals) as Readonly<Record<string, unknown>>
  for (const name of Object.keys(given))
    realm.define(globalThis, name, { value: deepFreeze(realm, given[name]), enumerable: true })
  realm.define(globalThis, 'input', {
    value: realm.parse(input),
    writable: true,
    configurable: true,
    enumerable: true,
  })
}

function execute(realm: Realm, code: string, shape: CodeShape): unknown {
  if (shape === 'function') return realm.FunctionOf(code + '\n//# sourceURL=interceptor.js')()
  let intercept: ((input: unknown) => unknown) | undefined
  const value = (found: typeof intercept) => {
    intercept = found
  }
  realm.define(globalThis, '__hasmcpIntercept', { value, configurable: true })
  // A variable statement has no completion value: that of the author's last statement stays.
  const tail =
    '\n;var __hasmcpEnd = __hasmcpIntercept(typeof intercept === "function" ? intercept : void 0)'
  const result: unknown = realm.evaluate(code + tail + '\n//# sourceURL=interceptor.js')
  if (intercept === undefined) return result
  return intercept((globalThis as unknown as { readonly input: unknown }).input)
}

// The letter of an envelope: f(ailed), m(emory). Whatever was thrown may be a trap; each step may throw.
function describeError(realm: Realm, thrown: unknown): readonly [string, string] {
  let message = 'something that cannot be printed was thrown'
  let stack = ''
  try {
    if (typeof thrown !== 'object' || thrown === null) {
      message = `${printValue(realm, thrown)} was thrown`
    } else {
      const { name, message: own } = thrown as Error
      message = typeof own === 'string' ? `${realm.text(name)}: ${own}` : printValue(realm, thrown)
      stack = realm.text((thrown as Error).stack)
    }
  } catch {
    // What was found so far is told.
  }
  message = realm.apply(realm.slice, message, [0, 1024])
  stack = realm.apply(realm.slice, stack, [0, 8192])
  const isMemory =
    message === 'InternalError: out of memory' ||
    message === 'RangeError: Array buffer allocation failed'
  return [isMemory ? 'm' : 'f', `${message}\0${stack}`]
}

function createRun(realm: Realm): GuestRun {
  return (code, shape, input, globals, seed, maxOutputCharacters) => {
    const log: Log = { text: '', lines: 0 }
    const seal = (kind: string, rest: string) => `${kind}${log.text.length}:${log.text}${rest}`
    try {
      addConsole(realm, log)
      seedRandom(realm, seed)
      addGlobals(realm, input, globals)
      const result = execute(realm, code, shape)
      if (typeof result === 'object' && result !== null) {
        const { then } = result as { readonly then?: unknown }
        if (typeof then === 'function')
          return seal('f', 'a promise was returned; async is not supported\0')
      }
      const output = realm.stringify(result)
      if (typeof output !== 'string') {
        const what = result === undefined ? 'nothing' : `a ${typeof result}`
        return seal('f', `${what} was returned; expected a JSON value\0`)
      }
      return output.length > maxOutputCharacters ? seal('l', '') : seal('o', output)
    } catch (thrown) {
      const [kind, rest] = describeError(realm, thrown)
      return seal(kind, rest)
    }
  }
}

const FUNCTIONS = [
  capture,
  removeGlobals,
  addBase64,
  deepFreeze,
  seedRandom,
  printValue,
  addConsole,
  addGlobals,
  execute,
  describeError,
  createRun,
]

/** A script, whose completion value is the realm's `GuestRun`. Run it once, in a fresh realm. */
export const PRELUDE = `(() => {
'use strict'
${FUNCTIONS.join('\n')}
const realm = capture()
removeGlobals()
addBase64(realm)
return createRun(realm)
})()`
