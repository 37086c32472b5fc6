// A hostile peer of the supervisor: a real process that speaks the frames of the sandbox and whose
// "scripts" are commands to misbehave.
import { execFileSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kill, pid, stdin, stdout } from 'node:process'
import { createFrameReader, encodeFrame } from '../../workers/sandbox/frame.ts'
import type { FromSandbox, ToSandbox } from '../../workers/sandbox/messages.ts'

const send = (header: object, payload: Uint8Array | string = '') => {
  stdout.write(encodeFrame(header, payload))
}
const kept: Uint8Array[] = []
// A command that never answers keeps all that comes after it waiting.
let isStuck = false

function run(frame: ToSandbox, payload: Uint8Array): void {
  const { runId } = frame
  const isInput = frame.code === 'input'
  const [command = '', argument = ''] = (
    isInput ? Buffer.from(payload).toString() : frame.code
  ).split(' ')
  const started = () => send({ type: 'started', runId })
  const done = (more: object = {}, output: Uint8Array | string = '') =>
    send({ type: 'done', runId, console: [], cpuMs: 1, ...more }, output)
  if (command === 'exit-before-start') process.exit(3)
  // A process that dies at once would take the frame along in its buffer.
  const startedThen = (next: () => void) => {
    stdout.write(encodeFrame({ type: 'started', runId }, ''), next)
    isStuck = true
  }
  switch (command) {
    case 'echo':
      started()
      return done({}, payload)
    case 'print':
      started()
      return done({ console: ['one', 'two'] }, '1')
    case 'throw':
      started()
      return done({ error: { code: 'INTERCEPTOR_FAILED', message: 'no', line: 2, column: 3 } })
    case 'frame':
      started()
      return done({}, JSON.stringify(frame))
    case 'look':
      started()
      return void answerLook(done)
    case 'pid':
      started()
      return done({}, String(pid))
    case 'check':
      return done()
    case 'spin':
      return startedThen(() => {
        for (;;);
      })
    case 'burn':
      started()
      for (const end = performance.now() + Number(argument); performance.now() < end;);
      return done({}, payload)
    case 'allocate':
      return startedThen(() => {
        setInterval(() => kept.push(new Uint8Array(32 * 1024 * 1024).fill(1)), 5)
      })
    case 'sleep':
      return startedThen(() => setInterval(() => {}, 1_000))
    case 'stop':
      return startedThen(() => kill(pid, 'SIGSTOP'))
    case 'exit':
      return startedThen(() => process.exit(3))
    case 'abort':
      return startedThen(() => process.abort())
    case 'flood':
      return startedThen(flood)
    case 'flood-frames':
      return startedThen(() => setInterval(started, 0))
    case 'wrong-id':
      started()
      return send({ type: 'done', runId: runId + 1, console: [], cpuMs: 0 }, '1')
    case 'done-only':
      return done({}, '1')
    case 'not-json':
      started()
      stdout.write(Buffer.from([2, 0, 0, 0, 0, 0, 0, 0, 123, 123]))
      return
    case 'long-output':
      started()
      return done({}, 'x'.repeat(1024 * 1024 + 1))
    case 'ready-again':
      return send({ type: 'ready' })
    case 'drip': {
      const frames = Buffer.concat([
        encodeFrame({ type: 'started', runId }, ''),
        encodeFrame({ type: 'done', runId, console: [], cpuMs: 1 }, payload),
      ])
      for (const byte of frames) stdout.write(Uint8Array.of(byte))
      return
    }
    default:
      started()
      return done({ error: { code: 'INTERCEPTOR_INVALID', message: 'what?', line: 1, column: 1 } })
  }
}

async function answerLook(done: (more: object, output: string) => void): Promise<void> {
  done({}, JSON.stringify(await look()))
}

/** What an escaped guest would find. */
async function look(): Promise<object> {
  const tried = async (act: () => unknown) => {
    try {
      await act()
      return 'allowed'
    } catch {
      return 'denied'
    }
  }
  return {
    env: process.env,
    cwd: process.cwd(),
    pid,
    uid: process.getuid?.(),
    parent: process.ppid,
    read: await tried(() => readFile('/etc/passwd')),
    write: await tried(() => writeFile(join(tmpdir(), 'sandbox-escape'), '')),
    spawn: await tried(() => execFileSync('/bin/true')),
    connect: await tried(
      () =>
        new Promise((resolve, reject) => {
          connect(9, '127.0.0.1')
            .on('error', (error: NodeJS.ErrnoException) =>
              // Refused by nobody listening there: the network was reached.
              error.code === 'ECONNREFUSED' ? resolve(undefined) : reject(error),
            )
            .on('connect', resolve)
        }),
    ),
  }
}

function flood(): void {
  const chunk = Buffer.alloc(1024 * 1024, 0xff)
  const more = () => {
    while (stdout.write(chunk));
    stdout.once('drain', more)
  }
  more()
}

const [, , mode] = process.argv
if (mode === 'broken') {
  process.stderr.write('no engine here\n')
  process.exit(4)
}
const read = createFrameReader({ maxFrameBytes: 4 * 1024 * 1024 }, (frame, payload) => {
  if (!isStuck) run(frame as ToSandbox, payload)
})
stdin.on('data', read)
stdin.on('end', () => process.exit(0))
send({ type: 'ready', sandboxEngine: 'quickjs', engineVersion: 'fake' } satisfies FromSandbox)
