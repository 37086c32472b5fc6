// Hostile scripts at work in real calls, while another account goes on with its own: each has its one
// outcome in time, and nobody else notices. `HOSTILE_TEST=long` runs all of them.
import assert from 'node:assert/strict'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { test } from 'node:test'

import type { SandboxEngine } from '../workers/sandbox/messages.ts'
import { mutation } from './support/control-plane.ts'
import {
  HOSTILE_INPUT,
  HOSTILE_SCRIPTS,
  expectedOf,
  type Expected,
} from './support/hostile-script.ts'
import { openWorld, type World } from './support/world.ts'

const isLong = process.env['HOSTILE_TEST'] === 'long'
const EVERY = isLong ? 1 : 9
const HASMCP_ADMIN_KEY = 'an-administrator-of-the-whole-house'
const MAX_ANSWER_MS = 1200
const MIN_GOOD_CALLS = 200
const STOPS = ['INTERCEPTOR_TIMEOUT', 'INTERCEPTOR_MEMORY', 'INTERCEPTOR_CRASHED']

// What a script sees of the call, which differs from what the table gives it.
// Nor does a request carry a script of a megabyte.
const scripts = HOSTILE_SCRIPTS.filter(
  ({ code }) => code !== '' && code.length < 200_000 && !/headers|globalThis\)/.test(code),
).filter((_, index) => index % EVERY === 0)

/** The tool of another account with an interceptor of its own: calls it, and says what came of it. */
async function openNeighbour(world: World) {
  const { apiKey } = await world.make<{ apiKey: string }>(
    'createAccount',
    { name: 'Neighbour' },
    'apiKey',
  )
  const make = async (name: string, input: object) => {
    const { body } = await world.send(mutation(name, 'id'), { input }, apiKey)
    const made = body.data?.[name] as { data: { id: string } } | undefined
    assert.ok(made, JSON.stringify(body))
    return made.data.id
  }
  const providerId = await make('createProvider', { name: 'P', baseUrl: world.upstream.origin })
  const request = { method: 'GET', path: '/' }
  const toolId = await make('createTool', { providerId, name: 't', request })
  const script = { phase: 'RESPONSE', engine: 'JAVASCRIPT', code: 'input.list.length' }
  await make('createInterceptor', { toolId, name: 'count', ...script })
  return async () => {
    const { body } = await world.send(CALL, { toolId }, apiKey)
    const call = body.data?.['callTool'] as { data?: { content: { text: string }[] } }
    return call.data?.content[0]?.text
  }
}

const CALL = `mutation($toolId: ID!) { callTool(input: { toolId: $toolId }) {
  ... on CallToolSuccess { data { failure content durationMs } } ... on Error { code message } } }`

function isExpected(failure: string | null, text: string, expected: Expected): boolean {
  if (expected === 'stop' || expected === 'kill') return STOPS.includes(failure ?? '')
  if (typeof expected === 'string') return failure === expected
  const { output } = expected
  return failure === null && (text === output || JSON.stringify(text) === output)
}

for (const engine of ['isolated-vm', 'quickjs'] as const satisfies readonly SandboxEngine[]) {
  test(`hostile interceptors in ${engine} end in time, and another account's calls go on`, async (t) => {
    const world = await openWorld(
      t,
      (_request, response) => {
        response.setHeader('content-type', 'application/json').end(JSON.stringify(HOSTILE_INPUT))
      },
      { HASMCP_ADMIN_KEY, SANDBOX_ENGINE: engine, RATE_LIMIT_PER_MINUTE: '0' },
    )
    const callNeighbour = await openNeighbour(world)
    const { id: providerId } = await world.make('createProvider', {
      name: 'P',
      baseUrl: world.upstream.origin,
    })
    const request = { method: 'GET', path: '/' }
    const { id: toolId } = await world.make('createTool', { providerId, name: 't', request })
    const script = { phase: 'RESPONSE', engine: 'JAVASCRIPT', code: 'input' }
    const { id } = await world.make('createInterceptor', { toolId, name: 'h', ...script })
    let isOver = false
    let good = 0
    const wrong: unknown[] = []
    const neighbours = Array.from({ length: 4 }, async () => {
      while (!isOver || good < MIN_GOOD_CALLS) {
        const text = await callNeighbour()
        if (text === '3') good += 1
        else wrong.push(['neighbour', text])
      }
    })
    const delay = monitorEventLoopDelay({ resolution: 5 })
    delay.enable()
    const times: number[] = []
    for (const { name, code, engine: language = 'javascript', ...row } of scripts) {
      const input = { id, code, engine: language === 'jmespath' ? 'JMESPATH' : 'JAVASCRIPT' }
      const saved = await world.mutate('updateInterceptor', input, 'id')
      const expected = expectedOf({ name, code, ...row }, engine)
      if (saved.code !== undefined) {
        // Some are found out before they run.
        const isFound = saved.code === 'INTERCEPTOR_INVALID' && typeof expected === 'string'
        if (!isFound) wrong.push([name, saved, expected])
        continue
      }
      const { callTool } = await world.ask<{
        callTool: {
          data: { failure: string | null; content: { text: string }[]; durationMs: number }
        }
      }>(CALL, { toolId })
      const { failure, content, durationMs } = callTool.data
      times.push(durationMs)
      const text = content[0]?.text ?? ''
      if (!isExpected(failure, text, expected)) wrong.push([name, failure, text, expected])
      if (durationMs > MAX_ANSWER_MS) wrong.push([name, durationMs])
    }
    delay.disable()
    isOver = true
    await Promise.all(neighbours)
    assert.deepEqual(wrong, [])
    const p99 = delay.percentile(99) / 1e6
    assert.ok(p99 < 50, `the loop was late by ${p99} ms`)
    t.diagnostic(
      `${times.length} scripts, at most ${Math.max(...times).toFixed(0)} ms; ${good} calls of the neighbour; loop delay p99 ${p99.toFixed(1)}, max ${(delay.max / 1e6).toFixed(1)} ms`,
    )
  })
}
