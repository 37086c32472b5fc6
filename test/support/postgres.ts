// A PostgreSQL server of a test's own, which it may stop and start: only for tests of outages. Needs
// the binaries (Debian: postgresql); root runs them as the user postgres, as they insist.
import { execFile } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { promisify } from 'node:util'
import { freePort } from './free-port.ts'

const run = promisify(execFile)

/** Folder of `initdb` and `pg_ctl`; undefined where PostgreSQL is not installed. */
export function findPostgres(): string | undefined {
  return globSync('/usr/lib/postgresql/*/bin').find((dir) => existsSync(join(dir, 'initdb')))
}

export interface PostgresServer {
  readonly url: string
  start(): Promise<void>
  /** At once, as a crash would: open connections are cut. */
  stop(): Promise<void>
}

/** Starts an empty server on a free port; it is stopped and removed when the test ends. */
export async function startPostgres(t: TestContext, bin: string): Promise<PostgresServer> {
  const dir = await mkdtemp(join(tmpdir(), 'hasmcp-postgres-'))
  const user = process.getuid?.() === 0 ? await findPostgresUser() : { uid: undefined, gid: 0 }
  const as = (command: string, args: readonly string[]) =>
    run(join(bin, command), [...args], { ...(user.uid === undefined ? {} : user), cwd: '/' })
  if (user.uid !== undefined) {
    await chown(dir, user.uid, user.gid)
    await chmod(dir, 0o700)
  }
  await as('initdb', [
    '-D',
    join(dir, 'data'),
    '-U',
    'hasmcp',
    '--auth=trust',
    '--no-sync',
    '-E',
    'UTF8',
    '--locale=C.UTF-8',
  ])
  const port = await freePort()
  const options = `-h 127.0.0.1 -p ${port} -k ${dir} -F`
  const server: PostgresServer = {
    url: `postgres://hasmcp@127.0.0.1:${port}/postgres`,
    async start() {
      await as('pg_ctl', [
        '-D',
        join(dir, 'data'),
        '-o',
        options,
        '-l',
        join(dir, 'log'),
        '-w',
        'start',
      ])
    },
    async stop() {
      await as('pg_ctl', ['-D', join(dir, 'data'), '-m', 'immediate', '-w', 'stop'])
    },
  }
  await server.start()
  t.after(async () => {
    await server.stop().catch(() => undefined)
    await rm(dir, { recursive: true, force: true })
  })
  return server
}

async function findPostgresUser(): Promise<{ uid: number; gid: number }> {
  const [uid = 0, gid = 0] = await Promise.all(
    ['-u', '-g'].map(async (flag) => Number((await run('id', [flag, 'postgres'])).stdout)),
  )
  return { uid, gid }
}
