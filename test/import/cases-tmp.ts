const paths = (value: unknown, rest: object = {}) => ({ openapi: '3.1.0', info: { title: 'T', version: '1' }, paths: value, ...rest })
const json = (schema: unknown) => ({ content: { 'application/json': { schema } } })
export const cases = [
  { title: 'locations, styles and their defaults', document: paths({ '/a/{p}/{l}': { get: { operationId: 'styles', parameters: [
    { name: 'p', in: 'path', required: true, schema: { type: 'string' } },
    { name: 'l', in: 'path', required: true, style: 'label', explode: true, schema: { type: 'array', items: { type: 'string' } } },
    { name: 'q', in: 'query', schema: { type: 'array', items: { type: 'integer' } } },
    { name: 's', in: 'query', style: 'spaceDelimited', schema: { type: 'array', items: { type: 'integer' } }, allowReserved: true },
    { name: 'd', in: 'query', style: 'deepObject', explode: true, schema: { type: 'object' } },
    { name: 'w', in: 'query', style: 'matrix', schema: { type: 'string' } },
    { name: 'j', in: 'query', content: { 'application/json': { schema: { type: 'object' } } } },
    { name: 'X-H', in: 'header', description: 'A header', deprecated: true, schema: { type: 'string', description: 'Of the schema' } },
    { name: 'c', in: 'cookie', schema: { type: 'string' } },
    { name: 'Accept', in: 'header', required: true, schema: { type: 'string' } },
    { name: 'unused', in: 'path', required: true, schema: { type: 'string' } },
  ] } } }) },
  { title: 'path-level', document: paths({ '/a/{id}': { parameters: [ { name: 'id', in: 'path', required: true, schema: { type: 'string' } }, { name: 'x', in: 'query', schema: { type: 'string' } } ], get: { operationId: 'inherit' }, put: { operationId: 'override', parameters: [ { name: 'x', in: 'query', required: true, schema: { type: 'integer' } } ] } } }) },
  { title: 'collisions of arguments', document: paths({ '/a/{id}/{body}': { post: { operationId: 'collide', parameters: [
    { name: 'id', in: 'query', schema: { type: 'integer' } },
    { name: 'id', in: 'path', required: true, schema: { type: 'string' } },
    { name: 'id', in: 'header', schema: { type: 'string' } },
    { name: 'filter[a]', in: 'query', schema: { type: 'string' } },
    { name: 'filter_a', in: 'query', schema: { type: 'string' } },
    { name: 'at<', in: 'query', schema: { type: 'string' } },
    { name: 'at>', in: 'query', schema: { type: 'string' } },
    { name: 'имя', in: 'query', schema: { type: 'string' } },
  ], requestBody: json({ type: 'object' }) } } }) },
  { title: 'names of tools', document: paths({ '/pets': { get: { summary: 'List' }, post: { operationId: 'pets/create' } }, '/pets/{petId}': { get: { operationId: 'pets/create' }, delete: { operationId: 'get_pets', deprecated: true, description: 'Away with it' } }, '/日本': { get: {} , head: {operationId:'  '}} }) },
  { title: 'references', document: paths({ '/a': { $ref: '#/components/pathItems/A' } }, { components: {
    pathItems: { A: { post: { operationId: 'refs', parameters: [{ $ref: '#/components/parameters/One' }], requestBody: { $ref: '#/components/requestBodies/B' } } } },
    parameters: { One: { $ref: '#/components/parameters/T~1wo%20x' }, 'T/wo x': { name: 'two', in: 'query', schema: { $ref: '#/components/schemas/Once' } } },
    requestBodies: { B: { required: true, description: 'The body', ...json({ $ref: '#/components/schemas/Node' }) } },
    schemas: { Once: { type: 'string', enum: ['a', 'b'] }, Node: { type: 'object', properties: { value: { $ref: '#/paths/~1a/x-odd/0' , description: 'Odd'}, left: { $ref: '#/components/schemas/Node' }, shared: { $ref: '#/components/schemas/Sh a-red' }, again: { type: 'array', items: { $ref: '#/components/schemas/Sh%20a-red' } } } }, 'Sh a-red': { type: 'object', properties: { a: { $ref: '#/components/schemas/Once' } } } },
  } }) },
  { title: 'Swagger 2', document: { swagger: '2.0', info: { title: 'Two' }, host: 'api.example', basePath: '/v2', schemes: ['http', 'https'], consumes: ['application/xml', 'application/json'], parameters: { Shared: { name: 'body', in: 'body', required: true, schema: { $ref: '#/definitions/Pet' } } }, definitions: { Pet: { type: 'object', required: ['id', 'name'], properties: { id: { type: 'integer', readOnly: true }, name: { type: 'string', 'x-nullable': true }, parent: { $ref: '#/definitions/Pet' } } } }, paths: {
    '/pets': { parameters: [{ name: 'tags', in: 'query', type: 'array', items: { type: 'string' }, collectionFormat: 'pipes' }, { name: 'n', in: 'query', type: 'integer', minimum: 0, exclusiveMinimum: true, default: 3 }], post: { operationId: 'addPet', parameters: [{ $ref: '#/parameters/Shared' }] } },
    '/upload': { post: { operationId: 'upload', consumes: ['multipart/form-data'], parameters: [{ name: 'file', in: 'formData', type: 'file', required: true, description: 'The file' }, { name: 'note', in: 'formData', type: 'string' }] } },
    '/form': { post: { operationId: 'form', consumes: ['application/x-www-form-urlencoded'], parameters: [{ name: 'a', in: 'formData', type: 'array', items: { type: 'string' } }] } } } } },
  { title: 'OpenAPI 3.0', document: { ...paths({ '/a': { post: { operationId: 'mended', requestBody: { required: true, ...json({ type: 'object', required: ['id', 'name'], additionalProperties: false, xml: { name: 'x' }, example: { a: 1 }, discriminator: { propertyName: 'kind' }, properties: {
    id: { type: 'string', readOnly: true }, name: { type: 'string', nullable: true, maxLength: 9 }, secret: { type: 'string', writeOnly: true }, min: { type: 'number', minimum: 1, exclusiveMinimum: true }, ref: { nullable: true, allOf: [{ $ref: '#/components/schemas/E' }] }, ro: { $ref: '#/components/schemas/RO' }, bytes: { type: 'string', format: 'byte' }, one: { nullable: true, oneOf: [{ type: 'string' }, { type: 'integer' }] }, kind: { enum: ['a'], nullable: true }, properties: { type: 'string' }, default: { type: 'string', default: { $ref: '#/not/a/ref' } },
  } }) } } } }, { components: { schemas: { E: { type: 'string', enum: ['x'] }, RO: { type: 'string', readOnly: true } } } }), openapi: '3.0.3' } },
  { title: 'OpenAPI 3.1', document: paths({ '/a': { post: { operationId: 'modern', requestBody: json({ type: ['object', 'null'], properties: { t: { type: 'array', prefixItems: [{ type: 'string' }], items: false }, old: { type: 'array', items: [{ type: 'string' }] }, c: { const: 1 }, x: { exclusiveMinimum: 2, examples: [3], 'x-foo': 1 }, n: { not: { type: 'string' } }, i: { if: { required: ['a'] }, then: { required: ['b'] }, else: false } , p: { type: 'object', patternProperties: { '^x-': { type: 'string' }, '((': {} }, propertyNames: { pattern: '^[a-z]+$' }, dependentRequired: { a: ['b'] }, unevaluatedProperties: false } }, $id: 'https://x.example/', $schema: 'https://json-schema.org/draft/2020-12/schema', $comment: 'c' }) } } }) },
  { title: 'bodies', document: paths({
    '/json': { post: { operationId: 'json', requestBody: { content: { 'text/plain': {}, 'application/vnd.a+json; v=1': { schema: { type: 'string' } } } } } },
    '/exact': { post: { operationId: 'exact', requestBody: { content: { 'application/vnd.a+json': {}, 'application/json; charset=utf-8': { schema: { type: 'integer' } } } } } },
    '/any': { post: { operationId: 'any', requestBody: { content: { '*/*': { schema: { type: 'integer' } } } } } },
    '/form': { post: { operationId: 'form', requestBody: { content: { 'multipart/form-data': {}, 'application/x-www-form-urlencoded': { schema: { properties: { a: { type: 'string' } } } } } } } },
    '/xml': { post: { operationId: 'xml', requestBody: { required: true, description: 'XML', content: { 'application/xml': { schema: { type: 'object' } } } } } },
    '/binary': { post: { operationId: 'binary', requestBody: { content: { 'image/*': { schema: { type: 'string', format: 'binary' } } } } } },
  }) },
  { title: 'recursion in place', document: paths({ '/a': { post: { operationId: 'circle', requestBody: json({ $ref: '#/components/schemas/A' }) } } }, { components: { schemas: { A: { allOf: [{ $ref: '#/components/schemas/B' }] }, B: { anyOf: [{ $ref: '#/components/schemas/A' }, { type: 'string' }] } } } }) },
  { title: 'readOnly in allOf', document: paths({ '/a': { post: { operationId: 'all', requestBody: json({ allOf: [{ $ref: '#/components/schemas/Base' }, { type: 'object', required: ['id', 'name'] }] }) } } }, { components: { schemas: { Base: { type: 'object', properties: { id: { type: 'string', readOnly: true }, name: { type: 'string' } } } } } }) },
  { title: 'server variables', document: paths({ '/a': { get: {operationId:'a'}, servers: [{ url: 'https://other.example' }] } }, { servers: [{ url: 'https://{region}.example/{base}/{none}', variables: { region: { default: 'eu' }, base: { default: 'v1', enum: ['v1'] } } }] }) },
  { title: 'mistakes', document: paths({ '/a': { get: { operationId: 'm', parameters: [
    { name: 'a', in: 'query', schema: { type: 'int', required: true, minLength: -1, maximum: 'x', enum: [], pattern: '((', multipleOf: 0, items: 3, allOf: [], properties: [] } },
    { name: 'b', in: 'query', schema: 'string' }, { name: 'c', in: 'query' } , { name: 'd', in: 'query', schema: { type: 'date', title: 3, description: 'D\u202e' , allOf: ['x', true]} } ] } } }) },
]
