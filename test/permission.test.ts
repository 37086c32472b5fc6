// Who may do what, told from the schema itself: each field of the API names its permission, and whoever
// lacks it is refused before anything is read.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { getNamedType, isAbstractType, isObjectType, type GraphQLObjectType } from 'graphql'
import { insertApiKey } from '../db/api-key.ts'
import { hashCredential, newCredential } from '../db/credential.ts'
import type { Role } from '../db/identity-tables.ts'
import { withAccount } from '../db/transaction.ts'
import { permissionError } from '../schema/refusal.ts'
import {
  covers,
  PERMISSIONS,
  permissionsOf,
  PERSONAL,
  ROLES,
  rolesOf,
  type Permission,
} from '../schema/role.ts'
import { schema } from '../schema/schema.ts'
import { startApp } from './support/app.ts'
import type { Answer } from './support/control-plane.ts'
import { operationOf, rootFields, type RootField } from './support/operation.ts'
import { signIn, signInByLink, UNAUTHENTICATED, withKey, type Sender } from './support/person.ts'

const HASMCP_ADMIN_KEY = 'a'.repeat(16) + '0123456789abcdef'

/** Fields that lead to something with an id of its own and need no permission, and why. */
const NEEDS_NONE: Readonly<Record<string, string>> = {
  'Viewer.user': 'who asks',
  'Viewer.account': 'the one that everything the viewer reads belongs to',
  'Viewer.apiKey': 'the key of this very request',
  'ApiKey.user': 'whoever reads the keys of others may read members; else it is the viewer',
  'ServerToken.user': 'whoever reads the tokens of others may read members; else it is the viewer',
  'Invitation.invitedBy': 'whoever reads invitations may read members',
}

/** What no role has and the configured key does. */
const OF_ADMINISTRATOR: readonly Permission[] = [
  'account:create',
  'account:administer',
  'signing-key:write',
]

const permissionOf = ({ field }: RootField) => field.extensions['permission'] as Permission

/** What of an answer is about rights: the first error, if it is a refusal. */
function refusalOf({ body }: Answer): string | undefined {
  const { errors = [] } = body
  const codes = errors.map((error) => (error['extensions'] as { code: string }).code)
  assert.ok(!codes.includes('INTERNAL'), JSON.stringify(errors))
  return codes[0] === 'FORBIDDEN' || codes[0] === 'UNAUTHENTICATED'
    ? `${codes.join()}: ${errors.map((error) => error['message']).join()}`
    : undefined
}

const forbidden = (...args: Parameters<typeof permissionError>) =>
  `FORBIDDEN: ${permissionError(...args).message}`

/** What each root field answers the sender, against what it should: undefined where it lets them in. */
async function assertEach(
  sender: Sender,
  expected: (permission: Permission) => string | undefined,
) {
  for (const root of rootFields) {
    const answer = await sender.send(operationOf(root))
    assert.equal(refusalOf(answer), expected(permissionOf(root)), answer.text)
  }
}

async function keysByRole() {
  return await withAccount(app.db, app.accountId, (tx) =>
    Promise.all(
      ROLES.map(async (role) => {
        const key = newCredential('hmk')
        await insertApiKey(tx, { name: role, hash: hashCredential(key), role })
        return { role, key, sender: withKey(app, key) }
      }),
    ),
  )
}

const app = await startApp({ after }, { HASMCP_ADMIN_KEY })

test('every root field names one permission, and every permission is one of a field', () => {
  assert.deepEqual(
    rootFields.flatMap((root) =>
      PERMISSIONS.includes(permissionOf(root)) ? [] : [root.field.name],
    ),
    [],
  )
  const fields = Object.values(schema.getTypeMap()).flatMap((type) =>
    isObjectType(type) ? Object.values(type.getFields()) : [],
  )
  const named = new Set(fields.map(({ extensions }) => extensions['permission']))
  // What the others are about: what `node` finds, and whose an object may be.
  const inside = ['account:read', 'owner:write', 'api-key:administer']
  assert.deepEqual(
    PERMISSIONS.filter((permission) => !named.has(permission)),
    inside,
  )
})

test('a key of each role is let in by the fields whose permission it has, and by no others', async () => {
  for (const { role, sender } of await keysByRole()) {
    await assertEach(sender, (permission) =>
      permissionsOf(role).has(permission) ? undefined : forbidden(role, permission),
    )
  }
})

test('POST /documents is of those who may import', async () => {
  const origin = new URL(app.graphqlUrl).origin
  const upload = async (headers: Readonly<Record<string, string>>) => {
    const request = new Request(`${origin}/documents`, { method: 'POST', headers, body: '' })
    const response = await app.app(request, { ip: '192.0.2.1' })
    const { error } = (await response.json()) as Refusal
    return `${response.status} ${error.code}: ${error.message}`
  }
  const isEmpty = '400 INVALID: The request body is empty; expected an OpenAPI document'
  const refused = (role: Role | undefined) => `403 ${forbidden(role, 'provider:write')}`
  for (const { role, key } of await keysByRole()) {
    const isOpen = rolesOf('provider:write').includes(role)
    assert.equal(
      await upload({ authorization: `Bearer ${key}` }),
      isOpen ? isEmpty : refused(role),
      role,
    )
  }
  const stranger = await signIn(app, 'stranger@example.com')
  const headers = { cookie: stranger.cookie(), origin, 'x-hasmcp-csrf': '1' }
  assert.equal(await upload(headers), refused(undefined))
})

