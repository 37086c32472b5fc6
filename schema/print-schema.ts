// Writes schema.graphql beside this file. The printed text is checked in so that a change of the
// API shows in review as what clients will see.
import { writeFile } from 'node:fs/promises'
import { printSdl } from './schema.ts'

await writeFile(new URL('schema.graphql', import.meta.url), printSdl())
