// What a browser needs to be told before a page of an allowed origin may speak MCP. Credentials are
// bearer tokens that the page itself holds, never cookies, so none are allowed along.

// `*` covers the Mcp-Param headers, whose names are the tools' own; it never covers Authorization.
const ALLOWED_HEADERS =
  'authorization, content-type, accept, mcp-protocol-version, mcp-method, mcp-name, mcp-session-id, last-event-id, *'
const EXPOSED_HEADERS = 'www-authenticate, retry-after, x-request-id, mcp-session-id'
// 2 h, the most that Chromium keeps.
const MAX_AGE_SECONDS = '7200'

/** The answer to a preflight request. */
export function preflightResponse(): Response {
  return new Response(null, {
    status: 204,
    headers: {
      'access-control-allow-methods': 'POST, GET, DELETE',
      'access-control-allow-headers': ALLOWED_HEADERS,
      'access-control-max-age': MAX_AGE_SECONDS,
    },
  })
}

/** The same response, readable by pages of that origin. */
export function withCors(response: Response, origin: string): Response {
  response.headers.set('access-control-allow-origin', origin)
  response.headers.set('access-control-expose-headers', EXPOSED_HEADERS)
  response.headers.append('vary', 'origin')
  return response
}
