// The key file: made once, for its owner only, and refused where it holds no good key.
import assert from 'node:assert/strict'
import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'

import { loadInstanceKey } from '../server/instance-key.ts'
import { createEmptyDir } from './support/database.ts'

test('starts at the same time make one key between them, and later ones read it', async (t) => {
  const dataDir = join(createEmptyDir(t), 'deep', 'down')
  const keys = await Promise.all(Array.from({ length: 8 }, () => loadInstanceKey(dataDir)))
  const path = join(dataDir, 'encryption.key')
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  const stored = Buffer.from(await readFile(path, 'utf8'), 'base64')
  assert.equal(stored.length, 32)
  for (const key of keys) assert.deepEqual(key, stored)
  assert.notDeepEqual(await loadInstanceKey(createEmptyDir(t)), stored)
})

test('a key file that others may read is for its owner only afterwards', async (t) => {
  const dataDir = createEmptyDir(t)
  const key = await loadInstanceKey(dataDir)
  const path = join(dataDir, 'encryption.key')
  await chmod(path, 0o644)
  assert.deepEqual(await loadInstanceKey(dataDir), key)
  assert.equal((await stat(path)).mode & 0o777, 0o600)
})

for (const [name, text, problem] of [
  ['empty', '', 'is not a key, expected 32 bytes as base64 or hex'],
  ['cut off', 'q83vEjRWeJq83w==', 'is not a key, expected 32 bytes as base64 or hex'],
  ['full of zeros', '0'.repeat(64), 'is a key that can be guessed'],
] as const) {
  test(`a key file that is ${name} is refused and left as it is`, async (t) => {
    const dataDir = createEmptyDir(t)
    const path = join(dataDir, 'encryption.key')
    await writeFile(path, text)
    await assert.rejects(loadInstanceKey(dataDir), {
      name: 'StartError',
      message: `Cannot use the key file ${path}: ${path} ${problem}; make one with: openssl rand -base64 32`,
    })
    assert.equal(await readFile(path, 'utf8'), text)
  })
}
