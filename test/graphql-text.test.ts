// Hostile text in every place of the schema that takes text, found in the schema itself: what cannot
// be stored or read is refused with a sentence, everything else is text like any other.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import {
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
} from 'graphql'

import { schema } from '../schema/schema.ts'
import { openapi } from './support/control-plane.ts'
import { signInByLink } from './support/person.ts'
import { openWorld, type World } from './support/world.ts'

const LONG = 200_000
const TEXTS: Readonly<Record<string, string>> = {
  'a NUL': 'a\0b',
  'half an emoji': 'a\uD83D',
  'the other half': '\uDE00b',
  'a bell': 'a\u0007b',
  'an override of the direction': 'a\u202Eb',
  'an emoji': 'a\u{1F600}b',
  'SQL that ends a string': "' or '1'='1' --",
  'SQL that ends a statement': "a'); drop table server; --",
  'a pattern': '%_\\',
  'a name of every object': '__proto__',
  'a name of every function': 'constructor',
  'a template': '${constructor} {{7*7}} $(id)',
  nothing: '',
  '200,000 characters': 'a'.repeat(LONG),
}
// What PostgreSQL, JSON or a person could not take.
const NEVER = new Set(['a NUL', 'half an emoji', 'the other half', '200,000 characters'])

// Some messages repeat what they refuse, up to its first thousand characters.
const MAX_ANSWER = 2000
const BAD = /[\p{Cc}\p{Cs}\u202E]|a{81}/u
// What only a person in a browser may do.
const NO_KEY = /^(?:session:|membership:leave|invitation:accept)/
// What there was before, as its ids: what is made is added to it, and nothing of it goes.
const PICTURE = `{ providers(first: 1) { nodes { id } } servers(first: 1) { nodes { id } }
  tools(first: 2) { nodes { id } } variables(first: 1) { nodes { id } } accounts(first: 1) { nodes { id isSuspended } } }`

/** Names from the argument down. */
type Place = readonly string[]

const inner = (type: GraphQLInputType): GraphQLInputType =>
  isNonNullType(type) || isListType(type) ? inner(type.ofType as GraphQLInputType) : type

/** The places that take text of any kind, below one argument or field of an input. */
function placesOf({ name, type }: Pick<GraphQLArgument, 'name' | 'type'>): Place[] {
  const named = inner(type)
  if (isInputObjectType(named)) {
    return Object.values(named.getFields())
      .flatMap(placesOf)
      .map((place) => [name, ...place])
  }
  return /^(?:String|ID|DateTime)$/.test(String(named)) ? [[name]] : []
}

/** What the rest of an operation needs to be right. */
interface Known {
  readonly ids: Readonly<Record<string, string>>
  count: number
}

const KINDS: readonly (readonly [RegExp, string])[] = [
  [/^membershipId$|Membership\.id$/, 'mbr'],
  [/^toolIds?$|(?<!Server)Tools?\.ids?$/i, 'tool'],
  [/^serverId$|(?:Server|ServerTools?)\.id$/i, 'srv'],
  [/^providerIds?$|Provider\.id$/i, 'prv'],
  [/ServerToken\.id$/, 'tok'],
  [/Variable\.id$/i, 'var'],
  [/Interceptor\.id$/i, 'icp'],
  [/Prompt\.id$/i, 'pmt'],
  [/Resource\.id$/i, 'res'],
  [/ApiKey\.id$/, 'key'],
  [/Account\.id$/i, 'acc'],
]

