// Encrypts secrets for rest: each account has a data key, which the installation's key wraps, so that
// destroying one row makes all of an account's secrets unreadable. What is encrypted is bound to its
// place: a ciphertext that is moved to another row, column or account does not decrypt.
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'

/** Where a ciphertext stands, and the only place where it decrypts. */
export interface Place {
  readonly table: string
  readonly column: string
  readonly accountId: string
  readonly rowId: string
}

/** An account's data key as it is stored: under the installation's key. */
export interface WrappedKey {
  readonly id: string
  readonly account_id: string
  readonly wrapped: string
}

/** A ciphertext is not what was written there, or was written under another key. */
export class VaultError extends Error {
  override readonly name = 'VaultError'
  readonly code = 'DECRYPTION_FAILED'
}

/** Encrypts and decrypts for one installation. */
export interface Vault {
  /** A new data key of the account, wrapped. `id` becomes part of what it encrypts. */
  wrapNewKey(accountId: string, id: string): string
  /** `v1.<id of the data key>.<nonce>.<ciphertext>.<tag>`, different each time. */
  encrypt(key: WrappedKey, place: Place, plaintext: string): string
  /**
   * What was encrypted for that place.
   *
   * @throws {VaultError} DECRYPTION_FAILED when it was for another place or key, or was changed
   */
  decrypt(key: WrappedKey, place: Place, ciphertext: string): string
}

const KEY_BYTES = 32
// 96 bits at random: NIST SP 800-38D allows 2^32 encryptions a key, far above an account's secrets.
const NONCE_BYTES = 12
const TAG_BYTES = 16
const VERSION = 'v1'
// About 100 KB; an unwrapping takes some 10 µs.
const MAX_UNWRAPPED_KEYS = 1_000

/** The vault under `masterKey`, 32 bytes. */
export function createVault(masterKey: Uint8Array): Vault {
  const masterKeyId = createHash('sha256').update(masterKey).digest('hex').slice(0, 8)
  // By the wrapped text, which is different for each key: nothing here can be stale.
  const unwrapped = new Map<string, Buffer>()

  function unwrap({ id, account_id, wrapped }: WrappedKey): Buffer {
    const known = unwrapped.get(wrapped)
    if (known !== undefined) return known
    const key = open(masterKey, masterKeyId, placeOfKey(account_id, id), wrapped)
    const [oldest] = unwrapped.keys()
    if (unwrapped.size >= MAX_UNWRAPPED_KEYS && oldest !== undefined) unwrapped.delete(oldest)
    unwrapped.set(wrapped, key)
    return key
  }

  return {
    wrapNewKey: (accountId, id) =>
      seal(masterKey, masterKeyId, placeOfKey(accountId, id), randomBytes(KEY_BYTES)),
    encrypt: (key, place, plaintext) =>
      seal(unwrap(key), key.id, place, Buffer.from(plaintext, 'utf8')),
    decrypt: (key, place, ciphertext) =>
      open(unwrap(key), key.id, place, ciphertext).toString('utf8'),
  }
}

function placeOfKey(accountId: string, id: string): Place {
  return { table: 'data_key', column: 'wrapped', accountId, rowId: id }
}

/** JSON, so that no two places print alike. */
function printPlace({ table, column, accountId, rowId }: Place): Buffer {
  return Buffer.from(JSON.stringify([VERSION, table, column, accountId, rowId]))
}

function seal(key: Uint8Array, keyId: string, place: Place, plaintext: Uint8Array): string {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(printPlace(place))
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()])
  const parts = [nonce, ciphertext, cipher.getAuthTag()].map((part) => part.toString('base64url'))
  return [VERSION, keyId, ...parts].join('.')
}

function open(key: Uint8Array, keyId: string, place: Place, sealed: string): Buffer {
  const [version, id, nonce = '', ciphertext = '', tag = '', ...rest] = sealed.split('.')
  if (version !== VERSION || id !== keyId || rest.length > 0) throw failure(place)
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64url'), {
      authTagLength: TAG_BYTES,
    })
    decipher.setAAD(printPlace(place)).setAuthTag(Buffer.from(tag, 'base64url'))
    return Buffer.concat([decipher.update(Buffer.from(ciphertext, 'base64url')), decipher.final()])
  } catch (error) {
    throw failure(place, error)
  }
}

function failure({ table, column, rowId }: Place, cause?: unknown): VaultError {
  return new VaultError(
    `The secret in ${table}.${column} of ${rowId} cannot be decrypted: it was written under another key or for another place`,
    { cause },
  )
}
