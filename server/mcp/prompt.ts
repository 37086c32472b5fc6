// prompts/list and prompts/get: stored messages with the client's arguments in them.
import type { PromptArgument, PromptContent, PromptMessage } from '../../db/content.ts'
import { fillText } from '../../schema/placeholder.ts'
import type { Route } from './build-route.ts'
import type { ContentStore } from './content-store.ts'
import { type JsonObject, isJsonObject } from './json-rpc.ts'
import { printList } from './list-page.ts'
import { INVALID_PARAMS, RpcError, kindOf, shown } from './rpc-error.ts'

/** An argument's value, in characters: a page of text. */
const MAX_ARGUMENT_CHARACTERS = 16_384
/** 1 MiB of a filled prompt: an argument may stand in it many times. */
const MAX_PROMPT_BYTES = 1024 * 1024

/**
 * A page of the server's prompts, as members of a `ListPromptsResult`.
 *
 * @throws {RpcError} -32602 when the cursor is none of this list's.
 */
export function listPrompts(cursorKey: Uint8Array, route: Route, params: JsonObject): string {
  const entries = [...route.prompts.values()].map((prompt) => {
    const { id, name, title, description } = prompt
    const args = prompt.arguments.map(showArgument)
    return {
      id,
      shown: {
        name,
        ...(title && { title }),
        ...(description && { description }),
        ...(args.length > 0 && { arguments: args }),
      },
    }
  })
  const { serverId } = route
  return printList(
    cursorKey,
    { method: 'prompts/list', member: 'prompts', serverId, entries },
    params,
  )
}

function showArgument({ name, title, description, required }: PromptArgument) {
  return {
    name,
    ...(title && { title }),
    ...(description && { description }),
    ...(required && { required }),
  }
}

/**
 * The prompt with its arguments filled in, as members of a `GetPromptResult`.
 *
 * @throws {RpcError} -32602 when the server has no such prompt, an argument is missing, unknown or no
 *   string, or the result would be larger than {@link MAX_PROMPT_BYTES}.
 */
export async function getPrompt(
  content: ContentStore,
  route: Route,
  { name, arguments: sent = {} }: JsonObject,
): Promise<string> {
  if (typeof name !== 'string') {
    throw new RpcError(INVALID_PARAMS, `params.name is ${kindOf(name)}, expected a prompt's name`)
  }
  const listed = route.prompts.get(name)
  if (listed === undefined) throw unknown(name)
  const values = readValues(listed.arguments, sent)
  const prompt = await content.findPrompt(route.accountId, listed.id)
  if (prompt === undefined) throw unknown(name)
  const messages: PromptMessage[] = []
  let bytes = 0
  for (const { role, content: block } of prompt.messages) {
    const filled = fillContent(block, values)
    if (filled === undefined) throw tooLarge(name)
    bytes += Buffer.byteLength(JSON.stringify(filled))
    if (bytes > MAX_PROMPT_BYTES) throw tooLarge(name)
    messages.push({ role, content: filled })
  }
  const { description } = prompt
  return JSON.stringify({ ...(description && { description }), messages }).slice(1, -1)
}

function unknown(name: string): RpcError {
  return new RpcError(INVALID_PARAMS, `Unknown prompt: ${shown(name)}`)
}

function tooLarge(name: string): RpcError {
  return new RpcError(
    INVALID_PARAMS,
    `The prompt ${shown(name)} with these arguments is larger than ${MAX_PROMPT_BYTES} bytes, expected shorter ones`,
  )
}

function readValues(args: readonly PromptArgument[], sent: unknown): ReadonlyMap<string, string> {
  if (!isJsonObject(sent)) {
    throw new RpcError(INVALID_PARAMS, `params.arguments is ${kindOf(sent)}, expected an object`)
  }
  const known = new Set(args.map(({ name }) => name))
  const values = new Map<string, string>()
  for (const [name, value] of Object.entries(sent)) {
    const place = `params.arguments.${shown(name)}`
    if (!known.has(name)) {
      const expected = known.size === 0 ? 'none' : [...known].join(', ')
      throw new RpcError(INVALID_PARAMS, `${place} is no argument of it, expected ${expected}`)
    }
    if (typeof value !== 'string') {
      throw new RpcError(INVALID_PARAMS, `${place} is ${kindOf(value)}, expected a string`)
    }
    if (value.length > MAX_ARGUMENT_CHARACTERS) {
      throw new RpcError(
        INVALID_PARAMS,
        `${place} has ${value.length} characters, expected at most ${MAX_ARGUMENT_CHARACTERS}`,
      )
    }
    values.set(name, value)
  }
  const missing = args.find(({ name, required }) => required && !values.has(name))
  if (missing === undefined) return values
  throw new RpcError(
    INVALID_PARAMS,
    `params.arguments.${missing.name} is missing, expected a string: the prompt needs it`,
  )
}

/** Undefined where a text in it would be too long. */
function fillContent(
  content: PromptContent,
  values: ReadonlyMap<string, string>,
): PromptContent | undefined {
  switch (content.type) {
    case 'text': {
      const text = fillText(content.text, values)
      return text === undefined ? undefined : { type: 'text', text }
    }
    case 'resource': {
      const { mimeType } = content.resource
      const uri = fillText(content.resource.uri, values)
      const text = fillText(content.resource.text, values)
      if (uri === undefined || text === undefined) return undefined
      return { type: 'resource', resource: { uri, mimeType, text } }
    }
    case 'image':
    case 'audio':
      return content
  }
}
