// Numbers of more than 15 digits on their way from a request's body to the upstream: models copy
// identifiers of 64 bits, and a rounded one is somebody else's.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { CallTool } from '../../server/mcp/tool.ts'
import type { ToolDefinition, ToolParameter } from '../../workers/definition.ts'
import { createPool } from '../../workers/pool.ts'
import { startUpstream } from '../support/upstream.ts'
import { META, endpointOf, modern, send, textResult } from './fixture.ts'
import { startCpuClock } from '../support/cpu-time.ts'

/** Sends the body as it is; the texts that the calls were handed, and the answer. */
async function callWith(raw: string, headers: Readonly<Record<string, string>> = {}) {
  const texts: string[] = []
  const endpoint = endpointOf({
    call: ({ argumentsText }) => {
      texts.push(argumentsText)
      return Promise.resolve(textResult('ok'))
    },
  })
  return { ...(await send(endpoint, { raw, headers })), texts }
}

const ID = '12345678901234567890'

/** A call of `addPet` whose `params` hold these members besides the name. */
function bodyOf(members: string, id = '1'): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"addPet",${members}}}`
}

const cases: readonly (readonly [title: string, body: string, texts: readonly string[]])[] = [
  ['an integer of 64 bits', bodyOf(`"arguments":{"id":${ID}}`), [`{"id":${ID}}`]],
  ['16 digits', bodyOf('"arguments":{"id":9007199254740993}'), ['{"id":9007199254740993}']],
  ['a negative one', bodyOf(`"arguments":{"id":-${ID}}`), [`{"id":-${ID}}`]],
  [
    'one that is nested',
    bodyOf(`"arguments":{"a":[{"b":[1,${ID}]}],"c":"]}"}`),
    [`{"a":[{"b":[1,${ID}]}],"c":"]}"}`],
  ],
  [
    'a fraction whose digits the point divides',
    bodyOf('"arguments":{"x":1234567890.123456789}'),
    ['{"x":1234567890.123456789}'],
  ],
  ['white space around it', bodyOf(`\r\n"arguments"\t: { "id" :\n${ID} } `), [`{ "id" :\n${ID} }`]],
  [
    'characters of two and four bytes before it',
    bodyOf(`"é\u{1f600}":"猫","arguments":{"id":${ID},"é":"\u{1f600}"}`),
    [`{"id":${ID},"é":"\u{1f600}"}`],
  ],
  [
    'escaped quotes, and braces in strings',
    bodyOf(`"\\"{":"}\\\\","arguments":{"\\"}":${ID}}`),
    [`{"\\"}":${ID}}`],
  ],
  ['an escaped name', bodyOf(`"argum\\u0065nts":{"id":${ID}}`), [`{"id":${ID}}`]],
  [
    'the last of two arguments',
    bodyOf(`"arguments":{"id":${ID}},"arguments":{"id":${ID}1}`),
    [`{"id":${ID}1}`],
  ],
  [
    'the last of two params',
    `{"params":{"arguments":{"a":${ID}}},${bodyOf(`"arguments":{"id":${ID}}`).slice(1)}`,
    [`{"id":${ID}}`],
  ],
  [
    'arguments elsewhere',
    bodyOf(`"_meta":{"arguments":{"a":${ID}}},"__proto__":{"arguments":{"b":${ID}}}`),
    ['{}'],
  ],
  ['one outside of the arguments', bodyOf(`"_meta":{"progressToken":${ID}}`), ['{}']],
  ['digits in a string alone', bodyOf(`"arguments": {"id": "${ID}"}`), [`{"id":"${ID}"}`]],
  ['15 digits', bodyOf('"arguments": {"id": 123456789012345}'), ['{"id":123456789012345}']],
  [
    'a batch',
    ` [ ${bodyOf(`"arguments":{"id":${ID}}`)} , 5,"]",${bodyOf('"arguments":{"id":7}', '2')},[{}] ]`,
    [`{"id":${ID}}`, '{"id":7}'],
  ],
]

