// The API behind the server that the official suite judges: plain HTTP, which knows nothing of MCP but
// in the two answers that are results of MCP as they are.
import { setTimeout as pause } from 'node:timers/promises'
import { startUpstream, type Answer, type Upstream } from '../support/upstream.ts'

/** A PNG of one pixel. */
export const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=='
/** A WAV without samples. */
const WAV = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA='

const TEXT = { type: 'text', text: 'Multiple content types test:' }
const IMAGE = { type: 'image', data: PNG, mimeType: 'image/png' }
const resource = (uri: string, mimeType: string, text: string) => ({
  type: 'resource',
  resource: { uri, mimeType, text },
})

const json = (value: unknown): readonly [string, string] => [
  'application/json',
  JSON.stringify(value),
]
const ANSWERS: Readonly<Record<string, readonly [string, string | Buffer]>> = {
  '/text': ['text/plain', 'This is a simple text response for testing.'],
  '/image': ['image/png', Buffer.from(PNG, 'base64')],
  '/audio': ['audio/wav', Buffer.from(WAV, 'base64')],
  '/embedded': json({
    content: [
      resource('test://embedded-resource', 'text/plain', 'This is an embedded resource content.'),
    ],
  }),
  '/mixed': json({
    content: [
      TEXT,
      IMAGE,
      resource('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}'),
    ],
  }),
}

/** What an API says while it works, an event a line. */
const STREAMS: Readonly<Record<string, readonly [string, readonly string[]]>> = {
  '/progress': [
    'application/x-ndjson',
    [0, 50, 100].map((progress) => `${JSON.stringify({ progress, total: 100 })}\n`),
  ],
  '/log': [
    'text/event-stream',
    ['started', 'processing data', 'completed'].map((word) => `data: Tool execution ${word}\n\n`),
  ],
}

/** Starts it; `onTrigger` is told which list somebody wants to be changed. */
export function startApi(onTrigger: (list: string) => Promise<void>): Promise<Upstream> {
  const answer: Answer = async ({ url }, response) => {
    const { pathname, searchParams } = new URL(url, 'http://upstream')
    const stream = STREAMS[pathname]
    if (stream !== undefined) {
      response.setHeader('content-type', stream[0])
      for (const event of stream[1]) {
        response.write(event)
        await pause(50)
      }
      return response.end()
    }
    if (pathname.startsWith('/trigger/')) {
      await onTrigger(pathname.slice('/trigger/'.length))
      return response.end('changed')
    }
    if (pathname === '/error') return response.writeHead(500).end('This tool always fails')
    const found = ANSWERS[pathname]
    if (found !== undefined) return response.setHeader('content-type', found[0]).end(found[1])
    const [type, body] = json({ path: pathname, ...Object.fromEntries(searchParams) })
    return response.setHeader('content-type', type).end(body)
  }
  return startUpstream(answer)
}
