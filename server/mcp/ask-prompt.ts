// prompts/get of 2026-07-28 where a required argument is missing: the user is asked for it, if the
// client can show a form.
import type { RoutePrompt } from '../../db/prompt.ts'
import type { InputRequest } from '../../db/content.ts'
import { capabilitiesOf } from './client-capability.ts'
import type { Caller } from './era.ts'
import { type JsonObject, type RpcRequest, isJsonObject } from './json-rpc.ts'
import { type Asking, ask } from './modern-question.ts'
import type { RequestStates } from './request-state.ts'

/** What asking led to; undefined where nothing is asked. */
export async function askPrompt(
  states: RequestStates,
  caller: Caller,
  { method, params }: RpcRequest,
): Promise<Asking | undefined> {
  const { name, arguments: args = {} } = params
  const prompt = typeof name === 'string' ? caller.route.prompts.get(name) : undefined
  if (prompt === undefined || !isJsonObject(args)) return undefined
  if (!capabilitiesOf(params).canFillForms) return undefined
  const requests = [toInputRequest(prompt)]
  const argumentsText = JSON.stringify(args)
  return await ask(states, caller, { method, params, requests, args, argumentsText })
}

function toInputRequest({ name, title, arguments: args }: RoutePrompt): InputRequest {
  const required = args.filter((argument) => argument.required)
  const fields = required.map((argument) => [argument.name, toField(argument)] as const)
  return {
    key: 'arguments',
    round: 0,
    message: `What the prompt ${JSON.stringify(title || name)} needs`,
    requestedSchema: {
      type: 'object',
      properties: Object.fromEntries(fields),
      required: required.map((argument) => argument.name),
    },
  }
}

function toField({ title, description }: RoutePrompt['arguments'][number]): JsonObject {
  return { type: 'string', ...(title && { title }), ...(description && { description }) }
}
