// Identifiers are TypeIDs (UUIDv7 with a prefix) as text everywhere: database, GraphQL and URLs
// show one spelling, a misplaced id is refused by its prefix, and their order is that of creation.
import { typeid, TypeID } from 'typeid-js'

/** What an id can name. */
export type IdPrefix =
  | 'acc'
  | 'key'
  | 'prv'
  | 'tool'
  | 'srv'
  | 'tok'
  | 'doc'
  | 'var'
  | 'dky'
  | 'icp'
  | 'pmt'
  | 'res'
  | 'usr'
  | 'mbr'
  | 'ses'
  | 'inv'

// Crockford's base 32 in lower case, 128 bits in 26 characters: the first holds 3 bits.
const SUFFIX = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/

/** A new id, `srv_01jk…`; ids of one process ascend. */
export function newId(prefix: IdPrefix): string {
  return typeid(prefix).toString()
}

/** The id that these 16 bytes are, the same one each time. */
export function idOf(prefix: IdPrefix, bytes: Uint8Array): string {
  return TypeID.fromUUIDBytes(prefix, bytes).toString()
}

/** Whether `text` is an id with that prefix, in the one spelling that {@link newId} gives. */
export function isId(prefix: IdPrefix, text: string): boolean {
  return text.startsWith(`${prefix}_`) && SUFFIX.test(text.slice(prefix.length + 1))
}
