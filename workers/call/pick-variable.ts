// Which variables a provider's calls refer to, and whose are meant.
import { collectVariableNames } from './variable.ts'

/** What of a provider can refer to variables. */
export interface Referrer {
  readonly base_url: string
  readonly headers: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
}

/** The names that the provider refers to, each once. */
export function namesOf({ base_url, headers, query }: Referrer): string[] {
  return collectVariableNames([base_url, ...Object.values(headers), ...Object.values(query)])
}

/** Of the rows with that name, the provider's own one, or else the account's; undefined for neither. */
export function pickVariable<
  Row extends { readonly name: string; readonly provider_id: string | null },
>(rows: readonly Row[], providerId: string, name: string): Row | undefined {
  const named = rows.filter((row) => row.name === name)
  const own = named.find((row) => row.provider_id === providerId)
  return own ?? named.find((row) => row.provider_id === null)
}
