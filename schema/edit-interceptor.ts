// Making, changing and deleting interceptors. Nothing is stored that does not compile.
import { ConflictError, InvalidError, NotFoundError } from '../db/errors.ts'
import {
  deleteInterceptor,
  getInterceptor,
  insertInterceptor,
  updateInterceptor,
  type InterceptorOwner,
} from '../db/interceptor.ts'
import { getServer } from '../db/server.ts'
import { getTool } from '../db/tool.ts'
import type { Tx } from '../db/transaction.ts'
import { BusyError } from '../workers/error.ts'
import { answer, builder } from './builder.ts'
import { checkScript, ScriptError } from './check-script.ts'
import { cleanOutputSchema } from './clean-schema.ts'
import { inAccount, type Context } from './context.ts'
import { createOnce, IDEMPOTENCY_KEY_DESCRIPTION } from './idempotency-key.ts'
import {
  InterceptorEngine,
  InterceptorMode,
  InterceptorOnError,
  InterceptorPhase,
  InterceptorRef,
} from './interceptor.ts'
import { HttpMethodRef } from './tool.ts'
import { needs } from './need.ts'
import { checkId, checkJsonBytes, checkName, checkText, given, invalid } from './validate.ts'

const MAX_POSITION = 1_000_000
/** As JSON, UTF-8: every definition of a tool in a list repeats it. */
const MAX_OUTPUT_SCHEMA_BYTES = 16 * 1024
const WRITING_METHODS = ['POST', 'PUT', 'PATCH'] as const

const CODE_DESCRIPTION =
  'The script: JavaScript of at most 64 KiB, or a JMESPath expression of at most 8 KiB. It must compile.'
const METHODS_DESCRIPTION =
  'Of a request: the methods of the tools that it runs for; ignored for a response.'

const CreateInterceptorInput = builder.inputType('CreateInterceptorInput', {
  description: 'The interceptor to make, of a tool or of a server.',
  fields: (t) => ({
    toolId: t.id({ description: 'The tool that it is for; this or `serverId`.' }),
    serverId: t.id({ description: 'The server for all of whose tools it is; this or `toolId`.' }),
    name: t.string({ required: true, description: 'What to call it: 1 to 80 characters.' }),
    description: t.string({
      description: 'What it is for: at most 4,096 characters. Default: "".',
    }),
    phase: t.field({ type: InterceptorPhase, required: true, description: 'When it runs.' }),
    engine: t.field({ type: InterceptorEngine, required: true, description: 'Its language.' }),
    code: t.string({ required: true, description: CODE_DESCRIPTION }),
    position: t.int({
      description:
        'Its place among those of its owner and phase, 0 to 1,000,000: the lowest runs first. Default: last.',
    }),
    isEnabled: t.boolean({ description: 'Whether calls run it. Default: true.' }),
    mode: t.field({
      type: InterceptorMode,
      description: 'Whether it has a say. Default: `ENFORCE`.',
    }),
    onError: t.field({
      type: InterceptorOnError,
      description: 'What becomes of the call when it fails. Default: `FAIL`.',
    }),
    methods: t.field({
      type: [HttpMethodRef],
      description: `${METHODS_DESCRIPTION} Default: POST, PUT and PATCH.`,
    }),
    seesErrors: t.boolean({
      description:
        'Of a response: whether it also gets the answers that are errors (their status is in `status`). Default: false.',
    }),
    outputSchema: t.field({
      type: 'JSON',
      description:
        'Of a response: a JSON Schema of type `object`, at most 16 KiB, which its result must satisfy. Tools show it as `outputSchema` and results have `structuredContent` where it is the last that has a say. Only with `onError: FAIL`. Default: none.',
    }),
    idempotencyKey: t.string({ description: IDEMPOTENCY_KEY_DESCRIPTION }),
  }),
})

