// The program. Words for a person (or one JSON line for a program) go to stdout, the log to stderr.
import { StartError } from '../db/errors.ts'
import { USAGE } from './command-line.ts'
import { ConfigError, readConfig } from './config.ts'
import { printQuickStart, printStarted } from './print.ts'
import { QuickStartError } from './quick-start-error.ts'
import { prepareQuickStart, runQuickStart } from './quick-start.ts'
import { start, type Running } from './start.ts'

async function main(): Promise<void> {
  const args = process.argv.slice(2)
  if (args.includes('--help')) {
    process.stdout.write(USAGE)
    return
  }
  const config = readConfig(args)
  const quickStart = config.quickStart && (await prepareQuickStart(config.quickStart))
  const running = await start(config)
  stopOnSignals(running)
  try {
    const text =
      quickStart === undefined
        ? printStarted(running, config.isJson)
        : printQuickStart(await runQuickStart(running, quickStart), config.isJson)
    process.stdout.write(text)
  } catch (error) {
    await running.stop()
    throw error
  }
}

/** The first signal drains; a second one ends the process at once. */
function stopOnSignals({ stop, log }: Running): void {
  let isStopping = false
  const onSignal = (signal: NodeJS.Signals) => {
    if (isStopping) process.exit(1)
    isStopping = true
    log.info({ signal }, 'stopping')
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'stopping failed')
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
}

/** Exit code 1 and one sentence a problem; only what we did not foresee shows a stack. */
function fail(error: unknown): void {
  if (error instanceof ConfigError) {
    process.stderr.write(`${list(error.problems)}\n\n${USAGE}`)
  } else if (error instanceof StartError || error instanceof QuickStartError) {
    process.stderr.write(`${error.message}\n`)
  } else {
    process.stderr.write(
      `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    )
  }
  process.exit(1)
}

/** A list is only one where there is more than one. */
function list(problems: readonly string[]): string {
  const mark = problems.length > 1 ? '- ' : ''
  return problems.map((problem) => mark + problem).join('\n')
}

main().catch(fail)
