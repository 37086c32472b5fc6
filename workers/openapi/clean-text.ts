// Makes a document's prose safe to show to people and models: hidden characters carry instructions
// that a person who reviews the tool cannot see.

// Control characters, lone surrogates and all that Unicode renders as nothing (bidi overrides, tag
// characters, zero widths), but the line feed and the tab.
const HIDDEN = /(?!\n|\t|\u200c|\u200d|\ufe0f)[\p{Cc}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu

// The joiners and the variation selector that Persian, Indic scripts and emoji need stay, in the
// runs that these write: longer runs of nothing can spell a message.
const JOINERS = /(?:\u200c|\u200d|\ufe0f)+/gu
const HONEST_JOINERS = ['\u200c', '\u200d', '\ufe0f', '\ufe0f\u200d']

// Only a prefix is looked at: a description of 32 MiB must not cost 32 MiB of replacing.
const LOOK_AHEAD_FACTOR = 4

/** The text without hidden characters, trimmed and cut with `…`; `''` for what is no string. */
export function cleanText(value: unknown, maxCharacters: number): string {
  if (typeof value !== 'string') return ''
  const text = value
    .slice(0, maxCharacters * LOOK_AHEAD_FACTOR)
    .replaceAll('\r\n', '\n')
    .replace(HIDDEN, '')
    .replace(JOINERS, (run) => (HONEST_JOINERS.includes(run) ? run : ''))
    .trim()
  return cutText(text, maxCharacters)
}

/** As {@link cleanText}, on one line. */
export function cleanLine(value: unknown, maxCharacters: number): string {
  if (typeof value !== 'string') return ''
  return cutText(
    cleanText(value, maxCharacters * LOOK_AHEAD_FACTOR).replace(/\s+/g, ' '),
    maxCharacters,
  )
}

/** The text in at most so many UTF-16 units, ending with `…` where it was cut. */
export function cutText(text: string, maxCharacters: number): string {
  if (text.length <= maxCharacters) return text
  // A cut between the halves of a surrogate pair would leave a lone one.
  const head = text.slice(0, maxCharacters - 1).replace(/[\ud800-\udbff]$/, '')
  return `${head.trimEnd()}…`
}
