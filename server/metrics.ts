// What an operator's Prometheus reads: rates, errors and durations of requests and calls, and how full
// the process is. Labels are of sets that are fixed here: nothing that a tenant names, and nothing that
// tells one tenant or person from another.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { CallResult } from '../workers/pool.ts'

/** What is counted as it happens. */
export interface Metrics {
  /** A request that was answered, up to its response's head. */
  readonly countRequest: (path: string, status: number, ms: number) => void
  /** The same call, timed and counted by what came of it. */
  readonly timeCall: <T extends Pick<CallResult, 'isError' | 'failure'>>(
    call: Promise<T>,
  ) => Promise<T>
  /** In Prometheus' text format 0.0.4. */
  readonly print: () => Promise<string>
  readonly contentType: string
}

/** What is looked up when somebody asks. */
export interface Gauges {
  readonly callsRunning: () => number
  readonly callsWaiting: () => number
  readonly streams: () => number
  readonly sandbox: () => {
    readonly runs: number
    readonly waiting: number
    readonly executing: number
    readonly children: number
    readonly kills: Readonly<Record<string, number>>
  }
}

// From 0.5 ms: a call whose upstream is near takes 1; up to the longest that a call may by default.
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

const ROUTES: readonly string[] = [
  'mcp',
  'graphql',
  'documents',
  'schema.graphql',
  'sign-in',
  'invitation',
  'livez',
  'readyz',
  'metrics',
  '.well-known',
]

/** The metrics of one process. */
export function createMetrics(gauges: Gauges): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const requests = new Histogram({
    name: 'hasmcp_http_request_duration_seconds',
    help: 'From a request to the head of its response, by route and status.',
    labelNames: ['route', 'status'] as const,
    buckets: SECONDS,
    registers,
  })
  const calls = new Histogram({
    name: 'hasmcp_call_duration_seconds',
    help: 'Tool calls, from the wait for a place to the result, by outcome: ok, error (the API’s), a code of ours, or rejected.',
    labelNames: ['outcome'] as const,
    buckets: SECONDS,
    registers,
  })
  watch(registry, gauges)
  watchDelay(registry)
  return {
    countRequest: (path, status, ms) => {
      requests.observe({ route: routeOf(path), status }, ms / 1000)
    },
    async timeCall(call) {
      const startedAt = performance.now()
      const observe = (outcome: string) => {
        calls.observe({ outcome }, (performance.now() - startedAt) / 1000)
      }
      try {
        const result = await call
        observe(result.failure ?? (result.isError ? 'error' : 'ok'))
        return result
      } catch (error) {
        observe('rejected')
        throw error
      }
    },
    print: () => registry.metrics(),
    contentType: registry.contentType,
  }
}

/** Undefined where the runtime cannot tell. */
function openDelay(): ReturnType<typeof monitorEventLoopDelay> | undefined {
  try {
    const delay = monitorEventLoopDelay({ resolution: 10 })
    delay.enable()
    return delay
  } catch {
    return undefined
  }
}

function watchDelay(registry: Registry): void {
  const delay = openDelay()
  if (delay === undefined) return
  new Gauge({
    name: 'hasmcp_event_loop_delay_seconds',
    help: 'How late the main thread was since the last time somebody asked, 99 of 100 times and at worst.',
    labelNames: ['quantile'] as const,
    registers: [registry],
    collect() {
      for (const quantile of [99, 100]) {
        const ns = delay.percentile(quantile)
        this.set({ quantile: String(quantile / 100) }, Number.isFinite(ns) ? ns / 1e9 : 0)
      }
      delay.reset()
    },
  })
}

/** The first part of the path where it is one of ours. */
function routeOf(path: string): string {
  const [, first = ''] = path.split('/', 2)
  if (first === '') return '/'
  return ROUTES.includes(first) ? `/${first}` : 'other'
}

function watch(registry: Registry, gauges: Gauges): void {
  const registers = [registry]
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })
  gauge('hasmcp_calls_running', 'Calls that have a place in a worker thread.', gauges.callsRunning)
  gauge('hasmcp_calls_waiting', 'Calls that wait for a place.', gauges.callsWaiting)
  gauge('hasmcp_streams_open', 'Open streams of MCP clients.', gauges.streams)
  const { sandbox } = gauges
  gauge('hasmcp_sandbox_waiting', 'Interceptors that wait for a process.', () => sandbox().waiting)
  gauge('hasmcp_sandbox_executing', 'Interceptors that run.', () => sandbox().executing)
  gauge('hasmcp_sandbox_processes', 'Ready processes, spares included.', () => sandbox().children)
  new Counter({
    name: 'hasmcp_sandbox_runs_total',
    help: 'Interceptors that were run.',
    registers,
    collect() {
      this.reset()
      this.inc(sandbox().runs)
    },
  })
  new Counter({
    name: 'hasmcp_sandbox_kills_total',
    help: 'Processes that ended while they were in use, by cause.',
    labelNames: ['cause'] as const,
    registers,
    collect() {
      this.reset()
      for (const [cause, count] of Object.entries(sandbox().kills)) this.inc({ cause }, count)
    },
  })
}
