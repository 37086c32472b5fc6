// API keys through the front door: a key makes another, which works at once and until it is revoked.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { graphqlRequest, openControlPlane } from './support/control-plane.ts'

const REVOKE =
  'mutation($id: ID!) { revokeApiKey(id: $id) { __typename ... on Error { code message } } }'

test('an API key is made, used, listed and revoked, by itself if it likes', async (t) => {
  const plane = await openControlPlane(t)
  const { data } = await plane.mutate<{ data: { key: string; apiKey: { id: string } } }>(
    'createApiKey',
    { name: 'Second' },
    'key apiKey { id name expiresAt revokedAt }',
  )
  const { id } = data.apiKey
  assert.deepEqual(data.apiKey, { id, name: 'Second', expiresAt: null, revokedAt: null })
  const viewer = '{ viewer { id account { id } apiKey { id name } } }'
  const body = (query: string, variables = {}) => JSON.stringify({ query, variables })
  const used = await plane.fetch(graphqlRequest(body(viewer), { key: data.key }))
  assert.deepEqual(await used.json(), {
    data: { viewer: { id, account: { id: plane.accountId }, apiKey: { id, name: 'Second' } } },
  })
  assert.deepEqual(await plane.ask('{ apiKeys(first: 5) { totalCount nodes { name } } }'), {
    apiKeys: { totalCount: 2, nodes: [{ name: 'First' }, { name: 'Second' }] },
  })
  const revoked = await plane.fetch(graphqlRequest(body(REVOKE, { id }), { key: data.key }))
  assert.deepEqual(await revoked.json(), {
    data: { revokeApiKey: { __typename: 'RevokeApiKeySuccess' } },
  })
  assert.equal((await plane.fetch(graphqlRequest(body(viewer), { key: data.key }))).status, 401)
  assert.deepEqual(
    await plane.mutate('createApiKey', { name: 'K', expiresAt: '2001-01-01T00:00:00Z' }),
    {
      __typename: 'InvalidError',
      code: 'INVALID',
      message: 'expiresAt is 2001-01-01T00:00:00.000Z; expected an instant in the future',
      path: ['input', 'expiresAt'],
    },
  )
})
