// Looks for secrets in bytes, however what holds them may spell them.

/** As the text could be spelt: it, escaped, in hex, in base64, backwards. */
export function spellings(text: string): readonly string[] {
  const bytes = Buffer.from(text)
  const texts = [
    text,
    encodeURIComponent(text),
    bytes.toString('hex'),
    // Two alignments more, as something may stand before it.
    ...['', 'a', 'ab'].map((before) =>
      Buffer.from(before + text)
        .toString('base64')
        .slice(4, -4),
    ),
    Array.from(text).toReversed().join(''),
  ]
  return [...new Set(texts)]
}
