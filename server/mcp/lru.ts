// A bounded map in which the least recently used goes first. A Map iterates in the order of
// insertion, so using an entry is taking it out and putting it back.

/** A map that forgets what was used longest ago when it is full. */
export interface Lru<V> {
  /** The value, now the last to be evicted. */
  use(key: string): V | undefined
  has(key: string): boolean
  /** `weight` counts against the bound on the sum of weights. */
  set(key: string, value: V, weight: number): void
  delete(key: string): void
  /** Deletes what matches. */
  drop(matches: (value: V) => boolean): void
  forEach(visit: (value: V) => void): void
  size(): number
}

/** Empty; it never holds more than `maxEntries`, nor more than `maxWeight` but for a single entry. */
export function createLru<V>(maxEntries: number, maxWeight: number): Lru<V> {
  const entries = new Map<string, { readonly value: V; readonly weight: number }>()
  let total = 0

  function remove(key: string): void {
    total -= entries.get(key)?.weight ?? 0
    entries.delete(key)
  }

  return {
    use(key) {
      const entry = entries.get(key)
      if (entry === undefined) return undefined
      entries.delete(key)
      entries.set(key, entry)
      return entry.value
    },
    has: (key) => entries.has(key),
    set(key, value, weight) {
      remove(key)
      entries.set(key, { value, weight })
      total += weight
      for (const oldest of entries.keys()) {
        if (entries.size <= maxEntries && total <= maxWeight) break
        // The newest stays even where it alone is over the weight: it is in use.
        if (oldest !== key) remove(oldest)
      }
    },
    delete: remove,
    drop(matches) {
      for (const [key, { value }] of entries) if (matches(value)) remove(key)
    },
    forEach(visit) {
      for (const { value } of entries.values()) visit(value)
    },
    size: () => entries.size,
  }
}
