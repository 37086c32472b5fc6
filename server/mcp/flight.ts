// Loads under way: one for each key, however many wait for it. A change that is told while one is
// under way may or may not be in what it reads, so the load is marked and nobody joins it any more.

/** Whether a value is one that the caller means. */
export type Matches<V> = (value: V) => boolean

/** Loads under way, shared by all who ask for the same thing meanwhile. */
export interface Flights<V> {
  /**
   * What the load under way for `key` brings, or what `start` brings.
   *
   * @param start is told, when it has its value, whether a change of that value came meanwhile
   */
  join(
    key: string,
    start: (isOutdated: Matches<V>) => Promise<V | undefined>,
  ): Promise<V | undefined>
  has(key: string): boolean
  /** What matches has changed. */
  drop(matches: Matches<V>): void
  /** Whoever asks from now on gets a load that starts from now on. */
  forget(): void
}

/** None under way. */
export function createFlights<V>(): Flights<V> {
  const joinable = new Map<string, Promise<V | undefined>>()
  const changes = new Set<Matches<V>[]>()
  return {
    join(key, start) {
      const running = joinable.get(key)
      if (running !== undefined) return running
      const told: Matches<V>[] = []
      changes.add(told)
      const flight = start((value) => told.some((matches) => matches(value)))
      joinable.set(key, flight)
      const end = (): void => {
        changes.delete(told)
        if (joinable.get(key) === flight) joinable.delete(key)
      }
      flight.then(end, end)
      return flight
    },
    has: (key) => joinable.has(key),
    drop(matches) {
      for (const told of changes) told.push(matches)
      joinable.clear()
    },
    forget() {
      joinable.clear()
    },
  }
}
