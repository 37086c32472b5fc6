// `GET /metrics`, for who sends the operator's token. Without one there is no such page.
import { timingSafeEqual } from 'node:crypto'
import { hashCredential } from '../db/credential.ts'
import type { Metrics } from './metrics.ts'

/** Answers 200 with Prometheus' text, or 401; undefined where there is nothing to read. */
export function createMetricsPage(
  metrics: Metrics | undefined,
  token: string | undefined,
): ((request: Request) => Promise<Response>) | undefined {
  if (metrics === undefined || token === undefined) return undefined
  const expected = hashCredential(`Bearer ${token}`)
  return async (request) => {
    const sent = hashCredential(request.headers.get('authorization') ?? '')
    if (!timingSafeEqual(sent, expected)) {
      return new Response('Send the METRICS_TOKEN as a bearer\n', {
        status: 401,
        headers: { 'www-authenticate': 'Bearer realm="hasmcp metrics"' },
      })
    }
    return new Response(await metrics.print(), {
      headers: { 'content-type': metrics.contentType, 'cache-control': 'no-store' },
    })
  }
}
