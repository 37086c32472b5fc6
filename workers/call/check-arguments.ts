// Validates a call's arguments against the tool's schema. Schemas are tenants': each gets an Ajv of
// its own (nothing of one is ever seen by another, and all of it is garbage when the tool is
// forgotten), nothing is fetched, and the work that one check may do is counted.
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { ErrorObject, ValidateFunction } from 'ajv/dist/types/index.js'
import { fastFormats } from 'ajv-formats/dist/formats.js'
import type { InputSchema } from '../messages.ts'
import { ArgumentsError } from './error.ts'
import { linearRegExp } from './pattern.ts'

/** @throws {ArgumentsError} ARGUMENTS_INVALID when the arguments do not match the schema. */
export type CheckArguments = (args: unknown) => void

/**
 * Formats that are checked: those whose check is linear and that APIs mean literally. Others, among
 * them `regex`, `url` and `uri-template`, are remarks.
 */
const CHECKED_FORMATS = [
  'date',
  'date-time',
  'duration',
  'email',
  'hostname',
  'int32',
  'int64',
  'ipv4',
  'ipv6',
  'uri',
  'uuid',
] as const

const formats = Object.fromEntries(CHECKED_FORMATS.map((name) => [name, fastFormats[name]]))

/**
 * Schemas behind `$ref` that one check may enter. Arguments of 256 KiB have at most 128 Ki values;
 * a schema that refers to itself twice at each level would enter 2^depth.
 */
const MAX_STEPS = 500_000

/** One error says what to mend; the others are usually branches of the same `anyOf`. */
const MAX_ERRORS_SHOWN = 3

const MAX_MESSAGE_LENGTH = 1_000

class CountingAjv extends Ajv2020 {
  stepsLeft = 0

  /** Called by the generated code. */
  step(): void {
    this.stepsLeft -= 1
    if (this.stepsLeft < 0)
      throw new ArgumentsError(
        "Invalid arguments: they take too long to check against the tool's schema",
      )
  }
}

/**
 * A check of arguments, compiled.
 * @throws {ArgumentsError} ARGUMENTS_INVALID when the schema is none.
 */
export function compileCheck(schema: InputSchema): CheckArguments {
  const ajv = createAjv()
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
    ajv.stepsLeft = MAX_STEPS
    if (!isValid(validate, args)) {
      throw new ArgumentsError(describeErrors(validate.errors ?? []))
    }
  }
}

function createAjv(): CountingAjv {
  const ajv = new CountingAjv({
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
    formats,
    code: { regExp: linearRegExp, process: countSteps },
  })
  // Ajv compares each pair of items; 100,000 of them would take minutes.
  ajv.removeKeyword('uniqueItems')
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    error: { message: 'must not have duplicate items' },
    validate: (isUnique: boolean, items: readonly unknown[]) => !isUnique || areUnique(items),
  })
  return ajv
}

/** Every schema behind a `$ref` is a function of its own: it begins by counting itself. */
function countSteps(code: string): string {
  const counted = code.replace(/\bfunction validate\d*\(data,[^()]*\)\{/, '$&self.step();')
  if (counted === code) throw new Error('the generated code has another form than expected')
  return counted
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

function areUnique(items: readonly unknown[]): boolean {
  return new Set(items.map(printCanonically)).size === items.length
}

/** JSON with the members in order: equal values print alike. */
function printCanonically(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => {
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member
    return Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  })
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