for (const [title, body, texts] of cases) {
  test(`tools/call hands numbers on as they were written: ${title}`, async () => {
    const answer = await callWith(body)
    assert.deepEqual([answer.status, answer.texts], [200, texts])
  })
}

test('tools/call hands numbers on as they were written to a modern client, too', async () => {
  const { headers } = modern('tools/call', { name: 'addPet' })
  const body = bodyOf(`"arguments":{"id":${ID}},"_meta":${JSON.stringify(META)}`)
  const answer = await callWith(body, headers as Record<string, string>)
  assert.deepEqual([answer.status, answer.texts], [200, [`{"id":${ID}}`]])
})

test('tools/call refuses arguments that are one long number', async () => {
  const { json, texts } = await callWith(bodyOf(`"arguments":${ID}`))
  const message = 'params.arguments is a number, expected an object'
  assert.deepEqual(json, { jsonrpc: '2.0', id: 1, error: { code: -32602, message } })
  assert.deepEqual(texts, [])
})

test('POST /mcp/{id} refuses an id of 64 bits, whatever the arguments hold', async () => {
  const { json, texts } = await callWith(bodyOf(`"arguments":{"id":${ID}}`, ID))
  const message =
    'id is a number that cannot be answered, expected a string of at most 256 characters or an integer between -(2^53 - 1) and 2^53 - 1'
  assert.deepEqual(json, { jsonrpc: '2.0', error: { code: -32600, message } })
  assert.deepEqual(texts, [])
})

test('POST /mcp/{id} answers the largest id as it came', async () => {
  const { json, texts } = await callWith(bodyOf(`"arguments":{"id":${ID}}`, '9007199254740991'))
  const result = { content: [{ type: 'text', text: 'ok' }] }
  assert.deepEqual(json, { jsonrpc: '2.0', id: 9007199254740991, result })
  assert.deepEqual(texts, [`{"id":${ID}}`])
})

test('tools/call finds the arguments of 4 MB of small values within 500 ms', async () => {
  const text = `{"a":[${'1,'.repeat(2_000_000)}${ID}]}`
  const readCpuMs = startCpuClock()
  const { texts } = await callWith(bodyOf(`"arguments":${text}`))
  assert.ok(readCpuMs() < 500)
  assert.equal(texts[0] === text, true)
})

const upstream = await startUpstream()
after(() => upstream.close())

function parameter(name: string, where: ToolParameter['in']): ToolParameter {
  const style = where === 'query' ? 'form' : 'simple'
  return { argument: name, name, in: where, style, explode: false }
}

const DEFINITION: ToolDefinition = {
  method: 'POST',
  path: '/pets/{petId}',
  inputSchema: {
    type: 'object',
    properties: {
      petId: { type: 'integer', format: 'int64' },
      after: { type: 'integer' },
      body: { type: 'object', properties: { owner: { type: 'integer' } } },
    },
  },
  parameters: [parameter('petId', 'path'), parameter('after', 'query')],
  body: { argument: 'body', contentType: 'application/json', encoding: 'json' },
}

const pool = createPool({ callThreads: 1, egressAllow: upstream.origin })
after(() => pool.close())

/** Runs {@link DEFINITION} in a real thread, whatever the tool. */
const callUpstream: CallTool = ({ route, argumentsText, signal }) =>
  pool.call({
    accountId: route.accountId,
    definitionHash: 'hash',
    definition: JSON.stringify(DEFINITION),
    baseUrl: upstream.origin,
    headers: {},
    argumentsText,
    timeoutMs: 5_000,
    maxResponseBytes: 1_000,
    signal,
  })

test('tools/call brings integers of 64 bits to the upstream in path, query and body', async () => {
  const endpoint = endpointOf({ call: callUpstream })
  const text = `{"petId":9223372036854775807,"after":-9223372036854775807,"body":{"owner":${ID}}}`
  const answer = await send(endpoint, { raw: bodyOf(`"arguments":${text}`) })
  assert.equal(answer.status, 200)
  assert.deepEqual(
    upstream.requests.map(({ url, body }) => [url, body]),
    [['/pets/9223372036854775807?after=-9223372036854775807', `{"owner":${ID}}`]],
  )
})
