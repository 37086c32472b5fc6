// The definitions that this thread knows, parsed, with their checks compiled on first use. Keyed by
// the hash of their text, so that nothing here can ever be stale.
import type { ToolDefinition } from '../definition.ts'
import { type CheckArguments, compileCheck } from './check-arguments.ts'

/** A tool ready to be called. */
export interface Tool {
  readonly definition: ToolDefinition
  /** Compiled at the first call. */
  readonly check: CheckArguments
}

interface Known {
  readonly tool: Tool
  readonly textLength: number
}

/** A compiled check takes 19 to 45 KB (measured, by runtime): at most 90 MB a thread. */
const MAX_TOOLS = 2_000

/** Characters of definitions' text, so that the large ones are fewer. */
const MAX_TEXT_LENGTH = 8_388_608

// A Map remembers the order of insertion: the first key is the one unused for longest.
const known = new Map<string, Known>()
let totalTextLength = 0

/**
 * The tool under this key: remembered, or read from `text`; `undefined` where it is not known and
 * there is no text.
 */
export function findTool(hash: string, text: string | undefined): Tool | undefined {
  const found = known.get(hash)
  if (found !== undefined) {
    known.delete(hash)
    known.set(hash, found)
    return found.tool
  }
  if (text === undefined) return undefined
  const tool = createTool(JSON.parse(text) as ToolDefinition)
  known.set(hash, { tool, textLength: text.length })
  totalTextLength += text.length
  forgetOldest()
  return tool
}

function createTool(definition: ToolDefinition): Tool {
  let check: CheckArguments | undefined
  return {
    definition,
    check: (args) => {
      check ??= compileCheck(definition.inputSchema)
      check(args)
    },
  }
}

function forgetOldest(): void {
  for (const [hash, { textLength }] of known) {
    const isWithin = known.size <= MAX_TOOLS && totalTextLength <= MAX_TEXT_LENGTH
    if (isWithin || known.size === 1) return
    known.delete(hash)
    totalTextLength -= textLength
  }
}
