// What a method promises by RFC 9110, section 9.2, as MCP's hints: true of most APIs, and a client asks
// before what is not known to be safe. A tool's owner can say otherwise.
import type { HttpMethod } from '../definition.ts'

/** MCP's `ToolAnnotations` for a tool whose owner said nothing. */
export function annotateMethod(method: HttpMethod): Readonly<Record<string, boolean>> {
  switch (method) {
    case 'GET':
    case 'HEAD':
    case 'OPTIONS':
      return { readOnlyHint: true, openWorldHint: true }
    case 'PUT':
    case 'DELETE':
      return {
        readOnlyHint: false,
        destructiveHint: true,
        idempotentHint: true,
        openWorldHint: true,
      }
    case 'POST':
    case 'PATCH':
      // Destructive unless said otherwise is the protocol's own default.
      return { readOnlyHint: false, openWorldHint: true }
  }
}