/** A good value of the type at that place, and `text` at `place`. */
function fill(
  known: Known,
  field: string,
  { name, type }: Pick<GraphQLArgument, 'name' | 'type'>,
  place: Place | undefined,
  text: string,
): unknown {
  if (isNonNullType(type)) {
    return fill(known, field, { name, type: type.ofType as GraphQLInputType }, place, text)
  }
  if (isListType(type)) {
    return [fill(known, field, { name, type: type.ofType as GraphQLInputType }, place, text)]
  }
  if (isInputObjectType(type)) {
    const members = Object.values(type.getFields()).flatMap((member) => {
      const isOnTheWay = place?.[0] === member.name
      if (!isOnTheWay && !isNonNullType(member.type)) return []
      const rest = isOnTheWay ? place.slice(1) : undefined
      return [[member.name, fill(known, field, member, rest, text)] as const]
    })
    return Object.fromEntries(members)
  }
  if (place !== undefined) return text
  if (isEnumType(type)) return type.getValues()[0]?.name
  if (String(type) === 'Int') return 1
  const kind = KINDS.find(([pattern]) => pattern.test(name) || pattern.test(`${field}.${name}`))
  if (String(type) === 'ID') return known.ids[kind?.[1] ?? '']
  known.count += 1
  return name === 'baseUrl' ? 'https://a.example' : name === 'path' ? '/a' : `n${known.count}`
}

/** The variables that put `text` at `place`, and an operation that takes them. */
function toOperation(
  known: Known,
  operation: string,
  field: GraphQLField<unknown, unknown>,
  place: Place,
  text: string,
) {
  const args = field.args.filter(({ name, type }) => isNonNullType(type) || name === place[0])
  const variables = Object.fromEntries(
    args.map((arg) => {
      const rest = arg.name === place[0] ? place.slice(1) : undefined
      return [arg.name, fill(known, field.name, arg, rest, text)]
    }),
  )
  // An import has a document, given in one of three ways.
  const input = variables['input'] as Record<string, unknown> | undefined
  if (field.name === 'importOpenApi' && !/documentId|url|text/.test(place[1] ?? '')) {
    variables['input'] = { ...input, text: openapi(['get /a']) }
  }
  // An interceptor has one owner, and code that compiles.
  if (field.name === 'createInterceptor' && !/toolId|serverId/.test(place[1] ?? '')) {
    variables['input'] = { ...input, serverId: known.ids['srv'] }
  }
  // A resource has one content.
  if (field.name === 'createResource' && !/text|blob|toolId/.test(place[1] ?? '')) {
    variables['input'] = { ...input, text: 'a' }
  }
  const heads = args.map(({ name, type }) => `$${name}: ${String(type)}`).join(', ')
  const call = `${field.name}(${args.map(({ name }) => `${name}: $${name}`).join(', ')})`
  const selection =
    operation === 'mutation' ? '__typename ... on Error { code message }' : '__typename'
  return { query: `${operation}(${heads}) { ${call} { ${selection} } }`, variables }
}

/** One of everything. */
async function open(world: World): Promise<Known> {
  const providerId = await world.importProvider(['get /a', 'get /b'])
  const { tools, viewer } = await world.ask<{
    tools: { nodes: { id: string }[] }
    viewer: { account: { id: string }; apiKey: { id: string } | null }
  }>('{ tools(first: 1) { nodes { id } } viewer { account { id } apiKey { id } } }')
  const tool = tools.nodes[0]?.id ?? ''
  const { id: srv } = await world.make('createServer', { name: 'S', providerIds: [providerId] })
  const { serverToken } = await world.make<{ serverToken: { id: string } }>(
    'createServerToken',
    { serverId: srv, name: 'T' },
    'serverToken { id }',
  )
  const variable = await world.make('createVariable', { name: 'V', kind: 'ENV', value: 'v' })
  const { apiKey } = await world.make<{ apiKey: { id: string } }>(
    'createApiKey',
    { name: 'K' },
    'apiKey { id }',
  )
  const script = { phase: 'RESPONSE', engine: 'JMESPATH', code: '@' }
  const { id: icp } = await world.make('createInterceptor', { serverId: srv, name: 'I', ...script })
  const { id: pmt } = await world.make('createPrompt', {
    serverId: srv,
    name: 'P',
    messages: [{ role: 'USER', text: 'x' }],
  })
  const { id: res } = await world.make('createResource', {
    serverId: srv,
    uri: 'a:b',
    name: 'R',
    text: 'x',
  })
  const { memberships } = await world.ask<{ memberships: { nodes: { id: string }[] } }>(
    '{ memberships(first: 1) { nodes { id } } }',
  )
  const ids = {
    mbr: memberships.nodes[0]?.id ?? '',
    icp,
    pmt,
    res,
    prv: providerId,
    tool,
    srv,
    tok: serverToken.id,
    var: variable.id,
    key: apiKey.id,
  }
  return { ids: { ...ids, acc: viewer.account.id }, count: 0 }
}

