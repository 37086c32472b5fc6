// Runs the tables on whichever runtime this is and prints what came out as JSON. The argument is the
// directory of the certificates.
import { runAddressTable } from './address-table.ts'
import { runFaultTable } from './fault-table.ts'
import { runTlsTable } from './tls-table.ts'

const outcomes = {
  address: await runAddressTable(),
  fault: await runFaultTable(),
  tls: await runTlsTable(process.argv[2] ?? '.'),
}
process.stdout.write(`${JSON.stringify(outcomes)}\n`, () => process.exit(0))
