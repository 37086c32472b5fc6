// What is told of an answer while it comes: how it is cut into events, and how much of it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createReporter } from '../../workers/call/report-progress.ts'
import type { CallProgress } from '../../workers/messages.ts'

function listen(type: string, chunks: readonly string[], stepMs = 0, isVerbose = true) {
  const reports: CallProgress[] = []
  let at = 0
  const onChunk = createReporter(
    { 'content-type': type },
    {
      isVerbose,
      mask: (text) => text.replaceAll('secret', '***'),
      report: (progress) => reports.push(progress),
      now: () => (at += stepMs),
    },
  )
  for (const chunk of chunks) onChunk?.(Buffer.from(chunk))
  return onChunk === undefined ? undefined : reports
}

test('events are read however they are cut', () => {
  const text =
    'data: grüß\ndata: dich\r\n\r\n: note\nid: 1\nevent: x\ndata:{"progress":7,"message":"m"}\n\ndata: rest'
  const whole = [
    { progress: 1, message: 'grüß\ndich' },
    { progress: 7, message: 'm' },
  ]
  const bytes = Buffer.from(text)
  assert.deepEqual(listen('text/event-stream', [text]), whole)
  for (let at = 1; at < bytes.length; at += 1) {
    const reports: CallProgress[] = []
    const onChunk = createReporter(
      { 'content-type': 'text/event-stream' },
      { isVerbose: true, mask: (one) => one, report: (one) => reports.push(one) },
    )
    onChunk?.(bytes.subarray(0, at))
    onChunk?.(bytes.subarray(at))
    assert.deepEqual(reports, whole, `cut at ${at}`)
  }
})

test('lines of JSON are events, and no other type is a stream of them', () => {
  const lines = ['{"a":1}\n\n', '[2]\n{"progress":"x"}\nrest']
  const expected = [
    { progress: 1, message: '{"a":1}' },
    { progress: 2, message: '[2]' },
    { progress: 3, message: '{"progress":"x"}' },
  ]
  for (const type of [
    'application/x-ndjson',
    'application/ndjson; charset=utf-8',
    'application/jsonl',
  ]) {
    assert.deepEqual(listen(type, lines), expected)
  }
  for (const type of ['application/json', 'text/plain', '']) {
    assert.equal(listen(type, lines), undefined)
  }
})

test('secrets are masked, words are cut, and left out where interceptors have a say', () => {
  const [masked, cut] = listen('application/x-ndjson', [`a secret\n${'x'.repeat(2_000)}\n`]) ?? []
  assert.deepEqual(masked, { progress: 1, message: 'a ***' })
  assert.equal(cut?.message?.length, 1_024)
  assert.deepEqual(listen('application/x-ndjson', ['a secret\n'], 0, false), [{ progress: 1 }])
})

test('twenty events at once and twenty a second are told of, ten thousand of an answer, none too long', () => {
  const many = Array.from({ length: 100 }, (_, n) => `${n}\n`)
  assert.equal(listen('application/x-ndjson', many)?.length, 20)
  // Every 25 ms gain half of one: the first 39 find one left, then every second does.
  assert.equal(listen('application/x-ndjson', many, 25)?.length, 69)
  const flood = Array.from({ length: 10_100 }, () => 'x\n')
  assert.equal(listen('application/x-ndjson', flood, 1_000)?.length, 10_000)
  const long = ['x'.repeat(50_000), 'x'.repeat(50_000), 'x\nshort\n']
  assert.deepEqual(listen('application/x-ndjson', long), [{ progress: 1, message: 'short' }])
})
