// A map of bounded size that forgets what was used least recently, and says so.

/** What is kept by key; `onForget` is called with what has to go. */
export interface Memory<T> {
  get(key: string): T | undefined
  set(key: string, value: T): void
  delete(key: string): void
  clear(): void
}

/** A memory of at most `size` values. */
export function createMemory<T>(size: number, onForget: (value: T) => void = () => {}): Memory<T> {
  const values = new Map<string, T>()
  function forget(key: string): void {
    const value = values.get(key)
    values.delete(key)
    if (value !== undefined) onForget(value)
  }
  return {
    get(key) {
      const value = values.get(key)
      if (value === undefined) return undefined
      values.delete(key)
      values.set(key, value)
      return value
    },
    set(key, value) {
      forget(key)
      values.set(key, value)
      if (values.size > size) for (const oldest of values.keys()) return forget(oldest)
    },
    delete: forget,
    clear() {
      for (const key of values.keys()) forget(key)
    },
  }
}
