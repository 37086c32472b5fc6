// The README's story by hand: each curl is sent as it stands there, with the ids and credentials of the
// steps before it, and answers what is printed below it.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { startSampleApi } from '../examples/sample-api.ts'
import { startApp } from './support/app.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const section = readme.split('\n## By hand, step by step\n')[1]?.split('\n## ')[0] ?? ''
const steps = [
  ...section.matchAll(
    /curl -s \$URL(\S+) -H "Authorization: Bearer (\S+)" -H '[^']+' -d '(\{[^']+\})'\n# (.*)\n/g,
  ),
].map(([, path = '', bearer = '', body = '', expected = '']) => ({ path, bearer, body, expected }))

const PLACEHOLDER = /\b(prv|tool|srv|hms)_…/g
const VALUE = /\b(prv|tool|srv|hms)_[0-9A-Za-z]{20,}/g
const FROM = { ip: '192.0.2.1' }

test('README "By hand": every step works and answers as it is printed', async (t) => {
  assert.equal(steps.length, 7)
  const sample = await startSampleApi()
  t.after(() => {
    sample.close()
  })
  const env = { EGRESS_ALLOW: sample.origin, PUBLIC_URL: 'http://127.0.0.1:4242' }
  const { app, apiKey } = await startApp(t, env)
  const known = new Map<string, string>()
  const fill = (text: string) =>
    text.replaceAll(PLACEHOLDER, (_, prefix: string) => known.get(prefix) ?? 'missing')
  for (const { path, bearer, body, expected } of steps) {
    const request = new Request(`http://hasmcp${fill(path)}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${bearer === '$KEY' ? apiKey : fill(bearer)}`,
        'content-type': 'application/json',
      },
      body: fill(body).replaceAll('http://127.0.0.1:4243', sample.origin),
    })
    const text = await (await app(request, FROM)).text()
    for (const [value, prefix = ''] of text.matchAll(VALUE)) known.set(prefix, value)
    assert.equal(
      text.replaceAll(sample.origin, 'http://127.0.0.1:4243').replaceAll(VALUE, '$1_…'),
      expected,
    )
  }
})
