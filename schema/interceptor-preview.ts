// Trying a script on a sample, where calls run it and within the same limits. Nothing of it is stored.
import { InvalidError } from '../db/errors.ts'
import { hashScript } from '../db/interceptor.ts'
import { BusyError } from '../workers/error.ts'
import { estimateTokens } from '../workers/estimate-tokens.ts'
import { answer, builder } from './builder.ts'
import { checkScript, ScriptError, toEngine, toScriptError } from './check-script.ts'
import { viewerOf } from './context.ts'
import { needs } from './need.ts'
import { InterceptorEngine, InterceptorPhase } from './interceptor.ts'

interface Preview {
  readonly output: unknown
  readonly console: readonly string[]
  readonly cpuMs: number
  readonly bytesBefore: number
  readonly bytesAfter: number
  readonly tokensBefore: number
  readonly tokensAfter: number
}

const PreviewRef = builder.objectRef<Preview>('InterceptorPreview').implement({
  description: 'What a script made of a sample.',
  fields: (t) => ({
    output: t.field({
      type: 'JSON',
      nullable: true,
      description: 'Its result.',
      resolve: ({ output }) => output,
    }),
    console: t.stringList({
      description: 'What it printed by `console.log`: at most 100 lines of 1,024 characters.',
      resolve: ({ console }) => [...console],
    }),
    cpuMs: t.exposeFloat('cpuMs', { description: 'Milliseconds of CPU time that it took.' }),
    bytesBefore: t.exposeInt('bytesBefore', { description: 'Bytes of the sample as JSON.' }),
    bytesAfter: t.exposeInt('bytesAfter', { description: 'Bytes of the result as JSON.' }),
    tokensBefore: t.exposeInt('tokensBefore', {
      description: 'About what the sample costs a model, in tokens.',
    }),
    tokensAfter: t.exposeInt('tokensAfter', {
      description: 'About what the result costs a model, in tokens.',
    }),
  }),
})

const PreviewInterceptorInput = builder.inputType('PreviewInterceptorInput', {
  description: 'The script, and what to try it on.',
  fields: (t) => ({
    phase: t.field({
      type: InterceptorPhase,
      required: true,
      description: 'When it would run: a response also has `status` and `headers`.',
    }),
    engine: t.field({ type: InterceptorEngine, required: true, description: 'Its language.' }),
    code: t.string({ required: true, description: 'The script.' }),
    sample: t.field({
      type: 'JSON',
      required: true,
      description: 'What it gets: arguments, or the body of an answer.',
    }),
    status: t.int({
      description: "Of an answer: its HTTP status, the script's `status`. Default: 200.",
    }),
    headers: t.field({
      type: 'JSON',
      description: "Of an answer: an object, the script's `headers`. Default: {}.",
    }),
    tool: t.field({
      type: 'JSON',
      description:
        "The script's `tool`: an object with `name`, `method`, `path` and `server`. Default: null.",
    }),
  }),
})

builder.mutationField('previewInterceptor', (t) =>
  t.field({
    ...needs('interceptor:write'),
    type: PreviewRef,
    description:
      'Runs a script on a sample, as a call would and within the same limits. No API is called and nothing is stored.',
    errors: answer('What came of it.', [InvalidError, ScriptError, BusyError]),
    args: {
      input: t.arg({ type: PreviewInterceptorInput, required: true, description: 'What to do.' }),
    },
    resolve: async (_root, { input }, context) => {
      const { engine, phase, sample, headers = {}, tool = null } = input
      const code = await checkScript(context, ['input', 'code'], engine, input.code)
      const answered = phase === 'RESPONSE' && { status: input.status ?? 200, headers }
      const bytes = new TextEncoder().encode(JSON.stringify(sample))
      const [bytesBefore, tokensBefore] = [bytes.length, estimateTokens(bytes)]
      const { accountId } = viewerOf(context)
      const scriptHash = hashScript({ engine, code })
      const outcome = await context.sandbox.run(
        {
          accountId,
          // A script that is tried is as dangerous as one that is saved, and is off likewise.
          interceptorId: `preview ${accountId} ${scriptHash}`,
          interceptorName: 'preview',
          engine: toEngine(engine),
          code,
          scriptHash,
          globals: JSON.stringify({ ...answered, tool }),
          input: bytes,
        },
        context.signal,
      )
      if (outcome.type === 'failed') throw toScriptError(outcome)
      const { output, console, cpuMs } = outcome
      const after = { bytesAfter: output.length, tokensAfter: estimateTokens(output) }
      const text = new TextDecoder().decode(output)
      return {
        output: JSON.parse(text) as unknown,
        console,
        cpuMs,
        bytesBefore,
        tokensBefore,
        ...after,
      }
    },
  }),
)
