// Making a provider's tools from an OpenAPI document. The document is read in a worker thread; here
// is what becomes of its outcome. Nothing is written before the document has proved to be good.
import { deleteDocument, readDocument } from '../db/document.ts'
import { ConflictError, InvalidError, NotFoundError } from '../db/errors.ts'
import {
  findIdempotencyKey,
  insertIdempotencyKey,
  updateIdempotencyKey,
} from '../db/idempotency-key.ts'
import type { IdempotentCreate } from '../db/idempotency-key.ts'
import { importTools } from '../db/import-tools.ts'
import type { ImportResult, OpenProvider, ToolChange } from '../db/import-tools.ts'
import { getProvider, insertProvider, updateProvider } from '../db/provider.ts'
import type { Provider } from '../db/provider.ts'
import type { DocumentSource, ImportOutcome } from '../workers/messages.ts'
import { answer, builder } from './builder.ts'
import { inAccount, viewerOf } from './context.ts'
import type { Context } from './context.ts'
import { DocumentError } from './errors.ts'
import { chooseBaseUrl, fitDescription, fitName } from './fit-document.ts'
import { getResult, IDEMPOTENCY_KEY_DESCRIPTION, toIdempotentCreate } from './idempotency-key.ts'
import { ProviderRef } from './provider.ts'
import { HttpMethodRef } from './tool.ts'
import { checkBaseUrl, checkDocumentUrl, checkUrl } from './validate-url.ts'
import { needs } from './need.ts'
import { checkId, checkName } from './validate.ts'

// What a request to this API can carry; larger documents are uploaded first.
const MAX_TEXT_BYTES = 256 * 1024

type Imported = Extract<ImportOutcome, { type: 'imported' }>

interface OpenApiImport extends ImportResult {
  readonly provider: Provider
  readonly warnings: readonly string[]
}

const ToolChangeKind = builder.enumType('ToolChangeKind', {
  description: 'What an import did to a tool.',
  values: {
    ADDED: { value: 'added', description: 'The document has an operation that was not there.' },
    CHANGED: { value: 'changed', description: 'The operation is described in another way.' },
    REMOVED: { value: 'removed', description: 'The document has the operation no more.' },
  } as const,
})

const ToolChangeRef = builder.objectRef<ToolChange>('ToolChange').implement({
  description: 'One tool that an import added, changed or removed.',
  fields: (t) => ({
    kind: t.expose('kind', { type: ToolChangeKind, description: 'What was done.' }),
    method: t.field({
      type: HttpMethodRef,
      description: 'The method of its request.',
      resolve: ({ method }) => method as typeof HttpMethodRef.$inferType,
    }),
    path: t.exposeString('path', { description: 'Its path in the document.' }),
    name: t.exposeString('name', { description: 'What models call it by.' }),
  }),
})

const OpenApiImportRef = builder.objectRef<OpenApiImport>('OpenApiImport').implement({
  description:
    'What an import did. A tool is known again by its method and path, and then keeps its id, its servers and whether it is enabled.',
  fields: (t) => ({
    provider: t.expose('provider', {
      type: ProviderRef,
      description: 'The provider, with its tools.',
    }),
    added: t.exposeInt('added', { description: 'How many tools are new.' }),
    changed: t.exposeInt('changed', { description: 'How many tools were changed.' }),
    removed: t.exposeInt('removed', {
      description: 'How many tools were removed, also from the servers that had them.',
    }),
    unchanged: t.exposeInt('unchanged', { description: 'How many tools stayed as they were.' }),
    warnings: t.stringList({
      description:
        'What of the document was left out or made simpler, one sentence each with its place; at most 100.',
      resolve: ({ warnings }) => [...warnings],
    }),
    changes: t.field({
      type: [ToolChangeRef],
      description: 'The tools that were added, changed or removed; the first 1,000.',
      resolve: ({ changes }) => [...changes],
    }),
  }),
})

const ImportOpenApiInput = builder.inputType('ImportOpenApiInput', {
  description:
    'The document, given as exactly one of `url`, `text` and `documentId`; and where it goes.',
  fields: (t) => ({
    url: t.string({
      description: 'Where the document is: an http or https URL, fetched once, now.',
    }),
    text: t.string({ description: 'The document itself, JSON or YAML: at most 256 KiB.' }),
    documentId: t.id({
      description:
        'A document uploaded by `POST /documents`: at most 32 MiB. It is deleted after it was imported.',
    }),
    providerId: t.id({
      description: 'The provider to bring up to date. Default: a new one is made.',
    }),
    name: t.string({
      description:
        "What to call the provider: 1 to 80 characters, unique in the account. Default: the document's title, or the present name.",
    }),
    baseUrl: t.string({
      description:
        "Absolute http or https URL that the tools' paths are put after. Default: the document's first server, or the present one.",
    }),
    documentUrl: t.string({
      description: 'What to keep as the place of the document. Default: `url`, or the present one.',
    }),
    idempotencyKey: t.string({ description: IDEMPOTENCY_KEY_DESCRIPTION }),
  }),
})

type Input = typeof ImportOpenApiInput.$inferInput

