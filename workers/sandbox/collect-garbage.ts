// Instances of WebAssembly are garbage that a collector does not see: each is a small object on its
// heap and megabytes outside. Left to itself it comes so late that an honest process passes its limit.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Memory of instances that may wait to be collected: what three that used all of theirs have. */
const MAX_GARBAGE_BYTES = 48 * 1_048_576

function findCollector(): (() => void) | undefined {
  if ('Bun' in globalThis) return undefined
  try {
    setFlagsFromString('--expose-gc')
    return runInNewContext('gc') as () => void
  } catch {
    return undefined
  }
}

/** Counts what has become garbage. */
export interface GarbageCounter {
  readonly add: (bytes: number) => void
  /** Collects where there is much; costs some milliseconds. Does nothing on Bun, which counts by itself. */
  readonly collect: () => void
}

/** A counter for this thread. */
export function createGarbageCounter(): GarbageCounter {
  const collect = findCollector()
  let garbageBytes = 0
  return {
    add: (bytes) => {
      garbageBytes += bytes
    },
    collect: () => {
      if (garbageBytes < MAX_GARBAGE_BYTES) return
      garbageBytes = 0
      collect?.()
    },
  }
}
