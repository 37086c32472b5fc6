// Upstream APIs. A provider's tools come from importing its OpenAPI document; here are its own
// properties, which an import leaves alone.
import type { Selectable } from 'kysely'
import { ConflictError, InvalidError, NotFoundError } from '../db/errors.ts'
import {
  countProviders,
  deleteProvider,
  getProvider,
  insertProvider,
  listProviders,
  updateProvider,
} from '../db/provider.ts'
import type { ProviderTable } from '../db/tables.ts'
import { answer, builder } from './builder.ts'
import { connect, orderArgs } from './connection.ts'
import { inAccount } from './context.ts'
import {
  HeaderInput,
  HeaderRef,
  QueryParameterInput,
  QueryParameterRef,
  toPairs,
  type NameAndValue,
} from './header.ts'
import { createOnce, IDEMPOTENCY_KEY_DESCRIPTION } from './idempotency-key.ts'
import { checkForwardedHeaders, checkHeaders, checkQuery } from './validate-header.ts'
import { checkBaseUrl, checkDocumentUrl, checkIconUrl } from './validate-url.ts'
import { needs } from './need.ts'
import { checkId, checkName, checkText } from './validate.ts'

/** The GraphQL type `Provider`. */
export const ProviderRef = builder.objectRef<Selectable<ProviderTable>>('Provider')

builder.node(ProviderRef, {
  description: 'An HTTP API that tools call.',
  id: { resolve: (provider) => provider.id },
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Unique in the account.' }),
    description: t.exposeString('description', {
      description: 'What the API is for; may be empty.',
    }),
    baseUrl: t.exposeString('base_url', {
      description:
        "Absolute URL that the tools' paths are put after, without `/` at its end; `${NAME}` stands for a variable.",
    }),
    headers: t.field({
      type: [HeaderRef],
      description: 'Sent with every call to the API; the arguments of a call cannot replace them.',
      resolve: ({ headers }) => toPairs(headers),
    }),
    query: t.field({
      type: [QueryParameterRef],
      description: 'Sent with every call to the API; the arguments of a call cannot replace them.',
      resolve: ({ query }) => toPairs(query),
    }),
    iconUrl: t.exposeString('icon_url', {
      nullable: true,
      description:
        'What a console shows beside its name: an `https:` or `data:` URL. Never fetched from here.',
    }),
    forwardedHeaders: t.exposeStringList('forwarded_headers', {
      description: 'The clients’ headers that it is sent, by name in lower case.',
    }),
    documentUrl: t.exposeString('document_url', {
      nullable: true,
      description: 'Where its OpenAPI document is; null where it came as text or as a file.',
    }),
    version: t.exposeInt('version', { description: 'Goes up with every change of it.' }),
    createdAt: t.expose('created_at', { type: 'DateTime', description: 'When it was made.' }),
    updatedAt: t.expose('updated_at', {
      type: 'DateTime',
      description: 'When it, or the set of its tools, was last changed.',
    }),
  }),
})

const ProviderConnection = builder.connectionObject(
  { type: ProviderRef, name: 'ProviderConnection', description: 'A page of providers.' },
  { name: 'ProviderEdge', description: 'A provider and its place in the list.' },
)

const ProviderFilter = builder.inputType('ProviderFilter', {
  description: 'Which providers; all that is given must hold.',
  fields: (t) => ({
    documentUrl: t.string({ description: 'Those whose `documentUrl` is exactly this.' }),
    nameContains: t.string({
      description: 'Those whose name has this in it, in upper or lower case.',
    }),
  }),
})

builder.queryFields((t) => ({
  provider: t.field({
    ...needs('provider:read'),
    type: ProviderRef,
    nullable: true,
    description: 'One provider. The error has the code `NOT_FOUND` where there is none.',
    args: { id: t.arg.id({ required: true, description: 'Which provider.' }) },
    resolve: async (_root, args, context) => {
      const id = checkId(['id'], 'prv', args.id)
      return await inAccount(context, (tx) => getProvider(tx, id))
    },
  }),
  providers: t.field({
    ...needs('provider:read'),
    type: ProviderConnection,
    description: 'The providers, oldest first.',
    args: {
      ...orderArgs,
      filter: t.arg({ type: ProviderFilter, description: 'Which ones. Default: all.' }),
    },
    resolve: (_root, args, context) => {
      const { documentUrl, nameContains } = args.filter ?? {}
      const filter = {
        ...(typeof documentUrl === 'string' && {
          documentUrl: checkText(['filter', 'documentUrl'], documentUrl),
        }),
        ...(typeof nameContains === 'string' && {
          nameContains: checkText(['filter', 'nameContains'], nameContains),
        }),
      }
      return connect(context, 'providers', args, {
        list: (tx, page) => listProviders(tx, { ...page, ...filter }),
        count: (tx) => countProviders(tx, filter),
      })
    },
  }),
}))

interface ProviderInput {
  readonly name?: string | null | undefined
  readonly description?: string | null | undefined
  readonly baseUrl?: string | null | undefined
  readonly headers?: readonly NameAndValue[] | null | undefined
  readonly query?: readonly NameAndValue[] | null | undefined
  readonly forwardedHeaders?: readonly string[] | null | undefined
  readonly iconUrl?: string | null | undefined
  readonly documentUrl?: string | null | undefined
}

