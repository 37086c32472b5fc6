// The contract between a script and the gateway, on every engine and runtime that a sandbox process has.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SandboxEngine } from '../workers/sandbox/messages.ts'
import type { Runtime } from './support/product.ts'
import { openSandboxProcess, type Script } from './support/sandbox-process.ts'

/** A script, and its output or its error's code, message and line. */
const CONTRACT: readonly (readonly [
  Script,
  string | readonly [string, (string | undefined)?, number?],
])[] = [
  [{ code: 'input.a + 1', input: { a: 1 } }, '2'],
  [{ code: 'return input.a', input: { a: 1 } }, '1'],
  [{ code: 'if (input.a) { return "yes" }\nreturn "no"', input: { a: 1 } }, '"yes"'],
  [{ code: 'function intercept(value) { return value.a }', input: { a: 1 } }, '1'],
  [{ code: 'const intercept = (value) => value.a\n2', input: { a: 1 } }, '1'],
  [{ code: '"use strict"\nlet intercept = (value) => value.a', input: { a: 1 } }, '1'],
  [{ code: 'input.a = 2; input', input: { a: 1 } }, '{"a":2}'],
  [{ code: '1 // the end' }, '1'],
  [{ code: '[status, tool.name]', globals: { status: 200, tool: { name: 'x' } } }, '[200,"x"]'],
  [
    { code: '"use strict"; tool.name = 1', globals: { tool: { name: 'x' } } },
    ['INTERCEPTOR_FAILED'],
  ],
  [
    { code: 'input', inputText: '{"__proto__":{"a":1},"constructor":2}' },
    '{"__proto__":{"a":1},"constructor":2}',
  ],
  [{ code: 'input', inputText: '{"a":1,"a":"\\u0000\\ufeff"}' }, '{"a":"\\u0000\ufeff"}'],
  [{ code: 'input', inputText: '[1e999,-0,0.1]' }, '[null,0,0.1]'],
  [{ code: 'NaN' }, 'null'],
  [{ code: 'new Date(0)' }, '"1970-01-01T00:00:00.000Z"'],
  [{ code: 'new Map([[1, 2]])' }, '{}'],
  [{ code: '[undefined, () => 1]' }, '[null,null]'],
  [{ code: '[btoa("hé!"), atob("aOkh"), atob(btoa(""))]' }, '["aOkh","hé!",""]'],
  [{ code: 'atob("*")' }, ['INTERCEPTOR_FAILED']],
  [
    { code: '[new Date(2020, 0, 1).getTime(), new Date(0).getTimezoneOffset()]' },
    '[1577836800000,0]',
  ],
  [{ code: 'Number.isInteger(Date.now())' }, 'true'],
  [{ code: '' }, ['INTERCEPTOR_FAILED', 'nothing was returned; expected a JSON value']],
  [{ code: '() => 1' }, ['INTERCEPTOR_FAILED', 'a function was returned; expected a JSON value']],
  [
    { code: 'Promise.resolve(1)' },
    ['INTERCEPTOR_FAILED', 'a promise was returned; async is not supported'],
  ],
  [{ code: '\n\nthrow new TypeError("x")' }, ['INTERCEPTOR_FAILED', 'TypeError: x', 3]],
  [{ code: 'if (1)\n  throw new Error("x")\nreturn 1' }, ['INTERCEPTOR_FAILED', 'Error: x', 2]],
  [{ code: 'let x = ;' }, ['INTERCEPTOR_INVALID', undefined, 1]],
  [{ code: 'while (true);' }, ['INTERCEPTOR_TIMEOUT', 'it ran for over 100 ms']],
  [
    { code: "'x'.repeat(101)", limits: { maxOutputBytes: 100 } },
    ['INTERCEPTOR_OUTPUT', 'the result is over 100 bytes of JSON'],
  ],
  [
    { code: "'é'.repeat(50)", limits: { maxOutputBytes: 100 } },
    ['INTERCEPTOR_OUTPUT', 'the result is over 100 bytes of JSON'],
  ],
  [{ code: "'x'.repeat(98)", limits: { maxOutputBytes: 100 } }, `"${'x'.repeat(98)}"`],
  [
    { engine: 'jmespath', code: 'items[?n > `1`].{n: n}', input: { items: [{ n: 1 }, { n: 2 }] } },
    '[{"n":2}]',
  ],
  [{ engine: 'jmespath', code: 'missing' }, 'null'],
]

