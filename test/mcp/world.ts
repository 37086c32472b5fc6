// Rows to open: an account with a provider, its tools, a server of all of them and a token for it.
import { createHash } from 'node:crypto'
import { insertAccount } from '../../db/account.ts'
import type { Database } from '../../db/client.ts'
import { hashCredential, newCredential } from '../../db/credential.ts'
import { newId } from '../../db/id.ts'
import { importTools } from '../../db/import-tools.ts'
import { insertProvider } from '../../db/provider.ts'
import { insertServer } from '../../db/server.ts'
import { insertServerToken } from '../../db/server-token.ts'
import { addServerTools } from '../../db/server-tool.ts'
import { withAccount } from '../../db/transaction.ts'
import type { ImportedTool } from '../../workers/messages.ts'

export interface World {
  readonly accountId: string
  readonly providerId: string
  readonly serverId: string
  readonly token: string
  readonly tokenId: string
}

/** `getPet` takes an id in the path, `addPet` a body. */
const DEFINITIONS: readonly (readonly [name: string, definition: object])[] = [
  [
    'getPet',
    {
      method: 'GET',
      path: '/pets/{petId}',
      inputSchema: {
        type: 'object',
        properties: { petId: { type: 'integer' } },
        required: ['petId'],
      },
      parameters: [
        { argument: 'petId', name: 'petId', in: 'path', style: 'simple', explode: false },
      ],
    },
  ],
  [
    'addPet',
    {
      method: 'POST',
      path: '/pets',
      inputSchema: {
        type: 'object',
        properties: { body: { type: 'object', properties: { name: { type: 'string' } } } },
      },
      parameters: [],
      body: { argument: 'body', contentType: 'application/json', encoding: 'json' },
    },
  ],
]

export async function createWorld(
  db: Database,
  name = 'pets',
  baseUrl = 'http://upstream.test',
): Promise<World> {
  const accountId = newId('acc')
  const providerId = await withAccount(db, accountId, async (tx) => {
    await insertAccount(tx, { name })
    return (await insertProvider(tx, { name, description: '', baseUrl })).id
  })
  await importTools(db, accountId, () => Promise.resolve(providerId), [batchOf()])
  const token = newCredential('hms')
  return await withAccount(db, accountId, async (tx) => {
    const { id: serverId } = await insertServer(tx, { name, instructions: 'Be kind to them' })
    await addServerTools(tx, serverId, { providerId })
    const hash = hashCredential(token)
    const { id: tokenId } = await insertServerToken(tx, { serverId, name: 'first', hash })
    return { accountId, providerId, serverId, token, tokenId }
  })
}

function batchOf() {
  const texts = DEFINITIONS.map(([name, value]) => {
    const definition = JSON.stringify(value)
    return { name, definition, hash: createHash('sha256').update(definition).digest('hex') }
  })
  const tools = texts.map(({ name, definition, hash }, position): ImportedTool => {
    const { method, path } = JSON.parse(definition) as Pick<ImportedTool, 'method' | 'path'>
    return {
      name,
      title: name,
      description: '',
      method,
      path,
      definition_hash: hash,
      position,
      tags: [],
    }
  })
  const encode = (value: unknown): Uint8Array<ArrayBuffer> =>
    new TextEncoder().encode(JSON.stringify(value))
  return {
    definitions: encode(texts.map(({ hash, definition }) => ({ hash, definition }))),
    tools: encode(tools),
  }
}
