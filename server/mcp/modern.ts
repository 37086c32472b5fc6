// The era of 2026-07-28: no handshake, every request says which revision it speaks and what its
// client can do, and its headers repeat what a gateway routes by.
import { askPrompt } from './ask-prompt.ts'
import {
  type AnswerMessage,
  CAPABILITIES,
  CLIENT_CLOSED,
  type Caller,
  type EraDeps,
  serverInfo,
} from './era.ts'
import { type JsonObject, type RpcRequest, isJsonObject } from './json-rpc.ts'
import { getPrompt } from './prompt.ts'
import { type OnProgress, createProgress, wantsProgress } from './progress.ts'
import { CAPABILITIES_KEY, CLIENT_INFO_KEY, MODERN_VERSIONS, missingMeta } from './protocol.ts'
import { ACCEPTED, type Reply, resultReply } from './reply.ts'
import { checkRequestHeaders } from './request-header.ts'
import { ask } from './modern-question.ts'
import { answerLive } from './live-reply.ts'
import { checkReadsStreams } from './media-type.ts'
import { type Method as SharedMethod, createMethods } from './method.ts'
import {
  INVALID_PARAMS,
  INVALID_REQUEST,
  METHOD_NOT_FOUND,
  RESOURCE_NOT_FOUND,
  RpcError,
  shown,
} from './rpc-error.ts'
import { listen } from './subscription.ts'
import { callTool, printToolError, readToolRequest } from './tool.ts'

type Method = (caller: Caller, request: RpcRequest, leading: string) => Promise<Reply> | Reply

/**
 * 1 min: how long a client may go on without a tool that was added. Private, because two tokens of
 * one server may one day see different tools, and a shared cache must not have to know.
 */
const CACHE_MEMBERS = '"ttlMs":60000,"cacheScope":"private"'

/** Answers a modern message. */
export function createModernEra(deps: EraDeps): AnswerMessage {
  const methods: ReadonlyMap<string, Method> = new Map<string, Method>([
    ['server/discover', discover],
    ...Array.from(createMethods(deps), toModern),
    ['prompts/get', (caller, request, leading) => prompt(deps, caller, request, leading)],
    ['tools/call', (caller, request, leading) => call(deps, caller, request, leading)],
    [
      'subscriptions/listen',
      (caller, request, leading) => {
        checkReadsStreams(caller.headers)
        return listen(deps.streams, caller, request, leading)
      },
    ],
  ])
  return async (caller, message) => {
    // Closing the connection is the cancellation here; no notification has a meaning to us.
    if (message.kind === 'notification') return ACCEPTED
    // "The client MUST NOT send JSON-RPC responses."
    if (message.kind === 'response') {
      throw new RpcError(INVALID_REQUEST, 'The message is a response, expected a request')
    }
    checkRequestHeaders(caller.headers, message)
    checkMeta(message.params)
    const method = methods.get(message.method)
    if (method === undefined) {
      throw new RpcError(METHOD_NOT_FOUND, `Method not found: ${shown(message.method)}`)
    }
    const info = JSON.stringify(serverInfo(caller.route, deps.version))
    const leading = `"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":${info}}`
    return await method(caller, message, leading)
  }
}

function toModern([name, { answer, isCacheable }]: readonly [string, SharedMethod]): [
  string,
  Method,
] {
  return [
    name,
    async (caller, { id, params }, leading) => {
      const members = await withModernCodes(() => answer(caller, params, caller.signal))
      if (members === undefined) return CLIENT_CLOSED
      return resultReply(id, isCacheable ? `${leading},${CACHE_MEMBERS}` : leading, members)
    },
  ]
}

/** 2026-07-28: "Resource not found: -32602 (Invalid Params)". */
async function withModernCodes<T>(work: () => Promise<T> | T): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof RpcError) || error.rpcCode !== RESOURCE_NOT_FOUND) throw error
    throw new RpcError(INVALID_PARAMS, error.message, { data: error.data })
  }
}

/**
 * @throws {RpcError} -32602 when a required field is missing or one is malformed.
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/index#meta
 */
function checkMeta(params: JsonObject): void {
  const meta = params['_meta']
  const fields = isJsonObject(meta) ? meta : {}
  const capabilities = fields[CAPABILITIES_KEY]
  if (!isJsonObject(capabilities)) throw missingMeta(CAPABILITIES_KEY, capabilities)
  const info = fields[CLIENT_INFO_KEY]
  if (info !== undefined && !isJsonObject(info)) throw missingMeta(CLIENT_INFO_KEY, info)
}

function discover({ route }: Caller, { id }: RpcRequest, leading: string): Reply {
  const { instructions } = route
  const result = {
    // Those that a request's `_meta` may name; the older ones open with `initialize`.
    supportedVersions: MODERN_VERSIONS,
    capabilities: CAPABILITIES,
    ...(instructions === '' ? {} : { instructions }),
  }
  return resultReply(id, `${leading},${CACHE_MEMBERS}`, JSON.stringify(result).slice(1, -1))
}

async function call(
  deps: EraDeps,
  caller: Caller,
  request: RpcRequest,
  leading: string,
): Promise<Reply> {
  const { id, method, params } = request
  const wanted = readToolRequest(caller.route, request)
  const { tool, args } = wanted
  let { argumentsText } = wanted
  // Most tools ask nothing: the state of a request is then nobody's.
  if (tool.inputRequests.length > 0) {
    const requests = tool.inputRequests
    const asked = { method, params, requests, args, argumentsText }
    const asking = await ask(deps.states, caller, asked)
    if (asking.type === 'ask') return askReply(id, leading, asking.members)
    if (asking.type === 'stop') return resultReply(id, leading, printToolError(asking.text))
    argumentsText = asking.argumentsText
  }
  const run = async (signal: AbortSignal, onProgress: OnProgress) => {
    const context = { params, signal, onProgress }
    const members = await callTool(deps.call, caller, { tool, argumentsText }, context)
    return members === undefined ? CLIENT_CLOSED : resultReply(id, leading, members)
  }
  // And most calls say nothing before their result: they need no stream to say it on.
  if (!wantsProgress(caller, request, false)) return await run(caller.signal, undefined)
  return await answerLive(caller, id, (say, signal) =>
    run(signal, createProgress(caller, request, say, false)),
  )
}

async function prompt(
  { states, content }: EraDeps,
  caller: Caller,
  request: RpcRequest,
  leading: string,
): Promise<Reply> {
  const { id, params } = request
  const asking = await askPrompt(states, caller, request)
  if (asking?.type === 'ask') return askReply(id, leading, asking.members)
  if (asking?.type === 'stop') throw new RpcError(INVALID_PARAMS, asking.text)
  const answered = asking && { arguments: JSON.parse(asking.argumentsText) as unknown }
  const members = await getPrompt(content, caller.route, { ...params, ...answered })
  return resultReply(id, leading, members)
}

/** The result says what is needed for another one. */
function askReply(id: RpcRequest['id'], leading: string, members: string): Reply {
  return resultReply(id, leading.replace('"complete"', '"input_required"'), members)
}
