// What a person sees after a quick start.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clientConfigs } from '../server/client-config.ts'
import { printQuickStart } from '../server/print.ts'
import type { QuickStartResult } from '../server/quick-start.ts'

const mcpUrl = 'http://127.0.0.1:4242/mcp/srv_1'

const RESULT: QuickStartResult = {
  mcpUrl,
  token: 'hms_1',
  serverId: 'srv_1',
  graphqlUrl: 'http://127.0.0.1:4242/graphql',
  apiKey: 'hmk_1',
  signInLink: undefined,
  clients: clientConfigs('Tea & coffee', mcpUrl, 'hms_1'),
  serverName: 'Tea & coffee',
  toolCount: 7,
  warnings: ['one', 'two', 'three', 'four', 'five', 'six', 'seven'],
  openedEgress: ['https://docs.example:443', 'http://10.0.0.1:8080'],
}

test('printQuickStart shows five notes, what was opened, and what keeps it open', () => {
  const text = printQuickStart(RESULT, false)
  assert.deepEqual(text.split('\n').slice(0, 20), [
    '',
    'Tea & coffee is an MCP server now, with 7 tools.',
    '  Note: one',
    '  Note: two',
    '  Note: three',
    '  Note: four',
    '  Note: five',
    '  … and 2 more; importOpenApi lists all as warnings',
    '',
    '  MCP endpoint  http://127.0.0.1:4242/mcp/srv_1',
    '  Token         hms_1',
    '  GraphQL       http://127.0.0.1:4242/graphql',
    '  API key       hmk_1',
    '  Sign in       npm run sign-in-link   (prints a link for your browser)',
    '',
    'For this run, calls may go to https://docs.example:443 and http://10.0.0.1:8080.',
    'To keep that open without this flag: EGRESS_ALLOW=http://10.0.0.1:8080',
    '',
    'Claude Code:',
    '  claude mcp add --transport http tea-coffee http://127.0.0.1:4242/mcp/srv_1 --header "Authorization: Bearer hms_1"',
  ])
})

test('printQuickStart of a demo advises nothing about a port that ends with it', () => {
  const demoCall = { tool: 'listTeas', arguments: {}, text: '{"teas":[]}' }
  const text = printQuickStart({ ...RESULT, warnings: [], demoCall }, false)
  assert.equal(text.includes('EGRESS_ALLOW'), false)
  assert.match(text, /Called listTeas \{\} through the MCP endpoint:\n {2}\{"teas":\[\]\}\n/)
})

test('printQuickStart as JSON is one line with the keys that the README names', () => {
  const line = printQuickStart(RESULT, true)
  assert.equal(line.split('\n').length, 2)
  const { token, serverId, graphqlUrl, apiKey, clients } = RESULT
  assert.deepEqual(JSON.parse(line), { mcpUrl, token, serverId, graphqlUrl, apiKey, clients })
})
