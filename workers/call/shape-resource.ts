// Prints an upstream's answer as the members of an MCP `ReadResourceResult`. A failure is printed as a
// tool's would be: whoever asked for the resource makes an error of it.
import type { EgressResponse } from '../egress/client.ts'
import type { CallTask } from '../messages.ts'
import {
  type Shaped,
  printMembers,
  readMediaType,
  readText,
  shapeResponse,
} from './shape-result.ts'

const BASE64_TYPE = 'application/octet-stream'

/** The content under the resource's URI; text where it is some, bytes otherwise. */
export function shapeResource(
  response: EgressResponse,
  { uri, mimeType }: NonNullable<CallTask['resource']>,
  requestUrl: URL,
): Shaped {
  const { status, body } = response
  if (status < 200 || status >= 300) return shapeResponse(response, requestUrl)
  const text = readText(response)
  const type = mimeType || readMediaType(response) || (text === undefined ? BASE64_TYPE : '')
  const content = text === undefined ? { blob: Buffer.from(body).toString('base64') } : { text }
  return print({ uri, ...(type && { mimeType: type }), ...content })
}

/** What a response interceptor made of it. */
export function shapeResourceText(
  text: string,
  { uri, mimeType }: NonNullable<CallTask['resource']>,
): Shaped {
  return print({ uri, ...(mimeType && { mimeType }), text })
}

function print(content: object): Shaped {
  return { members: printMembers(`"contents":${JSON.stringify([content])}`), isError: false }
}