test('no text in any place of the schema makes an operation fail', async (t) => {
  const HASMCP_ADMIN_KEY = 'an-administrator-of-the-whole-house'
  const world = await openWorld(t, undefined, { HASMCP_ADMIN_KEY })
  const person = await signInByLink(world.app)
  const known = await open(world)
  const wrong: unknown[] = []
  const taken: string[] = []
  const before = await world.ask(PICTURE)
  for (const operation of ['query', 'mutation'] as const) {
    const root = operation === 'query' ? schema.getQueryType() : schema.getMutationType()
    for (const field of Object.values(root?.getFields() ?? {})) {
      const sender = NO_KEY.test(String(field.extensions['permission'])) ? person : world
      for (const place of field.args.flatMap(placesOf)) {
        for (const [name, value] of Object.entries(TEXTS)) {
          const { query, variables } = toOperation(known, operation, field, place, value)
          const { status, text } = await sender.send(query, variables)
          const isRefused =
            /"code":"(?:INVALID|DOCUMENT_INVALID|INTERCEPTOR_[A-Z]+|NOT_FOUND|CONFLICT)"/.test(text)
          const isKnown = isRefused || (status === 200 && !text.includes('"code"'))
          if (!isRefused) taken.push(name)
          if (!isKnown || (NEVER.has(name) && !isRefused) || text.length > MAX_ANSWER) {
            wrong.push([field.name, place.join('.'), name, status, text.slice(0, 300)])
          }
        }
      }
    }
  }
  assert.deepEqual(wrong, [])
  // That it is not something else that was refused.
  for (const name of ['an emoji', 'SQL that ends a statement', 'a name of every object']) {
    assert.ok(taken.filter((one) => one === name).length > 10, name)
  }
  assert.deepEqual(await world.ask(PICTURE), before)
})

test('SQL, patterns and the names of objects are text like any other', async (t) => {
  const world = await openWorld(t)
  const names = Object.values(TEXTS).filter((text) => text !== '' && !BAD.test(text))
  for (const name of names) await world.make('createServer', { name })
  for (const name of names) {
    const { exact, part } = await world.ask<Record<string, { nodes: { name: string }[] }>>(
      `query($name: String!) {
        exact: servers(first: 100, filter: { name: $name }) { nodes { name } }
        part: servers(first: 100, filter: { nameContains: $name }) { nodes { name } } }`,
      { name },
    )
    assert.deepEqual(exact, { nodes: [{ name }] })
    const found = names.filter((one) => one.includes(name)).map((one) => ({ name: one }))
    assert.deepEqual(part, { nodes: found })
  }
})

test('the names of every object are keys like any other in JSON, but for __proto__, which is none', async (t) => {
  const world = await openWorld(t)
  const providerId = await world.importProvider(['get /a'])
  const create = async (request: object) => {
    const { body } = await world.send(
      `mutation($input: CreateToolInput!) { createTool(input: $input) {
        ... on CreateToolSuccess { data { inputSchema } } ... on Error { code message } } }`,
      { input: { providerId, name: 'tool', request: { method: 'POST', path: '/a', ...request } } },
    )
    return body.data?.['createTool']
  }
  const properties = { constructor: { type: 'string' }, toString: { type: 'string' } }
  assert.deepEqual(await create({ inputSchema: { type: 'object', properties } }), {
    data: { inputSchema: { type: 'object', properties, additionalProperties: false } },
  })
  for (const key of ['inputSchema.properties', 'sampleArguments']) {
    const [first = '', second] = key.split('.')
    const hostile = JSON.parse('{"__proto__":{"isAdministrator":true}}') as object
    const value = second === undefined ? hostile : { type: 'object', [second]: hostile }
    assert.deepEqual(await create({ [first]: value }), {
      code: 'INVALID',
      message: `request.${first} has an argument named "__proto__"; expected 1 to 64 of A-Z, a-z, 0-9, _, . and -, and not "__proto__"`,
    })
  }
  assert.equal('isAdministrator' in {}, false)
})
