// Credentials that this installation hands out. The checksum lets a mistyped or made-up one be
// refused without a query, and secret scanners tell ours from noise; the database holds SHA-256
// only, which is enough for 256 random bits.
import { createHash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** `hmk`: key of the GraphQL API; `hms`: token of an MCP server; `hmb`: a browser's session. */
export type CredentialKind = 'hmk' | 'hms' | 'hmb'

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const SECRET_BYTES = 32
// ceil(256 / log2(62)) and ceil(32 / log2(62))
const SECRET_CHARACTERS = 43
const CHECKSUM_CHARACTERS = 6
const SHAPE = /^(hmk|hms|hmb)_[0-9A-Za-z]{49}$/

/**
 * A new credential: the kind, `_`, 43 characters of base 62 (`bytes`) and 6 of their CRC-32.
 * @throws {RangeError} when `bytes` is not 32 long
 */
export function newCredential(
  kind: CredentialKind,
  bytes: Uint8Array = randomBytes(SECRET_BYTES),
): string {
  if (bytes.length !== SECRET_BYTES) {
    throw new RangeError(`A credential is made of ${SECRET_BYTES} bytes, not of ${bytes.length}`)
  }
  const secret = BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
  const body = `${kind}_${toBase62(secret, SECRET_CHARACTERS)}`
  return body + checksum(body)
}

/** Whether `text` has the shape and the checksum of that kind; says nothing about its validity. */
export function isCredential(kind: CredentialKind, text: string): boolean {
  if (!SHAPE.test(text) || !text.startsWith(`${kind}_`)) return false
  return text.slice(-CHECKSUM_CHARACTERS) === checksum(text.slice(0, -CHECKSUM_CHARACTERS))
}

/** SHA-256 of the whole credential, 32 bytes: what the database keeps and is asked for. */
export function hashCredential(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function checksum(body: string): string {
  return toBase62(BigInt(crc32(body)), CHECKSUM_CHARACTERS)
}

function toBase62(value: bigint, width: number): string {
  let rest = value
  let digits = ''
  for (let place = 0; place < width; place += 1) {
    digits = BASE62.charAt(Number(rest % 62n)) + digits
    rest /= 62n
  }
  return digits
}
