// Judges the product by the official conformance suite, both revisions: starts it as a user would,
// configures a server through GraphQL, and runs every required scenario. Ends with code 1 when a
// scenario fails that is not listed as expected, and when one that is listed does not fail.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '../../server/config.ts'
import { start } from '../../server/start.ts'
import { ROOT } from '../support/product.ts'
import { configure, type Configured } from './configure.ts'
import { startApi } from './upstream.ts'

const REVISIONS = ['2025-11-25', '2026-07-28']
const SUITE = join(ROOT, 'node_modules/@modelcontextprotocol/conformance/dist/index.js')

async function run(revision: string, url: string, outputDir: string): Promise<number> {
  const child = spawn(
    process.execPath,
    [
      SUITE,
      'server',
      '--url',
      url,
      '--requirements',
      revision,
      '--expected-failures',
      join(ROOT, `test/conformance/expected-failures-${revision}.yaml`),
      '--output-dir',
      join(outputDir, revision),
    ],
    { stdio: 'inherit' },
  )
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}

const dir = await mkdtemp(join(tmpdir(), 'hasmcp-conformance-'))
let configured: Configured | undefined
const upstream = await startApi(async (list) => {
  await configured?.change(list)
})
const product = await start(
  readConfig([], {
    PORT: '0',
    LOG_LEVEL: 'warn',
    DATA_DIR: join(dir, 'data'),
    EGRESS_ALLOW: upstream.origin,
    RATE_LIMIT_PER_MINUTE: '100000',
  }),
)
try {
  configured = await configure({
    graphqlUrl: product.graphqlUrl,
    apiKey: product.ownerKey.text,
    upstreamOrigin: upstream.origin,
  })
  for (const revision of process.argv[2] === undefined ? REVISIONS : [process.argv[2]]) {
    console.log(`\n=== ${revision}`)
    const code = await run(revision, configured.mcpUrl, dir)
    if (code !== 0) process.exitCode = 1
  }
} finally {
  await product.stop()
  await upstream.close()
  await rm(dir, { recursive: true, force: true })
}
