// Tools as one server shows them, many at once, and tried without a model.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openWorld } from './support/world.ts'

async function listIds(world: Awaited<ReturnType<typeof openWorld>>): Promise<string[]> {
  const { tools } = await world.ask<{ tools: { nodes: { id: string }[] } }>(
    '{ tools(first: 100) { nodes { id } } }',
  )
  return tools.nodes.map(({ id }) => id)
}

test('a server renames, re-describes and switches off a tool for its own clients', async (t) => {
  const world = await openWorld(t)
  const providerId = await world.importProvider(['get /pets', 'get /teas'])
  const [pets = '', teas = ''] = await listIds(world)
  const server = await world.openServer({ providerIds: [providerId] })
  const other = await world.openServer({ name: 'Other', providerIds: [providerId] })
  const show = (toolId: string, more: object) =>
    world.mutate<{ data?: object; message?: string }>(
      'updateServerTool',
      { serverId: server.id, toolId, ...more },
      'name title description isEnabled tool { id }',
    )
  assert.deepEqual(
    await show(pets, { name: 'animals', title: 'Animals', description: 'All of them.' }),
    {
      __typename: 'UpdateServerToolSuccess',
      data: {
        name: 'animals',
        title: 'Animals',
        description: 'All of them.',
        isEnabled: true,
        tool: { id: pets },
      },
    },
  )
  const names = async (of = server) => (await of.list()).map(({ name }) => name)
  assert.deepEqual(await names(), ['animals', 'get_teas'])
  assert.deepEqual(await names(other), ['get_pets', 'get_teas'])
  const [shown] = await server.list()
  assert.deepEqual([shown?.['title'], shown?.['description']], ['Animals', 'All of them.'])
  assert.equal((await server.call('animals')).isError, false)
  assert.equal(world.upstream.requests[0]?.url, '/pets')
  const { body } = await server.request('tools/call', { name: 'get_pets', arguments: {} })
  assert.deepEqual(body.error, { code: -32602, message: 'Unknown tool: get_pets' })

  assert.equal(
    (await show(teas, { name: 'animals' })).message,
    'The server shows another tool as "animals" already',
  )
  assert.equal(
    (await show(teas, { name: 'a b' })).message,
    'name is "a b"; expected 1 to 64 of A-Z, a-z, 0-9, _ and -',
  )
  // A chosen name is taken as it is: who has it by nature gives way.
  await show(pets, { name: 'get_teas' })
  assert.deepEqual(await names(), ['get_teas', `get_teas_${teas.slice(-6)}`])
  await show(pets, { name: null, isEnabled: false })
  assert.deepEqual(await names(), ['get_teas'])
  await show(pets, { isEnabled: true, title: null, description: null })
  assert.deepEqual(await server.list(), await other.list())
  const { server: read } = await world.ask<{ server: object }>(
    'query($id: ID!, $ids: [ID!]!) { server(id: $id) { serverTools(toolIds: $ids) { name isEnabled tool { name } } } }',
    { id: server.id, ids: [pets] },
  )
  assert.deepEqual(read, {
    serverTools: [{ name: null, isEnabled: true, tool: { name: 'get_pets' } }],
  })
  await world.make('removeServerTools', { serverId: server.id, toolIds: [pets] })
  assert.equal((await show(pets, {})).message, `The server ${server.id} has no tool ${pets}`)
})

