// Tools through the front door: read with their schema, taken out of service and put back.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getRoute } from '../db/route.ts'
import { withAccount } from '../db/transaction.ts'
import { importProvider, openControlPlane } from './support/control-plane.ts'

test('a tool is read with its schema and its provider, disabled and enabled', async () => {
  const plane = await openControlPlane()
  const { providerId, toolIds } = await importProvider(plane)
  const id = toolIds[2]
  const { tool } = await plane.ask<{ tool: object }>(
    'query($id: ID!) { tool(id: $id) { id name title method path isEnabled inputSchema provider { id name } } }',
    { id },
  )
  assert.deepEqual(tool, {
    id,
    name: 'get_pets_id_',
    title: 'Summary',
    method: 'GET',
    path: '/pets/{id}',
    isEnabled: true,
    inputSchema: {
      type: 'object',
      properties: { id: { type: 'string' } },
      required: ['id'],
      additionalProperties: false,
    },
    provider: { id: providerId, name: 'Pets' },
  })
  const { data } = await plane.mutate<{ data: { id: string } }>(
    'createServer',
    { name: 'S', providerIds: [providerId] },
    'id',
  )
  const offered = async () => {
    const route = await withAccount(plane.db, plane.accountId, (tx) => getRoute(tx, data.id))
    return route.tools.map((one) => one.id)
  }
  assert.deepEqual(await offered(), toolIds)
  assert.deepEqual(await plane.mutate('updateTool', { id, isEnabled: false }, 'isEnabled'), {
    __typename: 'UpdateToolSuccess',
    data: { isEnabled: false },
  })
  assert.deepEqual(await offered(), toolIds.slice(0, 2))
  await plane.mutate('updateTool', { id, isEnabled: true })
  assert.deepEqual(await offered(), toolIds)
})

test('a page of a hundred tools has the schema and the provider of each', async () => {
  const plane = await openControlPlane()
  await importProvider(
    plane,
    Array.from({ length: 100 }, (_, n) => `get /things/${n}`),
  )
  const { providers } = await plane.ask<{
    providers: { nodes: { tools: { nodes: { provider: { name: string } }[] } }[] }
  }>(
    '{ providers(first: 1) { nodes { tools(first: 100) { nodes { inputSchema provider { name } } } } } }',
  )
  const tools = providers.nodes[0]?.tools.nodes ?? []
  assert.equal(tools.length, 100)
  assert.deepEqual(new Set(tools.map(({ provider }) => provider.name)), new Set(['Pets']))
})
