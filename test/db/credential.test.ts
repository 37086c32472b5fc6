// Identifiers and credentials: their spelling is a promise to whoever stores or scans for them.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { hashCredential, isCredential, newCredential } from '../../db/credential.ts'
import { isId, newId } from '../../db/id.ts'

test('newCredential prints 32 bytes in 43 characters and their CRC-32 in 6', () => {
  const zeros = newCredential('hmk', new Uint8Array(32))
  const ones = newCredential('hms', new Uint8Array(32).fill(255))

  assert.match(zeros, /^hmk_0{43}[0-9A-Za-z]{6}$/)
  // By another program: Python's integers and zlib.crc32.
  assert.equal(ones, 'hms_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp13S4X40')
  assert.notEqual(newCredential('hmk'), newCredential('hmk'))
  assert.throws(() => newCredential('hmk', new Uint8Array(31)), {
    name: 'RangeError',
    message: 'A credential is made of 32 bytes, not of 31',
  })
})

test('isCredential accepts what newCredential made and nothing else', () => {
  const key = newCredential('hmk')
  const last = key.at(-1) === 'a' ? 'b' : 'a'
  const cases: readonly (readonly [string, boolean])[] = [
    [key, true],
    [newCredential('hms'), false],
    [key.slice(0, -1) + last, false],
    [key.slice(0, 10) + (key[10] === 'a' ? 'b' : 'a') + key.slice(11), false],
    [key.replace('hmk_', 'hms_'), false],
    [`${key}0`, false],
    [key.slice(1), false],
    [` ${key}`, false],
    [`${key}\n`, false],
    [key.toUpperCase(), false],
    ['', false],
    ['hmk_', false],
    [`hmk_${'é'.repeat(49)}`, false],
  ]
  for (const [text, expected] of cases) {
    assert.equal(isCredential('hmk', text), expected, JSON.stringify(text))
  }
})

test('hashCredential is SHA-256 of the whole text', () => {
  assert.equal(
    hashCredential('abc').toString('hex'),
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  )
})

test('newId ascends and isId knows its own spelling only', () => {
  const ids = Array.from({ length: 1_000 }, () => newId('tool'))
  assert.deepEqual(ids.toSorted(), ids)
  assert.equal(new Set(ids).size, 1_000)
  const id = newId('srv')
  const cases: readonly (readonly [string, boolean])[] = [
    [id, true],
    [newId('prv'), false],
    [id.toUpperCase(), false],
    [`${id}0`, false],
    [id.slice(0, -1), false],
    [`srv_8${id.slice(5)}`, false],
    [`srv_${'l'.repeat(26)}`, false],
    [`srv_0${id.slice(5, -1)}u`, false],
    [`${id}\n`, false],
    ['srv_', false],
    ['', false],
    ['__proto__', false],
  ]
  for (const [text, expected] of cases) {
    assert.equal(isId('srv', text), expected, JSON.stringify(text))
  }
})
