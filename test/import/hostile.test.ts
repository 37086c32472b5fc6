// Documents that are broken, or made to break the importer: each has one exact answer, and costs
// little.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ImportFailure } from '../../workers/messages.ts'
import { expectImported, importDocument, readNamed, readTools } from '../support/import.ts'

// The slowest takes 1.2 s on the machine where the limits were set.
const MAX_MS = 15_000

const MIB = 1024 * 1024
const EXPECTED = 'expected "openapi": "3.0", "3.1" or "3.2", or "swagger": "2.0"'
const TOO_DEEP = 'The document is nested deeper than 128 levels, the limit'
const NO_OPERATION = 'The document has no operation to import (#/paths)'
const LEFT_OUT = `${NO_OPERATION}; Left out GET /a (#/paths/~1a/get): `
const PATH_LEFT_OUT = `${NO_OPERATION}; Left out a path `

const openapi = (paths: unknown, rest: object = {}) => ({ openapi: '3.1.0', paths, ...rest })
const operation = (value: unknown, components: object = {}) =>
  openapi({ '/a': { get: value } }, { components })
const path = (name: string) => openapi({ [name]: { get: {} } })
const body = (schema: unknown) => ({
  requestBody: { content: { 'application/json': { schema } } },
})
const many = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, index) => make(index))
const bytes = (text: string, encoding?: BufferEncoding) =>
  Uint8Array.from(Buffer.from(text, encoding))

const laughs = many(
  9,
  (level) => `a${level + 1}: &a${level + 1} [${many(9, () => `*a${level}`).join(',')}]`,
)

