// The content of a resource, of the three ways to give it: a text, bytes, or an operation to call.
import { InvalidError } from '../db/errors.ts'
import type { Resource } from '../db/resource.ts'
import { checkBase64, checkContentText } from './validate-content.ts'
import { checkId } from './validate.ts'

/** Where a resource's content is: one of the three. */
export type Content = Pick<Resource, 'text' | 'blob' | 'tool_id'>

interface SentContent {
  readonly text?: string | null | undefined
  readonly blob?: string | null | undefined
  readonly toolId?: string | null | undefined
}

/**
 * One of the three; undefined where none is given.
 *
 * @throws {InvalidError} INVALID when more than one is, or it is not as it should be
 */
export function readContent({ text, blob, toolId }: SentContent): Content | undefined {
  const given = [text, blob, toolId].filter((one) => typeof one === 'string')
  if (given.length > 1) {
    throw new InvalidError(
      `input has ${given.length} contents; expected one of text, blob and toolId`,
      ['input'],
    )
  }
  const none = { text: null, blob: null, tool_id: null }
  if (typeof text === 'string') {
    return { ...none, text: checkContentText(['input', 'text'], text) }
  }
  if (typeof blob === 'string') return { ...none, blob: checkBase64(['input', 'blob'], blob) }
  if (typeof toolId !== 'string') return undefined
  return { ...none, tool_id: checkId(['input', 'toolId'], 'tool', toolId) }
}

/** What is said of the content where nobody says it; nothing where the API will. */
export function defaultMimeType({ text, blob }: Content): string {
  if (text !== null) return 'text/plain'
  return blob === null ? '' : 'application/octet-stream'
}
