// `npm run sign-in-link`: prints a link that signs a person in as an owner of the first account. Whoever
// can read the installation's key may have one; it needs no database, which a running server holds.
import { parseArgs } from 'node:util'
import { toEmailKey } from '../db/email.ts'
import { StartError } from '../db/errors.ts'
import { ConfigError, readConfig } from './config.ts'
import { hasInstanceKey, loadInstanceKey } from './instance-key.ts'
import { printSignInLink } from './sign-in/print-link.ts'

const USAGE = `Usage: npm run sign-in-link -- [--email <address>]

  --email <address>   whom it signs in, and makes an owner of the first account; default: owner@localhost

It reads the same environment as the server: PUBLIC_URL, or HOST and PORT, and DATA_DIR or HASMCP_ENCRYPTION_KEY.
`

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { email: { type: 'string' }, help: { type: 'boolean' } },
  })
  if (values.help) {
    process.stdout.write(USAGE)
    return
  }
  const { email } = values
  if (email !== undefined && toEmailKey(email) === undefined) {
    throw new StartError(
      `--email is ${JSON.stringify(email)}, expected an address such as "ada@example.com"`,
    )
  }
  const config = readConfig([])
  if (config.encryptionKey === undefined && !(await hasInstanceKey(config.dataDir))) {
    throw new StartError(
      `There is no installation in ${config.dataDir}: start the server first, or set DATA_DIR or HASMCP_ENCRYPTION_KEY as it has them`,
    )
  }
  if (config.publicUrl === undefined && config.port === 0) {
    throw new StartError('PORT is 0: set PUBLIC_URL to where the server listens')
  }
  const key = config.encryptionKey ?? (await loadInstanceKey(config.dataDir))
  const publicUrl = config.publicUrl ?? `http://${config.host}:${config.port}`
  process.stdout.write(`${await printSignInLink(key, publicUrl, email)}\n`)
}

main().catch((error: unknown) => {
  const isOurs = error instanceof StartError || error instanceof ConfigError
  const isFlag =
    error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
  const text =
    error instanceof Error
      ? isOurs || isFlag
        ? error.message
        : (error.stack ?? error.message)
      : String(error)
  process.stderr.write(`${text}\n${isFlag ? `\n${USAGE}` : ''}`)
  process.exit(1)
})
