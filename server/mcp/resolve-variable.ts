// What the `${NAME}` of a tool stand for: found when a route is built, and decrypted at each call, so
// that what is kept in memory between calls is ciphertext.
import { findDataKey } from '../../db/data-key.ts'
import { listVariablesNamed, placeOfVariable, type Variable } from '../../db/variable.ts'
import type { Tx } from '../../db/transaction.ts'
import type { Vault, WrappedKey } from '../../db/vault.ts'
import type { CallVariable } from '../../workers/messages.ts'

/** The variables that the tools of a route refer to. */
export interface RouteVariables {
  /** Under which the secrets are encrypted; undefined where there are none. */
  readonly dataKey: WrappedKey | undefined
  /** With the names that the route's tools refer to, whoever's they are. */
  readonly rows: readonly Variable[]
}

/** The account's variables with those names. */
export async function loadVariables(tx: Tx, names: readonly string[]): Promise<RouteVariables> {
  const rows = await listVariablesNamed(tx, names)
  const hasSecret = rows.some((row) => row.kind === 'SECRET')
  return { dataKey: hasSecret ? await findDataKey(tx) : undefined, rows }
}

/**
 * The values, decrypted.
 *
 * @throws {VaultError} DECRYPTION_FAILED when a row is not what was written
 */
export function openVariables(
  vault: Vault,
  dataKey: WrappedKey | undefined,
  variables: readonly Variable[],
): Readonly<Record<string, CallVariable>> {
  // No prototype: "__proto__" is a name like any other.
  const opened: Record<string, CallVariable> = Object.create(null)
  for (const { id, account_id, name, value, ciphertext, origin } of variables) {
    if (value !== null) {
      opened[name] = { value, isSecret: false }
    } else if (dataKey !== undefined && ciphertext !== null) {
      const secret = vault.decrypt(dataKey, placeOfVariable(account_id, id), ciphertext)
      opened[name] = { value: secret, isSecret: true, ...(origin === null ? {} : { origin }) }
    }
  }
  return opened
}
