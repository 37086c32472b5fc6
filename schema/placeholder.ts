// `{{name}}` in stored texts: what it may stand for is checked when the text is saved, what it stands
// for is filled in when a client asks. Values are never read for placeholders again.
const PLACEHOLDER = /\{\{([A-Za-z0-9_-]{1,64})\}\}/g

/** The names in the text, each once. */
export function namesInText(text: string): string[] {
  return [...new Set(Array.from(text.matchAll(PLACEHOLDER), ([, name = '']) => name))]
}

/** 1 MiB of a text that is filled in: a value may stand in it many thousand times. */
export const MAX_FILLED_CHARACTERS = 1024 * 1024

/**
 * The text with each placeholder replaced; one without a value becomes nothing. Undefined where it
 * would have more than {@link MAX_FILLED_CHARACTERS}.
 */
export function fillText(text: string, values: ReadonlyMap<string, string>): string | undefined {
  // Counted first: what is too long must not be made.
  let characters = text.length
  for (const [placeholder, name = ''] of text.matchAll(PLACEHOLDER)) {
    characters += (values.get(name)?.length ?? 0) - placeholder.length
  }
  if (characters > MAX_FILLED_CHARACTERS) return undefined
  return text.replaceAll(PLACEHOLDER, (_, name: string) => values.get(name) ?? '')
}
