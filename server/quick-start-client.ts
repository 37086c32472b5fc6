// The quick start's few GraphQL operations, sent through the app as any front end would send them.
import type { App } from './app.ts'
import { QuickStartError } from './quick-start-error.ts'
import type { Running } from './start.ts'

/** The provider that an import made or brought up to date. */
export interface ImportedProvider {
  readonly id: string
  readonly name: string
  readonly baseUrl: string
}

/** The parts of GraphQL's `ImportOpenApiInput` that a quick start uses. */
export interface ImportInput {
  readonly documentId?: string
  readonly url?: string
  readonly providerId?: string
  readonly baseUrl?: string
  readonly name?: string
  readonly documentUrl: string
}

/** What an import did, as far as a person is told. */
export interface Imported {
  readonly provider: ImportedProvider
  readonly toolCount: number
  readonly warnings: readonly string[]
}

/** Each rejects with a QuickStartError that carries the API's own sentence. */
export interface GraphqlClient {
  /** Id of the provider that was imported from this document, if there is one. */
  findProvider(documentUrl: string): Promise<string | undefined>
  /** Id of the stored document. */
  uploadDocument(bytes: Uint8Array<ArrayBuffer>): Promise<string>
  /** A taken name gets a number: two documents may have one title. */
  importOpenApi(input: ImportInput): Promise<Imported>
  /** Id of the server that bears the provider's name, with all the provider's tools. */
  openServer(provider: ImportedProvider): Promise<string>
}

// More documents of one title than a person would import.
const MAX_NAME_ATTEMPTS = 20

const FIND_PROVIDER = `query FindProvider($documentUrl: String!) {
  providers(first: 1, filter: { documentUrl: $documentUrl }) { edges { node { id } } }
}`

const IMPORT = `mutation Import($input: ImportOpenApiInput!) {
  importOpenApi(input: $input) {
    __typename
    ... on ImportOpenApiSuccess {
      data { provider { id name baseUrl } added changed unchanged warnings }
    }
    ... on Error { code message }
  }
}`

const FIND_SERVER = `query FindServer($name: String!) {
  servers(first: 1, filter: { name: $name }) { edges { node { id } } }
}`

const CREATE_SERVER = `mutation CreateServer($input: CreateServerInput!) {
  createServer(input: $input) {
    __typename
    ... on CreateServerSuccess { data { id } }
    ... on Error { code message }
  }
}`

const ADD_TOOLS = `mutation AddTools($input: AddServerToolsInput!) {
  addServerTools(input: $input) {
    __typename
    ... on AddServerToolsSuccess { data { id } }
    ... on Error { code message }
  }
}`

interface Failure {
  readonly code: string
  readonly message: string
}

type Result<T> = { readonly data: T } | Failure

interface Edges {
  readonly edges: readonly { readonly node: { readonly id: string } }[]
}

/** A client with the owner's key. */
export function graphqlClient({
  app,
  graphqlUrl,
  ownerKey,
}: Pick<Running, 'app' | 'graphqlUrl' | 'ownerKey'>): GraphqlClient {
  const send = sender(app, ownerKey.text)
  const query = async <T>(text: string, variables: object): Promise<T> => {
    const body = JSON.stringify({ query: text, variables })
    const answer = (await send(graphqlUrl, body, 'application/json')) as {
      data?: T
      errors?: readonly { message: string }[]
    }
    const problem = answer.errors?.[0]
    if (answer.data === undefined || problem !== undefined)
      throw new QuickStartError(problem?.message ?? 'No answer')
    return answer.data
  }
  return {
    async findProvider(documentUrl) {
      const { providers } = await query<{ providers: Edges }>(FIND_PROVIDER, { documentUrl })
      return providers.edges[0]?.node.id
    },
    async uploadDocument(bytes) {
      const url = new URL('/documents', graphqlUrl).href
      const answer = (await send(url, bytes, 'application/octet-stream')) as { documentId: string }
      return answer.documentId
    },
    importOpenApi: (input) => importOpenApi(query, input),
    async openServer(provider) {
      const { servers } = await query<{ servers: Edges }>(FIND_SERVER, { name: provider.name })
      const serverId = servers.edges[0]?.node.id
      if (serverId === undefined) {
        const input = { name: provider.name, providerIds: [provider.id] }
        const { createServer } = await query<{ createServer: Result<{ id: string }> }>(
          CREATE_SERVER,
          { input },
        )
        return unwrap(createServer).id
      }
      const input = { serverId, providerIds: [provider.id] }
      const { addServerTools } = await query<{ addServerTools: Result<{ id: string }> }>(
        ADD_TOOLS,
        { input },
      )
      return unwrap(addServerTools).id
    },
  }
}

type Query = <T>(text: string, variables: object) => Promise<T>

type ImportAnswer = Result<
  Pick<Imported, 'provider' | 'warnings'> & { added: number; changed: number; unchanged: number }
>

async function importOpenApi(query: Query, input: ImportInput): Promise<Imported> {
  let taken: string | undefined
  for (let attempt = 1; ; attempt++) {
    const name = taken === undefined ? {} : { name: `${taken} ${attempt}` }
    const { importOpenApi: result } = await query<{ importOpenApi: ImportAnswer }>(IMPORT, {
      input: { ...input, ...name },
    })
    if ('data' in result) {
      const { provider, warnings, added, changed, unchanged } = result.data
      return { provider, warnings, toolCount: added + changed + unchanged }
    }
    const isTaken = result.code === 'CONFLICT' && attempt < MAX_NAME_ATTEMPTS
    taken ??= /named "(.+)"/.exec(result.message)?.[1]
    if (!isTaken || taken === undefined) throw new QuickStartError(result.message)
  }
}

function unwrap<T>(result: Result<T>): T {
  if ('data' in result) return result.data
  throw new QuickStartError(result.message)
}

function sender(app: App, apiKey: string) {
  return async (
    url: string,
    body: string | Uint8Array<ArrayBuffer>,
    contentType: string,
  ): Promise<unknown> => {
    const headers = { authorization: `Bearer ${apiKey}`, 'content-type': contentType }
    const request = new Request(url, { method: 'POST', headers, body })
    const response = await app(request, { ip: '127.0.0.1' })
    const answer: unknown = await response.json()
    const problem = (answer as { error?: { message: string } }).error
    if (problem !== undefined) throw new QuickStartError(problem.message)
    return answer
  }
}
