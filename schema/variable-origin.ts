// Where a provider's secret may go: to the place that its owner saw when it was set, and nowhere else
// whatever becomes of the base URL.
import { InvalidError } from '../db/errors.ts'
import { getProvider } from '../db/provider.ts'
import type { Tx } from '../db/transaction.ts'
import { listVariablesNamed, type Variable } from '../db/variable.ts'
import { pickVariable } from '../workers/call/pick-variable.ts'
import { collectVariableNames, fillBaseUrl } from '../workers/call/variable.ts'

/**
 * Where a provider's secret may be sent: the origin of its base URL as it is now, with plain variables
 * filled in; null for whatever is no provider's secret.
 *
 * @throws {InvalidError} INVALID when the base URL refers to a variable that is missing or cannot
 *   stand there
 * @throws {NotFoundError} NOT_FOUND when the account has no such provider
 */
export async function findOrigin(
  tx: Tx,
  kind: Variable['kind'],
  providerId: string | null,
): Promise<string | null> {
  if (kind === 'ENV' || providerId === null) return null
  const { base_url: baseUrl } = await getProvider(tx, providerId)
  const names = collectVariableNames([baseUrl])
  const rows = await listVariablesNamed(tx, names)
  const picked = names.flatMap((name) => pickVariable(rows, providerId, name) ?? [])
  const values = picked.map(({ name, value }) => {
    return [name, { value: value ?? '', isSecret: value === null }] as const
  })
  try {
    return new URL(fillBaseUrl(baseUrl, Object.fromEntries(values))).origin
  } catch (error) {
    throw new InvalidError(
      `The provider's base URL has to lead somewhere before it gets a secret: ${error instanceof Error ? error.message : ''}`,
      ['input', 'providerId'],
      { cause: error },
    )
  }
}
