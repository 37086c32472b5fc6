// How long an operation may take. Time alone does not free what an operation holds, so there are two
// halves: whoever asked is answered on time, and a signal ends the work behind it.
import { StoppedError } from '../db/errors.ts'
import type { Context } from '../schema/context.ts'
import { ClientGoneError } from './client-gone.ts'

/** The time of one operation, which is running. */
export interface Deadline extends Pick<Context, 'signal' | 'withOwnBound'> {
  /**
   * What `work` answers if that is in time.
   *
   * @throws {StoppedError} TIMEOUT when the time is up
   * @throws {ClientGoneError} CLIENT_GONE when nobody waits for the answer any more
   */
  race<T>(work: Promise<T>): Promise<T>
  /** Nothing is aborted from here on; leaves no timer. */
  end(): void
}

/** Gives an operation of the client behind `client` so much time from now on. */
export function startDeadline(timeoutMs: number, client: AbortSignal): Deadline {
  const controller = new AbortController()
  const { promise: broken, reject } = Promise.withResolvers<never>()
  // Rejected before anything that is aborted can answer: what is half-done is no answer.
  const stop = (error: Error): void => {
    reject(error)
    controller.abort(error)
  }
  const onGone = (): void => {
    stop(new ClientGoneError('The connection ended before the answer'))
  }
  const clock = startClock(timeoutMs, () => {
    const message = `The operation took longer than ${timeoutMs / 1000} s: what it was doing is undone, what was complete stays`
    stop(new StoppedError(message))
  })
  client.addEventListener('abort', onGone)
  if (client.aborted) onGone()
  return {
    signal: controller.signal,
    race: (work) => Promise.race([work, broken]),
    async withOwnBound(_name, run) {
      const resume = clock.pause()
      try {
        return await run()
      } finally {
        resume()
      }
    },
    end() {
      clock.end()
      client.removeEventListener('abort', onGone)
      // Nobody may have raced it.
      broken.catch(() => {})
    },
  }
}

interface Clock {
  /** Answers what lets it go on; it stands until each pause is over. */
  pause(): () => void
  end(): void
}

function startClock(timeoutMs: number, onUp: () => void): Clock {
  let leftMs = timeoutMs
  let startedAt = performance.now()
  let pauses = 0
  let isEnded = false
  let timer = setTimeout(onUp, leftMs)
  return {
    pause() {
      if (pauses === 0) {
        clearTimeout(timer)
        leftMs -= performance.now() - startedAt
      }
      pauses += 1
      return () => {
        pauses -= 1
        if (pauses > 0 || isEnded) return
        startedAt = performance.now()
        timer = setTimeout(onUp, Math.max(0, leftMs))
      }
    },
    end() {
      isEnded = true
      clearTimeout(timer)
    },
  }
}
