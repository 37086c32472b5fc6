// The server that the official suite asks for, made as any owner makes one: through GraphQL.
import { graphql } from '../support/graphql.ts'
import { mutation } from '../support/control-plane.ts'
import { PNG } from './upstream.ts'

/** What configuring needs. */
export interface Target {
  readonly graphqlUrl: string
  readonly apiKey: string
  readonly upstreamOrigin: string
}

/** The server, configured. */
export interface Configured {
  /** With the token in it: the suite sends no header of its own. */
  readonly mcpUrl: string
  /** Changes one of the server's lists. */
  readonly change: (list: string) => Promise<void>
}

const text = { type: 'string' }
const form = (
  properties: Readonly<Record<string, object>>,
  required = Object.keys(properties),
) => ({
  type: 'object',
  properties,
  required,
})
const ask = (key: string, message: string, requestedSchema: object, round = 0) => ({
  key,
  message,
  requestedSchema,
  round,
})
const ASK_NAME = ask('user_name', 'What is your name?', form({ name: text }))
const ASK_OK = ask('confirm', 'Please confirm', form({ ok: { type: 'boolean' } }))
const PLAIN = ['option1', 'option2', 'option3']
const TITLED = [
  { const: 'value1', title: 'First Option' },
  { const: 'value2', title: 'Second Option' },
  { const: 'value3', title: 'Third Option' },
]
const DEFAULTS = {
  name: { ...text, default: 'John Doe' },
  age: { type: 'integer', default: 30 },
  score: { type: 'number', default: 95.5 },
  status: { ...text, enum: ['active', 'inactive', 'pending'], default: 'active' },
  verified: { type: 'boolean', default: true },
}
const ENUMS = {
  untitledSingle: { ...text, enum: PLAIN },
  titledSingle: { ...text, oneOf: TITLED },
  legacyEnum: {
    ...text,
    enum: ['opt1', 'opt2', 'opt3'],
    enumNames: ['Option One', 'Option Two', 'Option Three'],
  },
  untitledMulti: { type: 'array', items: { type: 'string', enum: PLAIN } },
  titledMulti: { type: 'array', items: { anyOf: TITLED } },
}

interface Tool {
  readonly path: string
  readonly inputRequests?: readonly { readonly requestedSchema: object }[]
  readonly resultMode?: string
}

const RESULT = { resultMode: 'MCP_RESULT' }
const TOOLS: Readonly<Record<string, Tool>> = {
  test_simple_text: { path: '/text' },
  test_image_content: { path: '/image' },
  test_audio_content: { path: '/audio' },
  test_embedded_resource: { path: '/embedded', ...RESULT },
  test_multiple_content_types: { path: '/mixed', ...RESULT },
  test_error_handling: { path: '/error' },
  test_tool_with_logging: { path: '/log' },
  test_logging_tool: { path: '/log' },
  test_tool_with_progress: { path: '/progress' },
  test_elicitation: {
    path: '/echo',
    inputRequests: [ask('user', 'Who are you?', form({ username: text, email: text }))],
  },
  test_elicitation_sep1034_defaults: {
    path: '/echo',
    inputRequests: [ask('defaults', 'Please review', form(DEFAULTS, []))],
  },
  test_elicitation_sep1330_enums: {
    path: '/echo',
    inputRequests: [ask('enums', 'Please choose', form(ENUMS, []))],
  },
  test_streaming_elicitation: { path: '/echo', inputRequests: [ASK_NAME] },
  test_input_required_result_elicitation: { path: '/echo', inputRequests: [ASK_NAME] },
  test_input_required_result_request_state: { path: '/echo', inputRequests: [ASK_OK] },
  test_input_required_result_tampered_state: { path: '/echo', inputRequests: [ASK_OK] },
  test_input_required_result_multi_round: {
    path: '/echo',
    inputRequests: [
      ask('step1', 'Step 1: What is your name?', form({ name: text })),
      ask('step2', 'Step 2: What is your favorite color?', form({ color: text }), 1),
    ],
  },
  test_trigger_tool_change: { path: '/trigger/tools' },
  test_trigger_prompt_change: { path: '/trigger/prompts' },
}

