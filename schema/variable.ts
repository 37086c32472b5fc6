// Named values that requests are filled with where a provider or a tool says `${NAME}`. A secret goes
// in and never comes out again: not even the resolvers here can decrypt one.
import type { Selectable } from 'kysely'
import { ConflictError, InvalidError, NotFoundError } from '../db/errors.ts'
import { getProvider } from '../db/provider.ts'
import type { VariableTable } from '../db/tables.ts'
import type { Tx } from '../db/transaction.ts'
import {
  countVariables,
  deleteVariable,
  getVariable,
  insertVariable,
  listVariables,
  updateVariable,
  variablesOf,
  type VariableFilter,
  type VariableInput,
} from '../db/variable.ts'
import { loadProvider } from './batch.ts'
import { answer, builder } from './builder.ts'
import { connect, connectNested, orderArgs } from './connection.ts'
import { inAccount } from './context.ts'
import { createOnce, IDEMPOTENCY_KEY_DESCRIPTION } from './idempotency-key.ts'
import { ProviderRef } from './provider.ts'
import { findOrigin } from './variable-origin.ts'
import { needs } from './need.ts'
import { checkId, checkText, checkVariableName, checkVariableValue } from './validate.ts'

/** The GraphQL type `Variable`. */
export const VariableRef = builder.objectRef<Selectable<VariableTable>>('Variable')

/** The GraphQL enum `VariableKind`. */
export const VariableKind = builder.enumType('VariableKind', {
  description: 'Whether a variable is shown.',
  values: {
    ENV: { description: 'Shown to whoever may read variables: a region, a tenant, a version.' },
    SECRET: {
      description:
        'Encrypted, and shown to nobody again: an API key, a password. It is masked in what an API answers.',
    },
  } as const,
})

builder.node(VariableRef, {
  description:
    'A named value. `${NAME}` in a provider’s base URL, headers and query, and in what a tool made by hand sends, is replaced by it at each call.',
  id: { resolve: (variable) => variable.id },
  fields: (t) => ({
    name: t.exposeString('name', {
      description: 'What `${…}` refers to it by: unique in its provider, or in the account.',
    }),
    kind: t.expose('kind', { type: VariableKind, description: 'Whether its value is shown.' }),
    description: t.exposeString('description', {
      description: 'What it is for; may be empty.',
    }),
    value: t.exposeString('value', {
      nullable: true,
      description: 'The value; null for a secret.',
    }),
    provider: t.field({
      ...needs('provider:read'),
      type: ProviderRef,
      nullable: true,
      description:
        'The provider that alone can use it, before a variable of the account with the same name; null: every provider of the account can.',
      resolve: ({ provider_id: id }, _args, context) =>
        id === null ? null : loadProvider(context, id),
    }),
    origin: t.exposeString('origin', {
      nullable: true,
      description:
        'Of a provider’s secret: the scheme, host and port that it was set for, and the only ones that it is sent to. Null for every other variable.',
    }),
    version: t.exposeInt('version', { description: 'Goes up with every change of it.' }),
    createdAt: t.expose('created_at', { type: 'DateTime', description: 'When it was made.' }),
    updatedAt: t.expose('updated_at', { type: 'DateTime', description: 'When it was changed.' }),
  }),
})

const VariableConnection = builder.connectionObject(
  { type: VariableRef, name: 'VariableConnection', description: 'A page of variables.' },
  { name: 'VariableEdge', description: 'A variable and its place in the list.' },
)

const VariableFilterInput = builder.inputType('VariableFilter', {
  description: 'Which variables; all that is given must hold.',
  fields: (t) => ({
    nameContains: t.string({
      description: 'Those whose name has this in it, in upper or lower case.',
    }),
    kind: t.field({ type: VariableKind, description: 'Those of that kind.' }),
    providerId: t.id({ description: 'Those of that provider alone.' }),
  }),
})

function toFilter(filter: typeof VariableFilterInput.$inferInput | null | undefined) {
  const { nameContains, kind, providerId } = filter ?? {}
  return {
    ...(typeof nameContains === 'string' && {
      nameContains: checkText(['filter', 'nameContains'], nameContains),
    }),
    ...(kind && { kind }),
    ...(typeof providerId === 'string' && {
      providerId: checkId(['filter', 'providerId'], 'prv', providerId),
    }),
  } satisfies VariableFilter
}

builder.queryFields((t) => ({
  variable: t.field({
    ...needs('variable:read'),
    type: VariableRef,
    nullable: true,
    description: 'One variable. The error has the code `NOT_FOUND` where there is none.',
    args: { id: t.arg.id({ required: true, description: 'Which variable.' }) },
    resolve: async (_root, args, context) => {
      const id = checkId(['id'], 'var', args.id)
      return await inAccount(context, (tx) => getVariable(tx, id))
    },
  }),
  variables: t.field({
    ...needs('variable:read'),
    type: VariableConnection,
    description: "The variables, the providers' own ones included, oldest first.",
    args: {
      ...orderArgs,
      filter: t.arg({ type: VariableFilterInput, description: 'Which ones. Default: all.' }),
    },
    resolve: (_root, args, context) => {
      const filter = toFilter(args.filter)
      const check = async (tx: Tx) => {
        if (filter.providerId !== undefined) await getProvider(tx, filter.providerId)
      }
      return connect(context, 'variables', args, {
        list: async (tx, page) => {
          await check(tx)
          return await listVariables(tx, { ...page, ...filter })
        },
        count: (tx) => countVariables(tx, filter),
      })
    },
  }),
}))

