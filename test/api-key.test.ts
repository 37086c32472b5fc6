// API keys through the front door: a key makes another, which works at once and until it is revoked.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { REQUEST_ID, graphqlRequest, mutation, openControlPlane } from './support/control-plane.ts'

const REVOKE =
  'mutation($id: ID!) { revokeApiKey(id: $id) { __typename ... on Error { code message } } }'

test('an API key is made, used, listed and revoked, by itself if it likes', async () => {
  const plane = await openControlPlane()
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

const RFC_3339 = 'RFC 3339 with a zone'
const CALENDAR = 'a day of the calendar and a time from 00:00:00 to 23:59:59'
const YEARS = 'within the years 1 to 9999 in UTC'

test('createApiKey takes an expiresAt of any zone, to the millisecond', async () => {
  const plane = await openControlPlane()
  for (const [expiresAt, stored] of [
    ['2100-01-01T00:00:00Z', '2100-01-01T00:00:00.000Z'],
    ['2100-01-01t00:00:00.5z', '2100-01-01T00:00:00.500Z'],
    ['2100-01-01T00:00:00.123456789+05:30', '2099-12-31T18:30:00.123Z'],
    ['2096-02-29T23:59:59-00:00', '2096-02-29T23:59:59.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
    ['9999-12-31T00:00:00-23:59', '9999-12-31T23:59:00.000Z'],
  ] as const) {
    const { data } = await plane.mutate<{ data: unknown }>(
      'createApiKey',
      { name: 'K', expiresAt },
      'apiKey { expiresAt }',
    )
    assert.deepEqual(data, { apiKey: { expiresAt: stored } }, expiresAt)
  }
})

test('createApiKey and createServerToken refuse an expiresAt that is no instant, and say why', async () => {
  const plane = await openControlPlane()
  for (const [expiresAt, expected] of [
    ['', RFC_3339],
    ['2100-01-01', RFC_3339],
    ['2100-01-01T00:00:00', RFC_3339],
    ['2100-01-01T00:00:00Z\n', RFC_3339],
    ['2100-01-01T00:00:00+24:00', RFC_3339],
    ['2100-01-01T00:00:00+00:60', RFC_3339],
    ['2100-01-01T00:00:00.1234567890Z', RFC_3339],
    ['+010000-01-01T00:00:00Z', RFC_3339],
    ['2099-02-29T00:00:00Z', CALENDAR],
    ['2099-02-30T00:00:00Z', CALENDAR],
    ['2100-02-29T00:00:00Z', CALENDAR],
    ['2099-04-31T00:00:00+01:00', CALENDAR],
    ['2099-13-01T00:00:00Z', CALENDAR],
    ['2099-00-01T00:00:00Z', CALENDAR],
    ['2099-01-00T00:00:00Z', CALENDAR],
    ['2099-01-01T24:00:00Z', CALENDAR],
    ['2099-01-01T00:60:00Z', CALENDAR],
    ['2099-12-31T23:59:60Z', CALENDAR],
    ['9999-12-31T23:59:59-23:59', YEARS],
    ['9999-12-31T23:59:59-00:01', YEARS],
    ['0001-01-01T00:00:00+00:01', YEARS],
    ['0000-12-31T23:59:59Z', YEARS],
  ] as const) {
    for (const [name, more] of [
      ['createApiKey', {}],
      ['createServerToken', { serverId: 'srv_01h455vb4pex5vsknk084sn02q' }],
    ] as const) {
      const input = { name: 'K', ...more, expiresAt }
      const { status, body } = await plane.send(mutation(name, '__typename'), { input })
      const [error] = body.errors ?? []
      assert.deepEqual(
        [status, error?.['message'], error?.['extensions']],
        [
          400,
          `Variable "$input" got invalid value ${JSON.stringify(expiresAt)} at "input.expiresAt"; a DateTime is ${expected}, such as "2026-01-31T09:30:00Z"`,
          { code: 'INVALID', requestId: REQUEST_ID },
        ],
      )
    }
  }
  assert.deepEqual(plane.logged, [])
})