async function checkContract(engine: SandboxEngine, runtime: Runtime): Promise<void> {
  const sandbox = await openSandboxProcess(engine, runtime)
  for (const [script, expected] of CONTRACT) {
    const { output, error } = await sandbox.run(script)
    if (typeof expected === 'string') {
      assert.deepEqual([output, error], [expected, undefined], script.code)
      continue
    }
    const [code, message = error?.message, line = error?.line] = expected
    assert.deepEqual([error?.code, error?.message, error?.line], [code, message, line], script.code)
    assert.equal(output, '')
  }
  assert.equal(sandbox.stderr(), '')
  await sandbox.close()
  assert.equal(sandbox.child.exitCode, 0)
}

const PLACES = [
  ['isolated-vm', 'node'],
  ['quickjs', 'node'],
  ['quickjs', 'bun'],
  ['quickjs', 'deno'],
] as const

for (const [engine, runtime] of PLACES) {
  test(`${engine} on ${runtime} keeps the contract of scripts, and ends when stdin ends`, async () => {
    await checkContract(engine, runtime)
  })
}

for (const engine of ['isolated-vm', 'quickjs'] as const) {
  test(`${engine} checks a script without running it, and names the line`, async () => {
    const sandbox = await openSandboxProcess(engine)
    for (const code of [
      '1',
      '',
      '// nothing',
      'while (true);',
      'return 1',
      'function intercept() {}',
    ])
      assert.equal(await sandbox.check('javascript', code), undefined, code)
    const rows = [
      ['a\n  b c', 2],
      ['return 1\nlet let = 1', 2],
      ['\nexport default 1', 2],
      ['await 1', 1],
      ['import x from "fs"', 1],
      ['if (true)', 1],
    ] as const
    for (const [code, line] of rows) {
      const error = await sandbox.check('javascript', code)
      assert.deepEqual([error?.code, error?.line], ['INTERCEPTOR_INVALID', line], code)
      assert(error?.column !== undefined, code)
    }
    const tooLong = await sandbox.check('javascript', ' '.repeat(65_537))
    assert.equal(tooLong?.message, 'the code is 65537 bytes, the limit is 65536')
    await sandbox.close()
  })

  test(`${engine} collects 100 lines of 1,024 characters of console`, async () => {
    const sandbox = await openSandboxProcess(engine)
    const { console } = await sandbox.run({
      code: 'console.log("a", { b: [1] }, null); console.error(new Error("e")); console.warn("x".repeat(2000)); for (let i = 0; i < 200; i++) console.info(i); 1',
    })
    assert.deepEqual(console, [
      'a {"b":[1]} null',
      'Error: e',
      'x'.repeat(1024),
      ...Array.from({ length: 97 }, (_, index) => String(index)),
    ])
    await sandbox.close()
  })

  test(`${engine} executes what waits in its pipe one after the other`, async () => {
    const sandbox = await openSandboxProcess(engine)
    const runs = Array.from({ length: 40 }, (_, n) => sandbox.run({ code: 'input', input: n }))
    const outputs = (await Promise.all(runs)).map(({ output }) => Number(output))
    assert.deepEqual(
      outputs,
      Array.from({ length: 40 }, (_, n) => n),
    )
    await sandbox.close()
  })
}

test('the engine in WebAssembly is as new as its last security fixes', async () => {
  const sandbox = await openSandboxProcess('quickjs')
  const [, major, minor] = /^QuickJS-NG (\d+)\.(\d+)\./.exec(sandbox.ready.engineVersion) ?? []
  assert(Number(major) > 0 || Number(minor) >= 16, sandbox.ready.engineVersion)
  await sandbox.close()
})
