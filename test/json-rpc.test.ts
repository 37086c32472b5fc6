// The reader of bodies: what it makes of every shape of JSON, and of what is no JSON.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseBody } from '../server/mcp/json-rpc.ts'
import { RpcError } from '../server/mcp/rpc-error.ts'
import { startCpuClock } from './support/cpu-time.ts'

const NOT_JSON = { rpcCode: -32700, message: 'The request body is not JSON' }
const NOT_UTF8 = { rpcCode: -32700, message: 'The request body is not UTF-8' }
const TOO_DEEP = { rpcCode: -32600, message: 'The request body is nested deeper than 64 levels' }
const BAD_ID = (kind: string): string =>
  `id is ${kind} that cannot be answered, expected a string of at most 256 characters or an integer between -(2^53 - 1) and 2^53 - 1`

function nested(depth: number): string {
  return `${'['.repeat(depth)}${']'.repeat(depth)}`
}

const refusals: readonly [title: string, body: string | Uint8Array, expected: object][] = [
  ['an empty body', '', NOT_JSON],
  ['white space', ' \n\t', NOT_JSON],
  ['half an object', '{"jsonrpc":"2.0"', NOT_JSON],
  ['two objects', '{}{}', NOT_JSON],
  ['a trailing comma', '{"a":1,}', NOT_JSON],
  ['a comment', '{} // x', NOT_JSON],
  ['a byte order mark', '\u{feff}{}', NOT_JSON],
  ['NaN', '{"id":NaN}', NOT_JSON],
  ['a raw NUL', '{"id":"\0"}', NOT_JSON],
  ['UTF-16 LE', Uint8Array.from([0x7b, 0x00, 0x7d, 0x00]), NOT_JSON],
  ['UTF-16 with its mark', Uint8Array.from([0xff, 0xfe, 0x7b, 0x00]), NOT_UTF8],
  ['an overlong NUL', Uint8Array.from([0x22, 0xc0, 0x80, 0x22]), NOT_UTF8],
  ['a lone surrogate', Uint8Array.from([0x22, 0xed, 0xa0, 0x80, 0x22]), NOT_UTF8],
  ['65 levels', nested(65), TOO_DEEP],
  ['10,000 open brackets', '['.repeat(10_000), TOO_DEEP],
  ['levels of objects', '{"a":'.repeat(65), TOO_DEEP],
  ['depth after an escaped quote', `["\\"",${nested(64)}]`, TOO_DEEP],
  [
    'an empty batch',
    '[]',
    { rpcCode: -32600, message: 'The batch holds 0 messages, expected 1 to 50' },
  ],
  [
    '51 messages',
    JSON.stringify(Array.from({ length: 51 }, () => 1)),
    { rpcCode: -32600, message: 'The batch holds 51 messages, expected 1 to 50' },
  ],
]

for (const [title, body, { rpcCode, message }] of refusals as readonly [
  string,
  string | Uint8Array,
  { rpcCode: number; message: string },
][]) {
  test(`parseBody refuses ${title}`, () => {
    const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
    assert.throws(
      () => parseBody(bytes),
      (error) => {
        assert.ok(error instanceof RpcError)
        assert.deepEqual({ rpcCode: error.rpcCode, message: error.message }, { rpcCode, message })
        return true
      },
    )
  })
}

