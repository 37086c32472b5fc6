// Everything that crosses the border between the main thread and a worker thread: the tasks and
// their outcomes, as plain data. Failures cross it as values; a rejected promise means that the
// thread itself died.
import type { MessagePort } from 'node:worker_threads'
import type { HttpMethod } from './definition.ts'
import type { Engine, SandboxFailure } from './sandbox/messages.ts'

/** The value of a variable, as a call that refers to it by `${NAME}` needs it. */
export interface CallVariable {
  readonly value: string
  /** It is masked in what the upstream answers. */
  readonly isSecret: boolean
  /** The only origin that it may be sent to. Default: wherever it is referred to. */
  readonly origin?: string
}

/** An interceptor as a call runs it; its code stays on the main thread. */
export interface CallInterceptor {
  readonly id: string
  readonly name: string
  readonly engine: Engine
  /** SHA-256 of the engine and the code, in hex. */
  readonly scriptHash: string
  /** It runs and is metered, and changes nothing. */
  readonly isAudit: boolean
  /** Where it fails, the call goes on with what it was given. Otherwise the call ends. */
  readonly passesThrough: boolean
  /** Of a response: it gets the answers that are errors, too. */
  readonly seesErrors: boolean
  /** Of a response: JSON text of the schema of an object that its result satisfies. Default: none. */
  readonly outputSchema?: string
}

/** The interceptors of a call, in the order in which they run. */
export interface Interception {
  readonly request: readonly CallInterceptor[]
  readonly response: readonly CallInterceptor[]
  /** JSON text of the global `tool`. */
  readonly tool: string
}

/** What one interceptor did in a call. Counts before and after are of what went in and came out. */
export interface InterceptorUse {
  readonly interceptorId: string
  readonly phase: 'REQUEST' | 'RESPONSE'
  /** Why it had no result; absent where it had one. */
  readonly failure?: InterceptorFailure
  /** CPU time in milliseconds; absent where it had no result. */
  readonly cpuMs?: number
  readonly bytesBefore: number
  readonly bytesAfter: number
  /** Estimated, see `workers/estimate-tokens.ts`. */
  readonly tokensBefore: number
  readonly tokensAfter: number
}

/** What an upstream says while it streams its answer. */
export interface CallProgress {
  /** Its own figure, else the number of events so far. */
  readonly progress: number
  /** What `progress` goes up to, where the upstream says so. */
  readonly total?: number
  /** Its words, without secrets; absent where interceptors decide what of the answer is shown. */
  readonly message?: string
}

/** Calls one tool's upstream and shapes the answer. */
export interface CallTask {
  readonly type: 'call'
  /** Unique in this process. A {@link CancelMessage} with the same number aborts the call. */
  readonly callId: number
  /** Key of the tool's definition. */
  readonly definitionHash: string
  /** JSON text of the {@link ToolDefinition}; absent where the thread is believed to know the key. */
  readonly definition?: string
  /** The provider's base URL, absolute, without query and fragment. */
  readonly baseUrl: string
  /** The provider's default headers; an argument cannot replace one. */
  readonly headers: Readonly<Record<string, string>>
  /** The client's, by names in lower case, that pass on where nothing else says them. */
  readonly clientHeaders?: Readonly<Record<string, string>>
  /** The provider's default query parameters; an argument cannot replace one. Default: none. */
  readonly query?: Readonly<Record<string, string>>
  /**
   * What the `${NAME}` in the three above stand for, by name; those that do not exist are missing.
   * Absent where there are none.
   */
  readonly variables?: Readonly<Record<string, CallVariable>>
  /** Absent where the call has none. */
  readonly interception?: Interception
  /** The call's arguments as JSON text: an object. */
  readonly argumentsText: string
  /** The answer is a resource with that URI; its media type, or '' for the answer's own. */
  readonly resource?: { readonly uri: string; readonly mimeType: string }
  /** The answer, as its interceptors leave it, is a `CallToolResult` itself. Default: false. */
  readonly isMcpResult?: boolean
  /** Takes {@link CallProgress}, while the answer comes. Transferred. Absent where nobody wants it. */
  readonly progressPort?: MessagePort
  /** From the start of the task to the last byte of the answer. */
  readonly timeoutMs: number
  /** Bound on the answer's body after decompression. */
  readonly maxResponseBytes: number
  /** `EGRESS_ALLOW` as configured, see `workers/egress/allow.ts`. */
  readonly egressAllow: string
  /**
   * Connections to upstreams are reused within a partition only, so that no tenant's request can
   * follow another's on one connection. Default: one partition for all.
   */
  readonly partition?: string
}

