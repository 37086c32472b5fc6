// What one account may take of something that all share. Who gives back what was taken leaves nothing.

/** How much each account has taken. */
export interface AccountBudget {
  /** Takes it; false where the account, or all together, would then have too much. */
  take(accountId: string, amount: number): boolean
  /** Gives back what was taken. */
  give(accountId: string, amount: number): void
}

/** Nothing taken. */
export function createAccountBudget(max: number, maxOfAccount: number): AccountBudget {
  const taken = new Map<string, number>()
  let all = 0
  const change = (accountId: string, amount: number) => {
    const next = (taken.get(accountId) ?? 0) + amount
    if (next === 0) taken.delete(accountId)
    else taken.set(accountId, next)
    all += amount
  }
  return {
    take(accountId, amount) {
      if (all + amount > max || (taken.get(accountId) ?? 0) + amount > maxOfAccount) return false
      change(accountId, amount)
      return true
    },
    give(accountId, amount) {
      change(accountId, -amount)
    },
  }
}
