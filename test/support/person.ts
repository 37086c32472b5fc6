// People in browsers: signed in as an identity provider, or a link at the machine, would do it; then all
// that they do goes through the front door with the cookie that the product gave them.
import assert from 'node:assert/strict'
import { isNonNullType, type GraphQLArgument } from 'graphql'
import { hashCredential, newCredential } from '../../db/credential.ts'
import { toEmailKey } from '../../db/email.ts'
import type { Role } from '../../db/identity-tables.ts'
import { listMembershipsOfUser } from '../../db/membership.ts'
import { insertSession } from '../../db/session.ts'
import { withIdentity } from '../../db/transaction.ts'
import { upsertUser } from '../../db/user.ts'
import { schema } from '../../schema/schema.ts'
import { printSignInLink } from '../../server/sign-in/print-link.ts'
import type { TestApp } from './app.ts'
import type { Answer, Result } from './control-plane.ts'

const FROM = { ip: '192.0.2.1' }
const COOKIE = /^hasmcp-session=(hmb_\w+); Path=\/; HttpOnly; SameSite=Lax$/

/** Whoever sends GraphQL: a person in a browser, or a program with a key. */
export interface Sender {
  send(query: string, variables?: object): Promise<Answer>
  /** The data of an answer without errors. */
  ask<T>(query: string, variables?: object): Promise<T>
  /** What a mutation answers; of a success what `data` says, nothing for a scalar. */
  call<T = Result>(name: string, args?: object, data?: string): Promise<T>
  /** The `data` of a mutation that must succeed. */
  make<T = { readonly id: string }>(name: string, args?: object, data?: string): Promise<T>
  /** The first error of a refused operation: its code and message, or the mutation's own. */
  refusal(name: string, args?: object): Promise<string>
}

/** A person in one browser. */
export interface Person extends Sender {
  readonly email: string
  readonly userId: string
  /** The browser's present cookie, as it is sent. */
  cookie(): string
  /** The same session under the cookie that the browser has now, as a thief keeps it. */
  copy(): Person
  /** A page, redirects not followed. */
  open(path: string): Promise<Response>
}

/** Signed in as a provider vouches for them, in the account that they joined first. */
export async function signIn(app: TestApp, email: string): Promise<Person> {
  const credential = newCredential('hmb')
  const userId = await withIdentity(app.db, async (tx) => {
    const emailKey = toEmailKey(email)
    assert.ok(emailKey !== undefined)
    const name = email.slice(0, email.indexOf('@'))
    const user = await upsertUser(tx, { email, emailKey, name, pictureUrl: null })
    const [first] = await listMembershipsOfUser(tx, user.id)
    const accountId = first?.account.id ?? null
    await insertSession(tx, { userId: user.id, accountId, hash: hashCredential(credential) })
    return user.id
  })
  return openBrowser(app, { email, userId, cookie: `hasmcp-session=${credential}` })
}

/** Signed in with a link that is printed at the machine: an OWNER of the first account. */
export async function signInByLink(app: TestApp, email = 'owner@localhost'): Promise<Person> {
  const origin = originOf(app)
  const link = new URL(await printSignInLink(app.key, origin, email))
  const response = await app.app(
    new Request(`${origin}/sign-in/link`, {
      method: 'POST',
      headers: { origin, 'content-type': 'application/x-www-form-urlencoded' },
      body: link.searchParams,
    }),
    FROM,
  )
  assert.equal(response.status, 303, await response.text())
  const cookie = readCookie(response)
  assert.ok(cookie !== undefined)
  const person = openBrowser(app, { email, userId: '', cookie })
  const { viewer } = await person.ask<{ viewer: { user: { id: string } } }>(
    '{ viewer { user { id } } }',
  )
  return openBrowser(app, { email, userId: viewer.user.id, cookie })
}

/** Invited by the manager, signed in, and a member with that role. */
export async function join(
  app: TestApp,
  manager: Sender,
  email: string,
  role: Role,
): Promise<Person> {
  const url = await invite(manager, email, role)
  const person = await signIn(app, email)
  await person.make('acceptInvitation', { url }, '')
  return person
}

/** The link of a new invitation. */
export async function invite(manager: Sender, email: string, role: Role): Promise<string> {
  const { url } = await manager.make<{ url: string }>(
    'createInvitation',
    { input: { email, role } },
    'url',
  )
  return url
}