builder.objectField(ProviderRef, 'variables', (t) =>
  t.field({
    ...needs('variable:read'),
    type: VariableConnection,
    description: 'The variables that it alone can use, oldest first.',
    args: orderArgs,
    resolve: ({ id: parentId }, args, context) =>
      connectNested<Selectable<VariableTable>>(context, args, {
        name: 'provider variables',
        parentId,
        filter: {},
        source: variablesOf,
      }),
  }),
)

const VALUE_DESCRIPTION =
  'At most 8,192 characters, without control characters but tabs and line breaks.'

const CreateVariableInput = builder.inputType('CreateVariableInput', {
  description: 'The variable to make.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description: 'Letters, digits and `_`, no digit first: at most 64, such as `API_KEY`.',
    }),
    kind: t.field({ type: VariableKind, required: true, description: 'Whether it is shown.' }),
    value: t.string({ required: true, description: `The value. ${VALUE_DESCRIPTION}` }),
    description: t.string({
      description: 'What it is for: at most 4,096 characters. Default: "".',
    }),
    providerId: t.id({
      description:
        'The provider that alone can use it. A secret is then sent to the origin of its present base URL only. Default: every provider of the account can.',
    }),
    idempotencyKey: t.string({ description: IDEMPOTENCY_KEY_DESCRIPTION }),
  }),
})

builder.mutationField('createVariable', (t) =>
  t.field({
    ...needs('variable:write'),
    type: VariableRef,
    description:
      'Makes a variable. Calls that begin afterwards use it. A secret is not shown again, not even in this answer.',
    errors: answer('The variable.', [InvalidError, NotFoundError, ConflictError]),
    args: {
      input: t.arg({ type: CreateVariableInput, required: true, description: 'What to do.' }),
    },
    resolve: async (_root, { input }, context) => {
      const { kind } = input
      const name = checkVariableName(['input', 'name'], input.name)
      const value = checkVariableValue(['input', 'value'], input.value)
      const description = checkText(['input', 'description'], input.description ?? '')
      const providerId =
        typeof input.providerId === 'string'
          ? checkId(['input', 'providerId'], 'prv', input.providerId)
          : null
      return await createOnce(context, 'createVariable', input, {
        create: async (tx) => {
          if (providerId !== null) await getProvider(tx, providerId)
          const origin = await findOrigin(tx, kind, providerId)
          const values = { name, kind, value, description, providerId, origin }
          return await insertVariable(tx, context.vault, values)
        },
        get: getVariable,
      })
    },
  }),
)

const UpdateVariableInput = builder.inputType('UpdateVariableInput', {
  description: 'The variable to change; what is not given stays as it is.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'Which variable.' }),
    name: t.string({
      description: 'Letters, digits and `_`, no digit first: at most 64, such as `API_KEY`.',
    }),
    kind: t.field({
      type: VariableKind,
      description: 'Whether it is shown. To make a secret a shown one takes a new `value`.',
    }),
    value: t.string({ description: `The new value. ${VALUE_DESCRIPTION}` }),
    description: t.string({ description: 'What it is for: at most 4,096 characters.' }),
    version: t.int({
      description:
        'The version that the change is meant for: another one is a `ConflictError`. Default: any.',
    }),
  }),
})

/** What is stored from now on; undefined where neither value nor kind change. */
async function toStored(
  tx: Tx,
  present: Selectable<VariableTable>,
  kind: VariableInput['kind'] | undefined,
  given: string | undefined,
): Promise<Pick<VariableInput, 'kind' | 'value' | 'origin'> | undefined> {
  const next = kind ?? present.kind
  if (given === undefined && next === present.kind) return undefined
  const value = given ?? present.value
  if (value === null) {
    throw new InvalidError(
      `value is not given; expected a new one, as the secret ${present.id} is not made visible`,
      ['input', 'value'],
    )
  }
  return { kind: next, value, origin: await findOrigin(tx, next, present.provider_id) }
}

builder.mutationField('updateVariable', (t) =>
  t.field({
    ...needs('variable:write'),
    type: VariableRef,
    description: 'Changes a variable. Calls that begin afterwards go by the new value.',
    errors: answer('The variable as it is now.', [InvalidError, NotFoundError, ConflictError]),
    args: {
      input: t.arg({ type: UpdateVariableInput, required: true, description: 'What to do.' }),
    },
    resolve: async (_root, { input }, context) => {
      const id = checkId(['input', 'id'], 'var', input.id)
      const given = <T, R>(value: T | null | undefined, check: (value: T) => R) =>
        value === undefined || value === null ? undefined : check(value)
      const name = given(input.name, (text) => checkVariableName(['input', 'name'], text))
      const value = given(input.value, (text) => checkVariableValue(['input', 'value'], text))
      const description = given(input.description, (text) =>
        checkText(['input', 'description'], text),
      )
      return await inAccount(context, async (tx) => {
        const present = await getVariable(tx, id)
        const stored = await toStored(tx, present, input.kind ?? undefined, value)
        const change = { name, description, stored }
        return await updateVariable(tx, context.vault, id, change, input.version ?? undefined)
      })
    },
  }),
)

builder.mutationField('deleteVariable', (t) =>
  t.field({
    ...needs('variable:write'),
    type: 'ID',
    description: 'Deletes a variable. Calls that refer to it fail from then on, and name it.',
    errors: answer('The id of what is gone.', [InvalidError, NotFoundError]),
    args: { id: t.arg.id({ required: true, description: 'Which variable.' }) },
    resolve: async (_root, args, context) => {
      const id = checkId(['id'], 'var', args.id)
      await inAccount(context, (tx) => deleteVariable(tx, id))
      return id
    },
  }),
)
