// Arguments of one tenant against schemas of the same tenant, made to hold the thread that checks
// everybody's.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import run from '../../workers/call-thread.ts'
import { compileCheck } from '../../workers/call/check-arguments.ts'
import type { CallTask } from '../../workers/messages.ts'
import type { InputSchema } from '../../workers/definition.ts'
import { startCpuClock } from '../support/cpu-time.ts'

/** 200 ms are intended; a busy machine and the parsing of the arguments take the rest. */
const MAX_CHECK_MS = 1_000

function repeat<T>(count: number, create: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => create(index))
}

function schemaOf(a: unknown, more: Record<string, unknown> = {}): InputSchema {
  return { type: 'object', properties: { a }, ...more }
}

// A generator of fixed seed: every run tries the same letters.
let seed = 1
function randomLetters(count: number): string {
  return repeat(count, () => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed % 2 === 0 ? 'a' : 'b'
  }).join('')
}

const numbers = repeat(200_000, (index) => index + 1_000)
const manyKeys = Object.fromEntries(numbers.map((number) => [`k${number}`, 1]))
const longText = 'x'.repeat(4_000_000)
const allOf = (schema: unknown, count = 400) => ({ allOf: repeat(count, () => schema) })
const anyOf = (schema: unknown, count = 400) => ({
  anyOf: [...repeat(count, () => schema), {}],
})
const refs = { $ref: '#/$defs/d' }

const HOSTILE: readonly (readonly [string, InputSchema, unknown, 'passes' | 'refused'])[] = [
  [
    'patterns that are slow together',
    schemaOf({ items: { pattern: '^(?:[ab]*a[ab]{100}c|[ab]*)$' } }),
    repeat(150, () => randomLetters(4_000)),
    'passes',
  ],
  [
    'a slow pattern on many short texts',
    schemaOf({ items: { pattern: '^(?:[ab]*a[ab]{100}c|[ab]*)$' } }),
    repeat(20_000, () => randomLetters(20)),
    'passes',
  ],
  ['lengths', schemaOf(allOf({ maxLength: 3_999_999 * 2 })), longText, 'passes'],
  ['lengths that must be counted', schemaOf(anyOf({ maxLength: 3_000_000 })), longText, 'refused'],
  [
    'branches of constants',
    schemaOf({ items: { anyOf: [...repeat(400, (index) => ({ const: index })), {}] } }),
    numbers,
    'refused',
  ],
  [
    'a long enum',
    schemaOf({ items: anyOf({ enum: repeat(2_000, String) }, 1) }),
    numbers,
    'refused',
  ],
  [
    'branches behind references',
    schemaOf(allOf(refs), { $defs: { d: { items: anyOf({ const: 1 }) } } }),
    repeat(2_000, () => 0),
    'refused',
  ],
  [
    'branches of references',
    schemaOf({ items: anyOf(refs) }, { $defs: { d: { const: 1 } } }),
    numbers,
    'refused',
  ],
  ['large constants', schemaOf(anyOf({ const: [...numbers, 1] })), [...numbers, 2], 'refused'],
  ['unique items', schemaOf(allOf({ uniqueItems: true })), numbers, 'refused'],
  ['counts of properties', schemaOf(allOf({ minProperties: 2 })), manyKeys, 'refused'],
  ['unknown properties', schemaOf(anyOf({ additionalProperties: false })), manyKeys, 'refused'],
  ['names', schemaOf(allOf({ propertyNames: { maxLength: 9 } })), manyKeys, 'refused'],
  [
    'a long name',
    schemaOf({ additionalProperties: anyOf({ type: 'string' }, 2_000) }),
    { [`~${longText}`]: 1 },
    'refused',
  ],
  ['formats', schemaOf(anyOf({ format: 'email' })), longText, 'refused'],
]

test('compileCheck ends soon whatever the schema makes of large arguments', () => {
  for (const [title, schema, a, expected] of HOSTILE) {
    const check = compileCheck(schema)
    const readCpuMs = startCpuClock()
    if (expected === 'passes') check({ a })
    else {
      assert.throws(
        () => check({ a }),
        {
          code: 'ARGUMENTS_INVALID',
          message:
            /^Invalid arguments: they are too large to check against this tool's schema: \d+ values and \d+ characters take more than 500000 steps; expected fewer or shorter ones$/,
        },
        title,
      )
    }
    const tookMs = readCpuMs()
    assert(tookMs < MAX_CHECK_MS, `${title} took ${tookMs} ms`)
  }
})

