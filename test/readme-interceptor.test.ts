// The README's worked example of an interceptor: its curl makes it, and the figures are what comes of it.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { openWorld } from './support/world.ts'

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
const section = read('README.md').split('\n## Interceptors\n')[1]?.split('\n## ')[0] ?? ''

test('README "Interceptors": the example prunes GitHub’s answer to what is printed, and its figures hold', async (t) => {
  const repository = JSON.stringify(JSON.parse(read('examples/github-repository.json')))
  const world = await openWorld(t, (_request, response) => {
    response.setHeader('content-type', 'application/json').end(repository)
  })
  const { id: providerId } = await world.make('createProvider', {
    name: 'GitHub',
    baseUrl: world.upstream.origin,
  })
  const request = { method: 'GET', path: '/repos/octocat/hello-world' }
  const { id: toolId } = await world.make('createTool', { providerId, name: 'getRepo', request })
  const [, body = ''] = /\/graphql -H .* -d '(\{[^']+\})'/.exec(section) ?? []
  const { query, variables } = JSON.parse(body.replace('tool_…', toolId)) as {
    query: string
    variables: object
  }
  assert.match(JSON.stringify(await world.ask(query, variables)), /"id":"icp_/)
  const { callTool } = await world.ask<{
    callTool: {
      data: {
        content: { text: string }[]
        interceptors: Record<
          'bytesBefore' | 'bytesAfter' | 'tokensBefore' | 'tokensAfter',
          number
        >[]
      }
    }
  }>(
    `mutation($toolId: ID!) { callTool(input: { toolId: $toolId }) { ... on CallToolSuccess { data {
      content interceptors { bytesBefore bytesAfter tokensBefore tokensAfter } } } } }`,
    { toolId },
  )
  const { content, interceptors } = callTool.data
  const [, printed] = /```json\n(.*)\n```/.exec(section) ?? []
  assert.equal(content[0]?.text, printed)
  const [use] = interceptors
  const figures = section.replaceAll(',', '').match(/(\d+) bytes about (\d+) tokens/g) ?? []
  const round = (value = 0) => Number(value.toPrecision(1))
  assert.deepEqual(figures, [
    `${use?.bytesBefore} bytes about ${round(use?.tokensBefore)} tokens`,
    `${use?.bytesAfter} bytes about ${round(use?.tokensAfter)} tokens`,
  ])
})
