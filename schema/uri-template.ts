// URI templates of RFC 6570, as far as one can be matched against a URI without a doubt: `{name}` for
// what has no `/` in it, and `{+name}` for the rest. Matching takes one pass: a pattern of somebody
// else's must not be able to cost more.

/** A template, taken apart. */
export interface UriTemplate {
  readonly parts: readonly UriTemplatePart[]
  /** Of its variables, in order. */
  readonly names: readonly string[]
}

/** Text that stands as it is, or a variable. */
export type UriTemplatePart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'variable'; readonly name: string; readonly isRest: boolean }

const EXPRESSION = /\{(\+?)([A-Za-z_][A-Za-z0-9_]{0,63})\}/g

/** Whether the text has a variable in it: no URI has braces. */
export function isUriTemplate(text: string): boolean {
  return /[{}]/.test(text)
}

/** The template; a sentence's end where it is none: `has …; expected …`. */
export function parseUriTemplate(text: string): UriTemplate | string {
  const parts: UriTemplatePart[] = []
  let at = 0
  for (const { index, 0: expression, 1: plus, 2: name = '' } of text.matchAll(EXPRESSION)) {
    if (index > at) parts.push({ type: 'text', text: text.slice(at, index) })
    else if (parts.length > 0) return 'has two variables next to each other; expected text between'
    parts.push({ type: 'variable', name, isRest: plus === '+' })
    at = index + expression.length
  }
  if (at < text.length) parts.push({ type: 'text', text: text.slice(at) })
  const names = parts.flatMap((part) => (part.type === 'variable' ? [part.name] : []))
  if (parts.some((part) => part.type === 'text' && isUriTemplate(part.text))) {
    return 'has a brace that begins no variable; expected {name}, or {+name} for what has slashes'
  }
  if (new Set(names).size < names.length) return 'has a variable twice; expected each once'
  if (parts.some((part, n) => part.type === 'variable' && part.isRest && n < parts.length - 1)) {
    return 'has {+name} before its end; expected it at the end'
  }
  return { parts, names }
}

/**
 * What the variables stand for in the URI, decoded; undefined where the URI does not fit. Each ends
 * at the first place where the text behind it begins.
 */
export function matchUriTemplate(
  { parts }: UriTemplate,
  uri: string,
): ReadonlyMap<string, string> | undefined {
  const values = new Map<string, string>()
  let at = 0
  for (const [n, part] of parts.entries()) {
    if (part.type === 'text') {
      if (!uri.startsWith(part.text, at)) return undefined
      at += part.text.length
      continue
    }
    const next = parts[n + 1]
    const end = next?.type === 'text' ? findEnd(uri, next.text, at, n === parts.length - 2) : -1
    const stop = next === undefined ? uri.length : end
    if (stop <= at) return undefined
    const value = decode(uri.slice(at, stop))
    if (value === undefined || (!part.isRest && uri.slice(at, stop).includes('/'))) return undefined
    values.set(part.name, value)
    at = stop
  }
  return at === uri.length ? values : undefined
}

/** The last text must be the end of the URI, whatever stands before it. */
function findEnd(uri: string, text: string, from: number, isLast: boolean): number {
  if (!isLast) return uri.indexOf(text, from)
  return uri.endsWith(text) ? uri.length - text.length : -1
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
