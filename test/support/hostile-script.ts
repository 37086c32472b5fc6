// Scripts that mean harm or come close, and what each engine does with them, frozen: an outcome that
// changes is a finding, whichever way. Whoever runs them gives `HOSTILE_INPUT` and `HOSTILE_GLOBALS`.
import type { Engine, SandboxEngine, ScriptError } from '../../workers/sandbox/messages.ts'

/**
 * What comes of a script: its output, an error by itself, or that a limit stops it.
 *
 * `stop` is by whichever limit is first on this machine, time or memory; `kill` is by the owner of the
 * process alone, as the engine cannot.
 */
export type Expected = { readonly output: string } | ScriptError['code'] | 'stop' | 'kill'

export interface HostileScript {
  readonly name: string
  /** JavaScript unless said otherwise. */
  readonly engine?: Engine
  readonly code: string
  readonly expected: Expected | { readonly isolatedVm: Expected; readonly quickjs: Expected }
}

/** What the row expects of that engine. */
export function expectedOf({ expected }: HostileScript, engine: SandboxEngine): Expected {
  if (typeof expected === 'string' || 'output' in expected) return expected
  return engine === 'isolated-vm' ? expected.isolatedVm : expected.quickjs
}

export const HOSTILE_INPUT = { a: 1, list: [1, 2, 3] }

export const HOSTILE_GLOBALS = { status: 200, headers: { b: 'c' } }

