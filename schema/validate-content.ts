// The rules for what prompts and resources are made of. Every function returns the value it checked.
import type { PromptArgument, PromptContent, PromptMessage } from '../db/content.ts'
import type { Prompt } from '../db/prompt.ts'
import { namesInText } from './placeholder.ts'
import {
  BAD_IN_TEXT,
  MAX_NAME_CHARACTERS,
  checkCharacters,
  checkJsonBytes,
  checkName,
  checkText,
  invalid,
  quote,
  type InputPath,
} from './validate.ts'

/** What is stored of one resource, in bytes; larger ones are an API's to serve. */
export const MAX_CONTENT_BYTES = 128 * 1024
/** Of all messages of a prompt together, in bytes of JSON. */
export const MAX_MESSAGES_BYTES = 128 * 1024
const MAX_MESSAGES = 50
const MAX_ARGUMENTS = 20
/** Of all arguments of a prompt together, in bytes of JSON: a route holds them. */
const MAX_PROMPT_ARGUMENTS_BYTES = 32 * 1024
// What one answer to `completion/complete` may have.
const MAX_VALUES = 100
const MAX_URI_CHARACTERS = 2048

/** `type/subtype`, with parameters if it likes; as a line of HTTP could say it. */
const MIME_TYPE = /^[\w.+-]{1,64}\/[\w.+-]{1,100}(?:;[\x20-\x7e]{1,100})?$/

/**
 * What a client names a prompt's argument by.
 *
 * @throws {InvalidError} INVALID
 */
export function checkArgumentName(path: InputPath, name: string): string {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(name)) return name
  throw invalid(path, `is ${quote(name)}; expected 1 to 64 of A-Z, a-z, 0-9, _ and -`)
}

/**
 * What people call it: a name, or nothing.
 *
 * @throws {InvalidError} INVALID
 */
export function checkTitle(path: InputPath, title: string): string {
  return title === '' ? title : checkName(path, title)
}

/**
 * A media type such as `image/png`.
 *
 * @throws {InvalidError} INVALID
 */
export function checkMimeType(path: InputPath, type: string): string {
  if (MIME_TYPE.test(type)) return type
  throw invalid(path, `is ${quote(type)}; expected a media type such as "image/png"`)
}

/**
 * A URI of at most 2,048 characters with its scheme; `{variables}` may be in it.
 *
 * @throws {InvalidError} INVALID
 */
