// Prompts of servers: what a person picks from a client's menu. What may be written stands in
// edit-prompt.ts.
import { countPrompts, getPrompt, listPrompts, promptsOf, type Prompt } from '../db/prompt.ts'
import type { PromptArgument, PromptContent, PromptMessage } from '../db/content.ts'
import { loadServer } from './batch.ts'
import { builder } from './builder.ts'
import { connect, connectNested, orderArgs } from './connection.ts'
import { inAccount } from './context.ts'
import { MediaRef } from './media.ts'
import { ServerRef } from './server.ts'
import { needs } from './need.ts'
import { checkId, checkText } from './validate.ts'

/** The GraphQL type `Prompt`. */
export const PromptRef = builder.objectRef<Prompt>('Prompt')

/** The GraphQL enum `PromptRole`. */
export const PromptRole = builder.enumType('PromptRole', {
  description: 'Who says a message of a prompt.',
  values: {
    USER: { value: 'user', description: 'The person.' },
    ASSISTANT: { value: 'assistant', description: 'The model.' },
  } as const,
})

const PromptArgumentRef = builder.objectRef<PromptArgument>('PromptArgument').implement({
  description: 'What a prompt asks its user for.',
  fields: (t) => ({
    name: t.exposeString('name', { description: '`{{name}}` in the messages stands for it.' }),
    title: t.exposeString('title', { description: 'What people call it; may be empty.' }),
    description: t.exposeString('description', { description: 'What it is for; may be empty.' }),
    isRequired: t.exposeBoolean('required', { description: 'Whether it may not be left out.' }),
    values: t.exposeStringList('values', {
      description: 'What clients offer while a person types; others may be given, too.',
    }),
  }),
})

const EmbeddedResourceRef = builder
  .objectRef<Extract<PromptContent, { type: 'resource' }>['resource']>('EmbeddedResource')
  .implement({
    description: 'A text that a message brings along under a URI of its own.',
    fields: (t) => ({
      uri: t.exposeString('uri', { description: 'The URI; `{{name}}` stands for an argument.' }),
      mimeType: t.exposeString('mimeType', { description: 'The media type of the text.' }),
      text: t.exposeString('text', { description: 'The text; `{{name}}` stands for an argument.' }),
    }),
  })

const PromptMessageRef = builder.objectRef<PromptMessage>('PromptMessage').implement({
  description: 'One message of a prompt: it has one of the contents.',
  fields: (t) => ({
    role: t.expose('role', { type: PromptRole, description: 'Who says it.' }),
    text: t.string({
      nullable: true,
      description: 'The text; `{{name}}` stands for an argument.',
      resolve: ({ content }) => (content.type === 'text' ? content.text : null),
    }),
    image: t.field({
      type: MediaRef,
      nullable: true,
      description: 'An image.',
      resolve: ({ content }) => (content.type === 'image' ? content : null),
    }),
    audio: t.field({
      type: MediaRef,
      nullable: true,
      description: 'A sound.',
      resolve: ({ content }) => (content.type === 'audio' ? content : null),
    }),
    resource: t.field({
      type: EmbeddedResourceRef,
      nullable: true,
      description: 'A text with a URI.',
      resolve: ({ content }) => (content.type === 'resource' ? content.resource : null),
    }),
  }),
})

builder.node(PromptRef, {
  description: 'Messages that a server has ready for the people who use it, with arguments.',
  id: { resolve: (prompt) => prompt.id },
  fields: (t) => ({
    name: t.exposeString('name', {
      description: 'Unique in its server: 1 to 64 of `A-Za-z0-9_-`.',
    }),
    title: t.exposeString('title', { description: 'What people call it; may be empty.' }),
    description: t.exposeString('description', { description: 'What it is for; may be empty.' }),
    arguments: t.field({
      type: [PromptArgumentRef],
      description: 'What it asks for.',
      resolve: (prompt) => prompt.arguments,
    }),
    messages: t.field({
      type: [PromptMessageRef],
      description: 'What it says, in order.',
      resolve: (prompt) => prompt.messages,
    }),
    server: t.field({
      ...needs('server:read', { level: 'USE', at: 'parent.server_id' }),
      type: ServerRef,
      description: 'The server whose it is.',
      resolve: ({ server_id: id }, _args, context) => loadServer(context, id),
    }),
    version: t.exposeInt('version', { description: 'Goes up with every change of it.' }),
    createdAt: t.expose('created_at', { type: 'DateTime', description: 'When it was made.' }),
    updatedAt: t.expose('updated_at', { type: 'DateTime', description: 'When it was changed.' }),
  }),
})

const PromptConnection = builder.connectionObject(
  { type: PromptRef, name: 'PromptConnection', description: 'A page of prompts.' },
  { name: 'PromptEdge', description: 'A prompt and its place in the list.' },
)

const PromptFilter = builder.inputType('PromptFilter', {
  description: 'Which prompts; all that is given must hold.',
  fields: (t) => ({
    nameContains: t.string({
      description: 'Those whose name has this in it, in upper or lower case.',
    }),
  }),
})

builder.queryFields((t) => ({
  prompt: t.field({
    ...needs('prompt:read', { level: 'EDIT', at: 'args.id', via: getPrompt }),
    type: PromptRef,
    nullable: true,
    description: 'One prompt. The error has the code `NOT_FOUND` where there is none.',
    args: { id: t.arg.id({ required: true, description: 'Which prompt.' }) },
    resolve: async (_root, args, context) => {
      const id = checkId(['id'], 'pmt', args.id)
      return await inAccount(context, (tx) => getPrompt(tx, id))
    },
  }),
  prompts: t.field({
    ...needs('prompt:read'),
    type: PromptConnection,
    description: 'The prompts of all servers, oldest first.',
    args: {
      ...orderArgs,
      filter: t.arg({ type: PromptFilter, description: 'Which ones. Default: all.' }),
    },
    resolve: (_root, args, context) => {
      const { nameContains } = args.filter ?? {}
      const filter = {
        ...(typeof nameContains === 'string' && {
          nameContains: checkText(['filter', 'nameContains'], nameContains),
        }),
      }
      return connect(context, 'prompts', args, {
        list: (tx, page) => listPrompts(tx, { ...page, ...filter }),
        count: (tx) => countPrompts(tx, filter),
      })
    },
  }),
}))

builder.objectField(ServerRef, 'prompts', (t) =>
  t.field({
    ...needs('prompt:read', { level: 'EDIT', at: 'parent.id' }),
    type: PromptConnection,
    description: 'Its prompts, oldest first.',
    args: orderArgs,
    resolve: ({ id: parentId }, args, context) =>
      connectNested<Prompt>(context, args, {
        name: 'server prompts',
        parentId,
        filter: {},
        source: promptsOf,
      }),
  }),
)
