// Imports as users make them: real documents, a real thread, a real server to fetch from.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { Piscina } from 'piscina'
import { parse } from 'yaml'
import type { ImportOutcome, ImportTask } from '../workers/messages.ts'
import type { InputSchema } from '../workers/definition.ts'
import { MAX_BATCH_BYTES } from '../workers/openapi/batch-tools.ts'
import {
  expectImported,
  importSource,
  readDefinitions,
  readTools,
  type Imported,
} from './support/import.ts'
import { startUpstream } from './support/upstream.ts'

const SPECS = new URL('../../shared/specs/', import.meta.url)
const skip = existsSync(SPECS) ? false : 'the documents in ../shared/specs are not here'
const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete', 'options']

const documents = [
  { file: 'petstore.yaml', toolCount: 3, serverUrl: 'http://petstore.swagger.io/v1' },
  { file: 'uspto.yaml', toolCount: 3, serverUrl: 'https://developer.uspto.gov/ds-api' },
  { file: 'argocd_v2.json', toolCount: 106, serverUrl: undefined },
  { file: 'twilio_api_v2010.json', toolCount: 197, serverUrl: 'https://api.twilio.com' },
  { file: 'box.json', toolCount: 296, serverUrl: 'https://api.box.com/2.0' },
  { file: 'github.json', toolCount: 1223, serverUrl: 'https://api.github.com' },
]

for (const { file, toolCount, serverUrl } of documents) {
  test(`import of ${file} makes one valid tool of each operation`, { skip }, async () => {
    const bytes = readFileSync(new URL(file, SPECS))
    const outcome = await expectImported(bytes)
    const tools = readTools(outcome)
    assert.deepEqual(
      {
        toolCount: outcome.toolCount,
        tools: tools.length,
        operations: countOperations(readPaths(file, bytes.toString())),
        serverUrl: outcome.serverUrl,
        leftOut: outcome.warnings.filter((warning) => !warning.startsWith('Ignored the servers')),
      },
      { toolCount, tools: toolCount, operations: toolCount, serverUrl, leftOut: [] },
    )
    assert.equal(new Set(tools.map(({ name }) => name)).size, toolCount)
    assert.deepEqual(
      tools.filter(({ name }) => !/^[A-Za-z0-9_-]{1,64}$/.test(name)),
      [],
    )
    checkDefinitions(outcome)
    assert.deepEqual(await expectImported(bytes), outcome)
  })
}

test(
  'import in a thread leaves the event loop free and transfers the batches',
  { skip },
  async (t) => {
    const filename = new URL('../workers/import-thread.ts', import.meta.url).href
    const pool = new Piscina<ImportTask, ImportOutcome>({ filename, minThreads: 0, maxThreads: 1 })
    const bytes = Uint8Array.from(readFileSync(new URL('github.json', SPECS)))
    const delay = monitorEventLoopDelay({ resolution: 5 })
    delay.enable()
    const start = performance.now()
    const outcome = await pool.run({ type: 'import', bytes })
    const elapsedMs = performance.now() - start
    delay.disable()
    await pool.destroy()
    assert.equal(outcome.type, 'imported')
    assert.equal((outcome as Imported).toolCount, 1223)
    for (const batch of (outcome as Imported).batches) {
      assert.equal(batch.tools.byteLength, batch.tools.buffer.byteLength)
      assert.equal(batch.definitions.byteLength, batch.definitions.buffer.byteLength)
      assert.ok(batch.definitions.byteLength + batch.tools.byteLength < MAX_BATCH_BYTES * 1.01)
    }
    const [p99, max] = [delay.percentile(99) / 1e6, delay.max / 1e6]
    t.diagnostic(
      `${elapsedMs.toFixed(0)} ms cold; loop delay p99 ${p99.toFixed(1)}, max ${max.toFixed(1)} ms`,
    )
    assert.ok(p99 < 50, `p99 ${p99} ms`)
    assert.ok(max < 200, `max ${max} ms`)
    assert.ok(elapsedMs < 10_000, `${elapsedMs} ms`)
  },
)