/** The person's membership in the account of the manager. */
export async function membershipOf(manager: Sender, { email }: Person): Promise<string> {
  const { memberships } = await manager.ask<{ memberships: { nodes: { id: string }[] } }>(
    'query($filter: MembershipFilter) { memberships(first: 2, filter: $filter) { nodes { id } } }',
    { filter: { contains: email } },
  )
  assert.equal(memberships.nodes.length, 1, email)
  return memberships.nodes[0]?.id ?? ''
}

/** A program that sends an API key. */
export function withKey(app: TestApp, key: string): Sender {
  return createSender(async (body) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    return await app.app(
      new Request(`${originOf(app)}/graphql`, { method: 'POST', headers, body }),
      FROM,
    )
  })
}

/** What a request without or with a bad credential is answered. */
export const UNAUTHENTICATED =
  'Not signed in: send the header "Authorization: Bearer hmk_…" with a valid API key, or sign in with a browser'

function openBrowser(
  app: TestApp,
  { email, userId, cookie }: { email: string; userId: string; cookie: string },
): Person {
  const origin = originOf(app)
  let present = cookie
  const sender = createSender(async (body) => {
    const headers = {
      origin,
      cookie: present,
      'x-hasmcp-csrf': '1',
      'content-type': 'application/json',
    }
    const request = new Request(`${origin}/graphql`, { method: 'POST', headers, body })
    const response = await app.app(request, FROM)
    present = readCookie(response) ?? present
    return response
  })
  return {
    ...sender,
    email,
    userId,
    cookie: () => present,
    copy: () => openBrowser(app, { email, userId, cookie: present }),
    open: (path) =>
      app.app(new Request(`${origin}${path}`, { headers: { cookie: present } }), FROM),
  }
}

interface GraphqlError {
  readonly message: string
  readonly extensions: { readonly code: string }
}

function createSender(post: (body: string) => Promise<Response>): Sender {
  const send: Sender['send'] = async (query, variables = {}) => {
    const response = await post(JSON.stringify({ query, variables }))
    const text = await response.text()
    return { status: response.status, text, body: JSON.parse(text) as Answer['body'] }
  }
  const ask = async <T>(query: string, variables: object = {}): Promise<T> => {
    const { status, text, body } = await send(query, variables)
    assert.deepEqual({ status, errors: body.errors }, { status: 200, errors: undefined }, text)
    return body.data as T
  }
  const call = async <T>(name: string, args: object = {}, data = 'id'): Promise<T> =>
    (await ask<Record<string, T>>(mutationOf(name, data), args))[name] as T
  return {
    send,
    ask,
    call,
    async make<T>(name: string, args: object = {}, data = 'id'): Promise<T> {
      const result = await call<Result>(name, args, data)
      assert.ok('data' in result, JSON.stringify(result))
      return result.data as T
    },
    async refusal(name, args = {}) {
      const { body } = await send(mutationOf(name, ''), args)
      const [error] = (body.errors ?? []) as unknown as readonly GraphqlError[]
      const result = body.data?.[name] as Result | undefined
      return `${error?.extensions.code ?? result?.code}: ${error?.message ?? result?.message}`
    },
  }
}

/** With its arguments as variables; `data` is what of a success is asked for, if it has fields. */
function mutationOf(name: string, data: string): string {
  const field = schema.getMutationType()?.getFields()[name]
  assert.ok(field, name)
  const list = (text: (arg: GraphQLArgument) => string) =>
    field.args.length === 0 ? '' : `(${field.args.map(text).join(', ')})`
  const title = `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`
  const success = schema.getType(`${title}Success`)
  assert.ok(success && 'getFields' in success, title)
  const { type } = (success.getFields() as Record<string, GraphQLArgument>)['data'] ?? {}
  const isScalar = String(isNonNullType(type) ? type.ofType : type) === 'ID'
  const selection = isScalar ? 'data' : data === '' ? '__typename' : `data { ${data} }`
  return `mutation${list((arg) => `$${arg.name}: ${String(arg.type)}`)} {
    ${name}${list((arg) => `${arg.name}: $${arg.name}`)} {
      __typename
      ... on ${title}Success { ${selection} }
      ... on Error { code message }
    }
  }`
}

function readCookie(response: Response): string | undefined {
  // The last of several is what a browser keeps.
  const text = response.headers.getSetCookie().at(-1)
  if (text === undefined) return undefined
  const value = COOKIE.exec(text)?.[1]
  assert.ok(value !== undefined, text)
  return `hasmcp-session=${value}`
}

function originOf(app: TestApp): string {
  return new URL(app.graphqlUrl).origin
}