const say = (words: string) => ({ role: 'USER', text: words })
const argument = (name: string, values: readonly string[] = []) => ({
  name,
  description: `The argument ${name}`,
  isRequired: true,
  values,
})
const PROMPTS = [
  {
    name: 'test_simple_prompt',
    messages: [say('This is a simple prompt for testing.')],
  },
  {
    name: 'test_prompt_with_arguments',
    arguments: [argument('arg1', ['testValue1', 'other']), argument('arg2')],
    messages: [say("Prompt with arguments: arg1='{{arg1}}', arg2='{{arg2}}'")],
  },
  {
    name: 'test_prompt_with_embedded_resource',
    arguments: [argument('resourceUri')],
    messages: [
      {
        role: 'USER',
        resource: { uri: '{{resourceUri}}', text: 'Embedded resource content for testing.' },
      },
      say('Please process the embedded resource above.'),
    ],
  },
  {
    name: 'test_prompt_with_image',
    messages: [
      { role: 'USER', image: { data: PNG, mimeType: 'image/png' } },
      say('Please analyze the image above.'),
    ],
  },
  {
    name: 'test_input_required_result_prompt',
    arguments: [argument('context')],
    messages: [say('Context: {{context}}')],
  },
]

const RESOURCES = [
  {
    uri: 'test://static-text',
    name: 'static-text',
    text: 'This is the content of the static text resource.',
  },
  { uri: 'test://static-binary', name: 'static-binary', mimeType: 'image/png', blob: PNG },
  { uri: 'test://watched-resource', name: 'watched-resource', text: 'Watch me' },
  {
    uri: 'test://template/{id}/data',
    name: 'template',
    mimeType: 'application/json',
    text: '{"id":"{{id}}","templateTest":true,"data":"Data for ID: {{id}}"}',
  },
]

/** Makes all of it. */
export async function configure({
  graphqlUrl,
  apiKey,
  upstreamOrigin,
}: Target): Promise<Configured> {
  const make = async (name: string, input: object, data = 'id') => {
    const answer = await graphql<Record<string, { data?: Record<string, string> }>>(
      graphqlUrl,
      apiKey,
      mutation(name, data),
      { input },
    )
    const made = answer[name]?.data
    if (made === undefined) throw new Error(JSON.stringify(answer))
    return made
  }
  const { id: providerId } = await make('createProvider', { name: 'API', baseUrl: upstreamOrigin })
  const toolIds: string[] = []
  for (const [name, tool] of Object.entries(TOOLS)) {
    toolIds.push(await makeTool(make, providerId ?? '', name, tool))
  }
  const { id: serverId = '' } = await make('createServer', { name: 'Conformance', toolIds })
  for (const prompt of PROMPTS) {
    await make('createPrompt', { serverId, description: `About ${prompt.name}`, ...prompt })
  }
  for (const resource of RESOURCES) await make('createResource', { serverId, ...resource })
  const { mcpUrlWithToken = '' } = await make(
    'createServerToken',
    { serverId, name: 'Suite', isUrlAllowed: true },
    'mcpUrlWithToken',
  )
  let changes = 0
  return {
    mcpUrl: mcpUrlWithToken,
    async change(list) {
      changes += 1
      const name = `changed_${changes}`
      if (list === 'prompts') {
        await make('createPrompt', {
          serverId,
          name,
          description: 'A change',
          messages: [say('x')],
        })
        return
      }
      const toolId = await makeTool(make, providerId ?? '', name, { path: '/text' })
      await make('addServerTools', { serverId, toolIds: [toolId] })
    },
  }
}

async function makeTool(
  make: (name: string, input: object) => Promise<Record<string, string>>,
  providerId: string,
  name: string,
  { path, inputRequests, resultMode }: Tool,
): Promise<string> {
  const forms = (inputRequests ?? []).map(
    ({ requestedSchema }) => requestedSchema as ReturnType<typeof form>,
  )
  const properties = Object.assign(
    { message: text },
    ...forms.map((one) => one.properties),
  ) as object
  const inputSchema = { type: 'object', properties }
  const { id = '' } = await make('createTool', {
    providerId,
    name,
    description: `The tool ${name}`,
    request: { method: 'GET', path, inputSchema },
  })
  if (inputRequests || resultMode) await make('updateTool', { id, inputRequests, resultMode })
  return id
}