const refused: readonly (readonly [string, unknown, ImportFailure, string])[] = [
  ['nothing', '', 'DOCUMENT_INVALID', 'The document is empty; expected OpenAPI as JSON or YAML'],
  [
    'blanks',
    ' \n\t',
    'DOCUMENT_INVALID',
    'The document is empty; expected OpenAPI as JSON or YAML',
  ],
  [
    'a web page',
    '<!doctype html><html></html>',
    'DOCUMENT_INVALID',
    'The document is HTML or XML, a page to sign in perhaps; expected OpenAPI as JSON or YAML',
  ],
  [
    'an array',
    '[]',
    'DOCUMENT_INVALID',
    'The document is an array; expected an object with an "openapi" or "swagger" key',
  ],
  [
    'JSON with a stray comma',
    '{"openapi": "3.1.0",\n "paths": {,}}',
    'DOCUMENT_INVALID',
    'The document is no valid JSON: line 2, column 12: expected a key in double quotes',
  ],
  [
    'JSON that ends early',
    '{"openapi": "3.1.0"',
    'DOCUMENT_INVALID',
    'The document is no valid JSON: line 1, column 20: expected "," or "}"',
  ],
  [
    'JSON with a word behind it',
    '{"a":1} x',
    'DOCUMENT_INVALID',
    'The document is no valid JSON: line 1, column 9: expected the end',
  ],
  [
    'JSON with a bare line feed in a string',
    '{"a":"\n"}',
    'DOCUMENT_INVALID',
    'The document is no valid JSON: line 1, column 7: expected no bare control character in a string',
  ],
  [
    'JSON with an unknown escape',
    '{"a":"\\x"}',
    'DOCUMENT_INVALID',
    'The document is no valid JSON: line 1, column 8: expected an escape that JSON knows',
  ],
  [
    'YAML with a tab',
    'openapi: 3.1.0\npaths:\n\t/a: {}\n',
    'DOCUMENT_INVALID',
    'The document is no valid YAML: line 3, column 1: Tabs are not allowed as indentation',
  ],
  [
    'YAML with a key twice',
    'openapi: 3.1.0\nopenapi: 3.0.0\n',
    'DOCUMENT_INVALID',
    'The document is no valid YAML: line 2, column 1: Map keys must be unique',
  ],
  [
    'YAML with two documents',
    'openapi: 3.1.0\n---\nopenapi: 3.1.0\n',
    'DOCUMENT_INVALID',
    'The document is no valid YAML: line 2, column 1: expected one document',
  ],
  [
    'YAML with an unknown alias',
    'a: *b',
    'DOCUMENT_INVALID',
    'The document is no valid YAML: Unresolved alias (the anchor must be set before the alias): b',
  ],
  [
    'a billion laughs',
    ['a0: &a0 [lol]', ...laughs].join('\n'),
    'DOCUMENT_TOO_LARGE',
    'The YAML aliases of the document expand to too many values; expected "$ref" for what is shared',
  ],
  [
    'a quadratic blow-up',
    `x: &x [${'y,'.repeat(20_000)}]\nz: [${'*x,'.repeat(9_000)}]`,
    'DOCUMENT_TOO_LARGE',
    'The document has more than 2000000 values, the limit',
  ],
  ['an alias to its own parent', 'paths: &p\n  /a: *p\n', 'DOCUMENT_TOO_LARGE', TOO_DEEP],
  ['100,000 open lists in YAML', '['.repeat(100_000), 'DOCUMENT_TOO_LARGE', TOO_DEEP],
  ['100,000 nested lists in YAML', `${'- '.repeat(100_000)}a`, 'DOCUMENT_TOO_LARGE', TOO_DEEP],
  [
    '100,000 nested lists in JSON',
    `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
    'DOCUMENT_TOO_LARGE',
    TOO_DEEP,
  ],
  [
    'two million values',
    `{"a":[${'0,'.repeat(2_000_000)}0]}`,
    'DOCUMENT_TOO_LARGE',
    'The document has more than 2000000 values, the limit',
  ],
  [
    'more than 32 MiB',
    new Uint8Array(32 * MIB + 1),
    'DOCUMENT_TOO_LARGE',
    'The document is 33554433 bytes, the limit is 33554432',
  ],
  [
    'more than 16 MiB of YAML',
    `a: ${'x'.repeat(16 * MIB)}`,
    'DOCUMENT_TOO_LARGE',
    'The document is 16777219 bytes of YAML, the limit is 16777216; as JSON it may be 33554432',
  ],
  [
    'UTF-16',
    bytes('\ufeff{}', 'utf16le'),
    'DOCUMENT_INVALID',
    'The document is UTF-16; expected UTF-8',
  ],
  [
    'UTF-16 without a mark',
    bytes('{}', 'utf16le'),
    'DOCUMENT_INVALID',
    'The document is UTF-16; expected UTF-8',
  ],
  [
    'broken UTF-8',
    Uint8Array.of(0x7b, 0xff, 0x7d),
    'DOCUMENT_INVALID',
    'The document is no valid UTF-8: is it a binary file?',
  ],
  [
    'no version',
    { paths: {} },
    'DOCUMENT_INVALID',
    `The document has no "openapi" or "swagger" key at its top; ${EXPECTED}`,
  ],
  [
    'OpenAPI 4',
    { openapi: '4.0.0', paths: {} },
    'DOCUMENT_INVALID',
    `Cannot read OpenAPI "4.0.0" (#/openapi): ${EXPECTED}`,
  ],
  [
    'Swagger 1.2',
    { swagger: '1.2', paths: {} },
    'DOCUMENT_INVALID',
    `Cannot read Swagger "1.2" (#/swagger): ${EXPECTED}`,
  ],
  [
    'a version that is an object',
    { openapi: { toString: 1 }, paths: {} },
    'DOCUMENT_INVALID',
    `Cannot read OpenAPI {"toString":1} (#/openapi): ${EXPECTED}`,
  ],
  [
    'no paths',
    { openapi: '3.1.0' },
    'DOCUMENT_INVALID',
    'Cannot read the paths (#/paths): expected an object, found nothing',
  ],
  [
    'a list of paths',
    openapi([]),
    'DOCUMENT_INVALID',
    'Cannot read the paths (#/paths): expected an object, found an array',
  ],
  ['no operation', openapi({}), 'DOCUMENT_INVALID', NO_OPERATION],
  [
    '5,001 operations',
    openapi(Object.fromEntries(many(5_001, (index) => [`/p${index}`, { get: {} }]))),
    'DOCUMENT_TOO_LARGE',
    'The document has more than 5000 operations, the limit',
  ],
  [
    'an operation that is a string',
    operation('x'),
    'DOCUMENT_INVALID',
    `${LEFT_OUT}expected an object, found a string`,
  ],
  [
    'parameters that are an object',
    operation({ parameters: {} }),
    'DOCUMENT_INVALID',
    `${LEFT_OUT}expected "parameters" to be an array, found an object`,
  ],
  [
    'a parameter that is null',
    operation({ parameters: [null] }),
    'DOCUMENT_INVALID',
    `${LEFT_OUT}expected parameter 0 to be an object, found null`,
  ],
  [
    'a parameter without a name',
    operation({ parameters: [{ in: 'query' }] }),
    'DOCUMENT_INVALID',
    `${LEFT_OUT}parameter 0 has no name`,
  ],
  [
    'a parameter with a long name',
    operation({ parameters: [{ in: 'query', name: 'x'.repeat(513) }] }),
    'DOCUMENT_INVALID',
    `${LEFT_OUT}the name of parameter 0 is over 512 characters`,
  ],
  [
    'a parameter in no place',
    operation({ parameters: [{ name: 'a', in: ['query'] }] }),
    'DOCUMENT_INVALID',
    `${LEFT_OUT}expected "in" of parameter 0 to be one of path, query, header, cookie`,
  ],
  [
    'a reference to the network',
    operation({ parameters: [{ $ref: 'http://169.254.169.254/a' }] }),
    'DOCUMENT_INVALID',
    `${LEFT_OUT}parameter 0 refers to http://169.254.169.254/a, only local references are followed`,
  ],
  [
    'a reference to a file',
    operation({ requestBody: { $ref: '/etc/passwd' } }),
    'DOCUMENT_INVALID',
    `${LEFT_OUT}the request body refers to /etc/passwd, only local references are followed`,
  ],
  [
    'a reference to nothing',
    operation({ parameters: [{ $ref: '#/components/parameters/constructor' }] }),
    'DOCUMENT_INVALID',
    `${LEFT_OUT}parameter 0 refers to #/components/parameters/constructor, there is nothing`,
  ],
  [
    'references in a circle',
    operation(
      { parameters: [{ $ref: '#/components/parameters/A' }] },
      {
        parameters: {
          A: { $ref: '#/components/parameters/B' },
          B: { $ref: '#/components/parameters/A' },
        },
      },
    ),
    'DOCUMENT_INVALID',
    `${LEFT_OUT}parameter 0 refers to #/components/parameters/A, which leads back to itself`,
  ],
  [
    'content that is a list',
    operation({ requestBody: { content: [] } }),
    'DOCUMENT_INVALID',
    `${LEFT_OUT}expected "content" to be an object, found an array`,
  ],
  [
    'a media type with a line break',
    operation({ requestBody: { content: { 'a/b\r\nx: y': {} } } }),
    'DOCUMENT_INVALID',
    `${LEFT_OUT}expected "content" to name a media type, like "application/json"`,
  ],
  [
    'a path item that is null',
    openapi({ '/a': null }),
    'DOCUMENT_INVALID',
    `${PATH_LEFT_OUT}(#/paths/~1a): expected a path item to be an object, found null`,
  ],
  [
    'a relative path',
    path('a'),
    'DOCUMENT_INVALID',
    `${PATH_LEFT_OUT}(#/paths/a): expected a path that starts with "/"`,
  ],
  [
    'a path that names a host',
    path('//evil.example'),
    'DOCUMENT_INVALID',
    `${PATH_LEFT_OUT}(#/paths/~1~1evil.example): a path starts with one "/"`,
  ],
  [
    'a path that climbs',
    path('/a/%2e%2E/b'),
    'DOCUMENT_INVALID',
    `${PATH_LEFT_OUT}(#/paths/~1a~1%2e%2E~1b): a path holds no "." and no ".." segment`,
  ],
  [
    'a path with NUL',
    path('/a\u0000'),
    'DOCUMENT_INVALID',
    `${PATH_LEFT_OUT}(#/paths/~1a): a path holds no control character and no backslash`,
  ],
  [
    'a path with a query',
    path('/a?b=c'),
    'DOCUMENT_INVALID',
    `${PATH_LEFT_OUT}(#/paths/~1a?b=c): a path holds no query`,
  ],
  [
    'a path with half a slot',
    path('/a/{b'),
    'DOCUMENT_INVALID',
    `${PATH_LEFT_OUT}(#/paths/~1a~1{b): expected "{name}" for each slot of the path`,
  ],
  [
    'a large parameter in 5,000 operations',
    openapi(
      Object.fromEntries(
        many(5_000, (index) => [
          `/p${index}`,
          { get: { parameters: [{ $ref: '#/components/parameters/P' }] } },
        ]),
      ),
      {
        components: {
          parameters: { P: { name: 'p', in: 'query', schema: { enum: many(500, String) } } },
        },
      },
    ),
    'DOCUMENT_TOO_LARGE',
    'The operations use more than 2000000 values once references are followed, the limit',
  ],
]

for (const [title, document, code, message] of refused) {
  test(`import refuses ${title}`, async () => {
    const start = performance.now()
    assert.deepEqual(await importDocument(document), { type: 'refused', code, message })
    assert.ok(performance.now() - start < MAX_MS)
  })
}

test('import refuses a large schema in 5,000 operations before it costs minutes', async () => {
  const start = performance.now()
  const properties = Object.fromEntries(many(1_900, (index) => [`p${index}`, { type: 'string' }]))
  const post = body({ $ref: '#/components/schemas/Large' })
  const document = openapi(Object.fromEntries(many(5_000, (index) => [`/p${index}`, { post }])), {
    components: { schemas: { Large: { type: 'object', properties } } },
  })
  assert.deepEqual(await importDocument(document), {
    type: 'refused',
    code: 'DOCUMENT_TOO_LARGE',
    message:
      'The document takes too much work to import: expected fewer operations or smaller schemas',
  })
  assert.ok(performance.now() - start < 4 * MAX_MS)
})

const simplified: readonly (readonly [string, unknown, unknown, readonly string[]])[] = [
  [
    'a reference to the network',
    {
      type: 'object',
      properties: { a: { $ref: 'https://evil.example/a.json', description: 'A' } },
    },
    { type: 'object', properties: { a: { description: 'A' } } },
    [
      'Simplified a schema (#/paths/~1a/get): it refers to https://evil.example/a.json, only local references are followed',
    ],
  ],
  [
    'references to prototypes',
    { anyOf: [{ $ref: '#/__proto__' }, { $ref: '#/constructor/prototype' }] },
    { anyOf: [{}, {}] },
    [
      'Simplified a schema (#/paths/~1a/get): it refers to #/__proto__, there is no schema',
      'Simplified a schema (#/paths/~1a/get): it refers to #/constructor/prototype, there is no schema',
    ],
  ],
  ['the document itself', { $ref: '#' }, {}, []],
  [
    'an enum of 100,000 values',
    { type: 'string', enum: many(100_000, String) },
    { type: 'string' },
    ['Simplified a schema (#/paths/~1a/get): "enum" is over 16384 characters'],
  ],
  [
    'an enum of 1,001 values',
    { enum: many(1_001, (index) => index) },
    {},
    ['Simplified a schema (#/paths/~1a/get): dropped an enum of 1001 values, the limit is 1000'],
  ],
  [
    '3,000 properties',
    {
      type: 'object',
      properties: Object.fromEntries(many(3_000, (index) => [`p${index}`, { type: 'string' }])),
    },
    { type: 'object', properties: Object.fromEntries(many(3_000, (index) => [`p${index}`, {}])) },
    [
      'Simplified a schema (#/paths/~1a/get): it is too large, {} stands for what is below 1 levels',
    ],
  ],
  [
    'more than 256 KiB of names',
    { type: 'object', required: many(1_000, (index) => `${index}${'x'.repeat(300)}`) },
    {},
    [
      'Simplified a schema (#/paths/~1a/get): it is too large, {} stands for what is below 0 levels',
    ],
  ],
  [
    'names of the prototype chain',
    JSON.parse(
      '{"type":"object","required":["__proto__","constructor"],"properties":{"__proto__":{"type":"string"},"constructor":{"type":"string"},"toString":{"default":{"__proto__":1}}}}',
    ),
    JSON.parse(
      '{"type":"object","required":["constructor"],"properties":{"constructor":{"type":"string"},"toString":{"default":{"__proto__":1}}}}',
    ),
    [],
  ],
  [
    'hidden characters in prose',
    {
      description: 'Safe\u202e\u{e0041}\u{e0042}\u200b\u0007 text \ud800',
      title: '👨‍👩‍👧 می‌خواهم a\u200d\u200c\u200db',
    },
    { title: '👨‍👩‍👧 می‌خواهم ab', description: 'Safe text' },
    [],
  ],
]

for (const [title, schema, expected, warnings] of simplified) {
  test(`import simplifies ${title} in a schema`, async () => {
    const outcome = await expectImported(operation(body(schema)))
    assert.deepEqual(readNamed(outcome)['get_a']?.inputSchema.properties['body'], expected)
    assert.deepEqual(outcome.warnings, warnings)
  })
}

test('import cuts a chain of 200 schemas at 64 levels', async () => {
  const schemas = Object.fromEntries(
    many(200, (index) => [
      `S${index}`,
      { type: 'object', properties: { next: { $ref: `#/components/schemas/S${index + 1}` } } },
    ]),
  )
  const outcome = await expectImported(
    operation(body({ $ref: '#/components/schemas/S0' }), { schemas }),
  )
  let depth = 0
  let part: unknown = readNamed(outcome)['get_a']?.inputSchema.properties['body']
  while (typeof part === 'object' && part !== null && 'properties' in part) {
    depth += 1
    part = (part.properties as { next: unknown }).next
  }
  assert.equal(depth, 64)
  assert.deepEqual(part, {})
  assert.deepEqual(outcome.warnings, [
    'Simplified a schema (#/components/schemas/S199): it refers to #/components/schemas/S200, there is no schema',
    'Simplified a schema (#/paths/~1a/get): it is too large, {} stands for what is below 64 levels',
  ])
})

test('import keeps the size of doubling references linear', async () => {
  const schemas = Object.fromEntries(
    many(60, (index) => {
      const next = { $ref: `#/components/schemas/S${Math.min(index + 1, 59)}` }
      return [`S${index}`, { type: 'object', properties: { a: next, b: next, c: next } }]
    }),
  )
  const outcome = await expectImported(
    operation(body({ $ref: '#/components/schemas/S0' }), { schemas }),
  )
  assert.ok(JSON.stringify(readNamed(outcome)).length < 10_000)
  assert.deepEqual(outcome.warnings, [])
})

test('import of a hostile Swagger document leaves Object.prototype alone', async () => {
  const document =
    JSON.parse(`{"swagger":"2.0","host":{"toString":1},"schemes":"x","definitions":[],
    "produces":["__proto__"],"consumes":["__proto__"],"parameters":[1],
    "responses":{"R":{"examples":{"__proto__":{"polluted":true}}}},
    "paths":{"/a":{"post":{"operationId":"constructor","produces":["__proto__"],"consumes":["__proto__"],
      "parameters":[{"in":"formData","name":"__proto__","type":"string"},
        {"in":"formData","name":"a","type":"array","collectionFormat":"constructor","items":3},
        {"in":"query","name":"__proto__","type":{"a":1}}],
      "responses":{"200":{"examples":{"__proto__":"x","a":1}}}}}}}`) as unknown
  const outcome = await expectImported(document)
  assert.deepEqual(Object.getOwnPropertyNames({}), [])
  assert.deepEqual(
    ['example', 'examples', 'polluted'].filter((name) => name in {}),
    [],
  )
  assert.deepEqual(outcome.warnings, [
    'Left out a parameter (#/paths/~1a/post/parameters/0): its name is "__proto__"',
    'Simplified a schema (#/paths/~1a/post): dropped the unknown type {"a":1}',
  ])
  assert.deepEqual(readNamed(outcome)['constructor']?.parameters, [
    { argument: 'proto', name: '__proto__', in: 'query', style: 'form', explode: true },
  ])
})

test('import drops headers of the transport and those that OpenAPI ignores', async () => {
  const parameters = [
    'Host',
    'X\r\nY',
    'authorization',
    'Content-Type',
    'Transfer-Encoding',
    'X-Ok',
  ]
  const outcome = await expectImported(
    operation({ parameters: parameters.map((name) => ({ name, in: 'header', required: true })) }),
  )
  assert.deepEqual(readNamed(outcome)['get_a']?.inputSchema, {
    type: 'object',
    properties: { 'X-Ok': {} },
    required: ['X-Ok'],
    additionalProperties: false,
  })
  assert.deepEqual(outcome.warnings, [
    'Left out a parameter (#/paths/~1a/get/parameters/0): the header "Host" cannot be set: it belongs to the connection',
    'Left out a parameter (#/paths/~1a/get/parameters/1): the header "X\\r\\nY" is no header name: expected letters, digits and hyphens',
    'Left out a parameter (#/paths/~1a/get/parameters/4): the header "Transfer-Encoding" cannot be set: it belongs to the connection',
  ])
})

test('import makes safe names and texts of hostile ones', async () => {
  const outcome = await expectImported(
    openapi({
      '/a': { get: { operationId: 'x'.repeat(100_000), description: 'd'.repeat(100_000) } },
      '/b': { get: { operationId: 'x'.repeat(65), summary: 's\u202e\n'.repeat(200) } },
      '/c': { get: { operationId: 'получить/été ﬁｎｄ\u202e\u{e0041}', deprecated: true } },
      '/d#one': { get: {} },
      '/d#two': { get: {} },
    }),
  )
  const cut = `${'d'.repeat(4_095)}…`
  assert.deepEqual(
    readTools(outcome).map(({ name, title, description, path: shown }) => [
      name,
      title,
      description,
      shown,
    ]),
    [
      ['x'.repeat(64), 'GET /a', cut, '/a'],
      [`${'x'.repeat(62)}_2`, `${'s '.repeat(63)}s…`, `${'s\n'.repeat(199)}s`, '/b'],
      ['ete_find', 'GET /c', 'Deprecated. GET /c', '/c'],
      ['get_d_one', 'GET /d#one', 'GET /d#one', '/d#one'],
      ['get_d_two', 'GET /d#two', 'GET /d#two', '/d#two'],
    ],
  )
  const definitions = outcome.batches.flatMap(
    (batch) => JSON.parse(new TextDecoder().decode(batch.definitions)) as unknown[],
  )
  assert.equal(definitions.length, 4)
})

test('import imports the good operations of a bad document, and says at most 100 sentences', async () => {
  const outcome = await expectImported(
    openapi(
      Object.fromEntries([
        ['/good', { get: {}, trace: {} }],
        ...many(300, (index) => [`/p${index}`, { get: index }]),
      ]),
    ),
  )
  assert.equal(outcome.toolCount, 1)
  assert.equal(outcome.warnings.length, 100)
  assert.deepEqual(
    [...outcome.warnings.slice(0, 2), outcome.warnings.at(-1)],
    [
      'Left out trace (#/paths/~1good): expected one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
      'Left out GET /p0 (#/paths/~1p0/get): expected an object, found a number',
      '202 more warnings are not shown',
    ],
  )
})

for (const [title, document] of [
  ['a byte order mark', '\ufeff{"openapi":"3.1.0","paths":{"/a":{"get":{}}}}'],
  ['a version that YAML reads as a number', 'openapi: 3.1\npaths:\n  /a: { get: {} }\n'],
  ['Swagger 2.0 that YAML reads as a number', 'swagger: 2.0\npaths:\n  /a: { get: {} }\n'],
] as const) {
  test(`import accepts ${title}`, async () => {
    const outcome = await expectImported(document)
    assert.deepEqual(
      readTools(outcome).map(({ name }) => name),
      ['get_a'],
    )
  })
}
