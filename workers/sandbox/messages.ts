// Everything that crosses the border between the supervisor and a sandbox process, over the
// process's stdin and stdout. A frame is two lengths (32-bit little-endian: of the header, of the
// payload), the header as JSON in UTF-8, and the payload, JSON text in UTF-8 that is the guest's and
// that the supervisor never parses. What comes from a sandbox process is hostile: it is bounded and
// checked before it is believed.

/** What an interceptor is written in. */
export type Engine = 'javascript' | 'jmespath'

/** Which machine runs JavaScript in a sandbox process. */
export type SandboxEngine = 'isolated-vm' | 'quickjs'

/** What one run may use. */
export interface SandboxLimits {
  /** CPU time after which the engine interrupts the guest by itself. */
  readonly softCpuMs: number
  /** Memory of the engine's own heap. */
  readonly memoryBytes: number
  /** UTF-8 bytes of the output, as JSON text. */
  readonly maxOutputBytes: number
}

/** Runs a script once; its payload is the input, JSON text. Runs are executed one after the other. */
export interface RunFrame {
  readonly type: 'run'
  readonly runId: number
  /** Scripts of different tenants never share an isolate, whatever their hash. */
  readonly tenant: string
  readonly engine: Engine
  /** SHA-256 of the engine and the code, in hex: under it the process remembers what it compiled. */
  readonly scriptHash: string
  /** Always sent: 64 KiB through a pipe cost less than a second round trip. */
  readonly code: string
  /** JSON text of an object, frozen as the globals that its keys name (`status`, `headers`, `tool`). */
  readonly globals: string
  /** 32 bytes in hex; `Math.random` starts from it. */
  readonly seed: string
  readonly limits: SandboxLimits
}

/** Compiles a script and runs nothing. */
export interface CheckFrame {
  readonly type: 'check'
  readonly runId: number
  readonly engine: Engine
  readonly code: string
}

/** From the supervisor to a sandbox process. */
export type ToSandbox = RunFrame | CheckFrame

/** The process is booted: engines are loaded and warm. Sent once, first. */
export interface ReadyFrame {
  readonly type: 'ready'
  readonly sandboxEngine: SandboxEngine
  /** Of the engine, `QuickJS-NG 0.17.0`. */
  readonly engineVersion: string
}

/** The run has begun: from here on its CPU time counts. */
export interface StartedFrame {
  readonly type: 'started'
  readonly runId: number
}

/** Why a script has no output. Told apart by `code`; `message` is for the script's author, at most 1 KiB. */
export interface ScriptError {
  readonly code:
    /** The code cannot be compiled. */
    | 'INTERCEPTOR_INVALID'
    /** It threw, or its result cannot be JSON, or is a promise. */
    | 'INTERCEPTOR_FAILED'
    | 'INTERCEPTOR_TIMEOUT'
    | 'INTERCEPTOR_MEMORY'
    /** The output is over its limit, or nested too deeply. */
    | 'INTERCEPTOR_OUTPUT'
  readonly message: string
  /** From 1, where they are known. */
  readonly line?: number
  readonly column?: number
}

/** The run is over; where there is no `error` the payload is the output, JSON text. */
export interface DoneFrame {
  readonly type: 'done'
  readonly runId: number
  readonly error?: ScriptError
  /** What `console.log` and its kin printed: at most 100 lines of 1,024 characters. */
  readonly console: readonly string[]
  /** CPU time of the run, milliseconds with fractions. */
  readonly cpuMs: number
}

/** From a sandbox process to the supervisor. */
export type FromSandbox = ReadyFrame | StartedFrame | DoneFrame
