// The house rules that a machine can check: who imports whom, what files and folders are called,
// how long they are, and that every export and every file says what it is for.
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'

const ROOT = new URL('..', import.meta.url).pathname

/** Folder → the folders it may import from, besides itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  db: [],
  workers: [],
  schema: ['db', 'workers'],
  server: ['schema', 'db', 'workers', 'examples'],
  examples: [],
  'load-tests': [],
  test: ['schema', 'server', 'workers', 'db', 'examples', 'load-tests'],
}

/** Nouns of `schema/` without a table of their own. */
const NOT_STORED = [
  'openapi-import',
  'viewer',
  'node',
  'header',
  'variable-use',
  'own-tool',
  'tool-call',
  'edit-interceptor',
  'interceptor-preview',
  'edit-prompt',
  'edit-resource',
  'media',
  'input-request',
  'create-account',
  'ticket',
]

/** Nouns whose story is part of another noun's. */
const TOLD_WITH_ANOTHER = [
  'viewer',
  'node',
  'server-tool',
  'openapi-import',
  'header',
  'variable-use',
  'tool-call',
  'edit-interceptor',
  'interceptor-preview',
  'edit-prompt',
  'edit-resource',
  'media',
  'input-request',
  'create-account',
]

const MAX_FILE_LINES = 300

const files = globSync('**/*.ts', {
  cwd: ROOT,
  exclude: (path) => path === 'node_modules' || path === 'data' || path.startsWith('.'),
})
const source = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const folder = (path: string) => path.split('/')[0] ?? ''
const ours = files.filter((path) => folder(path) !== 'test')

test('every TypeScript file lies in a folder of the house', () => {
  assert.deepEqual(
    files.filter((path) => !(folder(path) in MAY_IMPORT)),
    [],
  )
})

test('every file imports only what its folder may import', () => {
  const problems = files.flatMap((path) =>
    [...source(path).matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].flatMap(([, specifier = '']) => {
      const target = normalize(join(dirname(path), specifier))
      const from = folder(path)
      const to = folder(target)
      const isAllowed =
        from === to || (MAY_IMPORT[from] ?? []).includes(to) || target === 'package.json'
      return isAllowed ? [] : [`${path} imports ${target}`]
    }),
  )
  assert.deepEqual(problems, [])
})

test('every relative import names an existing .ts file', () => {
  const problems = files.flatMap((path) =>
    [...source(path).matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].flatMap(([, specifier = '']) =>
      existsSync(join(ROOT, dirname(path), specifier)) ? [] : [`${path}: ${specifier}`],
    ),
  )
  assert.deepEqual(problems, [])
})

test('every file and folder name is kebab-case, and no folder is a drawer', () => {
  const drawers = ['services', 'lib', 'shared', 'utils', 'common', 'types', 'helpers']
  const problems = files.filter((path) =>
    path
      .split('/')
      .some(
        (part) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.test)?(\.ts)?$/.test(part) || drawers.includes(part),
      ),
  )
  assert.deepEqual(problems, [])
})

test('every noun of the GraphQL API has queries of the same name and a story', () => {
  const nouns = readNames('schema').filter((name) =>
    /builder\s*\.(?:node|objectRef|mutationField)/.test(source(`schema/${name}.ts`)),
  )
  assert(nouns.includes('server-token'), nouns.join())
  const has = (path: string) => files.includes(path)
  const problems = nouns.flatMap((noun) => {
    const hasQueries = NOT_STORED.includes(noun) || has(`db/${noun}.ts`)
    const hasStory = TOLD_WITH_ANOTHER.includes(noun) || has(`test/${noun}.test.ts`)
    return hasQueries && hasStory ? [] : [noun]
  })
  assert.deepEqual(problems, [])
})

test('every file of the product says in its first line what it is for', () => {
  assert.deepEqual(
    ours.filter((path) => !source(path).startsWith('// ')),
    [],
  )
})

test('every export has a doc comment', () => {
  const problems = ours.flatMap((path) => {
    const lines = source(path).split('\n')
    return lines.flatMap((line, index) => {
      const isExport =
        /^export (?:async |abstract )?(?:function|class|interface|const|type)\b/.test(line)
      const before = lines[index - 1] ?? ''
      return isExport && !before.endsWith('*/') ? [`${path}:${index + 1} ${line}`] : []
    })
  })
  assert.deepEqual(problems, [])
})

test(`no file of the product is longer than ${MAX_FILE_LINES} lines`, () => {
  const problems = ours.flatMap((path) => {
    const count = source(path).split('\n').length - 1
    return count > MAX_FILE_LINES ? [`${path}: ${count}`] : []
  })
  assert.deepEqual(problems, [])
})

test('only server/config.ts reads the environment of the product', () => {
  const product = ours.filter((path) => !path.startsWith('load-tests/'))
  assert.deepEqual(
    product.filter((path) => /process\.env\b/.test(source(path))),
    ['server/config.ts'],
  )
})

test('migrations are numbered without a gap', () => {
  const numbers = readNames('db/migrations').map((name) => name.slice(0, 4))
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => String(index + 1).padStart(4, '0')),
  )
})

function readNames(dir: string): string[] {
  return files
    .filter((path) => path.startsWith(`${dir}/`) && !path.slice(dir.length + 1).includes('/'))
    .map((path) => path.slice(dir.length + 1, -'.ts'.length))
    .toSorted()
}