/** The properties that were given, checked. */
function checkProvider(input: ProviderInput) {
  const { name, description, baseUrl, headers, query, iconUrl, documentUrl } = input
  const { forwardedHeaders } = input
  return {
    ...(typeof name === 'string' && { name: checkName(['input', 'name'], name) }),
    ...(typeof description === 'string' && {
      description: checkText(['input', 'description'], description),
    }),
    ...(typeof baseUrl === 'string' && { baseUrl: checkBaseUrl(['input', 'baseUrl'], baseUrl) }),
    ...(headers && { headers: checkHeaders(['input', 'headers'], headers) }),
    ...(query && { query: checkQuery(['input', 'query'], query) }),
    ...(forwardedHeaders && {
      forwardedHeaders: checkForwardedHeaders(['input', 'forwardedHeaders'], forwardedHeaders),
    }),
    ...(typeof iconUrl === 'string' && { iconUrl: checkIconUrl(['input', 'iconUrl'], iconUrl) }),
    ...(typeof documentUrl === 'string' && {
      documentUrl: checkDocumentUrl(['input', 'documentUrl'], documentUrl),
    }),
  }
}

const FORWARDED_DESCRIPTION =
  'Names of headers of an MCP client that are sent on, where the provider has none of that name itself: at most 20. `Authorization` only reaches it where the server token stands in the URL; what belongs to a connection never does.'

const CreateProviderInput = builder.inputType('CreateProviderInput', {
  description: 'The provider to make.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description: 'What to call it: 1 to 80 characters, unique in the account.',
    }),
    description: t.string({
      description: 'What it is for: at most 4,096 characters. Default: "".',
    }),
    baseUrl: t.string({
      required: true,
      description:
        'Absolute http or https URL without user name, password, query and fragment. In its host and path `${NAME}` is replaced by the variable of that name at each call.',
    }),
    headers: t.field({
      type: [HeaderInput],
      description:
        'Headers to send with every call: at most 50, of 8,192 characters together. Default: none.',
    }),
    query: t.field({
      type: [QueryParameterInput],
      description:
        'Query parameters to send with every call: at most 50, of 8,192 characters together. Default: none.',
    }),
    forwardedHeaders: t.stringList({ description: `${FORWARDED_DESCRIPTION} Default: none.` }),
    iconUrl: t.string({
      description:
        'An `https:` URL, or a `data:` URL of a PNG, JPEG, WebP or SVG image in base64 of at most 16 KiB. Default: none.',
    }),
    documentUrl: t.string({ description: 'Where its OpenAPI document is. It is not read.' }),
    idempotencyKey: t.string({ description: IDEMPOTENCY_KEY_DESCRIPTION }),
  }),
})

builder.mutationField('createProvider', (t) =>
  t.field({
    ...needs('provider:write'),
    type: ProviderRef,
    description: 'Makes a provider without tools. `importOpenApi` makes one with its tools.',
    errors: answer('The provider.', [InvalidError, ConflictError]),
    args: {
      input: t.arg({ type: CreateProviderInput, required: true, description: 'What to do.' }),
    },
    resolve: async (_root, { input }, context) => {
      const values = checkProvider(input)
      const name = checkName(['input', 'name'], input.name)
      const baseUrl = checkBaseUrl(['input', 'baseUrl'], input.baseUrl)
      return await createOnce(context, 'createProvider', input, {
        create: (tx) => insertProvider(tx, { description: '', ...values, name, baseUrl }),
        get: getProvider,
      })
    },
  }),
)

const UpdateProviderInput = builder.inputType('UpdateProviderInput', {
  description: 'The provider to change; what is not given stays as it is.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'Which provider.' }),
    name: t.string({ description: 'What to call it: 1 to 80 characters, unique in the account.' }),
    description: t.string({ description: 'What it is for: at most 4,096 characters.' }),
    baseUrl: t.string({
      description:
        'Absolute http or https URL without user name, password, query and fragment. In its host and path `${NAME}` is replaced by the variable of that name at each call.',
    }),
    headers: t.field({
      type: [HeaderInput],
      description:
        'All headers to send with every call, in place of the present ones: at most 50, of 8,192 characters together.',
    }),
    query: t.field({
      type: [QueryParameterInput],
      description:
        'All query parameters to send with every call, in place of the present ones: at most 50, of 8,192 characters together.',
    }),
    forwardedHeaders: t.stringList({ description: FORWARDED_DESCRIPTION }),
    iconUrl: t.string({
      description:
        'An `https:` URL, or a `data:` URL of a PNG, JPEG, WebP or SVG image in base64 of at most 16 KiB. Default: none.',
    }),
    documentUrl: t.string({ description: 'Where its OpenAPI document is. It is not read.' }),
    version: t.int({
      description:
        'The version that the change is meant for: another one is a `ConflictError`. Default: any.',
    }),
  }),
})

builder.mutationField('updateProvider', (t) =>
  t.field({
    ...needs('provider:write'),
    type: ProviderRef,
    description: 'Changes a provider. Calls that begin afterwards go by the new properties.',
    errors: answer('The provider as it is now.', [InvalidError, NotFoundError, ConflictError]),
    args: {
      input: t.arg({ type: UpdateProviderInput, required: true, description: 'What to do.' }),
    },
    resolve: async (_root, { input }, context) => {
      const id = checkId(['input', 'id'], 'prv', input.id)
      const values = checkProvider(input)
      return await inAccount(context, (tx) =>
        updateProvider(tx, id, values, input.version ?? undefined),
      )
    },
  }),
)

builder.mutationField('deleteProvider', (t) =>
  t.field({
    ...needs('provider:write'),
    type: 'ID',
    description:
      'Deletes a provider with all its tools, which vanish from the servers that have them.',
    errors: answer('The id of what is gone.', [InvalidError, NotFoundError]),
    args: { id: t.arg.id({ required: true, description: 'Which provider.' }) },
    resolve: async (_root, args, context) => {
      const id = checkId(['id'], 'prv', args.id)
      await inAccount(context, (tx) => deleteProvider(tx, id))
      return id
    },
  }),
)
