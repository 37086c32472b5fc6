// What a client says it can do, as far as it matters: at `initialize` for its session, and in `_meta` of
// each modern request.
import { type JsonObject, isJsonObject } from './json-rpc.ts'
import { CAPABILITIES_KEY } from './protocol.ts'

/** How the client can ask its user. */
export interface ClientCapabilities {
  /** It can show its user a form. */
  readonly canFillForms: boolean
  /** It can send its user to a URL. */
  readonly canOpenUrls: boolean
}

/**
 * Of the value of `capabilities`.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation#capabilities
 */
export function readCapabilities(value: unknown): ClientCapabilities {
  const elicitation = isJsonObject(value) ? value['elicitation'] : undefined
  if (!isJsonObject(elicitation)) return { canFillForms: false, canOpenUrls: false }
  const { form, url } = elicitation
  // "For backwards compatibility, an empty capabilities object is equivalent to form mode only."
  return { canFillForms: form !== undefined || url === undefined, canOpenUrls: url !== undefined }
}

/** Of a modern request's parameters. */
export function capabilitiesOf(params: JsonObject): ClientCapabilities {
  const meta = params['_meta']
  return readCapabilities(isJsonObject(meta) ? meta[CAPABILITIES_KEY] : undefined)
}
