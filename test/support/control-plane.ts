// The GraphQL endpoint as a function, on a database of the test's own, with two accounts in it.
import assert from 'node:assert/strict'
import { after } from 'node:test'
import type { KyselyPlugin } from 'kysely'
import { insertAccount } from '../../db/account.ts'
import { insertApiKey } from '../../db/api-key.ts'
import type { Database } from '../../db/client.ts'
import { hashCredential, newCredential } from '../../db/credential.ts'
import { newId } from '../../db/id.ts'
import { withAccount } from '../../db/transaction.ts'
import { createVault } from '../../db/vault.ts'
import type { Context } from '../../schema/context.ts'
import { createApiKeyAuthenticator } from '../../server/authenticate-api-key.ts'
import { createDocumentUpload } from '../../server/document.ts'
import { createGraphql } from '../../server/graphql.ts'
import { deriveKey } from '../../server/instance-key.ts'
import { readSandboxSetting } from '../../server/sandbox-setting.ts'
import { createToolTrial } from '../../server/tool-trial.ts'
import { sandboxCommand } from '../../workers/sandbox/spawn-process.ts'
import { createSandbox } from '../../workers/sandbox/supervisor.ts'
import type { DocumentSource, ImportOutcome } from '../../workers/messages.ts'
import { openTestDatabase } from './database.ts'
import { importSource } from './import.ts'

export const REQUEST_ID = 'request-1'
const INSTANCE_KEY = Buffer.alloc(32, 'control plane')

/** The answer as a client sees it. */
export interface Answer {
  readonly status: number
  readonly text: string
  readonly body: {
    readonly data?: Readonly<Record<string, unknown>> | null
    readonly errors?: readonly Readonly<Record<string, unknown>>[]
  }
}

/** One account's view of the API. */
export interface Client {
  readonly accountId: string
  readonly key: string
  send(query: string, variables?: object): Promise<Answer>
  /** The data of an answer without errors. */
  ask<T>(query: string, variables?: object): Promise<T>
  /** `mutation { name(input) { … } }` selecting the error, and of a success what `data` says. */
  mutate<T = Result>(name: string, input: object, data?: string): Promise<T>
  upload(body: BodyInit | null, headers?: Record<string, string>): Promise<Response>
}

export interface Result {
  readonly __typename: string
  readonly code?: string
  readonly message?: string
  readonly path?: readonly string[]
  readonly data?: unknown
}

export interface ControlPlane extends Client {
  readonly db: Database
  /** What was logged instead of shown. */
  readonly logged: { readonly error: unknown; readonly requestId: string }[]
  readonly other: Client
  fetch(request: Request): Promise<Response>
}

export interface ControlPlaneOptions {
  readonly importDocument?: (source: DocumentSource) => Promise<ImportOutcome>
  readonly egressAllow?: string
  readonly maxDocumentBytes?: number
  readonly callTool?: Context['callTool']
  readonly operationTimeoutMs?: number
  readonly isIntrospectionOn?: boolean
  /** Told of every statement but those that open and close a transaction. */
  readonly onStatement?: () => void
}

function createWatcher(onStatement: () => void): KyselyPlugin {
  return {
    transformQuery({ node }) {
      // The first of a transaction says who it is for.
      if (!JSON.stringify(node).includes('set_config')) onStatement()
      return node
    },
    transformResult: ({ result }) => Promise.resolve(result),
  }
}

// One database for all tests of a file: each has accounts of its own, which see nothing of each
// other, and opening one takes a second.
const cleanups: (() => unknown)[] = []
let sharedDatabase: Promise<Database> | undefined

after(async () => {
  for (const work of cleanups.toReversed()) await work()
})

function openSharedDatabase(): Promise<Database> {
  sharedDatabase ??= openTestDatabase({ after: (work) => cleanups.push(work) })
  return sharedDatabase
}

// Without a process until a test has a script.
const sandbox = createSandbox({
  command: sandboxCommand(
    readSandboxSetting(
      () => undefined,
      (read) => read(),
      () => undefined,
    ).engine,
  ),
})
cleanups.push(() => sandbox.close())

// Nobody signs in here with a browser: what needs one is tested with the whole product.
const notHere = () => Promise.reject(new Error('There are no people here'))
const people: Context['people'] = {
  isSignUpOpen: false,
  linkInvitation: ({ id }) => Promise.resolve(`https://mcp.test/invitation?token=${id}`),
  mailInvitation: () => Promise.resolve(false),
  acceptInvitation: notHere,
  renewSession: notHere,
}

