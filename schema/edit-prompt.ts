// Making, changing and deleting prompts. A message refers to no argument that is not there.
import { ConflictError, InvalidError, NotFoundError } from '../db/errors.ts'
import { deletePrompt, getPrompt, insertPrompt, updatePrompt } from '../db/prompt.ts'
import { getServer } from '../db/server.ts'
import { answer, builder } from './builder.ts'
import { inAccount } from './context.ts'
import { createOnce, IDEMPOTENCY_KEY_DESCRIPTION } from './idempotency-key.ts'
import { MediaInput } from './media.ts'
import { PromptRef, PromptRole } from './prompt.ts'
import {
  checkArgumentName,
  checkArguments,
  checkMessages,
  checkPlaceholders,
  checkTitle,
} from './validate-content.ts'
import { needs } from './need.ts'
import { checkId, checkText, given } from './validate.ts'

const PromptArgumentInput = builder.inputType('PromptArgumentInput', {
  description: 'An argument of a prompt.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description: 'What it is named by: 1 to 64 of `A-Za-z0-9_-`.',
    }),
    title: t.string({ description: 'What people call it: at most 80 characters. Default: "".' }),
    description: t.string({
      description: 'What it is for: at most 4,096 characters. Default: "".',
    }),
    isRequired: t.boolean({ description: 'Whether it may not be left out. Default: false.' }),
    values: t.stringList({
      description: 'What clients offer while a person types: at most 100. Default: none.',
    }),
  }),
})

const EmbeddedResourceInput = builder.inputType('EmbeddedResourceInput', {
  description: 'A text that a message brings along under a URI of its own.',
  fields: (t) => ({
    uri: t.string({ required: true, description: 'The URI; `{{name}}` stands for an argument.' }),
    mimeType: t.string({ description: 'The media type of the text. Default: `text/plain`.' }),
    text: t.string({ required: true, description: 'The text; `{{name}}` stands for an argument.' }),
  }),
})

const PromptMessageInput = builder.inputType('PromptMessageInput', {
  description: 'A message of a prompt: exactly one of its contents.',
  fields: (t) => ({
    role: t.field({ type: PromptRole, required: true, description: 'Who says it.' }),
    text: t.string({ description: 'A text; `{{name}}` stands for an argument.' }),
    image: t.field({ type: MediaInput, description: 'An image.' }),
    audio: t.field({ type: MediaInput, description: 'A sound.' }),
    resource: t.field({ type: EmbeddedResourceInput, description: 'A text with a URI.' }),
  }),
})

const ARGUMENTS_DESCRIPTION = 'What it asks for: at most 20, and 32 KiB as JSON.'
const MESSAGES_DESCRIPTION = 'What it says: 1 to 50 messages, at most 128 KiB as JSON.'

const CreatePromptInput = builder.inputType('CreatePromptInput', {
  description: 'The prompt to make.',
  fields: (t) => ({
    serverId: t.id({ required: true, description: 'The server whose it is to be.' }),
    name: t.string({
      required: true,
      description: 'What it is named by: 1 to 64 of `A-Za-z0-9_-`.',
    }),
    title: t.string({ description: 'What people call it: at most 80 characters. Default: "".' }),
    description: t.string({
      description: 'What it is for: at most 4,096 characters. Default: "".',
    }),
    arguments: t.field({
      type: [PromptArgumentInput],
      description: `${ARGUMENTS_DESCRIPTION} Default: none.`,
    }),
    messages: t.field({
      type: [PromptMessageInput],
      required: true,
      description: MESSAGES_DESCRIPTION,
    }),
    idempotencyKey: t.string({ description: IDEMPOTENCY_KEY_DESCRIPTION }),
  }),
})

builder.mutationField('createPrompt', (t) =>
  t.field({
    ...needs('prompt:write', { level: 'EDIT', at: 'args.input.serverId' }),
    type: PromptRef,
    description: 'Makes a prompt. Clients that are connected are told that there is a new one.',
    errors: answer('The prompt.', [InvalidError, NotFoundError, ConflictError]),
    args: {
      input: t.arg({ type: CreatePromptInput, required: true, description: 'What to do.' }),
    },
    resolve: async (_root, { input }, context) => {
      const serverId = checkId(['input', 'serverId'], 'srv', input.serverId)
      const values = {
        name: checkArgumentName(['input', 'name'], input.name),
        title: checkTitle(['input', 'title'], input.title ?? ''),
        description: checkText(['input', 'description'], input.description ?? ''),
        arguments: checkArguments(['input', 'arguments'], input.arguments ?? []),
        messages: checkMessages(['input', 'messages'], input.messages),
      }
      checkPlaceholders(['input', 'messages'], values)
      return await createOnce(context, 'createPrompt', input, {
        create: async (tx) => {
          await getServer(tx, serverId)
          return await insertPrompt(tx, serverId, values)
        },
        get: getPrompt,
      })
    },
  }),
)

const UpdatePromptInput = builder.inputType('UpdatePromptInput', {
  description: 'The prompt to change; what is not given stays as it is.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'Which prompt.' }),
    name: t.string({ description: 'What it is named by: 1 to 64 of `A-Za-z0-9_-`.' }),
    title: t.string({ description: 'What people call it: at most 80 characters.' }),
    description: t.string({ description: 'What it is for: at most 4,096 characters.' }),
    arguments: t.field({ type: [PromptArgumentInput], description: ARGUMENTS_DESCRIPTION }),
    messages: t.field({ type: [PromptMessageInput], description: MESSAGES_DESCRIPTION }),
    version: t.int({
      description:
        'The version that the change is meant for: another one is a `ConflictError`. Default: any.',
    }),
  }),
})

builder.mutationField('updatePrompt', (t) =>
  t.field({
    ...needs('prompt:write', { level: 'EDIT', at: 'args.input.id', via: getPrompt }),
    type: PromptRef,
    description: 'Changes a prompt. Clients that are connected are told so.',
    errors: answer('The prompt as it is now.', [InvalidError, NotFoundError, ConflictError]),
    args: {
      input: t.arg({ type: UpdatePromptInput, required: true, description: 'What to do.' }),
    },
    resolve: async (_root, { input }, context) => {
      const id = checkId(['input', 'id'], 'pmt', input.id)
      const at = (field: string) => ['input', field]
      const values = {
        ...given('name', input.name, (text) => checkArgumentName(at('name'), text)),
        ...given('title', input.title, (text) => checkTitle(at('title'), text)),
        ...given('description', input.description, (text) => checkText(at('description'), text)),
        ...given('arguments', input.arguments, (sent) => checkArguments(at('arguments'), sent)),
        ...given('messages', input.messages, (sent) => checkMessages(at('messages'), sent)),
      }
      return await inAccount(context, async (tx) => {
        const next = { ...(await getPrompt(tx, id)), ...values }
        checkPlaceholders(values.messages ? at('messages') : ['messages'], next)
        return await updatePrompt(tx, id, values, input.version ?? undefined)
      })
    },
  }),
)

builder.mutationField('deletePrompt', (t) =>
  t.field({
    ...needs('prompt:write', { level: 'EDIT', at: 'args.id', via: getPrompt }),
    type: 'ID',
    description: 'Deletes a prompt. Clients that are connected are told so.',
    errors: answer('The id of what is gone.', [InvalidError, NotFoundError]),
    args: { id: t.arg.id({ required: true, description: 'Which prompt.' }) },
    resolve: async (_root, args, context) => {
      const id = checkId(['id'], 'pmt', args.id)
      await inAccount(context, (tx) => deletePrompt(tx, id))
      return id
    },
  }),
)