const longText = 'x'.repeat(257)
const messages: readonly [title: string, text: string, expected: object][] = [
  [
    'a request',
    '{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":1}}',
    { kind: 'request', id: 1, method: 'm', params: { a: 1 } },
  ],
  [
    'a request without params',
    '{"jsonrpc":"2.0","id":"a","method":"m"}',
    { kind: 'request', id: 'a', method: 'm', params: {} },
  ],
  [
    'an empty string as id',
    '{"jsonrpc":"2.0","id":"","method":"m"}',
    { kind: 'request', id: '', method: 'm', params: {} },
  ],
  [
    'the id 0',
    '{"jsonrpc":"2.0","id":0,"method":"m"}',
    { kind: 'request', id: 0, method: 'm', params: {} },
  ],
  [
    'the largest id',
    '{"jsonrpc":"2.0","id":9007199254740991,"method":"m"}',
    { kind: 'request', id: 9007199254740991, method: 'm', params: {} },
  ],
  [
    'an id written as 1.0',
    '{"jsonrpc":"2.0","id":1.0,"method":"m"}',
    { kind: 'request', id: 1, method: 'm', params: {} },
  ],
  [
    'a notification',
    '{"jsonrpc":"2.0","method":"m"}',
    { kind: 'notification', method: 'm', params: {} },
  ],
  [
    'the last of two keys',
    '{"jsonrpc":"2.0","id":1,"id":2,"method":"a","method":"b"}',
    { kind: 'request', id: 2, method: 'b', params: {} },
  ],
  [
    '64 levels',
    `{"jsonrpc":"2.0","method":"m","params":{"a":${nested(62)}}}`,
    { kind: 'notification', method: 'm', params: { a: JSON.parse(nested(62)) as unknown } },
  ],
  [
    'brackets in strings',
    `{"jsonrpc":"2.0","method":"${'['.repeat(65)}"}`,
    { kind: 'notification', method: '['.repeat(65), params: {} },
  ],
  [
    'a number',
    '1',
    { kind: 'invalid', id: undefined, message: 'The message is a number, expected an object' },
  ],
  [
    'null',
    'null',
    { kind: 'invalid', id: undefined, message: 'The message is null, expected an object' },
  ],
  ['an empty object', '{}', { kind: 'invalid', id: undefined, message: 'jsonrpc must be "2.0"' }],
  [
    'JSON-RPC 1.0',
    '{"jsonrpc":"1.0","id":7,"method":"m"}',
    { kind: 'invalid', id: 7, message: 'jsonrpc must be "2.0"' },
  ],
  [
    'the number 2.0',
    '{"jsonrpc":2.0,"id":7,"method":"m"}',
    { kind: 'invalid', id: 7, message: 'jsonrpc must be "2.0"' },
  ],
  [
    'a request on the prototype',
    '{"__proto__":{"jsonrpc":"2.0","id":1,"method":"m"}}',
    { kind: 'invalid', id: undefined, message: 'jsonrpc must be "2.0"' },
  ],
  [
    'the id null',
    '{"jsonrpc":"2.0","id":null,"method":"m"}',
    { kind: 'invalid', id: undefined, message: BAD_ID('null') },
  ],
  [
    'an object as id',
    '{"jsonrpc":"2.0","id":{},"method":"m"}',
    { kind: 'invalid', id: undefined, message: BAD_ID('an object') },
  ],
  [
    'true as id',
    '{"jsonrpc":"2.0","id":true,"method":"m"}',
    { kind: 'invalid', id: undefined, message: BAD_ID('a boolean') },
  ],
  [
    'a fraction as id',
    '{"jsonrpc":"2.0","id":1.5,"method":"m"}',
    { kind: 'invalid', id: undefined, message: BAD_ID('a number') },
  ],
  [
    'an id of 2^53',
    '{"jsonrpc":"2.0","id":9007199254740992,"method":"m"}',
    { kind: 'invalid', id: undefined, message: BAD_ID('a number') },
  ],
  [
    'an id of 1e400',
    '{"jsonrpc":"2.0","id":1e400,"method":"m"}',
    { kind: 'invalid', id: undefined, message: BAD_ID('a number') },
  ],
  [
    'an id of 257 characters',
    `{"jsonrpc":"2.0","id":"${longText}","method":"m"}`,
    { kind: 'invalid', id: undefined, message: BAD_ID('a string') },
  ],
  ['a result', '{"jsonrpc":"2.0","id":1,"result":{}}', { kind: 'response', id: 1, result: {} }],
  [
    'an error',
    '{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}}',
    { kind: 'response', id: 1, result: undefined },
  ],
  [
    'a result without an id',
    '{"jsonrpc":"2.0","result":{}}',
    { kind: 'invalid', id: undefined, message: 'The message is a response without an id' },
  ],
  [
    'no method',
    '{"jsonrpc":"2.0","id":1}',
    { kind: 'invalid', id: 1, message: 'method is missing, expected a string' },
  ],
  [
    'a number as method',
    '{"jsonrpc":"2.0","id":1,"method":1}',
    { kind: 'invalid', id: 1, message: 'method is a number, expected a string' },
  ],
  [
    'an empty method',
    '{"jsonrpc":"2.0","id":1,"method":""}',
    { kind: 'invalid', id: 1, message: 'method has 0 characters, expected 1 to 128' },
  ],
  [
    'a method of 257 characters',
    `{"jsonrpc":"2.0","id":1,"method":"${longText}"}`,
    { kind: 'invalid', id: 1, message: 'method has 257 characters, expected 1 to 128' },
  ],
  [
    'params in an array',
    '{"jsonrpc":"2.0","id":1,"method":"m","params":[]}',
    { kind: 'invalid', id: 1, message: 'params is an array, expected an object' },
  ],
  [
    'params of null',
    '{"jsonrpc":"2.0","id":1,"method":"m","params":null}',
    { kind: 'invalid', id: 1, message: 'params is null, expected an object' },
  ],
]

for (const [title, text, expected] of messages) {
  test(`parseBody reads ${title}`, () => {
    assert.deepEqual(parseBody(new TextEncoder().encode(text)), {
      kind: 'single',
      message: expected,
    })
  })
}

test('parseBody reads a batch message by message', () => {
  const text = '[{"jsonrpc":"2.0","id":1,"method":"m"},[]]'
  assert.deepEqual(parseBody(new TextEncoder().encode(text)), {
    kind: 'batch',
    messages: [
      { kind: 'request', id: 1, method: 'm', params: {} },
      { kind: 'invalid', id: undefined, message: 'The message is an array, expected an object' },
    ],
  })
})

test('parseBody refuses 4 MiB of brackets within 50 ms', () => {
  const bytes = new TextEncoder().encode(`"${'['.repeat(4 * 1024 * 1024)}"${'['.repeat(65)}`)
  const readCpuMs = startCpuClock()
  assert.throws(() => parseBody(bytes), TOO_DEEP)
  assert.ok(readCpuMs() < 50)
})
