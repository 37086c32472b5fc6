// One process a data directory, and nothing acknowledged is lost with a killed one.
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

import { sql } from 'kysely'

import { openDatabase } from '../../db/client.ts'
import { createEmptyDir, createTestDataDir } from '../support/database.ts'

const SCRIPT = fileURLToPath(new URL('../support/database-process.ts', import.meta.url))

/** A process around the directory; `next` waits for a line of its output. */
function start(t: TestContext, mode: string, dataDir: string) {
  const runtimeOptions = 'Deno' in globalThis ? ['run', '-A'] : []
  const child = spawn(process.execPath, [...runtimeOptions, SCRIPT, mode, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => kill(child))
  const lines: string[] = []
  const reader = createInterface({ input: child.stdout })
  reader.on('line', (line) => lines.push(line))
  const next = async (): Promise<string> => {
    while (lines.length === 0) await once(reader, 'line')
    return lines.shift() ?? ''
  }
  return { child, lines, next }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const closed = once(child, 'close')
  child.kill('SIGKILL')
  await closed
}

function refusal(dataDir: string, pid: number | undefined): string {
  return (
    `The data directory "${dataDir}" is in use by process ${pid}: stop it, or set DATA_DIR to ` +
    'another directory, or use DATABASE_URL for several processes'
  )
}

test('openDatabase refuses a directory that another process has, until that one is killed', async (t) => {
  const dataDir = await createTestDataDir(t)
  const owner = start(t, 'hold', dataDir)
  assert.equal(await owner.next(), 'open')
  await assert.rejects(openDatabase({ dataDir }), {
    name: 'StartError',
    code: 'START_REFUSED',
    message: refusal(dataDir, owner.child.pid),
  })
  const second = start(t, 'hold', dataDir)
  assert.equal(await second.next(), refusal(dataDir, owner.child.pid))

  await kill(owner.child)
  const db = await openDatabase({ dataDir })
  await assert.rejects(openDatabase({ dataDir }), { message: refusal(dataDir, process.pid) })
  await db.close()
  const again = await openDatabase({ dataDir })
  await again.close()
})

test('openDatabase ignores the process id of a lock that nobody holds', async (t) => {
  const dataDir = await createTestDataDir(t)
  // A process that runs, but is not ours: as after a restart of the machine.
  writeFileSync(join(dataDir, 'process-id'), `${process.ppid}\n`)
  writeFileSync(join(dataDir, 'lock.sqlite'), '')
  const db = await openDatabase({ dataDir })
  await db.close()
})

test('openDatabase makes the directory, and says so when it cannot', async (t) => {
  const parent = createEmptyDir(t)
  // Longer than the path of a Unix socket may be.
  const dataDir = join(parent, 'a'.repeat(100), 'data')
  const db = await openDatabase({ dataDir })
  await db.close()
  assert.ok(existsSync(join(dataDir, 'database', 'PG_VERSION')))

  const file = join(parent, 'file')
  writeFileSync(file, '')
  await assert.rejects(openDatabase({ dataDir: join(file, 'data') }), {
    code: 'START_REFUSED',
    message:
      `Cannot write to the data directory "${join(file, 'data')}" (ENOTDIR): ` +
      'set DATA_DIR to a directory that this user may write to',
  })
  const taken = join(parent, 'taken')
  mkdirSync(join(taken, 'lock.sqlite'), { recursive: true })
  await assert.rejects(openDatabase({ dataDir: taken }), {
    code: 'START_REFUSED',
    message:
      `Cannot write to the data directory "${taken}": ` +
      'set DATA_DIR to a directory that this user may write to',
  })
})

test('a process killed while writing loses nothing that it acknowledged', async (t) => {
  const dataDir = await createTestDataDir(t)
  const acknowledged: string[] = []
  for (const count of [40, 80]) {
    const writer = start(t, 'write', dataDir)
    assert.equal(await writer.next(), 'open')
    for (let index = 0; index < count; index += 1) acknowledged.push(await writer.next())
    await kill(writer.child)
    acknowledged.push(...writer.lines)
  }
  assert.ok(acknowledged.length >= 120)
  const db = await openDatabase({ dataDir })
  const { rows } = await sql<{ id: string }>`select id from account`.execute(db.kysely)
  await db.close()
  const found = new Set(rows.map((row) => row.id))
  assert.deepEqual(
    acknowledged.filter((id) => !found.has(id)),
    [],
  )
  // One more may have been committed, its line unwritten, each time.
  assert.ok(rows.length - acknowledged.length <= 2)
})
