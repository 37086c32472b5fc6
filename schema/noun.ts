// The kinds of ids: a TypeID says what it names by its prefix, and this table is where the prefix
// becomes a GraphQL type and words for a person.
import type { IdPrefix } from '../db/id.ts'

const NOUNS = {
  acc: { typename: 'Account', word: 'an account' },
  key: { typename: 'ApiKey', word: 'an API key' },
  prv: { typename: 'Provider', word: 'a provider' },
  tool: { typename: 'Tool', word: 'a tool' },
  srv: { typename: 'Server', word: 'a server' },
  tok: { typename: 'ServerToken', word: 'a server token' },
  var: { typename: 'Variable', word: 'a variable' },
  icp: { typename: 'Interceptor', word: 'an interceptor' },
  pmt: { typename: 'Prompt', word: 'a prompt' },
  res: { typename: 'Resource', word: 'a resource' },
  usr: { typename: 'User', word: 'a user' },
  mbr: { typename: 'Membership', word: 'a membership' },
  inv: { typename: 'Invitation', word: 'an invitation' },
  ses: { typename: undefined, word: 'a session' },
  dky: { typename: undefined, word: 'a data key' },
  doc: { typename: undefined, word: 'an uploaded document' },
} as const satisfies Record<IdPrefix, { typename: string | undefined; word: string }>

/** The prefix of an id, where it is one that is in use. The rest of the id is not checked. */
export function prefixOfId(id: string): IdPrefix | undefined {
  const prefix = id.slice(0, Math.max(id.indexOf('_'), 0))
  return isPrefix(prefix) ? prefix : undefined
}

function isPrefix(text: string): text is IdPrefix {
  return Object.hasOwn(NOUNS, text)
}

/** The GraphQL type of what the id names; undefined where there is none. */
export function typenameOfId(id: string): string | undefined {
  const prefix = prefixOfId(id)
  return prefix === undefined ? undefined : NOUNS[prefix].typename
}

/** The noun with its article, as it stands in a sentence. */
export function wordOfPrefix(prefix: IdPrefix): string {
  return NOUNS[prefix].word
}
