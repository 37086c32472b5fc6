// Trying a tool: the same call as a model's, with what a model does not see beside the answer.
import { InvalidError, NotFoundError } from '../db/errors.ts'
import { listInterceptorsById } from '../db/interceptor.ts'
import type { InterceptorUse } from '../workers/messages.ts'
import { loadOne } from './batch.ts'
import { answer, builder } from './builder.ts'
import { InterceptorRef } from './interceptor.ts'
import { viewerOf, type CallResult } from './context.ts'
import { BusyError } from '../workers/error.ts'
import { needs } from './need.ts'
import { checkId, invalid } from './validate.ts'

interface ToolCall {
  readonly result: CallResult
  readonly durationMs: number
}

const InterceptorUseRef = builder.objectRef<InterceptorUse>('InterceptorUse').implement({
  description: 'What an interceptor did in a call.',
  fields: (t) => ({
    interceptor: t.field({
      type: InterceptorRef,
      nullable: true,
      description: 'The interceptor; null where it was deleted meanwhile.',
      resolve: async ({ interceptorId }, _args, context) =>
        (await loadOne(context, 'interceptor', interceptorId, listInterceptorsById)) ?? null,
    }),
    failure: t.string({
      nullable: true,
      description: 'Why it had no result, `INTERCEPTOR_TIMEOUT` and so on; null where it had one.',
      resolve: ({ failure }) => failure ?? null,
    }),
    cpuMs: t.float({
      nullable: true,
      description: 'Milliseconds of CPU time; null where it had no result.',
      resolve: ({ cpuMs }) => cpuMs ?? null,
    }),
    bytesBefore: t.exposeInt('bytesBefore', { description: 'Bytes of what it got, as JSON.' }),
    bytesAfter: t.exposeInt('bytesAfter', { description: 'Bytes of its result, as JSON.' }),
    tokensBefore: t.exposeInt('tokensBefore', {
      description: 'About what a model would have paid for what it got, in tokens.',
    }),
    tokensAfter: t.exposeInt('tokensAfter', {
      description: 'About what a model pays for its result, in tokens.',
    }),
  }),
})

const ToolCallRef = builder.objectRef<ToolCall>('ToolCall').implement({
  description: 'What came of a call. Nothing of it is stored.',
  fields: (t) => ({
    content: t.field({
      type: 'JSON',
      description:
        'The content blocks that a model gets, as MCP has them: `[{"type": "text", …}]`.',
      resolve: ({ result }) => readMembers(result)['content'],
    }),
    isError: t.boolean({
      description: 'Whether a model is told that the call failed; `content` then says why.',
      resolve: ({ result }) => result.isError,
    }),
    failure: t.string({
      nullable: true,
      description:
        'Why there is no answer of the API to show, for programs: `ARGUMENTS_INVALID`, `VARIABLE_MISSING`, `UPSTREAM_TIMEOUT` and so on; null where the API answered, whatever its status.',
      resolve: ({ result }) => result.failure ?? null,
    }),
    status: t.int({
      nullable: true,
      description: "The HTTP status of the API's answer; null where there was none.",
      resolve: ({ result }) => result.status ?? null,
    }),
    responseBytes: t.int({
      description: "Bytes of the body of the API's answer, after decompression.",
      resolve: ({ result }) => result.responseBytes,
    }),
    interceptors: t.field({
      type: [InterceptorUseRef],
      description: 'What each interceptor did, in the order in which they ran.',
      resolve: ({ result }) => result.interceptors ?? [],
    }),
    durationMs: t.exposeFloat('durationMs', {
      description: 'Milliseconds from the begin of the call to its result.',
    }),
  }),
})

function readMembers({ members }: CallResult): Readonly<Record<string, unknown>> {
  return JSON.parse(`{${new TextDecoder().decode(members)}}`) as Record<string, unknown>
}

const CallToolInput = builder.inputType('CallToolInput', {
  description: 'The tool to call, and what with.',
  fields: (t) => ({
    toolId: t.id({ required: true, description: 'Which tool.' }),
    serverId: t.id({
      description:
        'The server as whose client it is called: it must offer the tool. Default: the tool by itself, enabled or not.',
    }),
    arguments: t.field({ type: 'JSON', description: 'The arguments, an object. Default: none.' }),
  }),
})

builder.mutationField('callTool', (t) =>
  t.field({
    ...needs('tool:call'),
    type: ToolCallRef,
    description:
      'Calls a tool as a model would. The API is really called: what the tool changes is changed. A call that fails is a success of this mutation whose `isError` is true.',
    errors: answer('What came of it.', [InvalidError, NotFoundError, BusyError]),
    args: { input: t.arg({ type: CallToolInput, required: true, description: 'What to do.' }) },
    resolve: async (_root, { input }, context) => {
      const toolId = checkId(['input', 'toolId'], 'tool', input.toolId)
      const serverId =
        typeof input.serverId === 'string'
          ? checkId(['input', 'serverId'], 'srv', input.serverId)
          : undefined
      const args = input.arguments ?? {}
      if (typeof args !== 'object' || Array.isArray(args)) {
        throw invalid(['input', 'arguments'], 'is no object; expected one, such as {"id": 1}')
      }
      const startedAt = performance.now()
      const { accountId } = viewerOf(context)
      const argumentsText = JSON.stringify(args)
      const { signal } = context
      const trial = { accountId, toolId, serverId, argumentsText, signal }
      const result = await context.withOwnBound('callTool', () => context.callTool(trial))
      return { result, durationMs: performance.now() - startedAt }
    },
  }),
)
