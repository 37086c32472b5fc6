// `{{name}}` in stored texts: what it may stand for is checked when the text is saved, what it stands
// for is filled in when a client asks. Values are never read for placeholders again.
const PLACEHOLDER = /\{\{([A-Za-z0-9_-]{1,64})\}\}/g

/** The names in the text, each once. */
export function namesInText(text: string): string[] {
  return [...new Set(Array.from(text.matchAll(PLACEHOLDER), ([, name = '']) => name))]
}

/** The text with each placeholder replaced; one without a value becomes nothing. */
export function fillText(text: string, values: ReadonlyMap<string, string>): string {
  return text.replaceAll(PLACEHOLDER, (_, name: string) => values.get(name) ?? '')
}
