// What must never be called, tried in every spelling against canaries that count connections. Run
// by `run.ts` on each runtime.
import { type Upstream, startUpstream } from '../support/upstream.ts'
import { attempt } from './attempt.ts'

/** Hosts that are not public, as somebody would write them. */
const HOSTS = [
  '127.0.0.1',
  '127.1',
  '127.0.0.1.',
  '2130706433',
  '0x7f000001',
  '0x7f.1',
  '0177.0.0.1',
  'localhost',
  'LOCALHOST.',
  '①②⑦.⓪.⓪.①',
  '127。0。0。1',
  '127.255.255.254',
  '0',
  '0.0.0.0',
  '[::]',
  '[::1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::127.0.0.1]',
  '[0:0:0:0:0:ffff:a9fe:a9fe]',
  '[64:ff9b::7f00:1]',
  '[64:ff9b:1::a9fe:a9fe]',
  '[2002:7f00:1::]',
  '[2001::1]',
  '[fe80::1]',
  '[fec0::1]',
  '[fc00::1]',
  '[fd00:ec2::254]',
  '[ff02::1]',
  '[100::1]',
  '[100:0:0:1::1]',
  '[2001:db8::1]',
  '[3fff::1]',
  '[5f00::1]',
  '[200::1]',
  '[4000::1]',
  '169.254.169.254',
  '2852039166',
  '169.254.170.2',
  '[::ffff:169.254.169.254]',
  '100.100.100.200',
  '192.0.0.192',
  '168.63.129.16',
  '[::ffff:168.63.129.16]',
  '[64:ff9b::a83f:8110]',
  '10.0.0.1',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.0.1',
  '100.64.0.1',
  '198.18.0.1',
  '192.0.2.1',
  '198.51.100.1',
  '203.0.113.1',
  '192.88.99.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
] as const

/** Spellings that parsers disagree about, and other schemes. `PORT` is the canary's. */
const URLS = [
  'http://evil@127.0.0.1:PORT',
  'http://127.0.0.1:PORT#@good.example',
  'http://127.0.0.1%2f@good.example',
  'http://127.0.0.1:PORT\\@good.example',
  'http:\\\\127.0.0.1:PORT',
  'http:127.0.0.1:PORT',
  'http:///127.0.0.1:PORT',
  'http://1.1.1.1 &@127.0.0.1:PORT',
  'http://foo@good.example:80@127.0.0.1:PORT/',
  'http://[good.example]',
  'https://good.example:443@127.0.0.1:PORT',
  'https://user:pw@1.1.1.1',
  'https://api.localhost',
  'https://metadata.google.internal',
  'https://printer.local',
  'https://a.home.arpa',
  'http://1.1.1.1',
  'https://1.1.1.1:8443',
  'http://good.example',
  'https://good.example:22',
  'file:///etc/passwd',
  'ftp://127.0.0.1',
  'gopher://127.0.0.1:PORT',
  'data:,x',
  'javascript:1',
  'blob:https://good.example/x',
  'ws://127.0.0.1:PORT',
  'unix:/var/run/docker.sock',
  'jar:http://127.0.0.1:PORT!/',
  'http+unix://%2Fvar%2Frun%2Fdocker.sock/x',
  '//127.0.0.1:PORT',
  '',
] as const

/** What a resolver answers for a name whose owner is hostile. */
const ANSWERS: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.1'],
  'public and loopback': ['1.1.1.1', '127.0.0.1'],
  'loopback and public': ['127.0.0.1', '1.1.1.1'],
  mapped: ['::ffff:10.0.0.1'],
  'private AAAA with public A': ['1.1.1.1', 'fd00::1'],
  'the last of 500': [...Array.from({ length: 499 }, () => '1.1.1.1'), '127.0.0.1'],
  metadata: ['169.254.169.254'],
  'no address': ['localhost'],
}

function answerWith(addresses: readonly string[]) {
  return async () =>
    addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
}

