// completion/complete: what a client may offer while a person types an argument of a prompt or a
// variable of a resource template.
import type { ToolDefinition } from '../../workers/definition.ts'
import type { RouteTemplate } from './build-content.ts'
import type { Route } from './build-route.ts'
import { type JsonObject, isJsonObject } from './json-rpc.ts'
import { INVALID_PARAMS, RpcError, kindOf, shown } from './rpc-error.ts'

/** "Maximum 100 items per response." */
const MAX_COMPLETIONS = 100

/**
 * The values that have in them what was typed, those that begin with it first; as members of a
 * `CompleteResult`.
 *
 * @throws {RpcError} -32602 when `ref` or `argument` are malformed, or name what the server lacks.
 */
export function complete(route: Route, { ref, argument }: JsonObject): string {
  if (!isJsonObject(argument)) {
    throw new RpcError(INVALID_PARAMS, `params.argument is ${kindOf(argument)}, expected an object`)
  }
  const { name, value } = argument
  if (typeof name !== 'string') {
    throw new RpcError(INVALID_PARAMS, `params.argument.name is ${kindOf(name)}, expected a string`)
  }
  if (typeof value !== 'string') {
    throw new RpcError(
      INVALID_PARAMS,
      `params.argument.value is ${kindOf(value)}, expected a string`,
    )
  }
  const fitting = pick(findValues(route, ref, name), value.toLowerCase())
  const values = fitting.slice(0, MAX_COMPLETIONS)
  const completion = { values, total: fitting.length, hasMore: fitting.length > values.length }
  return `"completion":${JSON.stringify(completion)}`
}

function pick(values: readonly string[], typed: string): readonly string[] {
  const places = values.map((value) => ({ value, at: value.toLowerCase().indexOf(typed) }))
  const starting = places.filter(({ at }) => at === 0)
  return [...starting, ...places.filter(({ at }) => at > 0)].map(({ value }) => value)
}

function findValues(route: Route, ref: unknown, name: string): readonly string[] {
  if (!isJsonObject(ref)) {
    throw new RpcError(INVALID_PARAMS, `params.ref is ${kindOf(ref)}, expected an object`)
  }
  switch (ref['type']) {
    case 'ref/prompt':
      return valuesOfPrompt(route, readText(ref, 'name'), name)
    case 'ref/resource':
      return valuesOfTemplate(route, readText(ref, 'uri'), name)
    default: {
      const { type } = ref
      const found = typeof type === 'string' ? shown(type) : kindOf(type)
      throw new RpcError(
        INVALID_PARAMS,
        `params.ref.type is ${found}, expected ref/prompt or ref/resource`,
      )
    }
  }
}

function readText(ref: JsonObject, member: string): string {
  const value = ref[member]
  if (typeof value === 'string') return value
  throw new RpcError(INVALID_PARAMS, `params.ref.${member} is ${kindOf(value)}, expected a string`)
}

function valuesOfPrompt({ prompts }: Route, promptName: string, name: string): readonly string[] {
  const prompt = prompts.get(promptName)
  if (prompt === undefined) {
    throw new RpcError(INVALID_PARAMS, `Unknown prompt: ${shown(promptName)}`)
  }
  const argument = prompt.arguments.find((one) => one.name === name)
  if (argument === undefined) throw unknownName(name, prompt.arguments)
  return argument.values
}

function valuesOfTemplate({ templates }: Route, uri: string, name: string): readonly string[] {
  const found = templates.find(({ row }) => row.uri === uri)
  if (found === undefined) {
    throw new RpcError(INVALID_PARAMS, `Unknown resource template: ${shown(uri)}`)
  }
  const { names } = found.template
  if (!names.includes(name))
    throw unknownName(
      name,
      names.map((one) => ({ name: one })),
    )
  const stored = found.row.variables.find((one) => one.name === name)
  return stored?.values ?? valuesOfArgument(found, name)
}

/** The `enum` that the API's own document has for it. */
function valuesOfArgument({ tool }: RouteTemplate, name: string): readonly string[] {
  if (tool === undefined) return []
  const { inputSchema } = JSON.parse(tool.definition) as ToolDefinition
  const schema = inputSchema.properties[name]
  const values = isJsonObject(schema) ? schema['enum'] : undefined
  return Array.isArray(values) ? values.filter((one) => typeof one === 'string') : []
}

function unknownName(name: string, known: readonly { readonly name: string }[]): RpcError {
  const expected = known.map((one) => one.name).join(', ') || 'none: it has no arguments'
  return new RpcError(
    INVALID_PARAMS,
    `params.argument.name is ${shown(name)}, expected ${expected}`,
  )
}
