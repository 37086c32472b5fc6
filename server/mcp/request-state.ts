// `requestState` of 2026-07-28: what a call knows after a round of questions, sealed, because it travels
// through the client. An encrypted JWT of RFC 7516 under a key that only this installation has.
import { createHash, randomUUID } from 'node:crypto'
import { EncryptJWT, errors, jwtDecrypt } from 'jose'
import type { Caller } from './era.ts'
import { type JsonObject, isJsonObject } from './json-rpc.ts'
import type { Answers } from './question.ts'
import { INVALID_PARAMS, RpcError, kindOf } from './rpc-error.ts'

/** Seals and opens states. */
export interface RequestStates {
  /** The state of that request of that caller, for ten minutes. */
  seal(caller: Caller, digest: string, answers: Answers): Promise<string>
  /**
   * What was answered before. The state is used up.
   *
   * @throws {RpcError} -32602 when it is not one of this caller and request, expired, or used before.
   */
  open(caller: Caller, digest: string, state: unknown): Promise<Answers>
}

/** Remembers what was used; false where it was before. */
export type UseOnce = (accountId: string, id: string) => Promise<boolean>

/** 10 min: a person who fills in a form. */
const LIFETIME = '10 minutes'
/** Ten forms of answers, encrypted and in base64. */
const MAX_STATE_CHARACTERS = 262_144
const HEADER = { alg: 'dir', enc: 'A256GCM' } as const

/** `key` has 32 bytes. */
export function createRequestStates(key: Uint8Array, useOnce: UseOnce): RequestStates {
  return {
    seal: (caller, digest, answers) =>
      new EncryptJWT({ digest, answers: [...answers] })
        .setProtectedHeader(HEADER)
        .setAudience(caller.route.serverId)
        .setSubject(caller.tokenId)
        .setJti(randomUUID())
        .setExpirationTime(LIFETIME)
        .encrypt(key),
    async open({ route, tokenId }, digest, state) {
      if (typeof state !== 'string' || state.length > MAX_STATE_CHARACTERS) {
        const found = typeof state === 'string' ? `${state.length} characters long` : kindOf(state)
        throw refuse(`is ${found}, expected the requestState of the last result`)
      }
      const { payload } = await decrypt(state, key, {
        audience: route.serverId,
        subject: tokenId,
        keyManagementAlgorithms: [HEADER.alg],
        contentEncryptionAlgorithms: [HEADER.enc],
      })
      const { jti = '' } = payload
      if (payload['digest'] !== digest) throw refuse('is of another request')
      if (!(await useOnce(route.accountId, jti))) throw refuse('was used before')
      return new Map(payload['answers'] as [string, JsonObject | true][])
    },
  }
}

async function decrypt(...args: Parameters<typeof jwtDecrypt>) {
  try {
    return await jwtDecrypt(...args)
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error
    throw refuse(error instanceof errors.JWTExpired ? 'has expired' : 'is not one of this server’s')
  }
}

function refuse(problem: string): RpcError {
  return new RpcError(INVALID_PARAMS, `params.requestState ${problem}; send the request without it`)
}

/** What tells one request from another: its method, its name and its arguments. */
export function digestRequest(method: string, params: JsonObject): string {
  const { name, arguments: args = {} } = params
  return createHash('sha256')
    .update(JSON.stringify([method, name, sortKeys(args)]))
    .digest('base64url')
}

/** A client may print its arguments in another order the second time. */
function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys)
  if (!isJsonObject(value)) return value
  const entries = Object.entries(value).map(([key, member]) => [key, sortKeys(member)] as const)
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
