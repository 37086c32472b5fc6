// The whole product in this process, on a database of the test's own, stopped when the test (or the file of tests) ends.
import { readConfig } from '../../server/config.ts'
import { start, type Running } from '../../server/start.ts'
import { createTestStorage, type Cleanup } from './database.ts'

export interface TestApp extends Running {
  readonly apiKey: string
}

/** `env` as a user would set it; the log is silent and the port any free one. */
export async function startApp(
  t: Cleanup,
  env: Readonly<Record<string, string>> = {},
): Promise<TestApp> {
  const storage = await createTestStorage(t)
  const running = await start(
    readConfig([], { PORT: '0', LOG_LEVEL: 'silent', ...storage, ...env }),
  )
  t.after(() => running.stop())
  return { ...running, apiKey: running.ownerKey.text }
}