export const HOSTILE_SCRIPTS: readonly HostileScript[] = [
  { name: 'an endless loop', code: 'while (true);', expected: 'INTERCEPTOR_TIMEOUT' },
  {
    name: 'an endless loop that catches',
    code: 'for (;;) { try { while (true); } catch {} }',
    expected: 'INTERCEPTOR_TIMEOUT',
  },
  {
    name: 'an endless loop in finally',
    code: 'try { throw 1 } finally { for (;;); }',
    expected: 'INTERCEPTOR_TIMEOUT',
  },
  {
    name: 'an endless generator',
    code: 'const g = (function* () { for (;;) yield 1 })(); for (const x of g); 1',
    expected: 'INTERCEPTOR_TIMEOUT',
  },
  {
    name: 'an endless iterator, spread',
    code: '[...{ [Symbol.iterator]() { return { next: () => ({ done: false }) } } }]',
    expected: 'stop',
  },
  {
    name: 'endless microtasks',
    code: '(function f() { Promise.resolve().then(f) })(); 1',
    expected: { isolatedVm: 'INTERCEPTOR_TIMEOUT', quickjs: { output: '1' } },
  },
  {
    name: 'an async loop',
    code: '(async () => { for (;;) { try { await 1 } catch {} } })(); 1',
    expected: { isolatedVm: 'INTERCEPTOR_TIMEOUT', quickjs: { output: '1' } },
  },
  {
    name: 'a promise that never settles',
    code: 'new Promise(() => {})',
    expected: 'INTERCEPTOR_FAILED',
  },
  { name: 'a thenable', code: '({ then() {} })', expected: 'INTERCEPTOR_FAILED' },
  {
    name: 'a thenable that loops',
    code: '({ then(resolve) { while (true); } })',
    expected: 'INTERCEPTOR_FAILED',
  },
  {
    name: 'a getter `then` that loops',
    code: '({ get then() { for (;;); } })',
    expected: 'INTERCEPTOR_TIMEOUT',
  },
  {
    name: 'an async interceptor',
    code: 'async function intercept() { return 1 }',
    expected: 'INTERCEPTOR_FAILED',
  },
  {
    name: 'nested quantifiers',
    code: "/^(a+)+$/.test('a'.repeat(40) + 'b')",
    expected: 'INTERCEPTOR_TIMEOUT',
  },
  {
    name: 'nested alternatives',
    code: "/^((a|a)*)*$/.test('a'.repeat(40) + 'b')",
    expected: 'INTERCEPTOR_TIMEOUT',
  },
  {
    name: 'back-references',
    code: "/(.*)*\\1{5}x/.exec('ab'.repeat(30))",
    expected: 'INTERCEPTOR_TIMEOUT',
  },
  {
    name: 'an array of 2^27, filled',
    code: 'new Array(2 ** 27).fill(0).length',
    expected: { isolatedVm: 'kill', quickjs: 'stop' },
  },
  {
    name: 'an array of 10^9 as text',
    code: "new Array(1e9) + ''",
    expected: { isolatedVm: 'INTERCEPTOR_FAILED', quickjs: 'kill' },
  },
  {
    name: 'a join of 10^8 holes',
    code: "Array(1e8).join('x').length",
    expected: { isolatedVm: { output: '99999999' }, quickjs: 'kill' },
  },
  {
    name: 'reverse of a length of 2^53',
    code: 'Array.prototype.reverse.call({ length: 2 ** 53 - 1 })',
    expected: 'kill',
  },
  {
    name: 'indexOf in a length of 2^53',
    code: 'Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)',
    expected: { isolatedVm: 'kill', quickjs: 'stop' },
  },
  {
    name: 'Array.from a length of 2^32',
    code: 'Array.from({ length: 2 ** 32 - 1 }).length',
    expected: { isolatedVm: 'kill', quickjs: 'stop' },
  },
  {
    name: 'copyWithin of a length of 2^53',
    code: 'Array.prototype.copyWithin.call({ length: 2 ** 53 - 1 }, 1, 0)',
    expected: 'kill',
  },
  {
    name: 'flat of itself',
    code: 'let a = []; a[0] = a; a.flat(Infinity)',
    expected: 'INTERCEPTOR_FAILED',
  },
  {
    name: 'sort of a sparse array of 2^32',
    code: 'let a = []; a[2 ** 32 - 2] = 1; a.sort().length',
    expected: 'kill',
  },
  {
    name: 'a Set of ever more',
    code: 'const s = new Set([1]); for (const x of s) s.add(x + 1); 1',
    expected: 'stop',
  },
  {
    name: 'arrays until memory ends',
    code: 'let a = []; while (true) a.push(new Array(1e5).fill(1))',
    expected: 'stop',
  },
  {
    name: 'strings until memory ends',
    code: "let s = 'x'; while (true) s += s + 'y'",
    expected: 'INTERCEPTOR_FAILED',
  },
  {
    name: 'maps until memory ends',
    code: 'const m = new Map(); for (let i = 0; ; i++) m.set(i, {})',
    expected: 'stop',
  },
  {
    name: 'closures until memory ends',
    code: 'let f = () => 1; for (;;) { const g = f; f = () => g }',
    expected: 'stop',
  },
  {
    name: 'typed arrays until memory ends',
    code: 'const a = []; for (;;) a.push(new Uint8Array(1e6).fill(1))',
    expected: 'stop',
  },
  {
    name: 'a buffer of a gigabyte',
    code: 'new ArrayBuffer(2 ** 30).byteLength',
    expected: 'INTERCEPTOR_MEMORY',
  },
  {
    name: 'a buffer that can grow to 4 GiB',
    code: 'new ArrayBuffer(8, { maxByteLength: 2 ** 32 }).maxByteLength',
    expected: { isolatedVm: { output: '4294967296' }, quickjs: 'INTERCEPTOR_FAILED' },
  },
  {
    name: 'a long string, split',
    code: "'x'.repeat(2 ** 29 - 30).split('')",
    expected: { isolatedVm: 'kill', quickjs: 'INTERCEPTOR_MEMORY' },
  },
  {
    name: 'a long string, repeated',
    code: "'x'.repeat(2 ** 29).length",
    expected: { isolatedVm: 'INTERCEPTOR_FAILED', quickjs: 'INTERCEPTOR_MEMORY' },
  },
  {
    name: 'padEnd by 2^29',
    code: "'x'.padEnd(2 ** 29 - 30, 'ab').length",
    expected: { isolatedVm: { output: '536870882' }, quickjs: 'INTERCEPTOR_MEMORY' },
  },
  {
    name: 'replace that amplifies',
    code: "'x'.repeat(1e5).replaceAll('x', '$&'.repeat(1e4)).length",
    expected: 'kill',
  },
  {
    name: 'normalize of much text',
    code: "'\\u1E9B\\u0323'.repeat(1e5).normalize('NFKD').length",
    expected: { output: '300000' },
  },
  {
    name: 'localeCompare of megabytes',
    code: "'a'.repeat(5e6).localeCompare('a'.repeat(5e6) + 'b')",
    expected: { isolatedVm: { output: '-1' }, quickjs: 'stop' },
  },
  {
    name: 'WebAssembly memory outside the heap',
    code: 'new WebAssembly.Memory({ initial: 10000, maximum: 65536 })',
    expected: 'INTERCEPTOR_FAILED',
  },
  {
    name: 'a BigInt power',
    code: '(2n ** 10000000n).toString().length',
    expected: { isolatedVm: 'kill', quickjs: 'INTERCEPTOR_FAILED' },
  },
  { name: 'a BigInt shift', code: '(1n << 2n ** 31n) > 0n', expected: 'INTERCEPTOR_FAILED' },
  { name: 'recursion', code: '(function f() { f() })()', expected: 'INTERCEPTOR_FAILED' },
  {
    name: 'recursion through a proxy',
    code: 'const p = new Proxy({}, { get: (t, k, r) => r[k] }); p.x',
    expected: 'INTERCEPTOR_FAILED',
  },
  {
    name: 'recursion that catches',
    code: '(function f() { try { f() } catch { f() } })()',
    expected: 'INTERCEPTOR_TIMEOUT',
  },
  {
    name: 'JSON of 10^5 levels',
    code: "JSON.parse('['.repeat(1e5))",
    expected: 'INTERCEPTOR_FAILED',
  },
  {
    name: '10^5 parentheses',
    code: "eval('('.repeat(1e5) + ')'.repeat(1e5))",
    expected: 'INTERCEPTOR_FAILED',
  },
  {
    name: 'much source',
    code: "eval('1;'.repeat(5e6))",
    expected: { isolatedVm: 'INTERCEPTOR_FAILED', quickjs: 'kill' },
  },
  {
    name: 'functions made again and again',
    code: "for (let i = 0; ; i++) Function('return ' + i + '.'.repeat(0))()",
    expected: 'INTERCEPTOR_TIMEOUT',
  },
  {
    name: 'a result of 1,000 levels',
    code: 'let a = 1; for (let i = 0; i < 1e3; i++) a = [a]; a',
    expected: 'INTERCEPTOR_OUTPUT',
  },
  {
    name: 'a result of 129 levels',
    code: 'let a = 1; for (let i = 0; i < 129; i++) a = [a]; a',
    expected: 'INTERCEPTOR_OUTPUT',
  },
  { name: 'a result of 2 MiB', code: "'x'.repeat(2 ** 21)", expected: 'INTERCEPTOR_OUTPUT' },
  {
    name: 'a result of 1 MiB in three-byte characters',
    code: "'€'.repeat(4e5)",
    expected: 'INTERCEPTOR_OUTPUT',
  },
  {
    name: 'a result of 10^6 objects',
    code: 'Array.from({ length: 1e6 }, () => ({}))',
    expected: 'stop',
  },
  { name: 'lone surrogates', code: "'\\ud800'", expected: { output: '"\\ud800"' } },
  {
    name: 'a key of a megabyte',
    code: "({ ['k'.repeat(2 ** 21)]: 1 })",
    expected: 'INTERCEPTOR_OUTPUT',
  },
  { name: 'undefined', code: 'undefined', expected: 'INTERCEPTOR_FAILED' },
  { name: 'a function', code: '() => 1', expected: 'INTERCEPTOR_FAILED' },
  { name: 'a symbol', code: 'Symbol.iterator', expected: 'INTERCEPTOR_FAILED' },
  { name: 'a BigInt', code: '1n', expected: 'INTERCEPTOR_FAILED' },
  { name: 'a cycle', code: 'const a = {}; a.a = a; a', expected: 'INTERCEPTOR_FAILED' },
  {
    name: 'a getter that throws',
    code: '({ get a() { throw new Error("no") } })',
    expected: 'INTERCEPTOR_FAILED',
  },
  {
    name: 'a getter that loops',
    code: '({ get a() { for (;;); } })',
    expected: 'INTERCEPTOR_TIMEOUT',
  },
  {
    name: 'a toJSON that loops',
    code: '({ toJSON() { for (;;); } })',
    expected: 'INTERCEPTOR_TIMEOUT',
  },
  {
    name: 'a toJSON that returns itself',
    code: 'const o = { toJSON() { return this } }; o',
    expected: { output: '{}' },
  },
  {
    name: 'a proxy of endless keys',
    code: 'new Proxy({}, { ownKeys() { for (;;); } })',
    expected: 'INTERCEPTOR_TIMEOUT',
  },
  {
    name: 'a proxy with a false length',
    code: 'JSON.stringify(new Proxy([], { get: (t, k) => (k === "length" ? 2 ** 53 : 0) }))',
    expected: { isolatedVm: 'INTERCEPTOR_FAILED', quickjs: 'stop' },
  },
  {
    name: 'a proxy that lies about its keys',
    code: 'Reflect.ownKeys(new Proxy({}, { ownKeys: () => ({ length: 0x20000001 }) })).length',
    expected: 'INTERCEPTOR_FAILED',
  },
  {
    name: 'a hostile comparator',
    code: '[3, 2, 1].sort(function () { this; for (;;); })',
    expected: 'INTERCEPTOR_TIMEOUT',
  },
  {
    name: 'a comparator that shrinks the array',
    code: 'const a = Array.from({ length: 1000 }, (x, i) => i); a.sort((x, y) => { a.length = 0; return y - x }).length',
    expected: { output: '1000' },
  },
  {
    name: 'a revoked proxy',
    code: 'const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); proxy',
    expected: 'INTERCEPTOR_FAILED',
  },
  { name: 'throw null', code: 'throw null', expected: 'INTERCEPTOR_FAILED' },
  { name: 'throw a symbol', code: 'throw Symbol("x")', expected: 'INTERCEPTOR_FAILED' },
  {
    name: 'throw a proxy',
    code: 'throw new Proxy({}, { get() { throw 1 } })',
    expected: 'INTERCEPTOR_FAILED',
  },
  {
    name: 'throw a message that loops',
    code: 'throw { get message() { for (;;); } }',
    expected: 'INTERCEPTOR_TIMEOUT',
  },
  {
    name: 'throw a text that loops',
    code: 'throw { toString() { for (;;); } }',
    expected: 'INTERCEPTOR_FAILED',
  },
  {
    name: 'throw a name that loops',
    code: 'throw Object.assign(new Error("x"), { name: { toString() { for (;;); } } })',
    expected: 'INTERCEPTOR_TIMEOUT',
  },
  {
    name: 'throw ten megabytes',
    code: "throw new Error('x'.repeat(2 ** 22))",
    expected: 'INTERCEPTOR_FAILED',
  },
  {
    name: 'prepareStackTrace that loops',
    code: 'Error.prepareStackTrace = () => { for (;;); }; null.x',
    expected: 'INTERCEPTOR_TIMEOUT',
  },
  {
    name: 'prepareStackTrace that gives an object',
    code: 'Error.prepareStackTrace = () => ({ toString() { throw 1 } }); throw new Error("x")',
    expected: 'INTERCEPTOR_FAILED',
  },
  {
    name: 'an endless stack',
    code: 'Error.stackTraceLimit = Infinity; (function f(n) { if (n === 0) throw new Error("x"); f(n - 1) })(500)',
    expected: 'INTERCEPTOR_FAILED',
  },
  {
    name: 'a stack that is no text',
    code: 'const e = new Error("x"); e.stack = { toString() { return 1n } }; throw e',
    expected: 'INTERCEPTOR_FAILED',
  },
  {
    name: 'the process, by a constructor',
    code: 'this.constructor.constructor("return process")()',
    expected: 'INTERCEPTOR_FAILED',
  },
  {
    name: 'the process, by an input',
    code: 'input.constructor.constructor("return typeof process")()',
    expected: { output: '"undefined"' },
  },
  {
    name: 'the process, by a global',
    code: 'status.constructor.constructor("return typeof process")()',
    expected: { output: '"undefined"' },
  },
  {
    name: 'the process, by console',
    code: 'console.log.constructor("return typeof process")()',
    expected: { output: '"undefined"' },
  },
  {
    name: 'the host, by a caller',
    code: '(function () { return [typeof arguments.callee.caller, String(arguments.callee.caller)] })()',
    expected: {
      isolatedVm: { output: '["object","null"]' },
      quickjs: { output: '["undefined","undefined"]' },
    },
  },
  {
    name: 'the host, by a call site',
    code: 'Error.prepareStackTrace = (e, s) => s; const s = new Error().stack; Array.isArray(s) ? s.every((c) => c.getFunction() === undefined || String(c.getFunction()).includes("CallSite") === false) : true',
    expected: { output: 'true' },
  },
  {
    name: 'the host, by a stack overflow',
    code: 'let e; (function f() { try { f() } catch (x) { e = x } })(); e.constructor.constructor("return typeof process")()',
    expected: { output: '"undefined"' },
  },
  {
    name: 'the host, by an error of memory',
    code: 'try { new ArrayBuffer(2 ** 40) } catch (e) { e.constructor.constructor("return typeof process")() }',
    expected: { output: '"undefined"' },
  },
  {
    name: 'the host, by Symbol.species',
    code: 'class A extends Array { static get [Symbol.species]() { return function () { return { get length() { return typeof process } } } } } JSON.stringify(new A(1, 2).map((x) => x))',
    expected: { output: '"{\\"0\\":1,\\"1\\":2,\\"length\\":\\"undefined\\"}"' },
  },
  { name: 'import', code: 'import("fs")', expected: 'INTERCEPTOR_FAILED' },
  {
    name: 'import, awaited',
    code: 'import("node:fs").then((m) => { globalThis.fs = m }); typeof fs',
    expected: { isolatedVm: 'INTERCEPTOR_FAILED', quickjs: { output: '"undefined"' } },
  },
  { name: 'require', code: 'require("fs")', expected: 'INTERCEPTOR_FAILED' },
  { name: 'fetch', code: 'fetch("http://127.0.0.1")', expected: 'INTERCEPTOR_FAILED' },
  {
    name: 'timers',
    code: '[typeof setTimeout, typeof setInterval, typeof setImmediate, typeof queueMicrotask].join()',
    expected: { output: '"undefined,undefined,undefined,undefined"' },
  },
  {
    name: 'shared memory',
    code: '[typeof SharedArrayBuffer, typeof Atomics, typeof WebAssembly, typeof performance].join()',
    expected: { output: '"undefined,undefined,undefined,undefined"' },
  },
  {
    name: 'runtimes',
    code: '[typeof process, typeof Deno, typeof Bun, typeof std, typeof os, typeof print, typeof global, typeof module].join()',
    expected: {
      output: '"undefined,undefined,undefined,undefined,undefined,undefined,undefined,undefined"',
    },
  },
  {
    name: 'everything replaced',
    code: 'for (const k of Object.getOwnPropertyNames(globalThis)) { try { globalThis[k] = 1 } catch {} } 1',
    expected: { output: '1' },
  },
  {
    name: 'JSON replaced',
    code: 'JSON.stringify = () => "forged"; JSON.parse = null; Object.prototype.toJSON = () => "changed"; [1]',
    expected: { output: '"changed"' },
  },
  {
    name: 'String replaced',
    code: 'String.prototype.slice = () => "forged"; String = () => "forged"; throw new Error("true")',
    expected: 'INTERCEPTOR_FAILED',
  },
  {
    name: 'Array.prototype replaced',
    code: 'Array.prototype.push = () => { throw 1 }; Object.defineProperty(Array.prototype, 0, { set() { throw 2 } }); console.log("a", "b"); 1',
    expected: { output: '1' },
  },
  {
    name: 'Object.prototype polluted',
    code: 'Object.prototype.error = { code: "FORGED" }; Object.prototype.type = "done"; ({})',
    expected: { output: '{}' },
  },
  { name: 'console replaced', code: 'console = null; 1', expected: { output: '1' } },
  {
    name: 'console flooded',
    code: 'for (let i = 0; i < 1e3; i++) console.log("x".repeat(2000)); 1',
    expected: { output: '1' },
  },
  {
    name: 'console flooded without end',
    code: 'for (;;) console.log("x".repeat(2000))',
    expected: 'INTERCEPTOR_TIMEOUT',
  },
  {
    name: 'console with proxies',
    code: 'console.log(new Proxy({}, { get() { throw 1 }, ownKeys() { throw 2 } }), Symbol("s"), () => 1); 1',
    expected: { output: '1' },
  },
  {
    name: 'the hook for intercept',
    code: '__hasmcpIntercept(() => "mine"); 1',
    expected: { output: '1' },
  },
  {
    name: 'the hook for intercept, removed',
    code: 'delete globalThis.__hasmcpIntercept; function intercept() { return 1 }',
    expected: 'INTERCEPTOR_FAILED',
  },
  {
    name: 'a closed function body',
    code: 'return 1 }); while (true); (function () {',
    expected: { isolatedVm: 'INTERCEPTOR_FAILED', quickjs: 'INTERCEPTOR_TIMEOUT' },
  },
  { name: 'a comment that never ends', code: '1 /* ', expected: 'INTERCEPTOR_INVALID' },
  {
    name: 'a statement that the tail would complete',
    code: 'if (true)',
    expected: 'INTERCEPTOR_INVALID',
  },
  { name: 'a template that never ends', code: '`${1', expected: 'INTERCEPTOR_INVALID' },
  {
    name: 'frozen globals',
    code: 'status = 5; headers.a = 1; delete headers.b; [status, headers]',
    expected: { output: '[200,{"b":"c"}]' },
  },
  {
    name: 'a rejection that nobody handles',
    code: 'Promise.reject(new Error("x")); 1',
    expected: { isolatedVm: 'INTERCEPTOR_FAILED', quickjs: { output: '1' } },
  },
  { name: 'a debugger', code: 'debugger; 1', expected: { output: '1' } },
  { name: 'with and arguments', code: 'with ({ input: 3 }) input', expected: { output: '3' } },
  {
    name: '__proto__ of input',
    code: 'input.__proto__.polluted = 1; ({}).polluted',
    expected: { output: '1' },
  },
  {
    name: 'WeakRef and FinalizationRegistry',
    code: 'new FinalizationRegistry(() => { for (;;); }).register({}, 1); 1',
    expected: { output: '1' },
  },
  {
    name: 'a field named like a method',
    engine: 'jmespath',
    code: '[toString, constructor, __proto__, hasOwnProperty, valueOf]',
    expected: { output: '[null,null,null,null,null]' },
  },
  {
    name: 'a function named like a method',
    engine: 'jmespath',
    code: 'toString(@)',
    expected: 'INTERCEPTOR_FAILED',
  },
  {
    name: 'a function named constructor',
    engine: 'jmespath',
    code: 'constructor(@)',
    expected: 'INTERCEPTOR_FAILED',
  },
  {
    name: 'a function named __proto__',
    engine: 'jmespath',
    code: '__proto__(@)',
    expected: 'INTERCEPTOR_FAILED',
  },
  {
    name: 'a chain of constructors',
    engine: 'jmespath',
    code: 'constructor.constructor',
    expected: { output: 'null' },
  },
  {
    name: 'the prototype of an array',
    engine: 'jmespath',
    code: 'list.__proto__',
    expected: { output: 'null' },
  },
  {
    name: 'merge with __proto__',
    engine: 'jmespath',
    code: 'merge(@, `{"__proto__": {"polluted": 1}}`).__proto__',
    expected: { output: '{"polluted":1}' },
  },
  {
    name: 'from_items with __proto__',
    engine: 'jmespath',
    code: 'from_items([[\'__proto__\', `{"polluted": 1}`]])',
    expected: { output: '{"__proto__":{"polluted":1}}' },
  },
  {
    name: 'group_by __proto__',
    engine: 'jmespath',
    code: 'group_by(`[{"k": "__proto__"}, {"k": "toString"}]`, &k)',
    expected: { output: '{"__proto__":[{"k":"__proto__"}],"toString":[{"k":"toString"}]}' },
  },
  {
    name: 'a hash with __proto__',
    engine: 'jmespath',
    code: '{__proto__: `{"polluted": 1}`}.polluted',
    expected: { output: 'null' },
  },
  {
    name: 'a hash with toJSON',
    engine: 'jmespath',
    code: '{toJSON: toString, a: `1`}',
    expected: { output: '{"toJSON":null,"a":1}' },
  },
  {
    name: 'a let with __proto__',
    engine: 'jmespath',
    code: 'let $__proto__ = `{"x": 1}` in $__proto__.x',
    expected: { output: '1' },
  },
  {
    name: 'a variable that is not there',
    engine: 'jmespath',
    code: '$toString',
    expected: 'INTERCEPTOR_FAILED',
  },
  {
    name: 'doubling lists',
    engine: 'jmespath',
    code: `${'[@,@] | '.repeat(25)}to_string(@)`,
    expected: 'kill',
  },
  {
    name: 'tenfold lists',
    engine: 'jmespath',
    code: `${'[@,@,@,@,@,@,@,@,@,@] | '.repeat(7)}length(to_string(@))`,
    expected: 'kill',
  },
  {
    name: 'padding by 500,000,000',
    engine: 'jmespath',
    code: "pad_left('x', `500000000`)",
    expected: { isolatedVm: 'kill', quickjs: 'INTERCEPTOR_MEMORY' },
  },
  {
    name: 'a replacement that amplifies',
    engine: 'jmespath',
    code: "replace(replace(replace(pad_left('x', `50000`, 'x'), 'x', 'xxxxxxxxxx'), 'x', 'xxxxxxxxxx'), 'x', 'xxxxxxxxxx')",
    expected: { isolatedVm: 'INTERCEPTOR_TIMEOUT', quickjs: 'stop' },
  },
  {
    name: 'a replacement 2^53 times',
    engine: 'jmespath',
    code: "replace('x', 'x', 'y', `9007199254740991`)",
    expected: 'INTERCEPTOR_FAILED',
  },
  {
    name: 'a slice of 2^53',
    engine: 'jmespath',
    code: 'list[-9007199254740991:9007199254740991:1]',
    expected: { output: '[1,2,3]' },
  },
  {
    name: '5,000 parentheses',
    engine: 'jmespath',
    code: '('.repeat(5000) + 'a' + ')'.repeat(5000),
    expected: 'INTERCEPTOR_INVALID',
  },
  {
    name: '20,000 pipes',
    engine: 'jmespath',
    code: Array(20_000).fill('a').join('|'),
    expected: 'INTERCEPTOR_INVALID',
  },
  {
    name: 'a megabyte of blanks',
    engine: 'jmespath',
    code: `${' '.repeat(1e6)}a`,
    expected: 'INTERCEPTOR_INVALID',
  },
  {
    name: 'an identifier of 2 MB',
    engine: 'jmespath',
    code: 'a'.repeat(2e6),
    expected: 'INTERCEPTOR_INVALID',
  },
  { name: 'nothing', engine: 'jmespath', code: '', expected: 'INTERCEPTOR_FAILED' },
  {
    name: 'a literal that is no JSON',
    engine: 'jmespath',
    code: '`{`',
    expected: 'INTERCEPTOR_FAILED',
  },
  { name: 'a wrong type', engine: 'jmespath', code: "abs('x')", expected: 'INTERCEPTOR_FAILED' },
  {
    name: 'mixed types to sort by',
    engine: 'jmespath',
    code: 'sort_by(`[{"a": 1}, {"a": "x"}]`, &a)',
    expected: 'INTERCEPTOR_FAILED',
  },
  {
    name: 'an expression as a result',
    engine: 'jmespath',
    code: '&a',
    expected: { output: '{"expref":true,"type":"Field","name":"a"}' },
  },
  { name: 'a step of zero', engine: 'jmespath', code: 'list[::0]', expected: 'INTERCEPTOR_FAILED' },
  {
    name: 'trim by a class of characters',
    engine: 'jmespath',
    code: "trim('  x  ', '^-]\\\\')",
    expected: { output: '"  x  "' },
  },
]
