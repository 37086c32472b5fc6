// What streams may watch: each URI is kept for as long as its stream or session is.
import { type AccountBudget, createAccountBudget } from './account-budget.ts'

/** 64 MiB: 50 URIs of the usual 60 characters for each of 20,000. */
const MAX_WATCHED_CHARACTERS = 64 * 1024 * 1024
/** One account's part of it. */
const ACCOUNT_SHARE = 8

/** Nothing watched. */
export function createInterestBudget(): AccountBudget {
  return createAccountBudget(MAX_WATCHED_CHARACTERS, MAX_WATCHED_CHARACTERS / ACCOUNT_SHARE)
}

/** The characters of the URIs together. */
export function countCharacters(uris: Iterable<string>): number {
  let count = 0
  for (const uri of uris) count += uri.length
  return count
}
