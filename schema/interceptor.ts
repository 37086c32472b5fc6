// Scripts that rewrite what goes to an API and what comes back: reading them. What may be written
// stands in edit-interceptor.ts, trying one in interceptor-preview.ts.
import {
  countInterceptors,
  getInterceptor,
  interceptorsOf,
  listInterceptors,
  type Interceptor,
} from '../db/interceptor.ts'
import { loadServer, loadTool } from './batch.ts'
import { builder } from './builder.ts'
import { connect, connectNested, orderArgs } from './connection.ts'
import { inAccount } from './context.ts'
import { ServerRef } from './server.ts'
import { HttpMethodRef, ToolRef } from './tool.ts'
import { needs } from './need.ts'
import { checkId, checkText } from './validate.ts'

/** The GraphQL type `Interceptor`. */
export const InterceptorRef = builder.objectRef<Interceptor>('Interceptor')

/** The GraphQL enum `InterceptorPhase`. */
export const InterceptorPhase = builder.enumType('InterceptorPhase', {
  description: 'When an interceptor runs.',
  values: {
    REQUEST: {
      description:
        'Before the API is called: it gets the arguments, and returns them as they shall be sent.',
    },
    RESPONSE: {
      description:
        'After the API has answered: it gets the answer, and returns what the model shall see.',
    },
  } as const,
})

/** The GraphQL enum `InterceptorEngine`. */
export const InterceptorEngine = builder.enumType('InterceptorEngine', {
  description: 'What an interceptor is written in.',
  values: {
    JMESPATH: { description: 'An expression of JMESPath: fast, and enough to pick and rename.' },
    JAVASCRIPT: {
      description:
        'A script: its last value is the result, or what it returns, or what its function `intercept(input)` returns. It has no network, no files and no timers.',
    },
  } as const,
})

/** The GraphQL enum `InterceptorMode`. */
export const InterceptorMode = builder.enumType('InterceptorMode', {
  description: 'Whether an interceptor has a say.',
  values: {
    ENFORCE: { description: 'Its result goes on.' },
    AUDIT: { description: 'It runs and is measured, and changes nothing.' },
  } as const,
})

/** The GraphQL enum `InterceptorOnError`. */
export const InterceptorOnError = builder.enumType('InterceptorOnError', {
  description: 'What becomes of a call whose interceptor fails.',
  values: {
    FAIL: {
      description:
        'The model gets an error. Before a request nothing is sent; after it the answer is withheld.',
    },
    PASS_THROUGH: { description: 'The call goes on with what the interceptor was given.' },
  } as const,
})

builder.node(InterceptorRef, {
  description:
    'A script of a tool, or of a server for all its tools, that rewrites requests or answers. A request passes the server’s interceptors first and then the tool’s, an answer the tool’s first; each in the order of their positions.',
  id: { resolve: (interceptor) => interceptor.id },
  fields: (t) => ({
    name: t.exposeString('name', { description: 'What a person calls it; errors name it.' }),
    description: t.exposeString('description', { description: 'What it is for; may be empty.' }),
    tool: t.field({
      ...needs('tool:read'),
      type: ToolRef,
      nullable: true,
      description: 'The tool that it belongs to; null where it is a server’s.',
      resolve: ({ tool_id: id }, _args, context) => (id === null ? null : loadTool(context, id)),
    }),
    server: t.field({
      ...needs('server:read', { level: 'USE', at: 'parent.server_id' }),
      type: ServerRef,
      nullable: true,
      description: 'The server whose tools it is for; null where it is one tool’s.',
      resolve: ({ server_id: id }, _args, context) =>
        id === null ? null : loadServer(context, id),
    }),
    phase: t.expose('phase', { type: InterceptorPhase, description: 'When it runs.' }),
    engine: t.expose('engine', { type: InterceptorEngine, description: 'Its language.' }),
    code: t.exposeString('code', { description: 'The script itself.' }),
    position: t.exposeInt('position', {
      description: 'Its place among those of its owner and phase: the lowest runs first.',
    }),
    isEnabled: t.exposeBoolean('is_enabled', { description: 'Whether calls run it.' }),
    mode: t.expose('mode', { type: InterceptorMode, description: 'Whether it has a say.' }),
    onError: t.expose('on_error', {
      type: InterceptorOnError,
      description: 'What becomes of the call when it fails.',
    }),
    methods: t.field({
      type: [HttpMethodRef],
      description: 'Of a request: the methods of the tools that it runs for.',
      resolve: ({ methods }) => methods as ('GET' | 'POST')[],
    }),
    seesErrors: t.exposeBoolean('sees_errors', {
      description: 'Of a response: whether it also gets the answers that are errors.',
    }),
    outputSchema: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'Of a response: the JSON Schema of its result, an object. Where it is the last that has a say, tools show the schema as `outputSchema`, and results have `structuredContent`. Null: the result is a text.',
      resolve: ({ output_schema: schema }) =>
        schema === null ? null : (JSON.parse(schema) as unknown),
    }),
    quarantinedUntil: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'Until when this process does not run it, because it had to be stopped by force five times in a minute; null: it runs. Any change of it ends that.',
      resolve: ({ id }, _args, { sandbox }) => {
        const leftMs = sandbox.quarantineOf(id)
        return leftMs === 0 ? null : new Date(Date.now() + leftMs)
      },
    }),
    version: t.exposeInt('version', { description: 'Goes up with every change of it.' }),
    createdAt: t.expose('created_at', { type: 'DateTime', description: 'When it was made.' }),
    updatedAt: t.expose('updated_at', { type: 'DateTime', description: 'When it was changed.' }),
  }),
})

