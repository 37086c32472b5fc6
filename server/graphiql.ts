// GraphiQL for a person with a browser: one page, which loads nothing from anywhere. It holds nothing
// secret, so nobody has to be signed in to see it; every operation that it sends needs a key.
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gzip as gzipCallback } from 'node:zlib'

const gzip = promisify(gzipCallback)

interface Page {
  readonly body: Uint8Array<ArrayBuffer>
  readonly headers: Readonly<Record<string, string>>
}

// Of one word, so that a double click selects the whole of it and a key pasted there replaces it.
const KEY_HEADER = '{"Authorization": "Bearer hmk_YOUR_API_KEY"}'
const FIRST_QUERY = `# 1. Put your API key into "Headers" below.
#    It is kept in this page only.
# 2. Press "Re-fetch GraphQL schema", on
#    the left, to get the documentation.
# 3. Run this:
{
  servers(first: 10) {
    nodes {
      name
      mcpUrl
      tools(first: 10) {
        totalCount
        nodes {
          name
        }
      }
    }
  }
}
`

/** Whether the request is for the page: a browser that opens an address asks for HTML. */
export function wantsGraphiql(request: Request): boolean {
  const accept = request.headers.get('accept') ?? ''
  return /^(?:GET|HEAD)$/.test(request.method) && /\btext\/html\b/i.test(accept)
}

/** Answers with the page. It is made at the first request: nine megabytes that most never ask for. */
export function createGraphiql(): (request: Request) => Promise<Response> {
  let page: Promise<Page> | undefined
  return async (request) => {
    page ??= makePage()
    const { body, headers } = await page
    if (request.headers.get('if-none-match') === headers['etag']) {
      return new Response(null, { status: 304, headers })
    }
    if (/\bgzip\b/i.test(request.headers.get('accept-encoding') ?? '')) {
      const length = String(body.byteLength)
      return new Response(request.method === 'HEAD' ? null : body, {
        headers: { ...headers, 'content-encoding': 'gzip', 'content-length': length },
      })
    }
    const plain = new Blob([body]).stream().pipeThrough(new DecompressionStream('gzip'))
    return new Response(request.method === 'HEAD' ? null : plain, { headers })
  }
}

async function makePage(): Promise<Page> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql')
  const html = renderGraphiQL({
    title: 'HasMCP GraphQL',
    endpoint: '/graphql',
    headers: KEY_HEADER,
    defaultQuery: FIRST_QUERY,
    shouldPersistHeaders: false,
  })
  const scripts = [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, text = '']) => text)
  const etag = createHash('sha256').update(html).digest('base64url')
  return {
    body: new Uint8Array(await gzip(html)),
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': printPolicy(scripts),
      'cache-control': 'no-cache',
      etag: `"${etag}"`,
      vary: 'accept, accept-encoding',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    },
  }
}

/** Only the page's own script runs, and it reaches this origin only. */
function printPolicy(scripts: readonly string[]): string {
  const hashes = scripts.map(
    (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`,
  )
  return [
    "default-src 'none'",
    `script-src ${hashes.join(' ')}`,
    // The editor's workers are made of texts in the script.
    'worker-src blob:',
    // The editor writes its rules into the page as it runs.
    "style-src 'unsafe-inline'",
    'font-src data:',
    'img-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}
