// The demo, as a process, on each of the three runtimes: no dependency gets in that one of them
// cannot load.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestStorage } from './support/database.ts'
import { mcpRequest } from './support/mcp.ts'
import { RUNTIMES, startProduct, type QuickStartLine, type Runtime } from './support/product.ts'

for (const runtime of Object.keys(RUNTIMES) as Runtime[]) {
  test(`npm start -- --demo works on ${runtime}, and SIGTERM ends it with code 0`, async (t) => {
    const product = await startProduct(t, {
      args: ['--demo', '--json'],
      env: await createTestStorage(t),
      runtime,
    })
    const { mcpUrl, token } = JSON.parse(product.firstLine) as QuickStartLine
    const { status, body } = await mcpRequest(mcpUrl, token, 'tools/call', {
      name: 'createOrder',
      arguments: { body: { teaId: 'sencha', grams: 200 } },
    })
    assert.deepEqual(
      { status, result: body.result },
      {
        status: 200,
        result: {
          content: [
            { type: 'text', text: '{"tea":"Sencha Fukamushi","grams":200,"priceCents":2500}' },
          ],
        },
      },
    )
    assert.equal(await product.end('SIGTERM'), 0, product.stderr())
  })
}
