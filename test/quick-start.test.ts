// The README's two lines: from a document to a working endpoint, again with the same data, and
// what a person is told when it cannot work.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { cp, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import { startSampleApi } from '../examples/sample-api.ts'
import { createTestStorage } from './support/database.ts'
import { graphql } from './support/graphql.ts'
import { mcpRequest } from './support/mcp.ts'
import {
  ROOT,
  runProduct,
  startProduct,
  temporaryDir,
  type QuickStartLine,
} from './support/product.ts'

const SAMPLE = join(ROOT, 'examples/sample-api.yaml')

async function quickStart(
  t: TestContext,
  env: Readonly<Record<string, string>>,
  args: readonly string[],
) {
  const product = await startProduct(t, { args: [...args, '--json'], env })
  return { product, line: JSON.parse(product.firstLine) as QuickStartLine }
}

test('npm start -- --demo --json prints one line with which a client can call', async (t) => {
  const { product, line } = await quickStart(t, { DATA_DIR: await temporaryDir(t) }, ['--demo'])
  assert.deepEqual(Object.keys(line), [
    'mcpUrl',
    'token',
    'serverId',
    'graphqlUrl',
    'apiKey',
    'clients',
  ])
  assert.deepEqual(Object.keys(line.clients), ['claudeCode', 'claudeDesktop', 'cursor', 'vscode'])
  const { body } = await mcpRequest(line.mcpUrl, line.token, 'tools/call', {
    name: 'getTea',
    arguments: { teaId: 'assam' },
  })
  assert.deepEqual(body, {
    jsonrpc: '2.0',
    id: 1,
    result: {
      content: [
        {
          type: 'text',
          text: '{"id":"assam","name":"Assam Mangalam","kind":"black","priceCents":790}',
        },
      ],
    },
  })
  assert.equal(await product.end('SIGTERM'), 0)
})

test('npm start -- --openapi with the same DATA_DIR changes in place and duplicates nothing', async (t) => {
  const sample = await startSampleApi()
  t.after(() => {
    sample.close()
  })
  const dir = await temporaryDir(t)
  const document = join(dir, 'sample.yaml')
  await cp(SAMPLE, document)
  const args = ['--openapi', document, '--base-url', sample.origin]
  const storage = await createTestStorage(t)
  const first = await quickStart(t, storage, args)
  const text = await readFile(document, 'utf8')
  await writeFile(document, text.replace('operationId: getTea', 'operationId: findTea'))
  assert.equal(await first.product.end('SIGTERM'), 0)
  const second = await quickStart(t, storage, args)
  const { serverId, token, apiKey } = second.line
  assert.deepEqual(
    { serverId, token, apiKey },
    { serverId: first.line.serverId, token: first.line.token, apiKey: first.line.apiKey },
  )
  const { body } = await mcpRequest(second.line.mcpUrl, token, 'tools/list')
  const tools = body.result?.['tools'] as { name: string }[]
  assert.deepEqual(
    tools.map(({ name }) => name),
    ['listTeas', 'findTea', 'createOrder'],
  )
  const counts = await graphql<{
    providers: { totalCount: number }
    servers: { totalCount: number }
  }>(
    second.line.graphqlUrl,
    apiKey,
    '{ providers(first: 10) { totalCount } servers(first: 10) { totalCount } }',
  )
  assert.deepEqual(counts, { providers: { totalCount: 1 }, servers: { totalCount: 1 } })
})

test('npm start -- --openapi takes a URL and opens egress to exactly its origin and the base URL', async (t) => {
  const sample = await startSampleApi()
  const documents = createServer((_request, response) => {
    void readFile(SAMPLE, 'utf8').then((text) =>
      response.end(text.replace('http://127.0.0.1:4243', sample.origin)),
    )
  })
  await new Promise<void>((resolve) => documents.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    sample.close()
    documents.close()
    documents.closeAllConnections()
  })
  const address = documents.address()
  assert(typeof address === 'object' && address !== null)
  const url = `http://127.0.0.1:${address.port}/openapi.yaml`
  const { product, line } = await quickStart(t, await createTestStorage(t), ['--openapi', url])
  const { body } = await mcpRequest(line.mcpUrl, line.token, 'tools/call', {
    name: 'getTea',
    arguments: { teaId: 'x y/z' },
  })
  assert.deepEqual(body.result, {
    content: [
      { type: 'text', text: 'HTTP 404 Not Found\n{"message":"There is no tea \\"x y/z\\""}' },
    ],
    isError: true,
  })
  assert.equal(await product.end('SIGTERM'), 0)
})

