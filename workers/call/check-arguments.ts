// Validates a call's arguments against the tool's schema. Schemas are tenants': each gets an Ajv of
// its own (nothing of one is ever seen by another, and all of it is garbage when the tool is
// forgotten), nothing is fetched, and the work that one check may do is counted (check-budget.ts).
import { Ajv2020, type Options } from 'ajv/dist/2020.js'
import type { ErrorObject, ValidateFunction } from 'ajv/dist/types/index.js'
import type { InputSchema } from '../definition.ts'
import { CheckBudget } from './check-budget.ts'
import { addCountedKeywords, createFormats } from './counted-keyword.ts'
import { ArgumentsError } from './error.ts'
import { createRegExpEngine } from './pattern.ts'

/** @throws {ArgumentsError} ARGUMENTS_INVALID when the arguments do not match the schema. */
export type CheckArguments = (args: unknown) => void

/** One error says what to mend; the others are usually branches of the same `anyOf`. */
const MAX_ERRORS_SHOWN = 3

const MAX_MESSAGE_LENGTH = 1_000

class CountingAjv extends Ajv2020 {
  /** The generated code knows its Ajv as `self`. */
  readonly budget: CheckBudget

  constructor(budget: CheckBudget, options: Options) {
    super(options)
    this.budget = budget
  }
}

/**
 * A check of arguments, compiled.
 * @throws {ArgumentsError} ARGUMENTS_INVALID when the schema is none.
 */
export function compileCheck(schema: InputSchema): CheckArguments {
  const budget = new CheckBudget()
  const ajv = createAjv(budget)
  let validate: ValidateFunction
  try {
    validate = ajv.compile(schema)
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, 200) : 'it cannot be read'
    throw new ArgumentsError(
      `Cannot check the arguments: the tool's schema is no JSON Schema: ${reason}`,
      { cause: error },
    )
  }
  return (args) => {
    budget.start(args)
    try {
      if (!isValid(validate, args)) {
        throw new ArgumentsError(describeErrors(validate.errors ?? []))
      }
    } finally {
      budget.end()
      // Errors hold the arguments.
      validate.errors = null
    }
  }
}

function createAjv(budget: CheckBudget): CountingAjv {
  const ajv = new CountingAjv(budget, {
    strict: false,
    logger: false,
    // Compiling checks every keyword's shape; the meta-schema would also refuse what API
    // descriptions get wrong harmlessly.
    meta: false,
    validateSchema: false,
    // Arguments named "constructor" are absent unless they are there.
    ownProperties: true,
    // Inlining a large definition into each of its thousand uses multiplies the code.
    inlineRefs: false,
    verbose: true,
    formats: createFormats(budget),
    code: { regExp: createRegExpEngine(budget), process: countSteps },
  })
  addCountedKeywords(ajv, budget)
  return ajv
}

/**
 * Ajv's generated code with its work counted: each entry into a schema behind a `$ref` (`function`),
 * each subschema (`_errs`), each turn of a loop, and what copies or reads without a loop of its own.
 * A name in the schema that reads like such code is changed as well, and harms its own tool only.
 */
function countSteps(code: string): string {
  const counted = code.replace(/\bfunction validate\d*\(data,[^()]*\)\{/, '$&self.budget.step();')
  if (counted === code) throw new Error('the generated code has another form than expected')
  return counted
    .replaceAll(/\bconst _errs\d+ = errors;/g, '$&self.budget.step();')
    .replaceAll(/\bfor\((?:let|const) [^{}"'`]*\)\{/g, '$&self.budget.step();')
    .replaceAll(/\bObject\.keys\((?=data\d*\))/g, 'self.budget.listKeys(')
    .replaceAll(/\bObject\.assign\((?=(?:props|items)\d*, )/g, 'self.budget.assign(')
    .replaceAll(/\bvErrors\.concat\(/g, 'self.budget.concat(vErrors, ')
    .replaceAll(
      /\b(key\d+)\.replace\(\/~\/g, "~0"\)\.replace\(\/\\\/\/g, "~1"\)/g,
      'self.budget.escapePointer($1)',
    )
}

function isValid(validate: ValidateFunction, args: unknown): boolean {
  try {
    return validate(args) === true
  } catch (error) {
    if (error instanceof RangeError) {
      throw new ArgumentsError('Invalid arguments: they are nested too deeply', { cause: error })
    }
    throw error
  }
}

function describeErrors(errors: readonly ErrorObject[]): string {
  const shown = errors.slice(0, MAX_ERRORS_SHOWN).map(describeError)
  return `Invalid arguments: ${shown.join('; ')}`.slice(0, MAX_MESSAGE_LENGTH)
}

function describeError(error: ErrorObject): string {
  const { instancePath, keyword, params, data, message } = error
  const where = instancePath === '' ? 'the arguments' : instancePath
  switch (keyword) {
    case 'required':
      return `${instancePath}/${String(params['missingProperty'])} is required`
    case 'type':
      return `${where} must be ${String(params['type']).replaceAll(',', ' or ')} (got ${nameType(data)})`
    case 'enum':
      return `${where} must be one of ${printValues(params['allowedValues'])} (got ${printValue(data)})`
    case 'const':
      return `${where} must be ${printValue(params['allowedValue'])} (got ${printValue(data)})`
    case 'additionalProperties':
      return `${instancePath}/${String(params['additionalProperty'])} is unknown: expected one of ${printNames(error)}`
    case 'pattern':
      return `${where} must match the pattern ${String(params['pattern'])} (got ${printValue(data)})`
    case 'format':
      return `${where} must be a ${String(params['format'])} (got ${printValue(data)})`
    default:
      return `${where} ${message ?? 'is not valid'}`
  }
}

function nameType(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

function printValue(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 100) ?? 'nothing'
}

function printValues(values: unknown): string {
  return Array.isArray(values) ? values.slice(0, 30).map(printValue).join(', ') : ''
}

function printNames(error: ErrorObject): string {
  const properties: unknown = error.parentSchema?.['properties']
  if (typeof properties !== 'object' || properties === null) return 'no name at all'
  return printValues(Object.keys(properties))
}
