// The code of the interceptors of calls under way. It stays on the main thread, from where it goes to
// the sandbox: a thread only names it.

/** A script of a call: the thread knows it by its hash, and its code stays here. */
export interface Script {
  readonly hash: string
  readonly code: string
}

/** Scripts by their hashes, kept for as long as a call has them. */
export interface Scripts {
  readonly find: (hash: string) => string | undefined
  readonly add: (scripts?: readonly Script[]) => void
  readonly remove: (scripts?: readonly Script[]) => void
}

/** None yet. */
export function createScripts(): Scripts {
  const known = new Map<string, { readonly code: string; calls: number }>()
  return {
    find: (hash: string) => known.get(hash)?.code,
    add(scripts = []) {
      for (const { hash, code } of scripts) {
        const script = known.get(hash) ?? { code, calls: 0 }
        script.calls += 1
        known.set(hash, script)
      }
    },
    remove(scripts = []) {
      for (const { hash } of scripts) {
        const script = known.get(hash)
        if (script === undefined) continue
        script.calls -= 1
        if (script.calls === 0) known.delete(hash)
      }
    },
  }
}