interface Refusal {
  readonly error: { readonly code: string; readonly message: string }
}

test("nobody, and a person of no account, is let in by what needs no account's role at most", async () => {
  await assertEach(withKey(app, 'hmk_x'), () => `UNAUTHENTICATED: ${UNAUTHENTICATED}`)
  const { status, body } = await withKey(app, '').send('{ viewer { id } }')
  assert.deepEqual([status, body.errors?.length, body.data], [401, 1, undefined])
  const stranger = await signIn(app, 'stranger@example.com')
  const noAccount = forbidden(undefined, 'account:read')
  for (const root of rootFields) {
    const [permission, answer] = [permissionOf(root), await stranger.send(operationOf(root))]
    // There is nothing to leave.
    const isOpen = PERSONAL.includes(permission) && permission !== 'membership:leave'
    const expected = isOpen ? undefined : forbidden(undefined, permission)
    const isLeaving = permission === 'membership:leave'
    assert.equal(refusalOf(answer), isLeaving ? noAccount : expected, root.field.name)
  }
})

test('what no role has comes with the credential: a browser, or the administrator', async () => {
  const owner = await signInByLink(app)
  const administrator = withKey(app, HASMCP_ADMIN_KEY)
  const ofRoles = permissionsOf('OWNER')
  await assertEach(administrator, (permission) =>
    ofRoles.has(permission) || OF_ADMINISTRATOR.includes(permission)
      ? undefined
      : forbidden('OWNER', permission),
  )
  await assertEach(owner, (permission) =>
    ofRoles.has(permission) || PERSONAL.includes(permission)
      ? undefined
      : forbidden('OWNER', permission),
  )
})

test('a refusal says what is missing, and who has it', () => {
  const messages = [
    permissionError('ANALYST', 'server:write'),
    permissionError('ADMIN', 'owner:write'),
    permissionError('OWNER', 'account:administer'),
    permissionError('OWNER', 'account:create'),
    permissionError('OWNER', 'session:write'),
    permissionError(undefined, 'server:read'),
  ].map(({ message }) => message)
  assert.deepEqual(messages, [
    'The role ANALYST lacks the permission server:write, which OWNER, ADMIN, and DEVELOPER have',
    'The role ADMIN lacks the permission owner:write, which OWNER has',
    "Accounts are managed by the instance administrator: send this installation's HASMCP_ADMIN_KEY instead of an API key",
    "Accounts are made by the instance administrator, who sends this installation's HASMCP_ADMIN_KEY, and where SIGN_UP is open by every person who is signed in",
    'The permission session:write is that of a person who is signed in with a browser; an API key never has it',
    'You act on behalf of no account: make one with createAccount, accept an invitation, or choose one with switchAccount',
  ])
})

test('every field that leads to an object with an id, or a list of them, names a permission', () => {
  const ofQueries = reachableFrom(schema.getQueryType())
  const found = [...ofQueries].flatMap((type) =>
    Object.values(type.getFields()).flatMap((field) => {
      const isInside = /(Connection|Edge)$/.test(type.name)
      const isOpen = typeof field.extensions['permission'] !== 'string'
      return isOpen && !isInside && leadsToNode(field.type) ? [`${type.name}.${field.name}`] : []
    }),
  )
  assert.deepEqual(found.toSorted(), Object.keys(NEEDS_NONE).toSorted())
})

function leadsToNode(of: Parameters<typeof getNamedType>[0]): boolean {
  const type = getNamedType(of)
  if (isAbstractType(type)) return true
  if (!isObjectType(type)) return false
  return (
    type.name.endsWith('Connection') || type.getInterfaces().some(({ name }) => name === 'Node')
  )
}

/** Without the payloads of mutations, which hold what the mutation was permitted to make. */
function reachableFrom(root: GraphQLObjectType | null | undefined): Set<GraphQLObjectType> {
  const reached = new Set<GraphQLObjectType>()
  const visit = (type: unknown): void => {
    if (!isObjectType(type) || reached.has(type)) return
    reached.add(type)
    for (const field of Object.values(type.getFields())) visit(getNamedType(field.type))
  }
  visit(root)
  for (const type of Object.values(schema.getTypeMap())) {
    if (isObjectType(type) && leadsToNode(type)) visit(type)
  }
  return reached
}

test('of two roles one may do all that the other may', () => {
  const bySize = ROLES.toSorted((a, b) => permissionsOf(b).size - permissionsOf(a).size)
  assert.deepEqual(bySize, ['OWNER', 'ADMIN', 'DEVELOPER', 'ANALYST', 'BILLING', 'MEMBER'])
  for (const [index, role] of bySize.entries()) {
    for (const lesser of bySize.slice(index)) assert.ok(covers(permissionsOf(role), lesser), lesser)
  }
})

test('README shows the table of roles and permissions as it is', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const rows = readme
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    )
  const head = rows.findIndex(([first]) => first === 'permission')
  assert.ok(head >= 0, 'README.md has no table whose first column is "permission"')
  assert.deepEqual(rows[head], ['permission', ...ROLES])
  assert.deepEqual(
    rows.slice(head + 2, head + 2 + PERMISSIONS.length),
    PERMISSIONS.map((permission) => [
      permission,
      ...ROLES.map((role) => (rolesOf(permission).includes(role) ? '✓' : '')),
    ]),
  )
})