test('import of a URL fetches it through the egress guard', async () => {
  const document = JSON.stringify({
    openapi: '3.1.0',
    info: { title: 'Fetched' },
    servers: [{ url: '/v1' }],
    paths: { '/a': { get: {} } },
  })
  const upstream = await startUpstream((request, response) => {
    if (request.url === '/moved')
      response.writeHead(302, { location: 'https://new.example/a' }).end()
    else if (request.url === '/document?key=secret') response.end(document)
    else response.writeHead(404).end('no')
  })
  const { host } = new URL(upstream.origin)
  const fetched = (url: string, egressAllow = upstream.origin) =>
    importSource({ type: 'url', url }, egressAllow)
  try {
    const outcome = await fetched(`${upstream.origin}/document?key=secret`)
    assert.equal(outcome.type, 'imported')
    const { title, serverUrl, toolCount, warnings } = outcome as Imported
    assert.deepEqual(
      { title, serverUrl, toolCount, warnings },
      { title: 'Fetched', serverUrl: '/v1', toolCount: 1, warnings: [] },
    )
    assert.deepEqual(await fetched(`${upstream.origin}/moved`), {
      type: 'refused',
      code: 'DOCUMENT_UNREACHABLE',
      message: `Cannot import http://${host}/moved: it redirects to https://new.example/a; expected the document's final address`,
    })
    assert.deepEqual(await fetched(`${upstream.origin}/gone?key=secret`), {
      type: 'refused',
      code: 'DOCUMENT_UNREACHABLE',
      message: `Cannot import http://${host}/gone: it answered 404; expected 200`,
    })
    assert.deepEqual(await fetched('petstore.yaml'), {
      type: 'refused',
      code: 'DOCUMENT_INVALID',
      message: 'The address of the document is no absolute URL',
    })
    const denied = await fetched(`${upstream.origin}/document`, '')
    assert.equal(denied.type === 'refused' && denied.code, 'EGRESS_DENIED')
  } finally {
    await upstream.close()
  }
  const unreachable = await fetched(`${upstream.origin}/document`)
  assert.equal(unreachable.type === 'refused' && unreachable.code, 'DOCUMENT_UNREACHABLE')
})

interface Paths {
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

function readPaths(file: string, text: string): Paths {
  return (file.endsWith('.json') ? JSON.parse(text) : parse(text)) as Paths
}

function countOperations({ paths }: Paths): number {
  return Object.values(paths).flatMap((item) =>
    Object.keys(item).filter((key) => METHODS.includes(key)),
  ).length
}

function checkDefinitions(outcome: Imported): void {
  const definitions = readDefinitions(outcome)
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  const keys = readTools(outcome).map(({ method, path }) => `${method} ${path}`)
  assert.equal(new Set(keys).size, keys.length)
  for (const { definition_hash, name, method, path } of readTools(outcome)) {
    const text = definitions.get(definition_hash) ?? ''
    assert.equal(createHash('sha256').update(text).digest('hex'), definition_hash)
    const definition = JSON.parse(text) as {
      inputSchema: InputSchema
      parameters: { argument: string; name: string; in: string }[]
      body?: { argument: string }
    }
    const { inputSchema, parameters, body } = definition
    const fields = [...parameters.map(({ argument }) => argument), ...(body ? [body.argument] : [])]
    assert.deepEqual(Object.keys(inputSchema.properties), fields, name)
    assert.deepEqual(
      new Set(Array.from(path.matchAll(/\{(.+?)\}/g), ([, slot]) => slot)),
      new Set(parameters.flatMap((each) => (each.in === 'path' ? [each.name] : []))),
      `${method} ${path}`,
    )
    assert.equal(typeof ajv.compile(inputSchema), 'function', name)
  }
}
