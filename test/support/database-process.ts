// A process of its own around one database, driven by its arguments and watched by its output:
// `hold` opens and waits, `write` inserts accounts for ever and prints the id of each commit.
import { insertAccount } from '../../db/account.ts'
import { openDatabase } from '../../db/client.ts'
import { newId } from '../../db/id.ts'
import { withAccount } from '../../db/transaction.ts'

const [mode = '', dataDir = '', databaseUrl = ''] = process.argv.slice(2)

try {
  const db = await openDatabase({ dataDir, databaseUrl })
  process.stdout.write('open\n')
  if (mode === 'close') await db.close()
  while (mode === 'write') {
    const id = newId('acc')
    await withAccount(db, id, (tx) => insertAccount(tx, { name: 'Acme' }))
    process.stdout.write(`${id}\n`)
  }
} catch (error) {
  process.stdout.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
