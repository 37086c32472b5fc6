// Tickets: what a browser shows where it can send neither a header nor a form, as for a download or a
// stream. A signed JWT for one address, one use and one minute, under keys that anybody can look up and
// that change while the installation runs.
import { randomUUID } from 'node:crypto'
import {
  calculateJwkThumbprint,
  CompactEncrypt,
  compactDecrypt,
  createLocalJWKSet,
  errors,
  exportJWK,
  generateKeyPair,
  importJWK,
  jwtVerify,
  SignJWT,
  type JWK,
} from 'jose'
import type { Database } from '../db/client.ts'
import {
  deleteRetiredKeys,
  insertSigningKey,
  listSigningKeys,
  SIGNING_KEY_DAYS,
  type SigningKey,
} from '../db/signing-key.ts'
import { deleteExpiredTokens, useToken } from '../db/used-token.ts'
import type { Ticket, TicketPurpose } from '../schema/context.ts'

/** What a ticket that holds is good for. */
export interface TicketClaims {
  /** Whose credential asked for it. */
  readonly subject: string
  readonly purpose: TicketPurpose
}

/** Issues and redeems tickets. */
export interface Tickets {
  /** A ticket for what is at the purpose's address. */
  readonly issue: (purpose: TicketPurpose, subject: string) => Promise<Ticket>
  /** What it is good for, once; undefined where it is none of ours for this, expired or used. */
  readonly redeem: (purpose: TicketPurpose, token: string) => Promise<TicketClaims | undefined>
  /** RFC 7517: the public keys, the one that signs first. */
  readonly listKeys: () => Promise<readonly JWK[]>
  /** From now on another key signs; what the last one signed is believed until it expires. */
  readonly rotate: () => Promise<string>
}

/** What it needs of the process. */
export interface TicketDeps {
  readonly db: Database
  /** 32 bytes, under which private keys are encrypted. */
  readonly sealKey: Uint8Array
  readonly publicUrl: () => string
  /** Default: the clock. */
  readonly now?: () => Date
}

/** Where each purpose is served. */
export const TICKET_PATHS: Readonly<Record<TicketPurpose, string>> = {
  SCHEMA: '/schema.graphql',
}

/** 60 s: a browser follows the link at once. */
const LIFETIME_MS = 60_000
/** Of the clocks of two processes. */
const MAX_SKEW_SECONDS = 5
const MAX_TICKET_CHARACTERS = 2_048
const HEADER = { alg: 'EdDSA', typ: 'hasmcp-ticket+jwt' } as const
const SEAL = { alg: 'dir', enc: 'A256GCM' } as const
const DAY_MS = 86_400_000
const CHECKS = {
  algorithms: [HEADER.alg],
  typ: HEADER.typ,
  requiredClaims: ['sub', 'jti', 'exp', 'iat'],
  maxTokenAge: LIFETIME_MS / 1000,
  clockTolerance: MAX_SKEW_SECONDS,
}

/** The tickets of one installation. */
export function createTickets({
  db,
  sealKey,
  publicUrl,
  now = () => new Date(),
}: TicketDeps): Tickets {
  const addressOf = (purpose: TicketPurpose) => `${publicUrl()}${TICKET_PATHS[purpose]}`
  const renew = async (retiredId: string | undefined): Promise<SigningKey> => {
    const key = await makeKey(sealKey)
    await insertSigningKey(db, key, retiredId)
    await deleteRetiredKeys(db)
    const [first] = await listSigningKeys(db)
    if (first === undefined) throw new Error('There is no signing key')
    return first
  }
  const present = async (): Promise<SigningKey> => {
    const [first] = await listSigningKeys(db)
    if (first === undefined || first.retired_at !== null) return await renew(undefined)
    const isOld = now().getTime() - first.created_at.getTime() > SIGNING_KEY_DAYS * DAY_MS
    return isOld ? await renew(first.id) : first
  }
  const listKeys = async () => (await listSigningKeys(db)).map(toPublic)
  return {
    listKeys,
    rotate: async () => (await renew((await present()).id)).id,
    async issue(purpose, subject) {
      const key = await present()
      const { plaintext } = await compactDecrypt(key.private_key, sealKey)
      const expiresAt = new Date(now().getTime() + LIFETIME_MS)
      const token = await new SignJWT()
        .setProtectedHeader({ ...HEADER, kid: key.id })
        .setIssuer(publicUrl())
        .setAudience(addressOf(purpose))
        .setSubject(subject)
        .setJti(randomUUID())
        .setIssuedAt(now())
        .setExpirationTime(expiresAt)
        .sign(await importJWK(JSON.parse(new TextDecoder().decode(plaintext)) as JWK, HEADER.alg))
      return { url: `${addressOf(purpose)}?ticket=${token}`, expiresAt }
    },
    async redeem(purpose, token) {
      if (token.length > MAX_TICKET_CHARACTERS) return undefined
      const keys = createLocalJWKSet({ keys: [...(await listKeys())] })
      const verified = await verify(token, keys, {
        ...CHECKS,
        issuer: publicUrl(),
        audience: addressOf(purpose),
        currentDate: now(),
      })
      if (verified === undefined) return undefined
      const { sub: subject = '', jti = '', exp = 0 } = verified.payload
      // The audience of a list holds others too.
      if (typeof verified.payload.aud !== 'string') return undefined
      await deleteExpiredTokens(db)
      if (!(await useToken(db, jti, new Date(exp * 1000)))) return undefined
      return { subject, purpose }
    },
  }
}

async function verify(...args: Parameters<typeof jwtVerify<never>>) {
  try {
    return await jwtVerify(...args)
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined
    throw error
  }
}

async function makeKey(
  sealKey: Uint8Array,
): Promise<Pick<SigningKey, 'id' | 'public_key' | 'private_key'>> {
  const pair = await generateKeyPair(HEADER.alg, { extractable: true })
  const publicKey = await exportJWK(pair.publicKey)
  const privateKey = new TextEncoder().encode(JSON.stringify(await exportJWK(pair.privateKey)))
  return {
    id: await calculateJwkThumbprint(publicKey),
    public_key: JSON.stringify(publicKey),
    private_key: await new CompactEncrypt(privateKey).setProtectedHeader(SEAL).encrypt(sealKey),
  }
}

function toPublic({ id, public_key: publicKey }: SigningKey): JWK {
  return { ...(JSON.parse(publicKey) as JWK), kid: id, use: 'sig', alg: HEADER.alg }
}
