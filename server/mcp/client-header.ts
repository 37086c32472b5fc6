// Which of a client's headers its call carries on: those that the provider's owner named, and the trace
// that the call is a part of.
import { findHeaderProblem } from '../../workers/egress/header.ts'
import type { RouteTool } from './build-route.ts'
import type { Caller } from './era.ts'
import { type JsonObject, isJsonObject } from './json-rpc.ts'

/** https://www.w3.org/TR/trace-context/#traceparent-header, of which 00 is the only version. */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/
/** "Vendors SHOULD propagate at least 512 characters." */
const TRACESTATE = /^[\x20-\x7e]{1,512}$/

/** By names in lower case; undefined where there is none. */
export function pickClientHeaders(
  { headers, isTokenInUrl }: Caller,
  { forwardedHeaders }: Pick<RouteTool, 'forwardedHeaders'>,
  params: JsonObject,
): Readonly<Record<string, string>> | undefined {
  const picked: [string, string][] = []
  for (const name of forwardedHeaders) {
    const value = headers.get(name)
    if (value === null || findHeaderProblem(name, value) !== undefined) continue
    // Otherwise it is the token of this server, which is nobody else's business.
    if (name === 'authorization' && !isTokenInUrl) continue
    picked.push([name, value])
  }
  picked.push(...pickTrace(headers, params))
  return picked.length === 0 ? undefined : Object.fromEntries(picked)
}

/** The header's, else that of `_meta`. */
function pickTrace(headers: Headers, params: JsonObject): [string, string][] {
  const meta = isJsonObject(params['_meta']) ? params['_meta'] : {}
  const parent = headers.get('traceparent') ?? meta['traceparent']
  if (typeof parent !== 'string' || !TRACEPARENT.test(parent)) return []
  const state = headers.get('tracestate') ?? meta['tracestate']
  const isState = typeof state === 'string' && TRACESTATE.test(state)
  return [['traceparent', parent], ...(isState ? [['tracestate', state] as [string, string]] : [])]
}