export function checkUri(path: InputPath, uri: string): string {
  if (uri.length > MAX_URI_CHARACTERS) {
    throw invalid(path, `has ${uri.length} characters, the limit is ${MAX_URI_CHARACTERS}`)
  }
  // RFC 3986 has no spaces, quotes and the like; what stands in braces is the template's own.
  if (/^[A-Za-z][A-Za-z0-9+.-]*:[^\s\p{Cc}\p{Cs}"<>\\^`|]+$/u.test(uri)) return uri
  throw invalid(
    path,
    `is ${quote(uri)}; expected a URI with a scheme, such as "docs://guide/start"`,
  )
}

/**
 * Base64 of at most {@link MAX_CONTENT_BYTES} bytes.
 *
 * @throws {InvalidError} INVALID
 */
export function checkBase64(path: InputPath, text: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  if (text === '' || bytes.toString('base64') !== text) {
    throw invalid(path, 'is no Base64 of RFC 4648 section 4; expected it with its padding')
  }
  if (bytes.length <= MAX_CONTENT_BYTES) return bytes
  throw invalid(path, `has ${bytes.length} bytes, the limit is ${MAX_CONTENT_BYTES}`)
}

/**
 * A text of at most {@link MAX_CONTENT_BYTES} bytes of UTF-8, of several lines if it likes.
 *
 * @throws {InvalidError} INVALID
 */
export function checkContentText(path: InputPath, text: string): string {
  checkCharacters(path, text, BAD_IN_TEXT, MAX_CONTENT_BYTES)
  const bytes = Buffer.byteLength(text)
  if (bytes <= MAX_CONTENT_BYTES) return text
  throw invalid(path, `has ${bytes} bytes, the limit is ${MAX_CONTENT_BYTES}`)
}

/**
 * What is offered for an argument or a variable: at most 100 texts of at most 80 characters.
 *
 * @throws {InvalidError} INVALID
 */
export function checkValues(path: InputPath, values: readonly string[]): string[] {
  if (values.length > MAX_VALUES) {
    throw invalid(path, `has ${values.length} entries, the limit is ${MAX_VALUES}`)
  }
  for (const [n, value] of values.entries()) {
    checkCharacters([...path, String(n)], value, BAD_IN_TEXT, MAX_NAME_CHARACTERS)
  }
  return [...new Set(values)]
}

/** An argument as it is sent. */
export interface SentArgument {
  readonly name: string
  readonly title?: string | null | undefined
  readonly description?: string | null | undefined
  readonly isRequired?: boolean | null | undefined
  readonly values?: readonly string[] | null | undefined
}

/**
 * The arguments of a prompt: at most 20, each with a name of its own, of at most
 * {@link MAX_PROMPT_ARGUMENTS_BYTES} together.
 *
 * @throws {InvalidError} INVALID
 */
export function checkArguments(path: InputPath, sent: readonly SentArgument[]): PromptArgument[] {
  if (sent.length > MAX_ARGUMENTS) {
    throw invalid(path, `has ${sent.length} entries, the limit is ${MAX_ARGUMENTS}`)
  }
  const names = new Set<string>()
  const checked = sent.map(({ name, title, description, isRequired, values }, n) => {
    const here = [...path, String(n)]
    if (names.has(name)) throw invalid([...here, 'name'], `is ${quote(name)} for the second time`)
    names.add(name)
    return {
      name: checkArgumentName([...here, 'name'], name),
      title: checkTitle([...here, 'title'], title ?? ''),
      description: checkText([...here, 'description'], description ?? ''),
      required: isRequired ?? false,
      values: checkValues([...here, 'values'], values ?? []),
    }
  })
  return checkJsonBytes(path, checked, MAX_PROMPT_ARGUMENTS_BYTES)
}

/** A message as it is sent: one of its contents. */
export interface SentMessage {
  readonly role: PromptMessage['role']
  readonly text?: string | null | undefined
  readonly image?: { readonly data: string; readonly mimeType: string } | null | undefined
  readonly audio?: { readonly data: string; readonly mimeType: string } | null | undefined
  readonly resource?:
    | { readonly uri: string; readonly mimeType?: string | null | undefined; readonly text: string }
    | null
    | undefined
}

/**
 * The messages of a prompt: 1 to 50, each with one content, of at most {@link MAX_MESSAGES_BYTES}
 * together.
 *
 * @throws {InvalidError} INVALID
 */
export function checkMessages(path: InputPath, sent: readonly SentMessage[]): PromptMessage[] {
  if (sent.length < 1 || sent.length > MAX_MESSAGES) {
    throw invalid(path, `has ${sent.length} entries; expected 1 to ${MAX_MESSAGES}`)
  }
  const messages = sent.map((message, n) => ({
    role: message.role,
    content: checkContent([...path, String(n)], message),
  }))
  return checkJsonBytes(path, messages, MAX_MESSAGES_BYTES)
}

/**
 * Refuses messages that refer to an argument that the prompt does not have.
 *
 * @throws {InvalidError} INVALID
 */
export function checkPlaceholders(
  path: InputPath,
  { arguments: args, messages }: Pick<Prompt, 'arguments' | 'messages'>,
): void {
  const known = new Set(args.map(({ name }) => name))
  for (const [n, { content }] of messages.entries()) {
    const unknown = namesInText(textOf(content)).find((name) => !known.has(name))
    if (unknown === undefined) continue
    throw invalid(
      [...path, String(n)],
      `refers to {{${unknown}}}; expected the name of one of its arguments`,
    )
  }
}

function textOf(content: PromptContent): string {
  if (content.type === 'text') return content.text
  return content.type === 'resource' ? `${content.resource.uri} ${content.resource.text}` : ''
}

function checkContent(path: InputPath, message: SentMessage): PromptContent {
  const { text, image, audio, resource } = message
  const given = [text, image, audio, resource].filter((one) => one !== undefined && one !== null)
  if (given.length !== 1) {
    const count = given.length === 0 ? 'no content' : `${given.length} contents`
    throw invalid(path, `has ${count}; expected one of text, image, audio and resource`)
  }
  if (image) return checkMedia([...path, 'image'], 'image', image)
  if (audio) return checkMedia([...path, 'audio'], 'audio', audio)
  if (!resource) return { type: 'text', text: checkContentText([...path, 'text'], text ?? '') }
  const here = [...path, 'resource']
  checkCharacters([...here, 'uri'], resource.uri, BAD_IN_TEXT, MAX_URI_CHARACTERS)
  return {
    type: 'resource',
    resource: {
      uri: resource.uri,
      mimeType: checkMimeType([...here, 'mimeType'], resource.mimeType ?? 'text/plain'),
      text: checkContentText([...here, 'text'], resource.text),
    },
  }
}

function checkMedia(
  path: InputPath,
  type: 'image' | 'audio',
  { data, mimeType }: { readonly data: string; readonly mimeType: string },
): PromptContent {
  checkBase64([...path, 'data'], data)
  const checked = checkMimeType([...path, 'mimeType'], mimeType)
  if (checked.startsWith(`${type}/`)) return { type, data, mimeType: checked }
  throw invalid([...path, 'mimeType'], `is ${quote(mimeType)}; expected ${type}/…`)
}