const REFUSALS: readonly { name: string; document: string; message: string }[] = [
  {
    name: 'a relative server',
    document:
      '{"openapi":"3.1.0","info":{"title":"T","version":"1"},"servers":[{"url":"/v1"}],"paths":{"/a":{"get":{"responses":{}}}}}',
    message:
      'The document has the relative server "/v1": pass --base-url https://api.example.com/v1',
  },
  {
    name: 'no server',
    document:
      '{"openapi":"3.1.0","info":{"title":"T","version":"1"},"paths":{"/a":{"get":{"responses":{}}}}}',
    message: 'The document names no server: pass --base-url https://api.example.com/v1',
  },
  {
    name: 'no OpenAPI document',
    document: '{"hello":"world"}',
    message:
      'The document has no "openapi" or "swagger" key at its top; expected "openapi": "3.0", "3.1" or "3.2", or "swagger": "2.0"',
  },
  {
    name: 'broken JSON',
    document: '{"openapi":"3.1.0",',
    message: 'The document is no valid JSON: line 1, column 20: expected a key in double quotes',
  },
  {
    name: 'a web page',
    document: '<!doctype html><title>Sign in</title>',
    message:
      'The document is HTML or XML, a page to sign in perhaps; expected OpenAPI as JSON or YAML',
  },
]

for (const { name, document, message } of REFUSALS) {
  test(`npm start -- --openapi with ${name} ends with code 1 and a sentence`, async (t) => {
    const path = join(await temporaryDir(t), 'document.json')
    await writeFile(path, document)
    const answer = await runProduct({ args: ['--openapi', path], env: await createTestStorage(t) })
    assert.deepEqual(answer, { code: 1, stdout: '', stderr: `Cannot import ${path}: ${message}\n` })
  })
}

test('npm start -- --openapi with an empty file or a directory says so before it starts', async (t) => {
  const dir = await temporaryDir(t)
  const path = join(dir, 'empty.yaml')
  await writeFile(path, '')
  const DATA_DIR = join(dir, 'data')
  const empty = await runProduct({ args: ['--openapi', path], env: { DATA_DIR } })
  assert.deepEqual(empty, {
    code: 1,
    stdout: '',
    stderr: `${path} is empty, expected an OpenAPI document\n`,
  })
  const directory = await runProduct({ args: ['--openapi', dir], env: { DATA_DIR } })
  assert.deepEqual(directory, {
    code: 1,
    stdout: '',
    stderr: `Cannot read ${dir}: it is a directory, expected an OpenAPI document\n`,
  })
  assert.equal(existsSync(DATA_DIR), false)
})

test('npm start -- --openapi with a file that is not there says which', async (t) => {
  const dir = await temporaryDir(t)
  const path = join(dir, 'no such.yaml')
  const { code, stderr } = await runProduct({
    args: ['--openapi', pathToFileURL(path).href],
    env: await createTestStorage(t),
  })
  assert.deepEqual(
    { code, stderr },
    { code: 1, stderr: `Cannot read ${path}: there is no such file\n` },
  )
})

test('npm start without a flag prints the owner key once, and only once', async (t) => {
  const env = { ...(await createTestStorage(t)), LOG_LEVEL: 'silent' }
  const first = await startProduct(t, { args: ['--json'], env })
  const { graphqlUrl, apiKey } = JSON.parse(first.firstLine) as {
    graphqlUrl: string
    apiKey: string
  }
  assert.match(apiKey, /^hmk_[0-9A-Za-z]{49}$/)
  const viewer = await graphql<{ viewer: { account: { name: string } } }>(
    graphqlUrl,
    apiKey,
    '{ viewer { account { name } } }',
  )
  assert.deepEqual(viewer, { viewer: { account: { name: 'Default' } } })
  assert.equal(await first.end(), 0)
  const second = await startProduct(t, { args: ['--json'], env })
  assert.deepEqual(Object.keys(JSON.parse(second.firstLine) as object), ['graphqlUrl'])
})

test('HASMCP_ADMIN_KEY is the owner key, and is not printed', async (t) => {
  const HASMCP_ADMIN_KEY = 'x'.repeat(16) + '0123456789abcdef'
  const product = await startProduct(t, {
    args: ['--json'],
    env: { ...(await createTestStorage(t)), HASMCP_ADMIN_KEY },
  })
  const line = JSON.parse(product.firstLine) as { graphqlUrl: string }
  assert.deepEqual(Object.keys(line), ['graphqlUrl', 'signInLink'])
  const viewer = await graphql(line.graphqlUrl, HASMCP_ADMIN_KEY, '{ viewer { account { name } } }')
  assert.deepEqual(viewer, { viewer: { account: { name: 'Default' } } })
})