/** The GraphQL type `InterceptorConnection`. */
const InterceptorConnection = builder.connectionObject(
  { type: InterceptorRef, name: 'InterceptorConnection', description: 'A page of interceptors.' },
  { name: 'InterceptorEdge', description: 'An interceptor and its place in the list.' },
)

const InterceptorFilter = builder.inputType('InterceptorFilter', {
  description: 'Which interceptors; all that is given must hold.',
  fields: (t) => ({
    nameContains: t.string({
      description: 'Those whose name has this in it, in upper or lower case.',
    }),
    phase: t.field({ type: InterceptorPhase, description: 'Those of that phase.' }),
    isEnabled: t.boolean({ description: 'Those that are, or are not, enabled.' }),
  }),
})

builder.queryFields((t) => ({
  interceptor: t.field({
    ...needs('interceptor:read', { level: 'EDIT', at: 'args.id', via: getInterceptor }),
    type: InterceptorRef,
    nullable: true,
    description: 'One interceptor. The error has the code `NOT_FOUND` where there is none.',
    args: { id: t.arg.id({ required: true, description: 'Which interceptor.' }) },
    resolve: async (_root, args, context) => {
      const id = checkId(['id'], 'icp', args.id)
      return await inAccount(context, (tx) => getInterceptor(tx, id))
    },
  }),
  interceptors: t.field({
    ...needs('interceptor:read'),
    type: InterceptorConnection,
    description: 'The interceptors of all tools and servers, oldest first.',
    args: {
      ...orderArgs,
      filter: t.arg({ type: InterceptorFilter, description: 'Which ones. Default: all.' }),
    },
    resolve: (_root, args, context) => {
      const { nameContains, phase, isEnabled } = args.filter ?? {}
      const filter = {
        ...(typeof nameContains === 'string' && {
          nameContains: checkText(['filter', 'nameContains'], nameContains),
        }),
        ...(phase && { phase }),
        ...(typeof isEnabled === 'boolean' && { isEnabled }),
      }
      return connect(context, 'interceptors', args, {
        list: (tx, page) => listInterceptors(tx, { ...page, ...filter }),
        count: (tx) => countInterceptors(tx, filter),
      })
    },
  }),
}))

builder.objectField(ToolRef, 'interceptors', (t) =>
  t.field({
    ...needs('interceptor:read'),
    type: InterceptorConnection,
    description: 'Its own interceptors, oldest first; those of servers come to them in a call.',
    args: orderArgs,
    resolve: ({ id: parentId }, args, context) =>
      connectNested<Interceptor>(context, args, {
        name: 'tool interceptors',
        parentId,
        filter: {},
        source: (tx) => interceptorsOf(tx, 'tool'),
      }),
  }),
)

builder.objectField(ServerRef, 'interceptors', (t) =>
  t.field({
    ...needs('interceptor:read', { level: 'EDIT', at: 'parent.id' }),
    type: InterceptorConnection,
    description: 'Its own interceptors, which run for all its tools, oldest first.',
    args: orderArgs,
    resolve: ({ id: parentId }, args, context) =>
      connectNested<Interceptor>(context, args, {
        name: 'server interceptors',
        parentId,
        filter: {},
        source: (tx) => interceptorsOf(tx, 'server'),
      }),
  }),
)
