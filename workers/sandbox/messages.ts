// Everything that crosses the border between the supervisor and a sandbox process, over the
// process's stdin and stdout. A frame is two lengths (32-bit little-endian: of the header, of the
// payload), the header as JSON in UTF-8, and the payload, JSON text in UTF-8 that is the guest's and
// that the supervisor never parses. What comes from a sandbox process is hostile: it is bounded and
// checked before it is believed.

/** What an interceptor is written in. */
export type Engine = 'javascript' | 'jmespath'

/** Which machine runs JavaScript in a sandbox process. */
export type SandboxEngine = 'isolated-vm' | 'quickjs'

/** Input and output of a run, UTF-8 of JSON text. */
export const MAX_PAYLOAD_BYTES = 1024 * 1024

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

/** Why an interceptor has no output, told apart by `code`. */
export type SandboxFailure =
  | ScriptError['code']
  /** It waited too long for a slot, or too many wait, or the sandbox is closing. */
  | 'INTERCEPTOR_BUSY'
  /** Its process died while it ran. */
  | 'INTERCEPTOR_CRASHED'
  /** Its input is over its limit; nothing ran. */
  | 'INTERCEPTOR_INPUT'
  /** It was killed too often a short time ago; it is off for some minutes. */
  | 'INTERCEPTOR_QUARANTINED'
  /** No sandbox process can be started on this machine. */
  | 'INTERCEPTOR_UNAVAILABLE'
  /** Its caller no longer wants it. */
  | 'CANCELLED'

/** One run of an interceptor, as its caller knows it. */
export interface SandboxJob {
  readonly accountId: string
  readonly interceptorId: string
  /** For messages only. */
  readonly interceptorName: string
  readonly engine: Engine
  readonly code: string
  /** See {@link RunFrame.scriptHash}. */
  readonly scriptHash: string
  /** JSON text of an object, `{}` for none. */
  readonly globals: string
  /** JSON text, or its UTF-8 bytes. */
  readonly input: string | Uint8Array
}

/** A run as a thread asks for it: the code stays on the main thread, which knows it by its hash. */
export type ThreadJob = Omit<SandboxJob, 'code'>

/** How a run ended. Plain data: it crosses to a thread as it is, `output` by transfer. */
export type SandboxOutcome =
  | {
      readonly type: 'done'
      /** UTF-8 of JSON text that nobody has parsed yet, on a buffer of its own. */
      readonly output: Uint8Array<ArrayBuffer>
      readonly console: readonly string[]
      readonly cpuMs: number
      /** Milliseconds between the call and the start of the run. */
      readonly waitedMs: number
    }
  | {
      readonly type: 'failed'
      readonly code: SandboxFailure
      readonly message: string
      readonly line?: number
      readonly column?: number
      readonly console: readonly string[]
    }

/** From a call thread to the supervisor, over a port. Input bytes are transferred. */
export type ToSupervisor =
  | { readonly type: 'run'; readonly jobId: number; readonly job: ThreadJob }
  /** The outcome will be CANCELLED, or what it was already. */
  | { readonly type: 'cancel'; readonly jobId: number }

/** From the supervisor to a call thread, once for each `run`. */
export interface OutcomeMessage {
  readonly type: 'outcome'
  readonly jobId: number
  readonly outcome: SandboxOutcome
}
