// The installation's own secret: 32 bytes from which cursor signatures and the quick start's
// credentials are derived. A copy of the database alone is of no use without it, so it lives
// outside: in the environment, or in a file that only its owner can read.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { chmod, link, mkdir, readFile, stat, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Database } from '../db/client.ts'
import { StartError } from '../db/errors.ts'
import { insertInstanceValue } from '../db/instance.ts'

const KEY_BYTES = 32
const FILE_NAME = 'encryption.key'
// Of 32 random bytes about 30 are different; fewer than this are so once in 10^9.
const MIN_DIFFERENT_BYTES = 20

/**
 * 32 bytes from base64, base64url or hex.
 *
 * @throws {Error} when the text is no such encoding, has another length, or is a key that anybody
 *   could guess: a text, a pattern, a count.
 */
export function parseInstanceKey(name: string, text: string): Buffer {
  const trimmed = text.trim()
  const bytes = /^[0-9a-f]{64}$/i.test(trimmed)
    ? Buffer.from(trimmed, 'hex')
    : /^[\w+/-]{43}=?$/.test(trimmed)
      ? Buffer.from(trimmed, 'base64')
      : Buffer.alloc(0)
  if (bytes.length !== KEY_BYTES) {
    throw new Error(
      `${name} is not a key, expected 32 bytes as base64 or hex; make one with: openssl rand -base64 32`,
    )
  }
  if (isGuessable(bytes)) {
    throw new Error(`${name} is a key that can be guessed; make one with: openssl rand -base64 32`)
  }
  return bytes
}

/** What a key of an example, a manual or a keyboard looks like; random bytes never do. */
function isGuessable(bytes: Buffer): boolean {
  const steps = new Set(bytes.map((byte, index) => byte - (bytes[index - 1] ?? 0)).subarray(1))
  return (
    new Set(bytes).size < MIN_DIFFERENT_BYTES ||
    steps.size === 1 ||
    bytes.every((byte) => byte >= 0x20 && byte <= 0x7e)
  )
}

/**
 * The key in `dataDir`, made there (mode 0600) at the first start.
 *
 * @throws {StartError} START_REFUSED when the file cannot be written or read, holds no key, or can be
 *   read by others.
 */
export async function loadInstanceKey(dataDir: string): Promise<Buffer> {
  const path = join(dataDir, FILE_NAME)
  try {
    await mkdir(dataDir, { recursive: true })
    const text = (await readIfThere(path)) ?? (await createKeyFile(path))
    const mode = (await stat(path)).mode
    if ((mode & 0o077) !== 0) await chmod(path, 0o600)
    return parseInstanceKey(path, text)
  } catch (error) {
    throw new StartError(
      `Cannot use the key file ${path}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    )
  }
}

/** Whether {@link loadInstanceKey} would find a key there. */
export async function hasInstanceKey(dataDir: string): Promise<boolean> {
  return (await readIfThere(join(dataDir, FILE_NAME))) !== undefined
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Written aside and linked into place: two processes that start at once end up with one key. */
async function createKeyFile(path: string): Promise<string> {
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  await writeFile(draft, `${randomBytes(KEY_BYTES).toString('base64')}\n`, {
    mode: 0o600,
    flush: true,
  })
  try {
    await link(draft, path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    await unlink(draft)
  }
  return await readFile(path, 'utf8')
}

/** 32 bytes that only holders of `key` can compute, different for each `purpose`. */
export function deriveKey(key: Buffer, purpose: string): Buffer {
  return createHmac('sha256', key).update(`hasmcp ${purpose}`).digest()
}

/**
 * Binds the database to the key at the first start; afterwards proves that it is the same key.
 *
 * @throws {StartError} START_REFUSED when the database was opened with another key before.
 */
export async function proveInstanceKey(db: Database, key: Buffer): Promise<void> {
  const mine = deriveKey(key, 'check value')
  const stored = Buffer.from(
    await insertInstanceValue(db, 'key_check', mine.toString('base64')),
    'base64',
  )
  if (stored.length !== mine.length || !timingSafeEqual(stored, mine)) {
    throw new StartError(
      'The encryption key is not the one this database was first started with: restore the key file in DATA_DIR, or set HASMCP_ENCRYPTION_KEY to the first key',
    )
  }
}
