// The era of `initialize`: 2024-11-05 to 2025-11-25. It is served without sessions: whatever a
// request needs is in it, so any process can answer any request, and nothing is lost by a restart.
import {
  type AnswerMessage,
  CAPABILITIES,
  CLIENT_CLOSED,
  type Caller,
  type EraDeps,
  serverInfo,
} from './era.ts'
import { type JsonObject, type RpcRequest, isRequestId } from './json-rpc.ts'
import { LEGACY_VERSIONS, NEWEST_LEGACY_VERSION } from './protocol.ts'
import { createMethods } from './method.ts'
import { ACCEPTED, type Members, type Reply, resultReply } from './reply.ts'
import { INVALID_PARAMS, METHOD_NOT_FOUND, RpcError, kindOf, shown } from './rpc-error.ts'
import { type RunningCalls, createRunningCalls } from './running-call.ts'
import { callTool } from './tool.ts'

type Method = (caller: Caller, request: RpcRequest) => Promise<Reply> | Reply

/** Answers a legacy message. */
export function createLegacyEra(deps: EraDeps): AnswerMessage {
  const running = createRunningCalls()
  const methods: ReadonlyMap<string, Method> = new Map<string, Method>([
    ['initialize', (caller, { id, params }) => initialize(deps, caller, id, params)],
    ['ping', (_caller, { id }) => resultReply(id, '', '')],
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
    [
      'tools/call',
      (caller, request) =>
        run(running, caller, request, (signal) =>
          callTool(deps.call, caller.route, request, signal),
        ),
    ],
  ])
  return async (caller, message) => {
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
    capabilities: CAPABILITIES,
    serverInfo: serverInfo(caller.route, deps.version),
    ...(instructions === '' ? {} : { instructions }),
  }
  return resultReply(id, '', JSON.stringify(result).slice(1, -1))
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

/** One client's ids, as far as they can be told apart: its token, at this server. */
function scopeOf({ route, tokenId }: Caller): string {
  return `${route.serverId} ${tokenId}`
}
