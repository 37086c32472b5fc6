// What an upstream's answer becomes: content of every kind, or a result of MCP as it is.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib'
import type { Answer } from '../support/upstream.ts'
import { openWorld } from '../support/world.ts'

const BYTES = Buffer.from([0, 1, 2, 255])
const LIMIT = 10 * 1024 * 1024

/** Path to the type, the body and the coding of the answer. */
const ANSWERS: Readonly<Record<string, readonly [string, Buffer, string?]>> = {
  '/png': ['image/png', BYTES],
  '/wav': ['audio/wav; rate=8000', BYTES],
  '/zip': ['application/zip', BYTES],
  '/bytes': ['', BYTES],
  '/latin': ['text/plain; charset=iso-8859-1', Buffer.from('gr\xfc\xdfe', 'latin1')],
  '/gzip': ['text/plain', gzipSync('zipped'), 'gzip'],
  '/br': ['text/plain', brotliCompressSync('brotli'), 'br'],
  '/zstd': ['text/plain', zstdCompressSync('zstd'), 'zstd'],
  '/long': ['text/plain', Buffer.concat([Buffer.alloc(LIMIT - 1, 'x'), Buffer.from('ü'), BYTES])],
  '/control': ['text/plain', Buffer.alloc(4 * 1024 * 1024, 1)],
  '/longzip': ['application/zip', Buffer.alloc(LIMIT + 1)],
}
const answer: Answer = ({ url }, response) => {
  const [type, body, coding] = ANSWERS[url] ?? ['', Buffer.of()]
  if (type !== '') response.setHeader('content-type', type)
  if (coding !== undefined) response.setHeader('content-encoding', coding)
  response.end(body)
}

test('an answer becomes text, an image, a sound or an embedded resource', async (t) => {
  const world = await openWorld(t, answer)
  const paths = [...Object.keys(ANSWERS), '/empty']
  const providerId = await world.importProvider(paths.map((path) => `get ${path}`))
  const server = await world.openServer({ providerIds: [providerId] })
  const call = async (path: string) => {
    const name = `get_${path.slice(1)}`
    const { body } = await server.request('tools/call', { name, arguments: {} })
    const { content = [], isError } = body.result ?? {}
    return isError === true ? `error: ${content[0]?.text}` : content[0]
  }
  const data = BYTES.toString('base64')
  const uri = `ni:///sha-256;${createHash('sha256').update(BYTES).digest('base64url')}`
  const embedded = (mimeType: string) => ({
    type: 'resource',
    resource: { uri, mimeType, blob: data },
  })
  const text = (value: string) => ({ type: 'text', text: value })
  assert.deepEqual(await call('/png'), { type: 'image', data, mimeType: 'image/png' })
  assert.deepEqual(await call('/wav'), { type: 'audio', data, mimeType: 'audio/wav' })
  assert.deepEqual(await call('/zip'), embedded('application/zip'))
  assert.deepEqual(await call('/bytes'), embedded('application/octet-stream'))
  assert.deepEqual(await call('/latin'), text('grüße'))
  assert.deepEqual(await call('/gzip'), text('zipped'))
  assert.deepEqual(await call('/br'), text('brotli'))
  assert.deepEqual(await call('/zstd'), text('zstd'))
  assert.deepEqual(await call('/empty'), text('The upstream answered 200 OK with an empty body'))
  const long = (await call('/long')) as { text: string }
  const note = `\n(cut: the first ${LIMIT - 1} characters; the answer is longer)`
  assert.equal(long.text.length, LIMIT - 1 + note.length)
  assert.ok(long.text.endsWith(`xxx${note}`))
  const control = (await call('/control')) as { text: string }
  const kept = Math.floor((20 * 1024 * 1024) / 6)
  assert.ok(control.text.endsWith(`\n(cut: the first ${kept} characters; of ${4 * 1024 * 1024})`))
  assert.match(JSON.stringify(await call('/longzip')), /^"error: .*larger than the limit/)
})

const RESULT = {
  content: [
    { type: 'text', text: 'Multiple' },
    { type: 'image', data: 'AAE=', mimeType: 'image/png', annotations: { priority: 1 } },
    { type: 'resource', resource: { uri: 'a:b', text: 'x' } },
    { type: 'resource_link', uri: 'a:c', name: 'c' },
  ],
  structuredContent: { a: 1 },
  isError: true,
  _meta: { own: 1, 'io.modelcontextprotocol/serverInfo': { name: 'somebody else' } },
  extra: 'not a member of a result',
}

test('in the mode MCP_RESULT the answer is the result, checked', async (t) => {
  let sent: unknown = RESULT
  const world = await openWorld(t, (_request, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify(sent))
  })
  const providerId = await world.importProvider(['get /pets'])
  const server = await world.openServer({ providerIds: [providerId] })
  const { tools } = await world.ask<{ tools: { nodes: { id: string; resultMode: string }[] } }>(
    '{ tools(first: 9) { nodes { id resultMode } } }',
  )
  const [tool] = tools.nodes
  assert.equal(tool?.resultMode, 'CONTENT')
  await world.make('updateTool', { id: tool?.id, resultMode: 'MCP_RESULT' })
  const call = async () =>
    (await server.request('tools/call', { name: 'get_pets', arguments: {} })).body.result
  const { extra: _extra, ...rest } = RESULT
  assert.deepEqual(await call(), { ...rest, _meta: { own: 1 } })
  // An import leaves it as it is.
  await world.importProvider(['get /pets'], { providerId })
  const cases: readonly (readonly [unknown, string])[] = [
    ['x', 'it is no object'],
    [{}, 'content is no array'],
    [{ content: [1] }, 'content[0] is no object'],
    [
      { content: [{ type: 'video' }] },
      'content[0] has no type of text, image, audio, resource_link, resource',
    ],
    [
      { content: [{ type: 'constructor' }] },
      'content[0] has no type of text, image, audio, resource_link, resource',
    ],
    [{ content: [{ type: 'text' }] }, 'content[0] has no text'],
    [
      { content: [{ type: 'image', data: '!', mimeType: 'image/png' }] },
      'content[0] has data that is no Base64',
    ],
    [
      { content: [{ type: 'resource', resource: { uri: 'a:b' } }] },
      'content[0] has no resource with a uri, and a text or a blob',
    ],
    [{ content: [], isError: 1 }, 'isError is no boolean'],
    [{ content: [], structuredContent: [] }, 'structuredContent is no object'],
    [{ content: [], _meta: 1 }, '_meta is no object'],
    [
      { content: Array.from({ length: 1001 }, () => ({ type: 'text', text: '' })) },
      'content has more than 1000 blocks',
    ],
  ]
  for (const [value, problem] of cases) {
    sent = value
    assert.deepEqual(await call(), {
      content: [
        {
          type: 'text',
          text: `The tool's answer is to be a result of MCP, and is none: ${problem}`,
        },
      ],
      isError: true,
    })
  }
  sent = { pets: 2 }
  await world.make('createInterceptor', {
    toolId: tool?.id,
    name: 'result',
    phase: 'RESPONSE',
    engine: 'JMESPATH',
    code: "{content: [{type: 'text', text: to_string(pets)}]}",
  })
  assert.deepEqual(await call(), { content: [{ type: 'text', text: '2' }] })
})
