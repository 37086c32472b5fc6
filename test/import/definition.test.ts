// Small documents and the whole definitions that they become.
// oxlint-disable unicorn/no-thenable -- `then` is a keyword of JSON Schema.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expectImported, readNamed } from '../support/import.ts'

interface Case {
  readonly title: string
  readonly document: unknown
  readonly warnings: readonly string[]
  readonly serverUrl?: string
  /** By the names of their tools, in the order of the document. */
  readonly definitions: Readonly<Record<string, unknown>>
}

const paths = (value: unknown, rest: object = {}) => ({
  openapi: '3.1.0',
  info: { title: 'T', version: '1' },
  paths: value,
  ...rest,
})
const ajv = new Ajv2020({ strict: false, validateFormats: false })
const json = (schema: unknown) => ({ content: { 'application/json': { schema } } })

const cases: readonly Case[] = [
  {
    title: 'parameters have their location, their style and its default',
    document: paths({
      '/a/{p}/{l}': {
        get: {
          operationId: 'styles',
          parameters: [
            { name: 'p', in: 'path', required: true, schema: { type: 'string' } },
            {
              name: 'l',
              in: 'path',
              required: true,
              style: 'label',
              explode: true,
              schema: { type: 'array', items: { type: 'string' } },
            },
            { name: 'q', in: 'query', schema: { type: 'array', items: { type: 'integer' } } },
            {
              name: 's',
              in: 'query',
              style: 'spaceDelimited',
              schema: { type: 'array', items: { type: 'integer' } },
              allowReserved: true,
            },
            {
              name: 'd',
              in: 'query',
              style: 'deepObject',
              explode: true,
              schema: { type: 'object' },
            },
            { name: 'w', in: 'query', style: 'matrix', schema: { type: 'string' } },
            {
              name: 'j',
              in: 'query',
              content: { 'application/json': { schema: { type: 'object' } } },
            },
            {
              name: 'X-H',
              in: 'header',
              description: 'A header',
              deprecated: true,
              schema: { type: 'string', description: 'Of the schema' },
            },
            { name: 'c', in: 'cookie', schema: { type: 'string' } },
            { name: 'Accept', in: 'header', required: true, schema: { type: 'string' } },
            { name: 'unused', in: 'path', required: true, schema: { type: 'string' } },
          ],
        },
      },
    }),
    warnings: [],
    definitions: {
      styles: {
        method: 'GET',
        path: '/a/{p}/{l}',
        inputSchema: {
          type: 'object',
          properties: {
            p: { type: 'string' },
            l: { type: 'array', items: { type: 'string' } },
            q: { type: 'array', items: { type: 'integer' } },
            s: { type: 'array', items: { type: 'integer' } },
            d: { type: 'object' },
            w: { type: 'string' },
            j: { type: 'object' },
            'X-H': { description: 'A header', type: 'string', deprecated: true },
            c: { type: 'string' },
          },
          required: ['p', 'l'],
          additionalProperties: false,
        },
        parameters: [
          { argument: 'p', name: 'p', in: 'path', style: 'simple', explode: false },
          { argument: 'l', name: 'l', in: 'path', style: 'label', explode: true },
          { argument: 'q', name: 'q', in: 'query', style: 'form', explode: true },
          {
            argument: 's',
            name: 's',
            in: 'query',
            style: 'spaceDelimited',
            explode: false,
            allowReserved: true,
          },
          { argument: 'd', name: 'd', in: 'query', style: 'deepObject', explode: true },
          { argument: 'w', name: 'w', in: 'query', style: 'form', explode: true },
          { argument: 'j', name: 'j', in: 'query', style: 'form', explode: true, isJson: true },
          { argument: 'X-H', name: 'X-H', in: 'header', style: 'simple', explode: false },
          { argument: 'c', name: 'c', in: 'cookie', style: 'form', explode: true },
        ],
      },
    },
  },
  {
    title: 'parameters of a path are inherited, and replaced by name and location',
    document: paths({
      '/a/{id}': {
        parameters: [
          { name: 'id', in: 'path', required: true, schema: { type: 'string' } },
          { name: 'x', in: 'query', schema: { type: 'string' } },
        ],
        get: { operationId: 'inherit' },
        put: {
          operationId: 'override',
          parameters: [{ name: 'x', in: 'query', required: true, schema: { type: 'integer' } }],
        },
      },
    }),
    warnings: [],
    definitions: {
      inherit: {
        method: 'GET',
        path: '/a/{id}',
        inputSchema: {
          type: 'object',
          properties: { id: { type: 'string' }, x: { type: 'string' } },
          required: ['id'],
          additionalProperties: false,
        },
        parameters: [
          { argument: 'id', name: 'id', in: 'path', style: 'simple', explode: false },
          { argument: 'x', name: 'x', in: 'query', style: 'form', explode: true },
        ],
      },
      override: {
        method: 'PUT',
        path: '/a/{id}',
        inputSchema: {
          type: 'object',
          properties: { id: { type: 'string' }, x: { type: 'integer' } },
          required: ['id', 'x'],
          additionalProperties: false,
        },
        parameters: [
          { argument: 'id', name: 'id', in: 'path', style: 'simple', explode: false },
          { argument: 'x', name: 'x', in: 'query', style: 'form', explode: true },
        ],
      },
    },
  },
  {
    title: 'arguments are unique over all locations, and the path keeps its name',
    document: paths({
      '/a/{id}/{body}': {
        post: {
          operationId: 'collide',
          parameters: [
            { name: 'id', in: 'query', schema: { type: 'integer' } },
            { name: 'id', in: 'path', required: true, schema: { type: 'string' } },
            { name: 'id', in: 'header', schema: { type: 'string' } },
            { name: 'filter[a]', in: 'query', schema: { type: 'string' } },
            { name: 'filter_a', in: 'query', schema: { type: 'string' } },
            { name: 'at<', in: 'query', schema: { type: 'string' } },
            { name: 'at>', in: 'query', schema: { type: 'string' } },
            { name: 'имя', in: 'query', schema: { type: 'string' } },
          ],
          requestBody: json({ type: 'object' }),
        },
      },
    }),
    warnings: [],
    definitions: {
      collide: {
        method: 'POST',
        path: '/a/{id}/{body}',
        inputSchema: {
          type: 'object',
          properties: {
            id_query: { type: 'integer' },
            id: { type: 'string' },
            id_header: { type: 'string' },
            filter_a_query: { type: 'string' },
            filter_a: { type: 'string' },
            at_lt: { type: 'string' },
            at_gt: { type: 'string' },
            argument: { type: 'string' },
            body: { type: 'string' },
            body_2: { type: 'object' },
          },
          required: ['id', 'body'],
          additionalProperties: false,
        },
        parameters: [
          { argument: 'id_query', name: 'id', in: 'query', style: 'form', explode: true },
          { argument: 'id', name: 'id', in: 'path', style: 'simple', explode: false },
          { argument: 'id_header', name: 'id', in: 'header', style: 'simple', explode: false },
          {
            argument: 'filter_a_query',
            name: 'filter[a]',
            in: 'query',
            style: 'form',
            explode: true,
          },
          { argument: 'filter_a', name: 'filter_a', in: 'query', style: 'form', explode: true },
          { argument: 'at_lt', name: 'at<', in: 'query', style: 'form', explode: true },
          { argument: 'at_gt', name: 'at>', in: 'query', style: 'form', explode: true },
          { argument: 'argument', name: 'имя', in: 'query', style: 'form', explode: true },
          { argument: 'body', name: 'body', in: 'path', style: 'simple', explode: false },
        ],
        body: { argument: 'body_2', contentType: 'application/json', encoding: 'json' },
      },
    },
  },
  {
    title: 'names come from operationId or method and path, and are unique',
    document: paths({
      '/pets': { get: { summary: 'List' }, post: { operationId: 'pets/create' } },
      '/pets/{petId}': {
        get: { operationId: 'pets/create' },
        delete: { operationId: 'get_pets', deprecated: true, description: 'Away with it' },
      },
      '/日本': { get: {}, head: { operationId: '  ' } },
    }),
    warnings: [],
    definitions: {
      get_pets: {
        method: 'GET',
        path: '/pets',
        inputSchema: { type: 'object', properties: {}, additionalProperties: false },
        parameters: [],
      },
      pets_create: {
        method: 'POST',
        path: '/pets',
        inputSchema: { type: 'object', properties: {}, additionalProperties: false },
        parameters: [],
      },
      pets_create_2: {
        method: 'GET',
        path: '/pets/{petId}',
        inputSchema: {
          type: 'object',
          properties: { petId: { type: 'string' } },
          required: ['petId'],
          additionalProperties: false,
        },
        parameters: [
          { argument: 'petId', name: 'petId', in: 'path', style: 'simple', explode: false },
        ],
      },
      get_pets_2: {
        method: 'DELETE',
        path: '/pets/{petId}',
        inputSchema: {
          type: 'object',
          properties: { petId: { type: 'string' } },
          required: ['petId'],
          additionalProperties: false,
        },
        parameters: [
          { argument: 'petId', name: 'petId', in: 'path', style: 'simple', explode: false },
        ],
      },
      get: {
        method: 'GET',
        path: '/日本',
        inputSchema: { type: 'object', properties: {}, additionalProperties: false },
        parameters: [],
      },
      head: {
        method: 'HEAD',
        path: '/日本',
        inputSchema: { type: 'object', properties: {}, additionalProperties: false },
        parameters: [],
      },
    },
  },
  {
    title: 'references are followed, once-used schemas inlined, shared and recursive ones kept',
    document: paths(
      { '/a': { $ref: '#/components/pathItems/A' } },
      {
        components: {
          pathItems: {
            A: {
              post: {
                operationId: 'refs',
                parameters: [{ $ref: '#/components/parameters/One' }],
                requestBody: { $ref: '#/components/requestBodies/B' },
              },
            },
          },
          parameters: {
            One: { $ref: '#/components/parameters/T~1wo%20x' },
            'T/wo x': { name: 'two', in: 'query', schema: { $ref: '#/components/schemas/Once' } },
          },
          requestBodies: {
            B: {
              required: true,
              description: 'The body',
              ...json({ $ref: '#/components/schemas/Node' }),
            },
          },
          schemas: {
            Once: { type: 'string', enum: ['a', 'b'] },
            Node: {
              type: 'object',
              properties: {
                value: { $ref: '#/paths/~1a/x-odd/0', description: 'Odd' },
                left: { $ref: '#/components/schemas/Node' },
                shared: { $ref: '#/components/schemas/Sh a-red' },
                again: { type: 'array', items: { $ref: '#/components/schemas/Sh%20a-red' } },
              },
            },
            'Sh a-red': {
              type: 'object',
              properties: { a: { $ref: '#/components/schemas/Once' } },
            },
          },
        },
      },
    ),
    warnings: [
      'Simplified a schema (#/components/schemas/Node): it refers to #/paths/~1a/x-odd/0, there is no schema',
    ],
    definitions: {
      refs: {
        method: 'POST',
        path: '/a',
        inputSchema: {
          type: 'object',
          properties: {
            two: { type: 'string', enum: ['a', 'b'] },
            body: { $ref: '#/$defs/Node', description: 'The body' },
          },
          required: ['body'],
          additionalProperties: false,
          $defs: {
            Node: {
              type: 'object',
              properties: {
                value: { description: 'Odd' },
                left: { $ref: '#/$defs/Node' },
                shared: { $ref: '#/$defs/Sh_a-red' },
                again: { type: 'array', items: { $ref: '#/$defs/Sh_a-red' } },
              },
            },
            'Sh_a-red': { type: 'object', properties: { a: { type: 'string', enum: ['a', 'b'] } } },
          },
        },
        parameters: [{ argument: 'two', name: 'two', in: 'query', style: 'form', explode: true }],
        body: { argument: 'body', contentType: 'application/json', encoding: 'json' },
      },
    },
  },
  {
    title: 'Swagger 2 bodies, forms, collection formats and hosts are upgraded',
    document: {
      swagger: '2.0',
      info: { title: 'Two' },
      host: 'api.example',
      basePath: '/v2',
      schemes: ['http', 'https'],
      consumes: ['application/xml', 'application/json'],
      parameters: {
        Shared: { name: 'body', in: 'body', required: true, schema: { $ref: '#/definitions/Pet' } },
      },
      definitions: {
        Pet: {
          type: 'object',
          required: ['id', 'name'],
          properties: {
            id: { type: 'integer', readOnly: true },
            name: { type: 'string', 'x-nullable': true },
            parent: { $ref: '#/definitions/Pet' },
          },
        },
      },
      paths: {
        '/pets': {
          parameters: [
            {
              name: 'tags',
              in: 'query',
              type: 'array',
              items: { type: 'string' },
              collectionFormat: 'pipes',
            },
            {
              name: 'n',
              in: 'query',
              type: 'integer',
              minimum: 0,
              exclusiveMinimum: true,
              default: 3,
            },
          ],
          post: { operationId: 'addPet', parameters: [{ $ref: '#/parameters/Shared' }] },
        },
        '/upload': {
          post: {
            operationId: 'upload',
            consumes: ['multipart/form-data'],
            parameters: [
              {
                name: 'file',
                in: 'formData',
                type: 'file',
                required: true,
                description: 'The file',
              },
              { name: 'note', in: 'formData', type: 'string' },
            ],
          },
        },
        '/form': {
          post: {
            operationId: 'form',
            consumes: ['application/x-www-form-urlencoded'],
            parameters: [{ name: 'a', in: 'formData', type: 'array', items: { type: 'string' } }],
          },
        },
      },
    },
    warnings: [],
    serverUrl: 'https://api.example/v2',
    definitions: {
      addPet: {
        method: 'POST',
        path: '/pets',
        inputSchema: {
          type: 'object',
          properties: {
            tags: { type: 'array', items: { type: 'string' } },
            n: { type: 'integer', default: 3, exclusiveMinimum: 0 },
            body: { $ref: '#/$defs/Pet' },
          },
          required: ['body'],
          additionalProperties: false,
          $defs: {
            Pet: {
              type: 'object',
              required: ['name'],
              properties: { name: { type: ['string', 'null'] }, parent: { $ref: '#/$defs/Pet' } },
            },
          },
        },
        parameters: [
          { argument: 'tags', name: 'tags', in: 'query', style: 'pipeDelimited', explode: false },
          { argument: 'n', name: 'n', in: 'query', style: 'form', explode: true },
        ],
        body: { argument: 'body', contentType: 'application/json', encoding: 'json' },
      },
      upload: {
        method: 'POST',
        path: '/upload',
        inputSchema: {
          type: 'object',
          properties: {
            body: {
              type: 'object',
              required: ['file'],
              properties: {
                file: {
                  description: 'The file',
                  contentMediaType: 'application/octet-stream',
                  type: 'string',
                },
                note: { type: 'string' },
              },
            },
          },
          required: ['body'],
          additionalProperties: false,
        },
        parameters: [],
        body: { argument: 'body', contentType: 'multipart/form-data', encoding: 'multipart' },
      },
      form: {
        method: 'POST',
        path: '/form',
        inputSchema: {
          type: 'object',
          properties: {
            body: {
              type: 'object',
              properties: { a: { type: 'array', items: { type: 'string' } } },
            },
          },
          additionalProperties: false,
        },
        parameters: [],
        body: {
          argument: 'body',
          contentType: 'application/x-www-form-urlencoded',
          encoding: 'form',
        },
      },
    },
  },
  {
    title: 'OpenAPI 3.0 schemas become JSON Schema 2020-12 for a request',
    document: {
      ...paths(
        {
          '/a': {
            post: {
              operationId: 'mended',
              requestBody: {
                required: true,
                ...json({
                  type: 'object',
                  required: ['id', 'name'],
                  additionalProperties: false,
                  xml: { name: 'x' },
                  example: { a: 1 },
                  discriminator: { propertyName: 'kind' },
                  properties: {
                    id: { type: 'string', readOnly: true },
                    name: { type: 'string', nullable: true, maxLength: 9 },
                    secret: { type: 'string', writeOnly: true },
                    min: { type: 'number', minimum: 1, exclusiveMinimum: true },
                    ref: { nullable: true, allOf: [{ $ref: '#/components/schemas/E' }] },
                    ro: { $ref: '#/components/schemas/RO' },
                    bytes: { type: 'string', format: 'byte' },
                    one: { nullable: true, oneOf: [{ type: 'string' }, { type: 'integer' }] },
                    kind: { enum: ['a'], nullable: true },
                    properties: { type: 'string' },
                    default: { type: 'string', default: { $ref: '#/not/a/ref' } },
                  },
                }),
              },
            },
          },
        },
        {
          components: {
            schemas: { E: { type: 'string', enum: ['x'] }, RO: { type: 'string', readOnly: true } },
          },
        },
      ),
      openapi: '3.0.3',
    },
    warnings: [],
    definitions: {
      mended: {
        method: 'POST',
        path: '/a',
        inputSchema: {
          type: 'object',
          properties: {
            body: {
              type: 'object',
              required: ['name'],
              properties: {
                name: { type: ['string', 'null'], maxLength: 9 },
                secret: { type: 'string' },
                min: { type: 'number', exclusiveMinimum: 1 },
                ref: { anyOf: [{ type: 'string', enum: ['x'] }, { type: 'null' }] },
                bytes: { type: 'string', contentEncoding: 'base64' },
                one: { oneOf: [{ type: 'string' }, { type: 'integer' }, { type: 'null' }] },
                kind: { enum: ['a', null] },
                properties: { type: 'string' },
                default: { type: 'string', default: { $ref: '#/not/a/ref' } },
              },
              additionalProperties: false,
            },
          },
          required: ['body'],
          additionalProperties: false,
        },
        parameters: [],
        body: { argument: 'body', contentType: 'application/json', encoding: 'json' },
      },
    },
  },
  {
    title: 'OpenAPI 3.1 schemas keep the keywords of JSON Schema 2020-12',
    document: paths({
      '/a': {
        post: {
          operationId: 'modern',
          requestBody: json({
            type: ['object', 'null'],
            properties: {
              t: { type: 'array', prefixItems: [{ type: 'string' }], items: false },
              old: { type: 'array', items: [{ type: 'string' }] },
              c: { const: 1 },
              x: { exclusiveMinimum: 2, examples: [3], 'x-foo': 1 },
              n: { not: { type: 'string' } },
              i: { if: { required: ['a'] }, then: { required: ['b'] }, else: false },
              p: {
                type: 'object',
                patternProperties: { '^x-': { type: 'string' }, '((': {} },
                propertyNames: { pattern: '^[a-z]+$' },
                dependentRequired: { a: ['b'] },
                unevaluatedProperties: false,
              },
            },
            $id: 'https://x.example/',
            $schema: 'https://json-schema.org/draft/2020-12/schema',
            $comment: 'c',
          }),
        },
      },
    }),
    warnings: [
      'Simplified a schema (#/paths/~1a/post): dropped a pattern that is no regular expression',
    ],
    definitions: {
      modern: {
        method: 'POST',
        path: '/a',
        inputSchema: {
          type: 'object',
          properties: {
            body: {
              type: ['object', 'null'],
              properties: {
                t: { type: 'array', items: false, prefixItems: [{ type: 'string' }] },
                old: { type: 'array', prefixItems: [{ type: 'string' }] },
                c: { const: 1 },
                x: { exclusiveMinimum: 2 },
                n: { not: { type: 'string' } },
                i: { if: { required: ['a'] }, then: { required: ['b'] }, else: false },
                p: {
                  type: 'object',
                  dependentRequired: { a: ['b'] },
                  patternProperties: { '^x-': { type: 'string' } },
                  propertyNames: { pattern: '^[a-z]+$' },
                  unevaluatedProperties: false,
                },
              },
            },
          },
          additionalProperties: false,
        },
        parameters: [],
        body: { argument: 'body', contentType: 'application/json', encoding: 'json' },
      },
    },
  },
  {
    title: 'the body is the media type that carries arguments best',
    document: paths({
      '/json': {
        post: {
          operationId: 'json',
          requestBody: {
            content: {
              'text/plain': {},
              'application/vnd.a+json; v=1': { schema: { type: 'string' } },
            },
          },
        },
      },
      '/exact': {
        post: {
          operationId: 'exact',
          requestBody: {
            content: {
              'application/vnd.a+json': {},
              'application/json; charset=utf-8': { schema: { type: 'integer' } },
            },
          },
        },
      },
      '/any': {
        post: {
          operationId: 'any',
          requestBody: { content: { '*/*': { schema: { type: 'integer' } } } },
        },
      },
      '/form': {
        post: {
          operationId: 'form',
          requestBody: {
            content: {
              'multipart/form-data': {},
              'application/x-www-form-urlencoded': {
                schema: { properties: { a: { type: 'string' } } },
              },
            },
          },
        },
      },
      '/xml': {
        post: {
          operationId: 'xml',
          requestBody: {
            required: true,
            description: 'XML',
            content: { 'application/xml': { schema: { type: 'object' } } },
          },
        },
      },
      '/binary': {
        post: {
          operationId: 'binary',
          requestBody: { content: { 'image/*': { schema: { type: 'string', format: 'binary' } } } },
        },
      },
    }),
    warnings: [],
    definitions: {
      json: {
        method: 'POST',
        path: '/json',
        inputSchema: {
          type: 'object',
          properties: { body: { type: 'string' } },
          additionalProperties: false,
        },
        parameters: [],
        body: { argument: 'body', contentType: 'application/vnd.a+json; v=1', encoding: 'json' },
      },
      exact: {
        method: 'POST',
        path: '/exact',
        inputSchema: {
          type: 'object',
          properties: { body: { type: 'integer' } },
          additionalProperties: false,
        },
        parameters: [],
        body: {
          argument: 'body',
          contentType: 'application/json; charset=utf-8',
          encoding: 'json',
        },
      },
      any: {
        method: 'POST',
        path: '/any',
        inputSchema: {
          type: 'object',
          properties: { body: { type: 'integer' } },
          additionalProperties: false,
        },
        parameters: [],
        body: { argument: 'body', contentType: 'application/json', encoding: 'json' },
      },
      form: {
        method: 'POST',
        path: '/form',
        inputSchema: {
          type: 'object',
          properties: { body: { type: 'object', properties: { a: { type: 'string' } } } },
          additionalProperties: false,
        },
        parameters: [],
        body: {
          argument: 'body',
          contentType: 'application/x-www-form-urlencoded',
          encoding: 'form',
        },
      },
      xml: {
        method: 'POST',
        path: '/xml',
        inputSchema: {
          type: 'object',
          properties: { body: { description: 'XML', type: 'string' } },
          required: ['body'],
          additionalProperties: false,
        },
        parameters: [],
        body: { argument: 'body', contentType: 'application/xml', encoding: 'text' },
      },
      binary: {
        method: 'POST',
        path: '/binary',
        inputSchema: {
          type: 'object',
          properties: {
            body: {
              type: 'string',
              contentEncoding: 'base64',
              contentMediaType: 'application/octet-stream',
            },
          },
          additionalProperties: false,
        },
        parameters: [],
        body: { argument: 'body', contentType: 'application/octet-stream', encoding: 'base64' },
      },
    },
  },
  {
    title: 'a circle that a validator would follow for ever is cut',
    document: paths(
      {
        '/a': {
          post: { operationId: 'circle', requestBody: json({ $ref: '#/components/schemas/A' }) },
        },
      },
      {
        components: {
          schemas: {
            A: { allOf: [{ $ref: '#/components/schemas/B' }] },
            B: { anyOf: [{ $ref: '#/components/schemas/A' }, { type: 'string' }] },
          },
        },
      },
    ),
    warnings: [
      'Simplified a schema (#/components/schemas/B): dropped a reference that leads back to itself',
    ],
    definitions: {
      circle: {
        method: 'POST',
        path: '/a',
        inputSchema: {
          type: 'object',
          properties: { body: { $ref: '#/$defs/A' } },
          additionalProperties: false,
          $defs: { A: { allOf: [{ anyOf: [{}, { type: 'string' }] }] } },
        },
        parameters: [],
        body: { argument: 'body', contentType: 'application/json', encoding: 'json' },
      },
    },
  },
  {
    title: 'read-only properties are left out across allOf',
    document: paths(
      {
        '/a': {
          post: {
            operationId: 'all',
            requestBody: json({
              allOf: [
                { $ref: '#/components/schemas/Base' },
                { type: 'object', required: ['id', 'name'] },
              ],
            }),
          },
        },
      },
      {
        components: {
          schemas: {
            Base: {
              type: 'object',
              properties: { id: { type: 'string', readOnly: true }, name: { type: 'string' } },
            },
          },
        },
      },
    ),
    warnings: [],
    definitions: {
      all: {
        method: 'POST',
        path: '/a',
        inputSchema: {
          type: 'object',
          properties: {
            body: {
              allOf: [
                { type: 'object', properties: { name: { type: 'string' } } },
                { type: 'object', required: ['name'] },
              ],
            },
          },
          additionalProperties: false,
        },
        parameters: [],
        body: { argument: 'body', contentType: 'application/json', encoding: 'json' },
      },
    },
  },
  {
    title: 'the server is the first of the document, its variables filled',
    document: paths(
      { '/a': { get: { operationId: 'a' }, servers: [{ url: 'https://other.example' }] } },
      {
        servers: [
          {
            url: 'https://{region}.example/{base}/{none}',
            variables: { region: { default: 'eu' }, base: { default: 'v1', enum: ['v1'] } },
          },
        ],
      },
    ),
    warnings: [
      'Ignored the servers (#/paths/~1a/servers): a provider has one base URL',
      "Left {none} in the server's URL (#/servers/0): the variable has no default",
    ],
    serverUrl: 'https://eu.example/v1/{none}',
    definitions: {
      a: {
        method: 'GET',
        path: '/a',
        inputSchema: { type: 'object', properties: {}, additionalProperties: false },
        parameters: [],
      },
    },
  },
  {
    title: 'keywords with wrong values are dropped',
    document: paths({
      '/a': {
        get: {
          operationId: 'm',
          parameters: [
            {
              name: 'a',
              in: 'query',
              schema: {
                type: 'int',
                required: true,
                minLength: -1,
                maximum: 'x',
                enum: [],
                pattern: '((',
                multipleOf: 0,
                items: 3,
                allOf: [],
                properties: [],
              },
            },
            { name: 'b', in: 'query', schema: 'string' },
            { name: 'c', in: 'query' },
            {
              name: 'd',
              in: 'query',
              schema: { type: 'date', title: 3, description: 'D\u202e', allOf: ['x', true] },
            },
          ],
        },
      },
    }),
    warnings: [
      'Simplified a schema (#/paths/~1a/get): dropped a pattern that is no regular expression',
      'Simplified a schema (#/paths/~1a/get): dropped the unknown type "date"',
    ],
    definitions: {
      m: {
        method: 'GET',
        path: '/a',
        inputSchema: {
          type: 'object',
          properties: {
            a: { type: 'integer' },
            b: {},
            c: {},
            d: { description: 'D', allOf: [{}, true] },
          },
          additionalProperties: false,
        },
        parameters: [
          { argument: 'a', name: 'a', in: 'query', style: 'form', explode: true },
          { argument: 'b', name: 'b', in: 'query', style: 'form', explode: true },
          { argument: 'c', name: 'c', in: 'query', style: 'form', explode: true },
          { argument: 'd', name: 'd', in: 'query', style: 'form', explode: true },
        ],
      },
    },
  },
]

for (const { title, document, warnings, serverUrl, definitions } of cases) {
  test(`import: ${title}`, async () => {
    const outcome = await expectImported(document)
    const named = readNamed(outcome)
    assert.deepEqual(outcome.warnings, warnings)
    assert.equal(outcome.serverUrl, serverUrl)
    assert.deepEqual(Object.keys(named), Object.keys(definitions))
    assert.deepEqual(named, definitions)
    for (const { inputSchema } of Object.values(named)) {
      assert.equal(typeof ajv.compile(inputSchema), 'function')
    }
    assert.deepEqual(await expectImported(document), outcome)
  })
}
