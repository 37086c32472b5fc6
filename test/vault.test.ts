// Secrets at rest: nothing but what wrote them, in the place that they were written for, reads them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { ensureDataKey } from '../db/data-key.ts'
import { withAccount } from '../db/transaction.ts'
import { insertVariable, placeOfVariable } from '../db/variable.ts'
import { createVault, type Place, type WrappedKey } from '../db/vault.ts'
import { createAccount } from './support/account.ts'
import { openTestDatabase } from './support/database.ts'

const vault = createVault(Buffer.alloc(32, 'one installation'))
const PLACE: Place = { table: 'variable', column: 'ciphertext', accountId: 'acc_1', rowId: 'var_1' }
const REFUSED = { name: 'VaultError', code: 'DECRYPTION_FAILED' }

function makeKey(accountId = 'acc_1', id = 'dky_1'): WrappedKey {
  return { id, account_id: accountId, wrapped: vault.wrapNewKey(accountId, id) }
}

test('a secret decrypts where it was encrypted, and equal ones look different', () => {
  const key = makeKey()
  for (const plaintext of ['', 'a', 'ü💡\n', 'x'.repeat(8192)]) {
    const [one, two] = [vault.encrypt(key, PLACE, plaintext), vault.encrypt(key, PLACE, plaintext)]
    assert.notEqual(one, two)
    assert.match(one, /^v1\.dky_1\.[\w-]{16}\.[\w-]*\.[\w-]{22}$/)
    assert.deepEqual(
      [vault.decrypt(key, PLACE, one), vault.decrypt(key, PLACE, two)],
      [plaintext, plaintext],
    )
  }
})

test('a ciphertext in another row, column, table or account does not decrypt', () => {
  const key = makeKey()
  const ciphertext = vault.encrypt(key, PLACE, 'secret')
  for (const moved of [
    { rowId: 'var_2' },
    { column: 'value' },
    { table: 'provider' },
    { accountId: 'acc_2' },
    // What was concatenated carelessly would look like the first one.
    { table: 'variable|ciphertext', column: '' },
  ]) {
    assert.throws(() => vault.decrypt(key, { ...PLACE, ...moved }, ciphertext), REFUSED)
  }
  const { rowId } = PLACE
  assert.throws(() => vault.decrypt(key, { ...PLACE, rowId: 'x' }, ciphertext), {
    message: `The secret in variable.ciphertext of x cannot be decrypted: it was written under another key or for another place`,
  })
  assert.equal(vault.decrypt(key, { ...PLACE, rowId }, ciphertext), 'secret')
})

test('a ciphertext that was changed anywhere does not decrypt', () => {
  const key = makeKey()
  const ciphertext = vault.encrypt(key, PLACE, 'secret')
  const parts = ciphertext.split('.')
  const changed = parts.map((part, index) => {
    const other = part.startsWith('A') ? `B${part.slice(1)}` : `A${part.slice(1)}`
    return parts.with(index, other).join('.')
  })
  for (const text of [
    ...changed,
    '',
    'v1',
    `${ciphertext}.x`,
    parts.slice(0, 4).join('.'),
    `v2${ciphertext.slice(2)}`,
  ]) {
    assert.throws(() => vault.decrypt(key, PLACE, text), REFUSED, text)
  }
})

test("another account's data key, another installation's and a moved one open nothing", () => {
  const key = makeKey()
  const ciphertext = vault.encrypt(key, PLACE, 'secret')
  const other = { ...makeKey('acc_2', 'dky_1'), account_id: 'acc_1' }
  assert.throws(() => vault.decrypt(other, PLACE, ciphertext), REFUSED)
  assert.throws(() => vault.decrypt(makeKey('acc_1', 'dky_1'), PLACE, ciphertext), REFUSED)
  const stranger = createVault(Buffer.alloc(32, 'another'))
  assert.throws(() => stranger.decrypt(key, PLACE, ciphertext), REFUSED)
})

test('more accounts than the memory of keys holds are served all the same', () => {
  const keys = Array.from({ length: 1_100 }, (_, index) => makeKey(`acc_${index}`, `dky_${index}`))
  const texts = keys.map((key) =>
    vault.encrypt(key, { ...PLACE, accountId: key.account_id }, key.id),
  )
  for (const [index, key] of keys.entries()) {
    const place = { ...PLACE, accountId: key.account_id }
    assert.equal(vault.decrypt(key, place, texts[index] ?? ''), key.id)
  }
})

test('an account has one data key, also when two secrets are its first at once', async (t) => {
  const db = await openTestDatabase(t)
  const accountId = await createAccount(db)
  const keys = await Promise.all(
    Array.from({ length: 8 }, () => withAccount(db, accountId, (tx) => ensureDataKey(tx, vault))),
  )
  assert.equal(new Set(keys.map((key) => key.wrapped)).size, 1)
})

test('rows of secrets hold an envelope and no value; two of one value differ', async (t) => {
  const db = await openTestDatabase(t)
  const accountId = await createAccount(db)
  const [one, two] = await withAccount(db, accountId, async (tx) => {
    const input = { kind: 'SECRET', value: 'same', description: '', providerId: null } as const
    return [
      await insertVariable(tx, vault, { ...input, name: 'A', origin: null }),
      await insertVariable(tx, vault, { ...input, name: 'B', origin: null }),
    ] as const
  })
  assert.equal(one.value, null)
  assert.notEqual(one.ciphertext, two.ciphertext)
  const key = await withAccount(db, accountId, (tx) => ensureDataKey(tx, vault))
  const open = (id: string, text: string | null) =>
    vault.decrypt(key, placeOfVariable(accountId, id), text ?? '')
  assert.equal(open(one.id, one.ciphertext), 'same')
  // Copied by whoever can write the table.
  await withAccount(db, accountId, (tx) =>
    sql`update variable set ciphertext = ${one.ciphertext} where id = ${two.id}`.execute(tx.trx),
  )
  const [copy] = await withAccount(db, accountId, (tx) =>
    tx.trx.selectFrom('variable').selectAll().where('id', '=', two.id).execute(),
  )
  assert.throws(() => open(two.id, copy?.ciphertext ?? null), REFUSED)
  // The table itself refuses a secret in the open.
  await assert.rejects(
    withAccount(db, accountId, (tx) =>
      sql`update variable set ciphertext = 'plain' where id = ${two.id}`.execute(tx.trx),
    ),
  )
  await assert.rejects(
    withAccount(db, accountId, (tx) =>
      sql`update variable set value = 'plain' where id = ${two.id}`.execute(tx.trx),
    ),
  )
})
