// TLS is checked against the URL's name although the connection goes to a checked address. Run by
// `run.ts` on each runtime, with a certificate for `api.example` that the runtime was told to trust.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { attempt } from './attempt.ts'

/** What came out, by name; `directory` holds `trusted` and `unknown`, each `.crt` and `.key`. */
export async function runTlsTable(directory: string): Promise<Record<string, unknown>> {
  const resolve = async () => [{ address: '127.0.0.1', family: 4 }]
  const outcomes: Record<string, unknown> = {}
  for (const certificate of ['trusted', 'unknown']) {
    const server = createServer({
      cert: readFileSync(`${directory}/${certificate}.crt`),
      key: readFileSync(`${directory}/${certificate}.key`),
    })
    server.on('request', (_request, response) => response.end('hello'))
    server.on('tlsClientError', () => {})
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    for (const host of ['api.example', 'other.example']) {
      const origin = `https://${host}:${port}`
      outcomes[`${certificate} ${host}`] = await attempt(origin, { egressAllow: origin, resolve })
    }
    server.closeAllConnections()
    server.close()
  }
  return outcomes
}

/** What {@link runTlsTable} must give on every runtime. */
export function expectTlsTable(): Record<string, unknown> {
  return {
    'trusted api.example': '200 hello',
    'trusted other.example': 'UPSTREAM_UNREACHABLE',
    'unknown api.example': 'UPSTREAM_UNREACHABLE',
    'unknown other.example': 'UPSTREAM_UNREACHABLE',
  }
}
