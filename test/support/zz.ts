import { openTestDatabase } from './database.ts'
import { createAccount, createProvider } from './account.ts'
import { importTools } from '../../db/import-tools.ts'
import { toBatches } from './tool-batch.ts'
const after: (() => unknown)[] = []
const db = await openTestDatabase({ after: (w) => after.push(w) })
const acc = await createAccount(db)
const prv = await createProvider(db, acc)
const document = (definition: string) =>
  Array.from({ length: 1_223 }, (_value, index) => ({
    operation: `GET /repos/{owner}/{repo}/${index}`,
    name: `repos_${index}`,
    title: `Operation ${index}`,
    description: 'What it does, said at some length. '.repeat(20),
    definition: (index % 2 === 0 ? definition : '') + 'x'.repeat(3000),
  }))
const orig = db.kysely.transaction.bind(db.kysely)
let laps: number[] = []
Object.defineProperty(db.kysely, 'transaction', {
  value: () => {
    const b = orig()
    return {
      execute: async (w: never) => {
        const t = performance.now()
        try {
          return await b.execute(w)
        } finally {
          laps.push(Math.round(performance.now() - t))
        }
      },
    }
  },
})
for (const d of ['a', 'a', 'b', 'c', 'd']) {
  laps = []
  const batches = toBatches(document(d), 70)
  const t = performance.now()
  const r = await importTools(db, acc, prv, batches)
  console.log(
    d,
    r.added,
    r.changed,
    r.unchanged,
    'total',
    Math.round(performance.now() - t),
    'tx',
    laps.join(' '),
  )
}
for (const w of after.toReversed()) await w()