builder.mutationField('importOpenApi', (t) =>
  t.field({
    ...needs('provider:write'),
    type: OpenApiImportRef,
    description:
      'Makes a provider with a tool for each operation of an OpenAPI 3 or Swagger 2 document, or brings a provider up to date with it: all of it or, on an error, nothing. New tools are offered by a server only once they are added to it.',
    errors: answer('What was done.', [InvalidError, NotFoundError, ConflictError, DocumentError]),
    args: {
      input: t.arg({ type: ImportOpenApiInput, required: true, description: 'What to do.' }),
    },
    resolve: async (_root, { input }, context) => {
      const given = checkInput(input)
      const once = toIdempotentCreate(context, 'importOpenApi', input)
      const run = () =>
        context.withOwnBound('importOpenApi', () => runImport(context, input, given, once))
      if (once === undefined) return await run()
      const earlier = await findEarlier(context, once)
      if (earlier !== undefined) return earlier
      try {
        return await run()
      } catch (error) {
        // One with the same key that ran at the same time has taken the key, or the document.
        const faster = await findEarlier(context, once)
        if (faster !== undefined) return faster
        throw error
      }
    },
  }),
)

async function runImport(
  context: Context,
  input: Input,
  given: Given,
  once?: IdempotentCreate,
): Promise<OpenApiImport> {
  const { providerId } = given
  // Before the work: reading a document takes seconds.
  if (providerId !== undefined) await inAccount(context, (tx) => getProvider(tx, providerId))
  const { accountId } = viewerOf(context)
  const outcome = await context.importDocument(await openSource(context, input), accountId)
  if (outcome.type === 'refused') throw new DocumentError(outcome.code, outcome.message)
  const { batches, warnings } = outcome
  const openProvider = providerOpener(outcome, given, input.url ?? undefined)
  const result = await (once === undefined
    ? importTools(context.db, accountId, openProvider, batches)
    : importTools(context.db, accountId, claimer(once, openProvider), batches, (tx, merged) =>
        updateIdempotencyKey(tx, once.key, {
          id: merged.providerId,
          result: JSON.stringify({ ...merged, warnings }),
        }),
      ))
  const { documentId } = input
  if (documentId) await inAccount(context, (tx) => deleteDocument(tx, documentId))
  const provider = await inAccount(context, (tx) => getProvider(tx, result.providerId))
  return { ...result, provider, warnings }
}

/** Claims the key in the transaction that opens the provider; an error leaves it without a trace. */
function claimer(once: IdempotentCreate, openProvider: OpenProvider): OpenProvider {
  return async (tx) => {
    const earlier = await insertIdempotencyKey(tx, once)
    if (earlier !== undefined) throw new ConflictError('The same import was faster')
    return await openProvider(tx)
  }
}

/** What the import with that key did, if there was one. */
async function findEarlier(
  context: Context,
  once: IdempotentCreate,
): Promise<OpenApiImport | undefined> {
  return await inAccount(context, async (tx) => {
    const earlier = await findIdempotencyKey(tx, once)
    if (earlier === undefined) return undefined
    const provider = await getResult(once, earlier, (id) => getProvider(tx, id))
    // Written by `runImport` in the same transaction as the key.
    const result = JSON.parse(earlier.result ?? '{}') as Omit<OpenApiImport, 'provider'>
    return { ...result, provider }
  })
}

interface Given {
  readonly providerId: string | undefined
  readonly name: string | undefined
  readonly baseUrl: string | undefined
  readonly documentUrl: string | undefined
}

function checkInput(input: Input): Given {
  const { url, text, documentId } = input
  const count = [url, text, documentId].filter((source) => typeof source === 'string').length
  if (count !== 1) {
    throw new InvalidError(`${count} of url, text and documentId are given; expected exactly one`, [
      'input',
    ])
  }
  if (typeof text === 'string') {
    const byteCount = Buffer.byteLength(text)
    if (byteCount > MAX_TEXT_BYTES) {
      throw new InvalidError(
        `text has ${byteCount} bytes, the limit is ${MAX_TEXT_BYTES}; upload it by POST /documents and send its documentId`,
        ['input', 'text'],
      )
    }
  }
  const optional = (key: keyof Input, check: (path: string[], value: string) => string) => {
    const value = input[key]
    return typeof value === 'string' ? check(['input', key], value) : undefined
  }
  optional('documentId', (path, id) => checkId(path, 'doc', id))
  const checkedUrl = optional('url', checkUrl)
  return {
    providerId: optional('providerId', (path, id) => checkId(path, 'prv', id)),
    name: optional('name', checkName),
    baseUrl: optional('baseUrl', checkBaseUrl),
    documentUrl: optional('documentUrl', checkDocumentUrl) ?? checkedUrl,
  }
}

async function openSource(context: Context, input: Input): Promise<DocumentSource> {
  const { url, text, documentId } = input
  if (typeof url === 'string') return { type: 'url', url }
  if (typeof documentId === 'string') {
    const bytes = await readDocument(context.db, viewerOf(context).accountId, documentId)
    return { type: 'bytes', bytes }
  }
  // A copy on a buffer of its own: it is transferred, and an encoder may hand out a part of a pool.
  return { type: 'bytes', bytes: new Uint8Array(new TextEncoder().encode(text ?? '')) }
}

/**
 * Makes the new provider, or brings the given one up to date, when the tools are stored.
 *
 * @throws {InvalidError} INVALID when a new one needs a base URL or a name that the document lacks
 */
function providerOpener(outcome: Imported, given: Given, url: string | undefined): OpenProvider {
  const { providerId, name, baseUrl, documentUrl } = given
  if (providerId !== undefined) {
    const isChanged = [name, baseUrl, documentUrl].some((value) => value !== undefined)
    return async (tx) => {
      if (isChanged) await updateProvider(tx, providerId, { name, baseUrl, documentUrl })
      return providerId
    }
  }
  const values = {
    name: name ?? fitName(outcome.title),
    description: fitDescription(outcome.description),
    baseUrl: baseUrl ?? chooseBaseUrl(outcome.serverUrl, url),
    documentUrl,
  }
  return async (tx) => (await insertProvider(tx, values)).id
}
