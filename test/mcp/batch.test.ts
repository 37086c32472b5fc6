// A batch as the costliest request there is: how much of it runs at once, and how large its answer
// may become.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_BATCH_ANSWER_BYTES, MAX_RUNNING_REQUESTS } from '../../server/mcp/batch.ts'
import { endpointOf, send, textResult } from './fixture.ts'

function callOf(id: number, size = 0): object {
  const params = { name: 'addPet', arguments: { id, size } }
  return { jsonrpc: '2.0', id, method: 'tools/call', params }
}

const cancelOf = (requestId: number): object => ({
  jsonrpc: '2.0',
  method: 'notifications/cancelled',
  params: { requestId },
})

/** The ids of an answer's results, and its errors. */
function split(json: unknown) {
  const replies = json as { id: number; error?: { code: number; message: string } }[]
  return {
    results: replies.filter(({ error }) => error === undefined).map(({ id }) => id),
    errors: replies.flatMap(({ id, error }) => (error === undefined ? [] : [{ id, ...error }])),
  }
}

test('a batch of 50 calls runs 4 at a time and answers in order', async () => {
  let running = 0
  let most = 0
  const endpoint = endpointOf({
    call: async () => {
      running += 1
      most = Math.max(most, running)
      await new Promise((resolve) => setImmediate(resolve))
      running -= 1
      return textResult('ok')
    },
  })
  const ids = Array.from({ length: 50 }, (_, at) => at)
  const { status, json } = await send(endpoint, { body: ids.map((id) => callOf(id)) })
  assert.equal(status, 200)
  assert.equal(most, MAX_RUNNING_REQUESTS)
  assert.deepEqual(split(json), { results: ids, errors: [] })
})

test('a batch can cancel a call of its own while all places are taken', async () => {
  const endpoint = endpointOf({
    call: ({ signal, argumentsText }) =>
      new Promise((resolve) => {
        const { id } = JSON.parse(argumentsText) as { id: number }
        if (id > 3) resolve(textResult('ok'))
        signal.addEventListener('abort', () => resolve(textResult('', { failure: 'CANCELLED' })))
      }),
  })
  const calls = [0, 1, 2, 3].map((id) => callOf(id))
  const cancels = [0, 1, 2, 3].map(cancelOf)
  const { status, json } = await send(endpoint, { body: [...calls, ...cancels, callOf(4)] })
  assert.equal(status, 200)
  assert.deepEqual(split(json), { results: [4], errors: [] })
})

test('a batch answers errors once its answer is full, and runs no more requests', async () => {
  const called: number[] = []
  const endpoint = endpointOf({
    call: ({ argumentsText }) => {
      const { id, size } = JSON.parse(argumentsText) as { id: number; size: number }
      called.push(id)
      return Promise.resolve(textResult('x'.repeat(size)))
    },
  })
  const size = 10 * 1024 * 1024
  const note = { jsonrpc: '2.0', method: 'notifications/initialized' }
  const large = [0, 1, 2, 3].map((id) => callOf(id, size))
  const { status, json, text } = await send(endpoint, {
    body: [...large, callOf(4), note, 5, callOf(6)],
  })
  assert.equal(status, 200)
  assert.ok(text.length < MAX_BATCH_ANSWER_BYTES)
  const limit = `the batch's answer is too large, the limit is 33554432 bytes; send the requests one by one`
  const run = `The request was run, but its answer cannot be sent: ${limit}`
  const notRun = `The request was not run: ${limit}`
  assert.deepEqual(split(json), {
    results: [0, 1, 2],
    errors: [
      { id: 3, code: -32603, message: run },
      { id: 4, code: -32603, message: notRun },
      { id: undefined, code: -32600, message: 'The message is a number, expected an object' },
      { id: 6, code: -32603, message: notRun },
    ],
  })
  assert.deepEqual(called, [0, 1, 2, 3])
})
