// GraphiQL for a person with a browser: one page, which loads nothing from anywhere. It holds nothing
// secret, so nobody has to be signed in to see it; every operation that it sends needs a key or a session.
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gzip as gzipCallback } from 'node:zlib'
import { CSRF_HEADER } from './sign-in/authenticate-session.ts'

const gzip = promisify(gzipCallback)

interface Page {
  readonly body: Uint8Array<ArrayBuffer>
  readonly headers: Readonly<Record<string, string>>
}

/** What stands in the page for one kind of visitor. */
interface Greeting {
  /** JSON of the request's headers. */
  readonly headers: string
  /** GraphQL comments above the first query. */
  readonly steps: string
}

const BY_KEY: Greeting = {
  // Of one word, so that a double click selects the whole of it and a key pasted there replaces it.
  headers: '{"Authorization": "Bearer hmk_YOUR_API_KEY"}',
  steps: `# 1. Put your API key into "Headers" below.
#    It is kept in this page only.
# 2. Press "Re-fetch GraphQL schema", on
#    the left, to get the documentation.
# 3. Run this:
`,
}

const BY_SESSION: Greeting = {
  headers: `{"${CSRF_HEADER}": "1"}`,
  steps: `# You are signed in. Run this:
`,
}

const FIRST_QUERY = `{
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

// The editor would keep what is typed in the browser for ever. What it finds instead forgets.
const FORGETTING_STORAGE = `{
  const items = new Map();
  const storage = {
    get length() { return items.size },
    key: (index) => [...items.keys()][index] ?? null,
    getItem: (name) => items.get(name) ?? null,
    setItem: (name, value) => { items.set(name, String(value)) },
    removeItem: (name) => { items.delete(name) },
    clear: () => { items.clear() },
  };
  for (const name of ['localStorage', 'sessionStorage'])
    Object.defineProperty(window, name, { value: storage });
}
`

/** Whether the request is for the page: a browser that opens an address asks for HTML. */
export function wantsGraphiql(request: Request): boolean {
  const accept = request.headers.get('accept') ?? ''
  return /^(?:GET|HEAD)$/.test(request.method) && /\btext\/html\b/i.test(accept)
}

/**
 * Answers with the page, which says other things to whoever is signed in. It is made at the first
 * request: nine megabytes that most never ask for.
 */
export function createGraphiql(
  isSignedIn: (request: Request) => Promise<boolean>,
): (request: Request) => Promise<Response> {
  const pages = new Map<Greeting, Promise<Page>>()
  return async (request) => {
    const greeting = (await isSignedIn(request)) ? BY_SESSION : BY_KEY
    const page = pages.get(greeting) ?? makePage(greeting)
    pages.set(greeting, page)
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

async function makePage({ headers, steps }: Greeting): Promise<Page> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql')
  const page = renderGraphiQL({
    title: 'HasMCP GraphQL',
    endpoint: '/graphql',
    headers,
    defaultQuery: `${steps}${FIRST_QUERY}`,
    shouldPersistHeaders: false,
  })
  const html = page.replace('<script>', () => `<script>${FORGETTING_STORAGE}`)
  const scripts = [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, text = '']) => text)
  const etag = createHash('sha256').update(html).digest('base64url')
  return {
    body: new Uint8Array(await gzip(html)),
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': printPolicy(scripts),
      'cache-control': 'no-cache',
      etag: `"${etag}"`,
      vary: 'accept, accept-encoding, cookie',
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
