// An answer that is a `CallToolResult` of MCP itself, because its owner says so: checked, and printed
// again with the members that a result has. It comes from somebody else's server all the same.
import { EgressError } from '../egress/error.ts'
import { isRecord } from './number.ts'
import { type Shaped, printMembers } from './shape-result.ts'

/** Of one result. */
const MAX_BLOCKS = 1_000
const isText = (value: unknown): value is string => typeof value === 'string'

/** What each type of content must have; all else of a block goes on as it is. */
const BLOCKS: Readonly<
  Record<string, (block: Readonly<Record<string, unknown>>) => string | undefined>
> = {
  text: ({ text }) => (isText(text) ? undefined : 'has no text'),
  image: checkMedia,
  audio: checkMedia,
  resource_link: ({ uri, name }) =>
    isText(uri) && isText(name) ? undefined : 'has no uri or no name',
  resource: ({ resource }) =>
    isRecord(resource) &&
    isText(resource['uri']) &&
    (isText(resource['text']) || isText(resource['blob']))
      ? undefined
      : 'has no resource with a uri, and a text or a blob',
}

function checkMedia({ data, mimeType }: Readonly<Record<string, unknown>>): string | undefined {
  if (!isText(data) || !isText(mimeType)) return 'has no data or no mimeType'
  return Buffer.from(data, 'base64').toString('base64') === data
    ? undefined
    : 'has data that is no Base64'
}

/**
 * The result's members.
 *
 * @throws {EgressError} UPSTREAM_INVALID when the text is no result: what is wrong, and where.
 */
export function shapeMcpResult(text: string): Shaped {
  const result = parse(text)
  const { content, structuredContent, isError = false, _meta } = result
  if (!Array.isArray(content)) throw invalid('content is no array')
  if (content.length > MAX_BLOCKS) throw invalid(`content has more than ${MAX_BLOCKS} blocks`)
  for (const [at, block] of content.entries()) {
    const problem = findProblem(block)
    if (problem !== undefined) throw invalid(`content[${at}] ${problem}`)
  }
  if (typeof isError !== 'boolean') throw invalid('isError is no boolean')
  if (structuredContent !== undefined && !isRecord(structuredContent)) {
    throw invalid('structuredContent is no object')
  }
  if (_meta !== undefined && !isRecord(_meta)) throw invalid('_meta is no object')
  const members = {
    content,
    ...(structuredContent && { structuredContent }),
    ...(isError && { isError }),
    // The protocol's own keys are not an upstream's to say.
    ...(_meta && { _meta: withoutReserved(_meta) }),
  }
  return { members: printMembers(JSON.stringify(members).slice(1, -1)), isError }
}

function parse(text: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw invalid('it is no JSON')
  }
  if (!isRecord(value)) throw invalid('it is no object')
  return value
}

function findProblem(block: unknown): string | undefined {
  if (!isRecord(block)) return 'is no object'
  const { type } = block
  const check = isText(type) && Object.hasOwn(BLOCKS, type) ? BLOCKS[type] : undefined
  return check === undefined ? `has no type of ${Object.keys(BLOCKS).join(', ')}` : check(block)
}

function withoutReserved(meta: Readonly<Record<string, unknown>>) {
  return Object.fromEntries(
    Object.entries(meta).filter(([key]) => !key.startsWith('io.modelcontextprotocol/')),
  )
}

function invalid(problem: string): EgressError {
  return new EgressError(
    'UPSTREAM_INVALID',
    `The tool's answer is to be a result of MCP, and is none: ${problem}`,
  )
}
