// The official compliance suite, inside both engines; what it is missing of is frozen.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT } from './support/product.ts'
import { openSandboxProcess } from './support/sandbox-process.ts'

interface Suite {
  readonly given: unknown
  readonly cases: readonly {
    readonly expression: string
    readonly result?: unknown
    readonly error?: string
    readonly bench?: string
  }[]
}

const FOLDER = join(ROOT, '../shared/compliance/jmespath')

/** In the community's specification `'\\'` is one backslash, where the older one has two. */
const KNOWN_MISSES: readonly string[] = ["literal.json '\\\\'"]

const sortKeys = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sortKeys)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, part]) => [key, sortKeys(part)] as const)
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

for (const engine of ['isolated-vm', 'quickjs'] as const)
  test(
    `${engine} passes the JMESPath compliance suite`,
    { skip: !existsSync(FOLDER) && 'there is no compliance suite here' },
    async () => {
      const sandbox = await openSandboxProcess(engine)
      const runs = readdirSync(FOLDER).flatMap((file) => {
        const suites = JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as readonly Suite[]
        return suites.flatMap(({ given, cases }) =>
          cases.map(async ({ expression, result, error: expected, bench }) => {
            const run = { engine: 'jmespath' as const, code: expression, input: given }
            const { output, error } = await sandbox.run(run)
            const isMissed =
              bench === undefined &&
              (expected !== undefined
                ? error === undefined
                : error !== undefined ||
                  JSON.stringify(sortKeys(JSON.parse(output))) !== JSON.stringify(sortKeys(result)))
            return { isMissed, name: `${file} ${expression}` }
          }),
        )
      })
      const cases = await Promise.all(runs)
      await sandbox.close()
      assert(cases.length >= 892, `${cases.length}`)
      assert.deepEqual(
        cases.filter(({ isMissed }) => isMissed).map(({ name }) => name),
        KNOWN_MISSES,
      )
    },
  )

for (const engine of ['isolated-vm', 'quickjs'] as const)
  test(`${engine} says where an expression is wrong when it is saved`, async () => {
    const sandbox = await openSandboxProcess(engine)
    const rows: readonly (readonly [string, string | undefined, number?, number?])[] = [
      ['items[*].{id: id}', undefined],
      ['', 'Syntax error: invalid token (EOF): ""', 1, 1],
      ['a b', 'Syntax error: unexpected token type: UnquotedIdentifier, value: b', 1, 3],
      ['a.\n  b c', 'Syntax error: unexpected token type: UnquotedIdentifier, value: c', 2, 5],
      ['a[', 'Syntax error: expected Star, got: EOF', 1, 3],
      ['a | #', 'Syntax error: unknown character: #', 1, 5],
      ['a | toString(@)', 'Unknown function: toString()', 1, 5],
      [`${'('.repeat(33)}a${')'.repeat(33)}`, 'nested over 32 levels deep', 1, 33],
      [Array(251).fill('a').join('|'), 'over 500 tokens', 1, 501],
      ['a'.repeat(8193), 'the code is 8193 bytes, the limit is 8192'],
    ]
    for (const [code, message, line, column] of rows) {
      const place = line === undefined ? {} : { line, column }
      const expected = message && { code: 'INTERCEPTOR_INVALID', message, ...place }
      assert.deepEqual(await sandbox.check('jmespath', code), expected, code.slice(0, 40))
    }
    await sandbox.close()
  })
