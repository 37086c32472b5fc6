// Nothing that a call does is there for the next one: not of the same script, which shares an isolate
// with it, and not of another tenant.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openSandboxProcess } from './support/sandbox-process.ts'

/** Leaves something at every place, and answers what it finds there before. */
const LEAVE_TRACES = `
const found = {
  global: typeof left, variable: typeof leftVariable, declared: typeof leftFunction,
  object: Object.prototype.left ?? null, array: [].left ?? null, function: (() => 1).left ?? null,
  math: Math.left ?? null, json: JSON.left ?? null, promise: Promise.left ?? null,
  date: new Date(0).getTime(), now: Date.now() > 1e12, stringify: JSON.stringify([1]),
  push: [].push(1), regExp: RegExp.$1, input: RegExp.input ?? '', lastIndex: /x/g.lastIndex,
  symbol: Symbol.for('left').left ?? null, symbolPrototype: Symbol.prototype.left ?? null,
  limit: Error.stackTraceLimit === 1, prepare: typeof Error.prepareStackTrace,
  console: typeof console.left, consoleLog: typeof console.log, intl: typeof Intl === 'object' && Intl.left !== undefined,
  template: tag\`a\`.left ?? null, generator: (function* () {}).prototype.left ?? null,
  iterator: Object.getPrototypeOf([][Symbol.iterator]()).left ?? null,
  cache: counter(), hook: typeof __hasmcpEnd,
  weak: typeof WeakRef.prototype.left,
}
function tag(parts) { return parts }
function counter() { counter.count = (counter.count ?? 0) + 1; return counter.count }
globalThis.left = 1
var leftVariable = 1
function leftFunction() {}
for (const place of [Object.prototype, Array.prototype, Function.prototype, Math, JSON, Promise, Symbol.prototype, console, WeakRef.prototype,
  Object.getPrototypeOf([][Symbol.iterator]()), Object.getPrototypeOf(function* () {}).prototype, typeof Intl === 'object' ? Intl : {}]) place.left = 'left'
;/(secret)/.test('a secret')
Error.stackTraceLimit = 1
Error.prepareStackTrace = () => 'left'
Array.prototype.push = () => 'left'
const RealDate = Date
Date.now = () => 1
Date.prototype.getTime = () => 1
JSON.stringify = () => '"left"'
JSON.parse = () => 'left'
Math.random = () => 0.5
console.log('a line of this call')
Promise.resolve().then(() => { globalThis.left = 2; Object.prototype.left = 'later' })
new FinalizationRegistry(() => { globalThis.left = 3 }).register({}, 1)
found
`

for (const engine of ['isolated-vm', 'quickjs'] as const) {
  test(`a call in ${engine} finds nothing of the call before, its own tenant's or another's`, async () => {
    const sandbox = await openSandboxProcess(engine)
    const first = await sandbox.run({ code: LEAVE_TRACES })
    assert.equal(first.error, undefined)
    assert(!first.output.includes('left'), first.output)
    assert.deepEqual(first.console, ['a line of this call'])
    for (const tenant of ['acc_1', 'acc_2', 'acc_1']) {
      const next = await sandbox.run({ code: LEAVE_TRACES, tenant })
      assert.deepEqual(
        [next.output, next.console, next.error],
        [first.output, first.console, undefined],
      )
    }
    await sandbox.close()
  })

  test(`Math.random in ${engine} follows the seed, and no two seeds alike`, async () => {
    const sandbox = await openSandboxProcess(engine)
    const code = '[Math.random(), Math.random(), Math.random()].map((n) => n >= 0 && n < 1 && n)'
    const outputs = new Set<string>()
    for (let run = 0; run < 20; run++) outputs.add((await sandbox.run({ code })).output)
    assert.equal(outputs.size, 20)
    const seed = 'c0ffee'.padEnd(64, '1')
    const { output } = await sandbox.run({ code, seed })
    assert.equal((await sandbox.run({ code, seed })).output, output)
    await sandbox.close()
  })

  test(`an expression in ${engine} finds nothing of the one before`, async () => {
    const sandbox = await openSandboxProcess(engine)
    const ask = async (code: string, input: unknown) => {
      const { output, error } = await sandbox.run({ engine: 'jmespath', code, input })
      return error?.message ?? output
    }
    const probe = '[$.secret, @.secret, __proto__, constructor, polluted, list[0].polluted]'
    const clean = await ask(probe, { list: [{}] })
    assert.equal(clean, '[null,null,null,null,null,null]')
    for (const code of [
      'let $x = @ in $x.secret',
      '{__proto__: @, constructor: @}.secret',
      'merge(@, `{"__proto__": {"polluted": 1}}`)',
      'from_items([[\'__proto__\', `{"polluted": 1}`]])',
      'list[*].__proto__.polluted',
      'sort_by(list, &a) | reverse(@)',
    ]) {
      await ask(code, { secret: 'of another', list: [{ a: 2, polluted: 1 }, { a: 1 }] })
      assert.equal(await ask(probe, { list: [{}] }), clean, code)
    }
    assert.equal(await ask('$x', {}), 'Error referencing undefined variable x')
    await sandbox.close()
  })
}