test('compileCheck passes large arguments of honest tools', () => {
  const field = { type: 'string', minLength: 1, maxLength: 100 }
  const fields = Object.fromEntries(repeat(10, (index) => [`f${index}`, anyOf(field, 2)]))
  const item = { type: 'object', properties: fields, additionalProperties: false }
  const items = repeat(2_000, () => Object.fromEntries(repeat(10, (index) => [`f${index}`, 'v'])))
  const hundred = Object.fromEntries(repeat(100, (index) => [`p${index}`, field]))
  const text = { type: 'string', maxLength: 3_000_000, pattern: '^[a-z]*$' }
  const uuid = {
    type: 'string',
    format: 'uuid',
    pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
  }
  compileCheck(schemaOf({ items: item }))({ a: items })
  compileCheck(schemaOf({ properties: { ...hundred, text } }))({
    a: { text: longText.slice(0, 2_000_000) },
  })
  compileCheck(schemaOf({ uniqueItems: true, items: uuid }))({
    a: repeat(5_000, (index) => `01234567-89ab-cdef-0123-${String(index).padStart(12, '0')}`),
  })
})

test('compileCheck counts code points and compares deeply', () => {
  const cases: readonly (readonly [unknown, unknown, string | undefined])[] = [
    [{ maxLength: 2 }, '😀😀', undefined],
    [{ maxLength: 2 }, '😀😀x', '/a must NOT have more than 2 characters'],
    [{ maxLength: 0 }, '', undefined],
    [{ minLength: 3 }, '😀😀x', undefined],
    [{ minLength: 3 }, '😀😀', '/a must NOT have fewer than 3 characters'],
    [{ const: { x: [1, { y: null }] } }, { x: [1, { y: null }] }, undefined],
    [{ const: {} }, [], '/a must be {} (got [])'],
    [{ const: { x: 1 } }, { y: 1 }, '/a must be {"x":1} (got {"y":1})'],
    [{ enum: [[1], null] }, null, undefined],
    [{ enum: [[1], null] }, [1, 2], '/a must be one of [1], null (got [1,2])'],
    [
      { additionalProperties: { type: 'string' } },
      { 'x~/y': 1 },
      '/a/x~0~1y must be string (got number)',
    ],
  ]
  for (const [schema, a, problem] of cases) {
    const check = compileCheck(schemaOf(schema))
    if (problem === undefined) check({ a })
    else {
      const message = `Invalid arguments: ${problem}`
      assert.throws(() => check({ a }), { code: 'ARGUMENTS_INVALID', message })
    }
  }
})

test('run answers another call soon while one has arguments made to be slow', async () => {
  const [, , , , [, slowSchema, a]] = HOSTILE as unknown as [
    unknown,
    unknown,
    unknown,
    unknown,
    [string, InputSchema, unknown],
  ]
  const task = (inputSchema: InputSchema, args: unknown): CallTask => {
    const definition = JSON.stringify({ method: 'GET', path: '/', inputSchema, parameters: [] })
    return {
      type: 'call',
      callId: 0,
      definitionHash: definition,
      definition,
      baseUrl: 'http://127.0.0.1:1',
      headers: {},
      argumentsText: JSON.stringify(args),
      timeoutMs: 5_000,
      maxResponseBytes: 1_000,
      egressAllow: '',
    }
  }
  const slow = task(slowSchema, { a })
  const other = task(schemaOf({}), {})
  const readCpuMs = startCpuClock()
  const [first, second] = await Promise.all([run(slow), run(other)])
  const tookMs = readCpuMs()
  assert.equal(first.type === 'result' && first.failure, 'ARGUMENTS_INVALID')
  assert.equal(second.type === 'result' && second.failure, 'EGRESS_DENIED')
  assert(tookMs < MAX_CHECK_MS, `the other call was answered after ${tookMs} ms`)
})
