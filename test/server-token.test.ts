// Server tokens through the front door: shown once, listed without their text, revoked for good.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashCredential, isCredential } from '../db/credential.ts'
import { findServerTokenByHash } from '../db/server-token.ts'
import { openControlPlane } from './support/control-plane.ts'

const REVOKE = `mutation Revoke($id: ID!) {
  revokeServerToken(id: $id) { __typename ... on RevokeServerTokenSuccess { data { id revokedAt } } ... on Error { code message } ... on InvalidError { path } }
}`

interface New {
  readonly data: {
    readonly token: string
    readonly mcpUrl: string
    readonly serverToken: { readonly id: string }
  }
}

test('a server token is made, shown once, listed, revoked and gone with its server', async () => {
  const plane = await openControlPlane()
  const { data: server } = await plane.mutate<{ data: { id: string } }>(
    'createServer',
    { name: 'Shop' },
    'id',
  )
  const expiresAt = '2100-01-01T00:00:00.000Z'
  const { data } = await plane.mutate<New>(
    'createServerToken',
    { serverId: server.id, name: 'Laptop', expiresAt },
    'token mcpUrl serverToken { id name expiresAt revokedAt server { id name } }',
  )
  const { id } = data.serverToken
  assert(isCredential('hms', data.token))
  assert.deepEqual(data, {
    token: data.token,
    mcpUrl: `https://mcp.test/mcp/${server.id}`,
    serverToken: {
      id,
      name: 'Laptop',
      expiresAt,
      revokedAt: null,
      server: { id: server.id, name: 'Shop' },
    },
  })
  const record = await findServerTokenByHash(plane.db, hashCredential(data.token))
  assert.deepEqual(record, {
    id,
    account_id: plane.accountId,
    server_id: server.id,
    is_url_allowed: false,
    expires_at: new Date(expiresAt),
    revoked_at: null,
    account_suspended_at: null,
  })
  const list = await plane.send(
    'query($id: ID!) { server(id: $id) { tokens(first: 5) { totalCount nodes { id name } } } }',
    server,
  )
  assert.deepEqual(list.body.data, {
    server: { tokens: { totalCount: 1, nodes: [{ id, name: 'Laptop' }] } },
  })
  assert(!list.text.includes(data.token.slice(4, 20)))

  const first = await plane.ask<{ revokeServerToken: { data: { revokedAt: string } } }>(REVOKE, {
    id,
  })
  const { revokedAt } = first.revokeServerToken.data
  assert(Math.abs(Date.parse(revokedAt) - Date.now()) < 60_000)
  assert.deepEqual(await plane.ask(REVOKE, { id }), {
    revokeServerToken: { __typename: 'RevokeServerTokenSuccess', data: { id, revokedAt } },
  })
  await plane.ask('mutation($id: ID!) { deleteServer(id: $id) { __typename } }', server)
  assert.deepEqual(await plane.ask(REVOKE, { id }), {
    revokeServerToken: {
      __typename: 'NotFoundError',
      code: 'NOT_FOUND',
      message: `No server token ${id}`,
    },
  })
  assert.equal(await findServerTokenByHash(plane.db, hashCredential(data.token)), undefined)
})

test('createServerToken and revokeServerToken refuse what breaks a rule', async () => {
  const plane = await openControlPlane()
  const { data: server } = await plane.mutate<{ data: { id: string } }>(
    'createServer',
    { name: 'Shop' },
    'id',
  )
  const invalid = (path: readonly string[], message: string) => ({
    __typename: 'InvalidError',
    code: 'INVALID',
    message,
    path,
  })
  for (const [input, field, message] of [
    [
      { serverId: 'x' },
      'serverId',
      'serverId is "x"; expected the id of a server, such as "srv_01h455vb4pex5vsknk084sn02q"',
    ],
    [{ name: '' }, 'name', 'name is empty; expected 1 to 80 characters'],
    [
      { expiresAt: '2001-01-01T00:00:00Z' },
      'expiresAt',
      'expiresAt is 2001-01-01T00:00:00.000Z; expected an instant in the future',
    ],
  ] as const) {
    assert.deepEqual(
      await plane.mutate('createServerToken', { serverId: server.id, name: 'T', ...input }),
      invalid(['input', field], message),
    )
  }
  for (const expiresAt of ['tomorrow', '2100-01-01', '2100-01-01T00:00:00', 1e12, '']) {
    const { status, body } = await plane.send(
      'mutation($input: CreateServerTokenInput!) { createServerToken(input: $input) { __typename } }',
      { input: { serverId: server.id, name: 'T', expiresAt } },
    )
    assert.equal(status, 400)
    assert.match(
      String(body.errors?.[0]?.['message']),
      /a DateTime is RFC 3339 with a zone, such as "2026-01-31T09:30:00Z"$/,
    )
  }
  assert.deepEqual(await plane.ask(REVOKE, { id: server.id }), {
    revokeServerToken: invalid(
      ['id'],
      `id is "${server.id}"; expected the id of a server token, such as "tok_01h455vb4pex5vsknk084sn02q"`,
    ),
  })
  assert.deepEqual(
    await plane.mutate('createServerToken', {
      serverId: 'srv_01h455vb4pex5vsknk084sn02q',
      name: 'T',
    }),
    {
      __typename: 'NotFoundError',
      code: 'NOT_FOUND',
      message: 'No server srv_01h455vb4pex5vsknk084sn02q',
    },
  )
})
