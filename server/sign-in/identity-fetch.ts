// How identity providers are reached: through the one way out, with a bound on the time and on the size
// of an answer. A provider is the operator's choice, so its own origin is open wherever it is; what its
// metadata points to elsewhere has to be public.
import type { CustomFetch } from 'openid-client'
import { request } from '../../workers/egress/client.ts'

/** From the request to the last byte of the answer. */
const PROVIDER_TIMEOUT_MS = 8_000
/** The largest honest answer is a key set of some ten keys, under 20 KiB. */
const MAX_PROVIDER_BYTES = 256 * 1024

/** `origins` may be asked beside what `EGRESS_ALLOW` opens. Default of `timeoutMs`: 8 s. */
export function createIdentityFetch(
  egressAllow: string,
  origins: readonly string[],
  timeoutMs = PROVIDER_TIMEOUT_MS,
): CustomFetch {
  const allow = [...(egressAllow === '' ? [] : [egressAllow]), ...origins.map(toEntry)].join(',')
  return async (url, { method, headers, body, signal }) => {
    const answer = await request({
      url: new URL(url),
      method,
      headers: Object.fromEntries(new Headers(headers)),
      ...(body === undefined || body === null ? {} : { body: toText(body) }),
      timeoutMs,
      maxBodyBytes: MAX_PROVIDER_BYTES,
      egressAllow: allow,
      partition: 'sign-in',
      ...(signal && { signal }),
    })
    const type = answer.headers['content-type']
    const hasNoBody = answer.status === 204 || answer.status === 304
    return new Response(hasNoBody ? null : Buffer.from(answer.body), {
      status: answer.status,
      headers: type === undefined ? {} : { 'content-type': type },
    })
  }
}

/** A form, a text or bytes: all that an OAuth client sends. */
function toText(body: NonNullable<Parameters<CustomFetch>[1]['body']>): string | Uint8Array {
  if (typeof body === 'string' || body instanceof Uint8Array) return body
  if (body instanceof URLSearchParams) return body.toString()
  throw new TypeError('The body of a request to an identity provider is a text or a form')
}

function toEntry(origin: string): string {
  const { protocol, hostname, port } = new URL(origin)
  return `${protocol}//${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`
}
