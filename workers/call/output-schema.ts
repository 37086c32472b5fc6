// Which schema a tool's results have: the main thread shows it, and a call keeps to it.
import type { CallInterceptor } from '../messages.ts'

/** The schema of what comes out of these; undefined where that is a text. */
export function outputSchemaOf(response: readonly CallInterceptor[]): string | undefined {
  return response.findLast(({ isAudit }) => !isAudit)?.outputSchema
}
