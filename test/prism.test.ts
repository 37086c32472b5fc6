// Real documents, a judge that nobody here wrote, and stock clients: Prism serves the document and
// refuses (422) every request that does not match it; the official clients list and call the tools.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from '@modelcontextprotocol/client'
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { createTestStorage } from './support/database.ts'
import { freePort } from './support/free-port.ts'
import { graphql } from './support/graphql.ts'
import { ROOT, startProduct, type QuickStartLine } from './support/product.ts'

const specs = fileURLToPath(new URL('../../shared/specs/', import.meta.url))
const skip = !existsSync(specs) && 'The documents in ../shared/specs are not here'

interface Connected {
  listTools(
    cursor?: string,
  ): Promise<{ tools: { name: string }[]; nextCursor?: string | undefined }>
  callTool(
    name: string,
    args: Record<string, unknown>,
  ): Promise<{ content: unknown; isError?: boolean | undefined }>
  close(): Promise<void>
}

type Connect = (line: QuickStartLine) => Promise<Connected>

const requestInit = ({ token }: QuickStartLine) => ({
  requestInit: { headers: { authorization: `Bearer ${token}` } },
})

const info = { name: 'stock-client', version: '1.0.0' }

const connectLegacy: Connect = async (line) => {
  const client = new LegacyClient(info)
  // The SDK's own types disagree with exactOptionalPropertyTypes.
  await client.connect(
    new LegacyTransport(new URL(line.mcpUrl), requestInit(line)) as Parameters<
      typeof client.connect
    >[0],
  )
  return {
    listTools: async (cursor) => await client.listTools(cursor === undefined ? {} : { cursor }),
    callTool: async (name, args) =>
      (await client.callTool({ name, arguments: args })) as Awaited<
        ReturnType<Connected['callTool']>
      >,
    close: () => client.close(),
  }
}

const connectModern =
  (mode: 'legacy' | 'auto' | 'pinned'): Connect =>
  async (line) => {
    const client = new ModernClient(info, {
      versionNegotiation: { mode: mode === 'pinned' ? { pin: '2026-07-28' } : mode },
    })
    await client.connect(new ModernTransport(new URL(line.mcpUrl), requestInit(line)))
    return {
      listTools: async (cursor) => await client.listTools(cursor === undefined ? {} : { cursor }),
      callTool: async (name, args) =>
        (await client.callTool({ name, arguments: args })) as Awaited<
          ReturnType<Connected['callTool']>
        >,
      close: () => client.close(),
    }
  }

const CLIENTS: Readonly<Record<string, Connect>> = {
  '@modelcontextprotocol/sdk 1.x': connectLegacy,
  '@modelcontextprotocol/client 2.x legacy': connectModern('legacy'),
  '@modelcontextprotocol/client 2.x auto': connectModern('auto'),
  '@modelcontextprotocol/client 2.x pinned': connectModern('pinned'),
}

const DOCUMENTS: readonly {
  file: string
  toolCount: number
  headers?: object
  calls: readonly { tool: string; arguments: Record<string, unknown> }[]
}[] = [
  {
    file: 'petstore.yaml',
    toolCount: 3,
    calls: [
      { tool: 'listPets', arguments: { limit: 3 } },
      { tool: 'showPetById', arguments: { petId: 'a b/ü' } },
      { tool: 'createPets', arguments: { body: { id: 1, name: 'Rex' } } },
    ],
  },
  {
    file: 'box.json',
    toolCount: 296,
    calls: [
      { tool: 'get_files_id', arguments: { file_id: '12345', fields: ['id', 'type', 'name'] } },
      {
        tool: 'get_search',
        arguments: { query: 'sales & more', limit: 5, file_extensions: ['pdf', 'png'] },
      },
      { tool: 'post_folders', arguments: { body: { name: 'New Folder', parent: { id: '0' } } } },
    ],
  },
]

for (const document of DOCUMENTS) {
  test(
    `${document.file} served by Prism: stock clients list and call its tools`,
    { skip },
    async (t) => {
      const baseUrl = await startPrism(t, `${specs}${document.file}`)
      const product = await startProduct(t, {
        args: ['--openapi', `${specs}${document.file}`, '--base-url', baseUrl, '--json'],
        env: await createTestStorage(t),
      })
      const line = JSON.parse(product.firstLine) as QuickStartLine
      await setAuthorization(line)
      for (const [name, connect] of Object.entries(CLIENTS)) {
        await t.test(name, async () => {
          const client = await connect(line)
          const names = new Set<string>()
          let cursor: string | undefined
          do {
            const page = await client.listTools(cursor)
            for (const tool of page.tools) names.add(tool.name)
            cursor = page.nextCursor
          } while (cursor !== undefined)
          assert.equal(names.size, document.toolCount)
          for (const call of document.calls) {
            const { content, isError } = await client.callTool(call.tool, call.arguments)
            assert.notEqual(isError, true, `${call.tool}: ${JSON.stringify(content).slice(0, 500)}`)
          }
          await client.close()
        })
      }
      assert.equal(await product.end('SIGTERM'), 0)
    },
  )
}

const FIND_PROVIDER = '{ providers(first: 1) { edges { node { id } } } }'
const SET_HEADERS = `mutation Set($input: UpdateProviderInput!) {
  updateProvider(input: $input) { __typename }
}`

/** Prism wants the credential that the document declares; any will do. */
async function setAuthorization({ graphqlUrl, apiKey }: QuickStartLine): Promise<void> {
  const { providers } = await graphql<{ providers: { edges: { node: { id: string } }[] } }>(
    graphqlUrl,
    apiKey,
    FIND_PROVIDER,
  )
  const id = providers.edges[0]?.node.id
  const input = { id, headers: [{ name: 'Authorization', value: 'Bearer anything' }] }
  const { updateProvider } = await graphql<{ updateProvider: unknown }>(
    graphqlUrl,
    apiKey,
    SET_HEADERS,
    { input },
  )
  assert.deepEqual(updateProvider, { __typename: 'UpdateProviderSuccess' })
}

/** Prism on a free port; resolves with its base URL once it listens. */
async function startPrism(t: TestContext, file: string): Promise<string> {
  const port = await freePort()
  const child = spawn(
    process.execPath,
    [
      `${ROOT}node_modules/@stoplight/prism-cli/dist/index.js`,
      'mock',
      '--errors',
      '-h',
      '127.0.0.1',
      '-p',
      String(port),
      file,
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        SCARF_ANALYTICS: 'false',
        DO_NOT_TRACK: '1',
      },
    },
  )
  const exited = once(child, 'exit')
  t.after(async () => {
    child.kill('SIGKILL')
    await exited
  })
  await new Promise<void>((resolve, reject) => {
    let output = ''
    const onData = (chunk: string) => {
      output += chunk
      if (output.includes('is listening on')) resolve()
    }
    child.stdout.setEncoding('utf8').on('data', onData)
    child.stderr.setEncoding('utf8').on('data', onData)
    child.once('exit', () => {
      reject(new Error(`Prism ended: ${output.slice(-2000)}`))
    })
  })
  return `http://127.0.0.1:${port}`
}
