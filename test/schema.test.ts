// What holds for every type and field of the API, told from the schema itself.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  execute,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isNonNullType,
  isObjectType,
  isSpecifiedScalarType,
  isUnionType,
  parse,
} from 'graphql'
import type { Database } from '../db/client.ts'
import type { Context } from '../schema/context.ts'
import { printSdl, schema } from '../schema/schema.ts'
import { operationOf, rootFields } from './support/operation.ts'

const types = Object.values(schema.getTypeMap()).filter(
  (type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type),
)
const queries = Object.values(schema.getQueryType()?.getFields() ?? {})
const mutations = Object.values(schema.getMutationType()?.getFields() ?? {})

test('schema.graphql is what schema:print prints', () => {
  assert.equal(
    readFileSync(new URL('../schema/schema.graphql', import.meta.url), 'utf8'),
    printSdl(),
  )
})

test('every type, field, argument, input field and enum value has a description', () => {
  const bare = types.flatMap((type) => {
    const here = isDescribed(type) ? [] : [type.name]
    if (isEnumType(type)) {
      const values = type.getValues().filter((value) => !isDescribed(value))
      return [...here, ...values.map((value) => `${type.name}.${value.name}`)]
    }
    if (isInputObjectType(type)) {
      const fields = Object.values(type.getFields()).filter((field) => !isDescribed(field))
      return [...here, ...fields.map((field) => `${type.name}.${field.name}`)]
    }
    if (!isObjectType(type) && !isInterfaceType(type)) return here
    const fields = Object.values(type.getFields())
    return [
      ...here,
      ...fields.filter((field) => !isDescribed(field)).map((field) => `${type.name}.${field.name}`),
      ...fields.flatMap((field) =>
        field.args
          .filter((arg) => !isDescribed(arg))
          .map((arg) => `${type.name}.${field.name}(${arg.name})`),
      ),
    ]
  })
  assert.deepEqual(bare, [])
})

function isDescribed({
  description,
}: {
  readonly description?: string | null | undefined
}): boolean {
  return /^[A-Z`].*[.:]$/s.test(description ?? '')
}

test('every root field is refused without a viewer', async () => {
  assert.deepEqual([queries.length, mutations.length], [22, 49])
  const context: Context = {
    requestId: 'request-1',
    db: new Proxy({} as Database, { get: () => assert.fail('the database was asked') }),
    vault: new Proxy({} as Context['vault'], { get: () => assert.fail('a secret was made') }),
    viewer: undefined,
    authenticateAgain: () => assert.fail('somebody was authenticated'),
    importDocument: () => assert.fail('a document was imported'),
    sandbox: {
      run: () => assert.fail('a script was run'),
      check: () => assert.fail('a script was compiled'),
      quarantineOf: () => assert.fail('a script was looked for'),
    },
    callTool: () => assert.fail('a tool was called'),
    signal: new AbortController().signal,
    withOwnBound: (_name, run) => run(),
    deriveBytes: () => assert.fail('a credential was made'),
    mcpUrl: () => assert.fail('a URL was made'),
    people: new Proxy({} as Context['people'], { get: () => assert.fail('people were met') }),
    tickets: {
      issue: () => assert.fail('a ticket was made'),
      rotate: () => assert.fail('a key was made'),
    },
    printCursor: () => assert.fail('a cursor was made'),
    readCursor: () => assert.fail('a cursor was read'),
  }
  for (const root of rootFields) {
    const { field } = root
    const result = await execute({
      schema,
      document: parse(operationOf(root)),
      contextValue: context,
    })
    assert('errors' in result || !('data' in result), field.name)
    const errors = (result as { errors?: readonly { message: string; originalError?: unknown }[] })
      .errors
    assert.deepEqual(
      errors?.map(({ message, originalError }) => ({
        message,
        code: (originalError as { code?: string }).code,
      })),
      [
        {
          message:
            'Not signed in: send the header "Authorization: Bearer hmk_…" with a valid API key, or sign in with a browser',
          code: 'UNAUTHENTICATED',
        },
      ],
      field.name,
    )
  }
})

test('every mutation answers with a union of its success and errors', () => {
  for (const { name, type } of mutations) {
    const union = isNonNullType(type) ? type.ofType : type
    assert(isUnionType(union), name)
    const title = `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`
    assert.equal(union.name, `${title}Result`)
    const [successes, errors] = [
      union.getTypes().filter((member) => member.name === `${title}Success`),
      union
        .getTypes()
        .filter((member) => member.getInterfaces().some(({ name: of }) => of === 'Error')),
    ]
    assert.equal(successes.length, 1, name)
    assert.equal(errors.length, union.getTypes().length - 1, name)
  }
})

test('every connection demands first', () => {
  const fields = types.filter(isObjectType).flatMap((type) => Object.values(type.getFields()))
  const lists = fields.filter(({ type }) => String(type).endsWith('Connection!'))
  assert.equal(lists.length, 19)
  for (const { name, args } of lists) {
    assert.equal(String(args.find((arg) => arg.name === 'first')?.type), 'Int!', name)
  }
})
