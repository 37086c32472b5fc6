// Which headers a user may set. What frames a message or names its connection is the client's own:
// a header that says otherwise is how requests are smuggled.

/** RFC 9110, 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** RFC 9110, 5.5: visible characters, blanks, and the upper half of ISO 8859-1. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

const RESERVED: ReadonlySet<string> = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Room for a large token; an upstream refuses more than 8 to 16 KiB of headers anyway. */
const MAX_VALUE_LENGTH = 8_192

/** What is wrong with a header, as the end of a sentence that began with its name; `undefined` where nothing is. */
export function findHeaderProblem(name: string, value: string): string | undefined {
  if (!TOKEN.test(name)) return 'is no header name: expected letters, digits and hyphens'
  const lowerName = name.toLowerCase()
  if (RESERVED.has(lowerName) || lowerName.startsWith('proxy-')) {
    return 'cannot be set: it belongs to the connection'
  }
  if (value.length > MAX_VALUE_LENGTH) {
    return `has a value of ${value.length} characters: the limit is ${MAX_VALUE_LENGTH}`
  }
  if (!FIELD_VALUE.test(value)) {
    return 'has a value with a line break, a control character or one outside ISO 8859-1'
  }
  return undefined
}