/** Why a call has no answer of the upstream's to show. */
export type CallFailure =
  | 'ARGUMENTS_INVALID'
  | 'VARIABLE_MISSING'
  | 'VARIABLE_REFUSED'
  | 'EGRESS_DENIED'
  | 'UPSTREAM_UNREACHABLE'
  | 'UPSTREAM_TIMEOUT'
  | 'UPSTREAM_INVALID'
  | 'RESPONSE_TOO_LARGE'
  | 'CANCELLED'
  | InterceptorFailure

/** Why an interceptor ended a call. */
export type InterceptorFailure = Exclude<SandboxFailure, 'CANCELLED'>

/** What became of a {@link CallTask}. */
export type CallOutcome =
  /** The thread does not know `definitionHash`: send the task again, with its `definition`. */
  | { readonly type: 'unknown-definition' }
  /** The thread has no way to the sandbox yet: attach the port, and send the task again. */
  | { readonly type: 'needs-sandbox'; readonly port: MessagePort }
  | {
      readonly type: 'result'
      /**
       * The members of an MCP `CallToolResult` as UTF-8 JSON without the braces around them:
       * `"content":[…]` or `"content":[…],"isError":true`; of a resource `"contents":[…]`. Printed
       * here, so that the main thread neither parses nor copies a body. Transferred.
       */
      readonly members: Uint8Array<ArrayBuffer>
      readonly isError: boolean
      /** Absent where the upstream answered, whatever its status. */
      readonly failure?: CallFailure
      /** The upstream's HTTP status; absent where there was no answer. */
      readonly status?: number
      /** Bytes of the upstream's body after decompression. */
      readonly responseBytes: number
      /** What each interceptor did, in the order in which they ran; absent where the call has none. */
      readonly interceptors?: readonly InterceptorUse[]
    }

/** Sent to every thread over a BroadcastChannel: aborts the call, if it runs there. */
export interface CancelMessage {
  readonly type: 'cancel'
  readonly callId: number
}

/** Fetches a document through the egress guard; run where calls run, as it mostly waits. */
export interface FetchTask {
  readonly type: 'fetch'
  readonly url: string
  readonly egressAllow: string
}

/** What became of a {@link FetchTask}. Bytes are transferred. */
export type FetchOutcome =
  | { readonly type: 'fetched'; readonly bytes: Uint8Array<ArrayBuffer> }
  | ImportRefusal

/** Reads an OpenAPI document into tools. Bytes are transferred. */
export interface ImportTask {
  readonly type: 'import'
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** Where a document is: to be fetched, or at hand. */
export type DocumentSource =
  | { readonly type: 'url'; readonly url: string }
  | { readonly type: 'bytes'; readonly bytes: Uint8Array<ArrayBuffer> }

/** Why a document was not read. */
export type ImportFailure =
  | 'DOCUMENT_INVALID'
  | 'DOCUMENT_TOO_LARGE'
  | 'EGRESS_DENIED'
  | 'DOCUMENT_UNREACHABLE'

/**
 * One tool of an import, as it travels in {@link ImportBatch.tools}: what a listing shows without
 * opening the definition. Key names are the columns of the table `tool`.
 */
export interface ImportedTool {
  /** 1 to 64 of `A-Za-z0-9_-`, unique in the document, the same at every import of it. */
  readonly name: string
  readonly title: string
  readonly description: string
  readonly method: HttpMethod
  /**
   * The key of the document's `paths`: with the method, what the tool is known by at the next import.
   * It can end in a fragment that tells operations of one path apart and is never sent.
   */
  readonly path: string
  readonly definition_hash: string
  /** Place in the document, from 0. */
  readonly position: number
  /** The operation's own, at most 20 of 80 characters. */
  readonly tags: readonly string[]
}

/**
 * A part of an import, at most about 256 KiB each, so that whoever stores it never holds the event
 * loop for long. Both are UTF-8 JSON text of an array, to be handed to the database as they are.
 */
export interface ImportBatch {
  /** `[{ "hash": "…", "definition": "…" }]`; `definition` is JSON text itself. */
  readonly definitions: Uint8Array<ArrayBuffer>
  /** `[ImportedTool]`. */
  readonly tools: Uint8Array<ArrayBuffer>
}

/** What became of an {@link ImportTask}. */
export type ImportOutcome =
  | {
      readonly type: 'imported'
      readonly title: string
      readonly description: string
      /** The first `servers` entry with its variables filled in, as spelt: it may be relative. */
      readonly serverUrl?: string
      readonly toolCount: number
      readonly batches: readonly ImportBatch[]
      /** What was left out or simplified, a sentence each with its JSON pointer; at most 100. */
      readonly warnings: readonly string[]
    }
  | ImportRefusal

/** A document that cannot be imported. */
export interface ImportRefusal {
  readonly type: 'refused'
  readonly code: ImportFailure
  /** What is wrong, where (JSON pointer or line and column) and what would be right. */
  readonly message: string
}
