// A stream that stays open, and the reader who does not read it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEventStream, MAX_UNREAD_BYTES } from '../../server/mcp/event-stream.ts'

function open() {
  let ends = 0
  const stream = createEventStream(() => (ends += 1))
  return { stream, ends: () => ends }
}

test('messages come as events, comments keep it alive, and after the end nothing is sent', async () => {
  const { stream, ends } = open()
  stream.send('{"a":1}')
  stream.beat()
  stream.endWith(Buffer.from('{"b":2}'))
  stream.send('{"c":3}')
  stream.end()
  assert.equal(
    await new Response(stream.body).text(),
    'event: message\ndata: {"a":1}\n\n:\n\nevent: message\ndata: {"b":2}\n\n',
  )
  assert.deepEqual([ends(), stream.isOver], [1, true])
})

test('a reader with a mebibyte unread loses its stream; a last message may be larger', async () => {
  const { stream, ends } = open()
  const json = JSON.stringify('x'.repeat(65_536))
  for (let bytes = 0; bytes <= MAX_UNREAD_BYTES; bytes += json.length) stream.send(json)
  assert.deepEqual([ends(), stream.isOver], [1, true])
  await assert.rejects(new Response(stream.body).text(), /does not keep up/)
  const other = open()
  other.stream.endWith(Buffer.from(JSON.stringify('x'.repeat(2 * MAX_UNREAD_BYTES))))
  assert.ok((await new Response(other.stream.body).text()).length > 2 * MAX_UNREAD_BYTES)
})

test('a reader that goes away ends it once', async () => {
  const { stream, ends } = open()
  await stream.body.cancel()
  stream.send('{}')
  stream.end()
  assert.deepEqual([ends(), stream.isOver], [1, true])
})
