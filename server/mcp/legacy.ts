// The era of `initialize`: 2024-11-05 to 2025-11-25. Whatever a request needs is in it, so any process
// can answer any request, and nothing is lost by a restart; a session is there for what the server says
// by itself (notices, questions, log messages).
import { readCapabilities } from './client-capability.ts'
import {
  type AnswerMessage,
  CAPABILITIES,
  CLIENT_CLOSED,
  type Caller,
  type EraDeps,
  serverInfo,
} from './era.ts'
import { type JsonObject, type RpcRequest, isRequestId } from './json-rpc.ts'
import { setLogLevel, subscribe, unsubscribe } from './legacy-stream.ts'
import { type AskUser, createAskUser } from './legacy-question.ts'
import { answerLive } from './live-reply.ts'
import { createMethods } from './method.ts'
import { createProgress, wantsProgress } from './progress.ts'
import { LEGACY_VERSIONS, NEWEST_LEGACY_VERSION } from './protocol.ts'
import { ACCEPTED, type Members, type Reply, resultReply } from './reply.ts'
import {
  INVALID_PARAMS,
  INVALID_REQUEST,
  METHOD_NOT_FOUND,
  RpcError,
  kindOf,
  shown,
} from './rpc-error.ts'
import { type RunningCalls, createRunningCalls } from './running-call.ts'
import { callTool, printToolError, readToolRequest } from './tool.ts'

type Method = (caller: Caller, request: RpcRequest) => Promise<Reply> | Reply

/** Answers a legacy message. */
export function createLegacyEra(deps: EraDeps): AnswerMessage {
  const { sessions } = deps
  const running = createRunningCalls()
  const askUser = createAskUser(sessions)
  const callDeps = { ...deps, askUser, running }
  const quiet =
    (act: (caller: Caller, params: JsonObject) => void): Method =>
    (caller, { id, params }) => {
      act(caller, params)
      return resultReply(id, '', '')
    }
  const methods: ReadonlyMap<string, Method> = new Map<string, Method>([
    ['initialize', (caller, { id, params }) => initialize(deps, caller, id, params)],
    ['ping', quiet(() => undefined)],
    ['logging/setLevel', quiet((caller, params) => setLogLevel(sessions, caller, params))],
    ['resources/subscribe', quiet((caller, params) => subscribe(sessions, caller, params))],
    ['resources/unsubscribe', quiet((caller, params) => unsubscribe(sessions, caller, params))],
    ...Array.from(createMethods(deps), ([name, { answer }]): [string, Method] => [
      name,
      (caller, request) =>
        run(
          running,
          caller,
          request,
          async (signal) => await answer(caller, request.params, signal),
        ),
    ]),
    ['tools/call', (caller, request) => call(callDeps, caller, request)],
  ])
  return async (caller, message) => {
    if (message.kind === 'response') return answered(deps, caller, message.id, message.result)
    if (message.kind === 'notification') {
      if (message.method === 'notifications/cancelled') cancel(running, caller, message.params)
      return ACCEPTED
    }
    const method = methods.get(message.method)
    if (method === undefined) {
      throw new RpcError(METHOD_NOT_FOUND, `Method not found: ${shown(message.method)}`)
    }
    return await method(caller, message)
  }
}

function initialize(
  deps: EraDeps,
  caller: Caller,
  id: RpcRequest['id'],
  params: JsonObject,
): Reply {
  const requested = params['protocolVersion']
  if (typeof requested !== 'string') {
    throw new RpcError(
      INVALID_PARAMS,
      `params.protocolVersion is ${kindOf(requested)}, expected a protocol version such as ${NEWEST_LEGACY_VERSION}`,
    )
  }
  const { instructions } = caller.route
  const result = {
    // "Otherwise, the server MUST respond with another protocol version it supports."
    protocolVersion: LEGACY_VERSIONS.includes(requested) ? requested : NEWEST_LEGACY_VERSION,
    capabilities: { ...CAPABILITIES, logging: {} },
    serverInfo: serverInfo(caller.route, deps.version),
    ...(instructions === '' ? {} : { instructions }),
  }
  const { route, tokenId } = caller
  const capabilities = readCapabilities(params['capabilities'])
  const sessionId = deps.sessions.create(route.serverId, tokenId, capabilities)
  return { ...resultReply(id, '', JSON.stringify(result).slice(1, -1)), sessionId }
}

function call(deps: CallDeps, caller: Caller, request: RpcRequest): Promise<Reply> {
  const { running, askUser, sessions } = deps
  const { params } = request
  const { session } = caller
  const wanted = readToolRequest(caller.route, request)
  const { tool } = wanted
  const wantsLog = session !== undefined && sessions.kept(session)?.wantsLog === true
  // Most calls say nothing before their result: they need no stream to say it on.
  if (tool.inputRequests.length === 0 && !wantsProgress(caller, request, wantsLog)) {
    return run(running, caller, request, (signal) =>
      callTool(deps.call, caller, wanted, { params, signal, onProgress: undefined }),
    )
  }
  return answerLive(caller, request.id, (say, signal) =>
    run(running, { ...caller, signal }, request, async (own) => {
      const asked = { params, requests: tool.inputRequests, ...wanted }
      const asking = await askUser(caller, asked, say, own)
      if (own.aborted) return undefined
      if (asking.type === 'stop') return printToolError(asking.text)
      const { argumentsText } = asking
      const onProgress = createProgress(caller, request, say, wantsLog)
      const context = { params, signal: own, onProgress }
      return await callTool(deps.call, caller, { tool, argumentsText }, context)
    }),
  )
}

interface CallDeps extends EraDeps {
  readonly askUser: AskUser
  readonly running: RunningCalls
}

/** A client's answer to a question of ours. */
function answered(
  { sessions }: EraDeps,
  { session }: Caller,
  id: RpcRequest['id'],
  result: unknown,
): Reply {
  const answer = session && sessions.kept(session)?.questions.get(id)
  if (answer === undefined) {
    const message = 'The message is a response, but to no request that waits for one in its session'
    throw new RpcError(INVALID_REQUEST, message)
  }
  answer(result)
  return ACCEPTED
}

/** Runs what a notification may cancel. */
async function run(
  running: RunningCalls,
  caller: Caller,
  { id }: RpcRequest,
  work: (signal: AbortSignal) => Promise<Members | undefined>,
): Promise<Reply> {
  const own = running.start(scopeOf(caller), id, caller.signal)
  try {
    const members = await work(own.signal)
    if (members !== undefined) return resultReply(id, '', members)
    // Cancelled: "Not send a response for the cancelled request". HTTP needs one all the same; 202
    // with no body is what clients of this era take for "no message here" without complaint.
    return caller.signal.aborted ? CLIENT_CLOSED : ACCEPTED
  } finally {
    own.end()
  }
}

/** "Invalid cancellation notifications SHOULD be ignored." */
function cancel(running: RunningCalls, caller: Caller, params: JsonObject): void {
  const { requestId } = params
  if (isRequestId(requestId)) running.cancel(scopeOf(caller), requestId)
}

/** One client's ids: its session's, else as far as they can be told apart, by token and server. */
function scopeOf({ route, tokenId, session }: Caller): string {
  return session?.id ?? `${route.serverId} ${tokenId}`
}