test('300 tools are chosen, switched and taken away in one mutation each; one unknown id and nothing is', async (t) => {
  const world = await openWorld(t)
  await world.importProvider(Array.from({ length: 300 }, (_, index) => `get /p${index}`))
  const { tools } = await world.ask<{
    tools: { nodes: { id: string }[]; pageInfo: { endCursor: string } }
  }>('{ tools(first: 100) { nodes { id } pageInfo { endCursor } } }')
  const rest = async (after: string) =>
    (
      await world.ask<{ tools: typeof tools }>(
        'query($after: String) { tools(first: 100, after: $after) { nodes { id } pageInfo { endCursor } } }',
        { after },
      )
    ).tools
  const second = await rest(tools.pageInfo.endCursor)
  const third = await rest(second.pageInfo.endCursor)
  const ids = [tools, second, third].flatMap((page) => page.nodes.map(({ id }) => id))
  assert.equal(new Set(ids).size, 300)
  const server = await world.openServer({})
  await world.make('setServerTools', { serverId: server.id, toolIds: [...ids, ...ids.slice(0, 5)] })
  assert.equal((await server.list()).length, 300)
  const unknown = 'tool_01h455vb4pex5vsknk084sn02q'
  for (const [name, input] of [
    ['setServerTools', { serverId: server.id, toolIds: [...ids.slice(0, 3), unknown] }],
    ['updateTools', { ids: [...ids, unknown], isEnabled: false }],
  ] as const) {
    const selection = name === 'updateTools' ? '' : 'id'
    const { code, message } = await world.mutate(name, input, selection)
    assert.deepEqual({ code, message }, { code: 'NOT_FOUND', message: `No tool ${unknown}` })
  }
  assert.equal((await server.list()).length, 300)
  await world.make('updateTools', { ids: ids.slice(10), isEnabled: false }, '')
  assert.equal((await server.list()).length, 10)
  await world.make('updateTools', { ids, isEnabled: true }, '')
  await world.make('setServerTools', { serverId: server.id, toolIds: ids.slice(0, 2) })
  assert.equal((await server.list()).length, 2)
})

test('callTool calls as a model would, and shows what a model does not see', async (t) => {
  const world = await openWorld(t, (request, response) => {
    response.statusCode = request.url === '/teas' ? 404 : 200
    response.setHeader('content-type', 'application/json').end('{"ok":true}')
  })
  const providerId = await world.importProvider(['get /pets', 'get /teas', 'get /pets/{id}'])
  const [pets = '', teas = '', pet = ''] = await listIds(world)
  const call = async (input: object) => {
    const result = await world.mutate<{ data?: { durationMs: number }; message?: string }>(
      'callTool',
      input,
      'content isError failure status responseBytes durationMs',
    )
    if (result.data === undefined) return result
    const { durationMs, ...rest } = result.data
    assert.ok(durationMs > 0 && durationMs < 30_000)
    return rest
  }
  const answered = {
    content: [{ type: 'text', text: '{"ok":true}' }],
    isError: false,
    failure: null,
  }
  assert.deepEqual(await call({ toolId: pets }), { ...answered, status: 200, responseBytes: 11 })
  assert.deepEqual(await call({ toolId: teas }), {
    content: [{ type: 'text', text: 'HTTP 404 Not Found\n{"ok":true}' }],
    isError: true,
    failure: null,
    status: 404,
    responseBytes: 11,
  })
  assert.deepEqual(await call({ toolId: pet, arguments: {} }), {
    content: [{ type: 'text', text: 'Invalid arguments: /id is required' }],
    isError: true,
    failure: 'ARGUMENTS_INVALID',
    status: null,
    responseBytes: 0,
  })
  await call({ toolId: pet, arguments: { id: 'x y' } })
  assert.equal(world.upstream.requests.at(-1)?.url, '/pets/x%20y')
  for (const args of [[], 'x', 1, true]) {
    assert.equal(
      (await world.mutate('callTool', { toolId: pets, arguments: args }, 'isError')).message,
      'arguments is no object; expected one, such as {"id": 1}',
    )
  }
  // By itself a tool can be tried before it is switched on; as a server's client it is not there.
  const server = await world.openServer({ providerIds: [providerId] })
  await world.make('updateTool', { id: pets, isEnabled: false })
  assert.deepEqual(await call({ toolId: pets }), { ...answered, status: 200, responseBytes: 11 })
  const refused = await world.mutate('callTool', { toolId: pets, serverId: server.id }, 'isError')
  assert.deepEqual(
    [refused.code, refused.message],
    ['NOT_FOUND', `The server ${server.id} offers no tool ${pets}`],
  )
  const { data } = await world.mutate<{ data: { isError: boolean } }>(
    'callTool',
    { toolId: pet, serverId: server.id, arguments: { id: '1' } },
    'isError',
  )
  assert.deepEqual(data, { isError: false })
})
