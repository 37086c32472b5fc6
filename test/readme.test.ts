// What the README states of the code is true: limits, error codes, files and scripts.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { ERROR_CODES, toPublicError } from '../server/errors.ts'

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
const readme = read('README.md')
const section = (title: string) => readme.split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? ''

const UNITS: Readonly<Record<string, number>> = {
  KiB: 1024,
  MiB: 1024 ** 2,
  s: 1000,
  characters: 1,
}

test('README "Limits": every row states the constant that it names', () => {
  const rows = [
    ...section('Limits').matchAll(/^\| .+ \| ([\d,]+)(?: (\w+))? \| `(\w+)` in `([\w/.-]+)` \|$/gm),
  ]
  assert(rows.length > 30, `${rows.length} rows`)
  const problems = rows.filter(([, amount = '', unit, name = '', path = '']) => {
    const factors = new RegExp(`\\bconst ${name} = ([\\d_ *]+)$`, 'm')
      .exec(read(path))?.[1]
      ?.split('*')
    const actual = factors?.reduce(
      (product, factor) => product * Number(factor.replaceAll('_', '')),
      1,
    )
    const isInThatUnit = unit !== undefined && name.toLowerCase().endsWith(`_${unit.toLowerCase()}`)
    const scale = unit === undefined || isInThatUnit ? 1 : UNITS[unit]
    return scale === undefined || actual !== Number(amount.replaceAll(',', '')) * scale
  })
  assert.deepEqual(
    problems.map(([row]) => row),
    [],
  )
})

test('README "Errors": every code of the table in server/errors.ts with its HTTP status', () => {
  const rows = new Map(
    [...section('Errors').matchAll(/^\| `([A-Z_]+)` \| (\d+) \|/gm)].map(([, code, status]) => [
      code,
      Number(status),
    ]),
  )
  const expected = ERROR_CODES.map(
    (code) => [code, toPublicError(Object.assign(new Error('x'), { code })).httpStatus] as const,
  )
  assert.deepEqual(rows, new Map<string | undefined, number>(expected))
})

test('README names only files and scripts that exist', () => {
  const paths = [
    ...readme.matchAll(/`((?:schema|server|workers|db|test|examples|load-tests|\.ci)\/[\w./-]*)`/g),
  ].map(([, path = '']) => path)
  assert.deepEqual(
    paths.filter(
      (path) => path !== 'server/discover' && !existsSync(new URL(`../${path}`, import.meta.url)),
    ),
    [],
  )
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  const used = [...readme.matchAll(/npm run ([\w:-]+)/g)].map(([, name = '']) => name)
  assert.deepEqual(
    used.filter((name) => !(name in scripts)),
    [],
  )
})
