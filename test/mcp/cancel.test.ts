// Ending a call that runs: by notification in the legacy era, by closing the connection in both.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  PETS,
  REQUEST_ID,
  SERVER_ID,
  type Sent,
  endpointOf,
  legacy,
  modern,
  requestOf,
  send,
  textResult,
} from './fixture.ts'

const CANCEL_BY_NUMBER = {
  jsonrpc: '2.0',
  method: 'notifications/cancelled',
  params: { requestId: 7 },
}
const CALL = { name: 'addPet', arguments: {} }

/** An endpoint whose calls last until they are aborted or `finish` is called. */
function setUp() {
  const starts: (() => void)[] = []
  const finishes: (() => void)[] = []
  let aborted = 0
  const endpoint = endpointOf({
    routes: {
      open: (_serverId, token) => Promise.resolve({ type: 'opened', route: PETS, tokenId: token }),
      find: () => Promise.resolve(PETS),
    },
    call: ({ signal }) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          aborted += 1
          resolve(textResult('', { failure: 'CANCELLED' }))
        })
        finishes.push(() => {
          resolve(textResult('done'))
        })
        starts.shift()?.()
      }),
  })
  return {
    endpoint,
    aborted: () => aborted,
    finishAll: (): void => {
      for (const finish of finishes) finish()
    },
    /** Sends it; resolves when its call runs, with the promise of its answer. */
    begin: async (sent: Sent) => {
      const { promise, resolve } = Promise.withResolvers<undefined>()
      starts.push(() => {
        resolve(undefined)
      })
      const answer = send(endpoint, sent)
      await promise
      return { answer }
    },
  }
}

test('notifications/cancelled aborts the call with that id, which is answered with 202 and no body', async () => {
  const { endpoint, aborted, begin } = setUp()
  const { answer } = await begin(legacy('tools/call', CALL, 7))
  const note = await send(endpoint, { body: CANCEL_BY_NUMBER })
  assert.deepEqual([note.status, note.text], [202, ''])
  const { status, text } = await answer
  assert.deepEqual([status, text, aborted()], [202, '', 1])
})

test('notifications/cancelled leaves other ids, other types of id and other tokens alone', async () => {
  const { endpoint, aborted, begin, finishAll } = setUp()
  const { answer } = await begin(legacy('tools/call', CALL, 7))
  const others: readonly Sent[] = [
    { body: { ...CANCEL_BY_NUMBER, params: { requestId: '7' } } },
    { body: { ...CANCEL_BY_NUMBER, params: { requestId: 8 } } },
    { body: { ...CANCEL_BY_NUMBER, params: { requestId: null } } },
    { body: { ...CANCEL_BY_NUMBER, params: {} } },
    { body: { jsonrpc: '2.0', method: 'notifications/cancelled' } },
    { body: CANCEL_BY_NUMBER, headers: { authorization: 'Bearer other' } },
    { body: CANCEL_BY_NUMBER, headers: { 'mcp-protocol-version': '2026-07-28' } },
  ]
  for (const sent of others) assert.equal((await send(endpoint, sent)).status, 202)
  assert.equal(aborted(), 0)
  finishAll()
  assert.equal((await answer).status, 200)
})

test('notifications/cancelled is ignored where two calls of one token have that id', async () => {
  const { endpoint, aborted, begin, finishAll } = setUp()
  const first = await begin(legacy('tools/call', CALL, 7))
  const second = await begin(legacy('tools/call', CALL, 7))
  assert.equal((await send(endpoint, { body: CANCEL_BY_NUMBER })).status, 202)
  assert.equal(aborted(), 0)
  finishAll()
  assert.deepEqual([(await first.answer).status, (await second.answer).status], [200, 200])
})

test('notifications/cancelled of a call that has ended is accepted', async () => {
  const { endpoint, begin, finishAll } = setUp()
  const { answer } = await begin(legacy('tools/call', CALL, 7))
  finishAll()
  await answer
  assert.equal((await send(endpoint, { body: CANCEL_BY_NUMBER })).status, 202)
})

test('a cancelled call of a batch leaves the others their answers', async () => {
  const { endpoint, begin } = setUp()
  const call = { jsonrpc: '2.0', id: 7, method: 'tools/call', params: CALL }
  const ping = { jsonrpc: '2.0', id: 8, method: 'ping' }
  const { answer } = await begin({ body: [call, ping] })
  await send(endpoint, { body: CANCEL_BY_NUMBER })
  assert.deepEqual((await answer).json, [{ jsonrpc: '2.0', id: 8, result: {} }])
})

for (const [era, sent] of [
  ['legacy', legacy('tools/call', CALL, 7)],
  ['modern', modern('tools/call', CALL)],
] as const) {
  test(`closing the connection aborts the ${era} call`, async () => {
    const { aborted, begin } = setUp()
    const connection = new AbortController()
    const { answer } = await begin({ ...sent, signal: connection.signal })
    connection.abort()
    const { status, text } = await answer
    assert.deepEqual([status, text, aborted()], [499, '', 1])
  })

  test(`a ${era} connection that is closed already calls nobody`, async () => {
    const { endpoint, aborted } = setUp()
    const request = requestOf({ ...sent, signal: AbortSignal.abort() })
    const response = await endpoint.answer(request, SERVER_ID, REQUEST_ID)
    assert.ok(response.status >= 400)
    assert.equal(aborted(), 0)
  })
}