function toOwner({
  toolId,
  serverId,
}: Pick<typeof CreateInterceptorInput.$inferInput, 'toolId' | 'serverId'>): InterceptorOwner {
  if ((typeof toolId === 'string') === (typeof serverId === 'string')) {
    const problem =
      typeof toolId === 'string'
        ? 'has both toolId and serverId'
        : 'has neither toolId nor serverId'
    throw new InvalidError(`input ${problem}; expected one of them`, ['input'])
  }
  return typeof toolId === 'string'
    ? { toolId: checkId(['input', 'toolId'], 'tool', toolId) }
    : { serverId: checkId(['input', 'serverId'], 'srv', serverId ?? '') }
}

/** The owner must be there before its script is compiled: that costs a process. */
async function checkOwner(tx: Tx, owner: InterceptorOwner): Promise<void> {
  if ('toolId' in owner) await getTool(tx, owner.toolId)
  else await getServer(tx, owner.serverId)
}

function checkPosition(position: number): number {
  if (position >= 0 && position <= MAX_POSITION) return position
  throw invalid(['input', 'position'], `is ${position}; expected 0 to ${MAX_POSITION}`)
}

/** JSON text of the schema, clean; null where there is none. */
async function toOutputSchema(context: Context, value: unknown): Promise<string | null> {
  if (value === undefined || value === null) return null
  const path = ['input', 'outputSchema']
  checkJsonBytes(path, value, MAX_OUTPUT_SCHEMA_BYTES)
  return await cleanOutputSchema(context, path, value)
}

/** A client that was shown a schema takes no result without what satisfies it. */
function refuseUnsafe(
  { phase, on_error }: { readonly phase: string; readonly on_error: string },
  outputSchema: string | null,
): void {
  if (outputSchema === null) return
  if (phase !== 'RESPONSE') {
    throw invalid(['input', 'outputSchema'], 'is given for a request; expected it for a response')
  }
  if (on_error !== 'FAIL') {
    throw invalid(['input', 'onError'], 'is PASS_THROUGH; expected FAIL with an outputSchema')
  }
}

builder.mutationField('createInterceptor', (t) =>
  t.field({
    ...needs('interceptor:write', { level: 'EDIT', at: 'args.input.serverId' }),
    type: InterceptorRef,
    description:
      'Makes an interceptor. Calls that begin afterwards run it. A script that does not compile is refused with its line and column.',
    errors: answer('The interceptor.', [
      InvalidError,
      NotFoundError,
      ConflictError,
      ScriptError,
      BusyError,
    ]),
    args: {
      input: t.arg({ type: CreateInterceptorInput, required: true, description: 'What to do.' }),
    },
    resolve: async (_root, { input }, context) => {
      const owner = toOwner(input)
      const values = {
        name: checkName(['input', 'name'], input.name),
        description: checkText(['input', 'description'], input.description ?? ''),
        phase: input.phase,
        engine: input.engine,
        ...given('position', input.position, checkPosition),
        is_enabled: input.isEnabled ?? true,
        mode: input.mode ?? 'ENFORCE',
        on_error: input.onError ?? 'FAIL',
        methods: [...new Set(input.methods ?? WRITING_METHODS)],
        sees_errors: input.seesErrors ?? false,
      }
      const output_schema = await toOutputSchema(context, input.outputSchema)
      refuseUnsafe(values, output_schema)
      await inAccount(context, (tx) => checkOwner(tx, owner))
      const code = await checkScript(context, ['input', 'code'], input.engine, input.code)
      return await createOnce(context, 'createInterceptor', input, {
        create: (tx) => insertInterceptor(tx, owner, { ...values, code, output_schema }),
        get: getInterceptor,
      })
    },
  }),
)

