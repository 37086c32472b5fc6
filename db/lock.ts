// One process a data directory: two of them would destroy the embedded database. The lock is that
// of an SQLite file, which the kernel holds for the process: it ends with the process however that
// ends, knows no stale locks and no reused process ids, holds between containers that share the
// directory, and works alike on Node, Bun and Deno, none of which has `flock` in common.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

import { readText } from './database-error.ts'
import { StartError } from './errors.ts'

/** A directory of this process alone. */
export interface Lock {
  release(): void
}

// Held here, as a lock that nobody refers to could be collected, and so released, by the runtime.
const held = new Set<DatabaseSync>()

/**
 * Takes the directory for this process.
 * @throws {StartError} START_REFUSED when another process has it, or it is not writable
 */
export async function acquireLock(dataDir: string): Promise<Lock> {
  const pidPath = join(dataDir, 'process-id')
  try {
    const lock = new DatabaseSync(join(dataDir, 'lock.sqlite'))
    try {
      // Nothing is ever written: no journal. Nobody waits: the other process may run for months.
      lock.exec('pragma busy_timeout = 0; pragma journal_mode = off; begin exclusive')
    } catch (error) {
      lock.close()
      throw error
    }
    held.add(lock)
    await writeFile(pidPath, `${process.pid}\n`)
    return {
      release() {
        if (held.delete(lock)) lock.close()
      },
    }
  } catch (error) {
    if (!readText(error, 'message').includes('database is locked')) {
      throw new StartError(
        `Cannot write to the data directory "${dataDir}": ` +
          'set DATA_DIR to a directory that this user may write to',
        { cause: error },
      )
    }
    const pid = await readFile(pidPath, 'utf8').catch(() => '')
    const owner = /^\d+$/m.exec(pid)?.[0]
    throw new StartError(
      `The data directory "${dataDir}" is in use by ` +
        `${owner === undefined ? 'another process' : `process ${owner}`}: ` +
        'stop it, or set DATA_DIR to another directory, or use DATABASE_URL for several processes',
      { cause: error },
    )
  }
}
