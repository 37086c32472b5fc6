// The estimate of tokens against the tokenizer itself.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

import { encode } from 'gpt-tokenizer/encoding/o200k_base'

import { estimateTokens } from '../workers/estimate-tokens.ts'

const SPECS = new URL('../../shared/specs/', import.meta.url)
const MIN_CHARACTERS = 1000
const MAX_CHARACTERS = 200_000

/** Examples of answers in the document. */
function findExamples(value: unknown, key = ''): unknown[] {
  if (typeof value !== 'object' || value === null) return []
  const inner = Object.entries(value).flatMap(([name, member]) => findExamples(member, name))
  return key === 'example' || key === 'value' ? [value, ...inner] : inner
}

const errorOf = (text: string) =>
  estimateTokens(new TextEncoder().encode(text)) / encode(text).length - 1

test(
  'what an answer costs a model is estimated within 10 %',
  { skip: !existsSync(SPECS) && 'the documents of ../shared are not here' },
  () => {
    const errors: number[] = []
    for (const name of ['github', 'box', 'twilio_api_v2010']) {
      const document = JSON.parse(readFileSync(new URL(`${name}.json`, SPECS), 'utf8')) as unknown
      const texts = findExamples(document)
        .flatMap((example) => [JSON.stringify(example), JSON.stringify(example, null, 2)])
        .filter(({ length }) => length > MIN_CHARACTERS && length < MAX_CHARACTERS)
      const step = Math.ceil(texts.length / 100)
      for (let at = 0; at < texts.length; at += step) errors.push(errorOf(texts[at] ?? ''))
    }
    assert.ok(errors.length > 150, String(errors.length))
    const sorted = errors.map(Math.abs).toSorted((a, b) => a - b)
    // All but the last twentieth, which are lists of hashes and the like.
    const worst = sorted[Math.floor(sorted.length * 0.95)] ?? 1
    assert.ok(worst < 0.1, `${worst}`)
    assert.ok((sorted.at(-1) ?? 1) < 0.25, `${sorted.at(-1)}`)
    const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length
    assert.ok(Math.abs(mean) < 0.03, `${mean}`)
  },
)

test('the estimate is a number for any bytes, and nothing costs nothing', () => {
  assert.equal(estimateTokens(new Uint8Array()), 0)
  assert.equal(estimateTokens(Uint8Array.from({ length: 256 }, (_, byte) => byte)) > 0, true)
  assert.ok(Math.abs(errorOf('Grüße aus Köln, 東京, Москва: schöne Tage!'.repeat(50))) < 0.4)
})