/** What came out, by input, and the connections that the canaries counted. */
export async function runAddressTable(): Promise<Record<string, unknown>> {
  const canary = await startUpstream()
  const canary6 = await startUpstream(undefined, '::1', canary.port)
  const outcomes: Record<string, unknown> = {}
  for (const host of HOSTS) outcomes[host] = await tryHost(host, canary.port)
  for (const template of URLS) {
    outcomes[template] = await attempt(template.replaceAll('PORT', String(canary.port)))
  }
  for (const [name, addresses] of Object.entries(ANSWERS)) {
    outcomes[name] = await attempt('https://good.example', { resolve: answerWith(addresses) })
  }
  outcomes['no such name'] = await attempt('https://good.example', {
    resolve: () => Promise.reject(new Error('ENOTFOUND')),
  })
  outcomes['no answer'] = await attempt('https://good.example', { resolve: answerWith([]) })
  outcomes['rebinding'] = await tryRebinding(canary.port)
  outcomes['canaries'] = [canary.connectionCount(), canary6.connectionCount()]
  outcomes['controls'] = await tryControls(canary, canary6)
  await Promise.all([canary.close(), canary6.close()])
  return outcomes
}

/** Both schemes on their own ports, and on the canary's port with a list that allows another address there. */
async function tryHost(host: string, port: number): Promise<string> {
  const egressAllow = `http://8.8.8.8:${port},https://8.8.8.8:${port}`
  const tries = await Promise.all([
    attempt(`http://${host}`),
    attempt(`https://${host}`),
    attempt(`http://${host}:${port}`, { egressAllow }),
    attempt(`https://${host}:${port}`, { egressAllow }),
  ])
  return [...new Set(tries)].join(' ')
}

/** A name that is an allowed address at one time and the canary's at the next. */
async function tryRebinding(port: number): Promise<string> {
  const allowed = await startUpstream(undefined, '127.0.0.2', port)
  const outcomes = new Set<string>()
  for (let turn = 0; turn < 100; turn += 1) {
    const resolve = answerWith([turn % 2 === 0 ? '127.0.0.2' : '127.0.0.1'])
    const egressAllow = `http://127.0.0.2:${port}`
    // A partition of its own makes each attempt open a connection.
    const options = { resolve, egressAllow, partition: String(turn) }
    outcomes.add(await attempt(`http://turns.example:${port}`, options))
  }
  await allowed.close()
  return [...outcomes].join(' ')
}

/** The same requests with an entry each reach the canaries: they were awake. */
async function tryControls(canary: Upstream, canary6: Upstream): Promise<unknown> {
  const { port } = canary
  const name = `http://name.example:${port}`
  const resolve = answerWith(['127.0.0.1'])
  return [
    await attempt(canary.origin, { egressAllow: canary.origin }),
    await attempt(canary6.origin, { egressAllow: canary6.origin }),
    await attempt(canary.origin, { egressAllow: `http://127.0.0.0/8:${port}` }),
    await attempt(canary6.origin, { egressAllow: `http://[::/64]:${port}` }),
    await attempt(`http://localhost:${port}`, { egressAllow: `http://localhost:${port}` }),
    await attempt(name, { egressAllow: name, resolve }),
    await attempt(`${name}/cidr`, { egressAllow: `http://127.0.0.0/8:${port}`, resolve }),
    // A connection that one list allowed is idle now; another list must not find it.
    await attempt(canary.origin, { egressAllow: '' }),
    await attempt(name, { egressAllow: `http://10.0.0.0/8:${port}`, resolve }),
    canary.connectionCount() > 0,
    canary6.connectionCount(),
  ]
}

/** What {@link runAddressTable} must give on every runtime. */
export function expectAddressTable(): Record<string, unknown> {
  const denied = (names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, 'EGRESS_DENIED']))
  return {
    ...denied(HOSTS),
    ...denied(URLS),
    'http://[good.example]': 'INVALID_URL',
    '//127.0.0.1:PORT': 'INVALID_URL',
    '': 'INVALID_URL',
    ...denied(Object.keys(ANSWERS)),
    'no such name': 'UPSTREAM_UNREACHABLE',
    'no answer': 'UPSTREAM_UNREACHABLE',
    rebinding: '200 {"ok":true} EGRESS_DENIED',
    canaries: [0, 0],
    controls: [
      ...Array.from({ length: 7 }, () => '200 {"ok":true}'),
      'EGRESS_DENIED',
      'EGRESS_DENIED',
      true,
      2,
    ],
  }
}
