// Which addresses are one: a look-alike must never sign somebody in as somebody else.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { toEmailKey } from '../../db/email.ts'

const SAME: Readonly<Record<string, string>> = {
  'ada@example.com': 'ada@example.com',
  'Ada.Lovelace+x@EXAMPLE.Com': 'ada.lovelace+x@example.com',
  'owner@localhost': 'owner@localhost',
  'ada@münchen.example': 'ada@xn--mnchen-3ya.example',
  'ada@MÜNCHEN.example': 'ada@xn--mnchen-3ya.example',
  'ada@xn--mnchen-3ya.example': 'ada@xn--mnchen-3ya.example',
  'müller@example.com': 'müller@example.com',
  // Other letters than ASCII's are left as they are: which are one is for the mail system to say.
  'MÜLLER@example.com': 'mÜller@example.com',
}

for (const [email, key] of Object.entries(SAME)) {
  test(`toEmailKey answers ${key} for ${email}`, () => {
    assert.equal(toEmailKey(email), key)
  })
}

test('a letter that only looks like another, or folds into it, makes another address or none', () => {
  // The Kelvin sign, a dotless i, a Cyrillic a, a full-width a.
  for (const email of [
    '\u212A@example.com',
    '\u0131@example.com',
    '\u0430@example.com',
    '\uFF41@b.c',
  ]) {
    const key = toEmailKey(email)
    assert.ok(key === undefined || !/^[ -~]*$/.test(key), `${email} is ${key}`)
  }
})

test('toEmailKey answers undefined for what is no address', () => {
  for (const text of [
    '',
    '@',
    'ada',
    'example.com',
    'ada@',
    '@example.com',
    'a@b@c',
    'a b@example.com',
    'a@b c',
    ' ada@example.com',
    'ada@example.com ',
    'ada@example.com\n',
    'a\0@example.com',
    'a\u202E@example.com',
    'Ada <ada@example.com>',
    'a,b@example.com',
    '"a"@example.com',
    'a@[127.0.0.1]',
    'a@.',
    'a@example..com',
    'a@example.com.',
    'a@exa_mple.com',
    'a@example.com/x',
    'a@example.com:25',
    'a@user:x@example.com',
    // Decomposed: two texts would be one address.
    'mu\u0308ller@example.com',
    `${'a'.repeat(65)}@example.com`,
    `a@${'b.'.repeat(127)}c`,
  ]) {
    assert.equal(toEmailKey(text), undefined, JSON.stringify(text))
  }
})