export async function openControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const shared = await openSharedDatabase()
  const { onStatement } = options
  const db =
    onStatement === undefined
      ? shared
      : { ...shared, kysely: shared.kysely.withPlugin(createWatcher(onStatement)) }
  const { egressAllow = '' } = options
  const importDocument = options.importDocument ?? ((source) => importSource(source, egressAllow))
  const logged: { error: unknown; requestId: string }[] = []
  const authenticate = createApiKeyAuthenticator({ db })
  const handle = createGraphql({
    db,
    vault: createVault(deriveKey(INSTANCE_KEY, 'vault')),
    sandbox,
    authenticate,
    importDocument,
    callTool:
      options.callTool ??
      createToolTrial(db, () => Promise.reject(new Error('There are no threads here'))),
    isIntrospectionOn: options.isIntrospectionOn ?? true,
    ...(options.operationTimeoutMs !== undefined && {
      operationTimeoutMs: options.operationTimeoutMs,
    }),
    deriveBytes: (purpose) => deriveKey(INSTANCE_KEY, purpose),
    createPeople: () => people,
    tickets: { issue: notHere, rotate: notHere },
    cursorKey: new Uint8Array(32).fill(5),
    mcpUrl: (serverId) => `https://mcp.test/mcp/${serverId}`,
    onError: (error, requestId) => logged.push({ error, requestId }),
  })
  const handleUpload = createDocumentUpload({
    db,
    authenticate,
    ...(options.maxDocumentBytes !== undefined && { maxBytes: options.maxDocumentBytes }),
  })
  const fetch = (request: Request) => handle(request, REQUEST_ID)
  const upload = (request: Request) => handleUpload(request, REQUEST_ID)
  const [mine, other] = [await openClient(db, fetch, upload), await openClient(db, fetch, upload)]
  return { ...mine, db, logged, other, fetch }
}

async function openClient(
  db: Database,
  handle: (request: Request) => Promise<Response>,
  handleUpload: (request: Request) => Promise<Response>,
): Promise<Client> {
  const accountId = newId('acc')
  const key = newCredential('hmk')
  await withAccount(db, accountId, async (tx) => {
    await insertAccount(tx, { name: `Account ${accountId.slice(-4)}` })
    await insertApiKey(tx, { name: 'First', hash: hashCredential(key) })
  })
  const send = async (query: string, variables: object = {}): Promise<Answer> => {
    const response = await handle(graphqlRequest(JSON.stringify({ query, variables }), { key }))
    const text = await response.text()
    return { status: response.status, text, body: JSON.parse(text) as Answer['body'] }
  }
  const ask = async <T>(query: string, variables?: object): Promise<T> => {
    const { status, text, body } = await send(query, variables)
    assert.deepEqual({ status, errors: body.errors }, { status: 200, errors: undefined }, text)
    return body.data as T
  }
  return {
    accountId,
    key,
    send,
    ask,
    async mutate<T>(name: string, input: object, data = '__typename'): Promise<T> {
      const result = await ask<Record<string, T>>(mutation(name, data), { input })
      return result[name] as T
    },
    upload: (body, headers = {}) =>
      handleUpload(
        new Request('http://control.test/documents', {
          method: 'POST',
          headers: { authorization: `Bearer ${key}`, ...headers },
          body,
          duplex: 'half',
        } as RequestInit),
      ),
  }
}

/** A mutation with one `input`, and everything an error says. */
export function mutation(name: string, data: string): string {
  const type = `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`
  const selection = data === '' ? 'data' : `data { ${data} }`
  return `mutation Mutate($input: ${type}Input!) {
    ${name}(input: $input) {
      __typename
      ... on ${type}Success { ${selection} }
      ... on Error { code message }
      ... on InvalidError { path }
    }
  }`
}

export interface RequestOptions {
  readonly key?: string
  readonly method?: string
  readonly headers?: Record<string, string>
}

export function graphqlRequest(body: string, options: RequestOptions = {}): Request {
  const { key, method = 'POST', headers = {} } = options
  return new Request('http://control.test/graphql', {
    method,
    headers: {
      'content-type': 'application/json',
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
      ...headers,
    },
    ...(method !== 'GET' && { body }),
  })
}

/** A document with an operation for each of `paths`, `get /pets` and so on. */
export function openapi(operations: readonly string[], more: object = {}): string {
  const paths: Record<string, Record<string, object>> = {}
  for (const operation of operations) {
    const [method = '', path = '', summary = 'Summary'] = operation.split(' ')
    paths[path] = {
      ...paths[path],
      [method]: { operationId: `${method}${path.replaceAll(/\W+/g, '_')}`, summary, responses: {} },
    }
  }
  return JSON.stringify({
    openapi: '3.1.0',
    info: { title: 'Pet store', description: 'Pets.', version: '1' },
    servers: [{ url: 'https://api.example.com/v1' }],
    paths,
    ...more,
  })
}

/** A provider with tools, and what it is made of. */
export async function importProvider(
  client: Client,
  operations: readonly string[] = ['get /pets', 'post /pets', 'get /pets/{id}'],
  name = 'Pets',
): Promise<{ readonly providerId: string; readonly toolIds: readonly string[] }> {
  const result = await client.mutate<{
    data: { provider: { id: string; tools: { nodes: { id: string }[] } } }
  }>(
    'importOpenApi',
    { text: openapi(operations), name },
    'provider { id tools(first: 100) { nodes { id } } }',
  )
  const { id, tools } = result.data.provider
  return { providerId: id, toolIds: tools.nodes.map((tool) => tool.id) }
}
