// Whether what an interceptor made is what its owner declared, with the same bounds as arguments have.
import type { InputSchema } from '../definition.ts'
import { createMemory } from '../sandbox/remember.ts'
import { compileCheck, type CheckArguments } from './check-arguments.ts'
import { ArgumentsError } from './error.ts'
import { isRecord } from './number.ts'

// A compiled check takes 19 to 45 KB.
const MAX_CHECKS = 200
const checks = createMemory<CheckArguments>(MAX_CHECKS)

/** What is wrong with the result by the schema, both JSON text; undefined where nothing is. */
export function findOutputProblem(schema: string | undefined, text: string): string | undefined {
  if (schema === undefined) return undefined
  const value = JSON.parse(text) as unknown
  if (!isRecord(value)) return 'it is no object'
  try {
    const check = checks.get(schema) ?? compileCheck(JSON.parse(schema) as InputSchema)
    checks.set(schema, check)
    check(value)
    return undefined
  } catch (error) {
    if (error instanceof RangeError) return 'it is nested too deeply'
    if (!(error instanceof ArgumentsError)) throw error
    return error.message.replace(/^Invalid arguments: /, '')
  }
}