const UpdateInterceptorInput = builder.inputType('UpdateInterceptorInput', {
  description: 'The interceptor to change; what is not given stays as it is.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'Which interceptor.' }),
    name: t.string({ description: 'What to call it: 1 to 80 characters.' }),
    description: t.string({ description: 'What it is for: at most 4,096 characters.' }),
    phase: t.field({ type: InterceptorPhase, description: 'When it runs.' }),
    engine: t.field({ type: InterceptorEngine, description: 'Its language.' }),
    code: t.string({ description: CODE_DESCRIPTION }),
    position: t.int({ description: 'Its place, 0 to 1,000,000: the lowest runs first.' }),
    isEnabled: t.boolean({ description: 'Whether calls run it.' }),
    mode: t.field({ type: InterceptorMode, description: 'Whether it has a say.' }),
    onError: t.field({
      type: InterceptorOnError,
      description: 'What becomes of the call when it fails.',
    }),
    methods: t.field({ type: [HttpMethodRef], description: METHODS_DESCRIPTION }),
    seesErrors: t.boolean({
      description: 'Of a response: whether it also gets the answers that are errors.',
    }),
    outputSchema: t.field({
      type: 'JSON',
      description:
        'Of a response: a JSON Schema of type `object`, at most 16 KiB, which its result must satisfy. Tools show it as `outputSchema` and results have `structuredContent` where it is the last that has a say. Only with `onError: FAIL`. Null takes it away.',
    }),
    version: t.int({
      description:
        'The version that the change is meant for: another one is a `ConflictError`. Default: any.',
    }),
  }),
})

/** What is given of it, checked but for the code. */
function toChange(input: typeof UpdateInterceptorInput.$inferInput) {
  const { phase, engine, mode, isEnabled, onError, methods, seesErrors } = input
  const at = (field: string) => ['input', field]
  return {
    ...given('name', input.name, (text) => checkName(at('name'), text)),
    ...given('description', input.description, (text) => checkText(at('description'), text)),
    ...given('position', input.position, checkPosition),
    ...(phase && { phase }),
    ...(engine && { engine }),
    ...(mode && { mode }),
    ...(typeof isEnabled === 'boolean' && { is_enabled: isEnabled }),
    ...(onError && { on_error: onError }),
    ...(methods && { methods: [...new Set(methods)] }),
    ...(typeof seesErrors === 'boolean' && { sees_errors: seesErrors }),
  }
}

builder.mutationField('updateInterceptor', (t) =>
  t.field({
    ...needs('interceptor:write', { level: 'EDIT', at: 'args.input.id', via: getInterceptor }),
    type: InterceptorRef,
    description:
      'Changes an interceptor, and lets it run again where it was in quarantine. Calls that begin afterwards go by it. A script that does not compile is refused with its line and column, and nothing is changed.',
    errors: answer('The interceptor as it is now.', [
      InvalidError,
      NotFoundError,
      ConflictError,
      ScriptError,
      BusyError,
    ]),
    args: {
      input: t.arg({ type: UpdateInterceptorInput, required: true, description: 'What to do.' }),
    },
    resolve: async (_root, { input }, context) => {
      const id = checkId(['input', 'id'], 'icp', input.id)
      const present = await inAccount(context, (tx) => getInterceptor(tx, id))
      const next = { ...present, ...toChange(input), code: input.code ?? present.code }
      if (input.outputSchema !== undefined) {
        next.output_schema = await toOutputSchema(context, input.outputSchema)
      }
      refuseUnsafe(next, next.output_schema)
      if (next.code !== present.code || next.engine !== present.engine) {
        await checkScript(context, ['input', 'code'], next.engine, next.code)
      }
      const { name, description, phase, engine, code, position, mode, methods } = next
      const { is_enabled, on_error, sees_errors, output_schema } = next
      const change = { name, description, phase, engine, code, position, mode, methods }
      const all = { ...change, is_enabled, on_error, sees_errors, output_schema }
      // What was checked together is stored together.
      const version = input.version ?? present.version
      return await inAccount(context, (tx) => updateInterceptor(tx, id, all, version))
    },
  }),
)

builder.mutationField('deleteInterceptor', (t) =>
  t.field({
    ...needs('interceptor:write', { level: 'EDIT', at: 'args.id', via: getInterceptor }),
    type: 'ID',
    description: 'Deletes an interceptor. Calls that begin afterwards go without it.',
    errors: answer('The id of what is gone.', [InvalidError, NotFoundError]),
    args: { id: t.arg.id({ required: true, description: 'Which interceptor.' }) },
    resolve: async (_root, args, context) => {
      const id = checkId(['id'], 'icp', args.id)
      await inAccount(context, (tx) => deleteInterceptor(tx, id))
      return id
    },
  }),
)
