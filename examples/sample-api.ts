// The sample API that `npm start -- --demo` imports: a tea shop of three operations, described by
// sample-api.yaml, and a stockroom behind a key that no document describes, for tools by hand. It
// also runs by itself: `node examples/sample-api.ts`.
import { createServer, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'

const TEAS = [
  { id: 'assam', name: 'Assam Mangalam', kind: 'black', priceCents: 790 },
  { id: 'sencha', name: 'Sencha Fukamushi', kind: 'green', priceCents: 1250 },
  { id: 'tie-guan-yin', name: 'Tie Guan Yin', kind: 'oolong', priceCents: 1890 },
  { id: 'gyokuro', name: 'Gyokuro Asahi', kind: 'green', priceCents: 3400 },
]

/** What the stockroom wants as `X-Api-Key`. Anybody may know it: the shop is no real one. */
const STOCK_KEY = 'open-sesame'

/** A running tea shop. */
export interface SampleApi {
  readonly origin: string
  close(): void
}

/** Starts the tea shop on loopback; port 0 is any free one. */
export async function startSampleApi(port = 0): Promise<SampleApi> {
  const server = createServer((request, response) => {
    void answer(request).then(({ status, body }) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const address = server.address()
  return {
    origin: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : port}`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

interface Answer {
  readonly status: number
  readonly body: unknown
}

async function answer(request: IncomingMessage): Promise<Answer> {
  const url = new URL(request.url ?? '/', 'http://sample')
  const teaId = /^\/teas\/([^/]+)$/.exec(url.pathname)?.[1]
  if (request.method === 'GET' && url.pathname === '/teas') return listTeas(url.searchParams)
  if (request.method === 'GET' && teaId !== undefined) return getTea(decodeURIComponent(teaId))
  if (request.method === 'POST' && url.pathname === '/orders')
    return createOrder(await text(request))
  const stockId = /^\/stock\/([^/]+)$/.exec(url.pathname)?.[1]
  if (request.method === 'GET' && stockId !== undefined)
    return getStock(decodeURIComponent(stockId), request.headers['x-api-key'])
  return { status: 404, body: { message: 'There is nothing here' } }
}

function listTeas(query: URLSearchParams): Answer {
  const kind = query.get('kind')
  const maxPriceCents = Number(query.get('maxPriceCents') ?? Infinity)
  const teas = TEAS.filter(
    (tea) => (kind === null || tea.kind === kind) && tea.priceCents <= maxPriceCents,
  )
  return { status: 200, body: { teas } }
}

function getTea(id: string): Answer {
  const tea = TEAS.find((candidate) => candidate.id === id)
  return tea
    ? { status: 200, body: tea }
    : { status: 404, body: { message: `There is no tea "${id}"` } }
}

function getStock(id: string, key: string | string[] | undefined): Answer {
  if (key !== STOCK_KEY) return { status: 401, body: { message: 'The stockroom wants X-Api-Key' } }
  const index = TEAS.findIndex((candidate) => candidate.id === id)
  return index < 0
    ? { status: 404, body: { message: `There is no tea "${id}"` } }
    : { status: 200, body: { teaId: id, grams: (index + 1) * 1500 } }
}

function createOrder(body: string): Answer {
  const { teaId, grams } = JSON.parse(body) as { teaId?: string; grams?: number }
  const tea = TEAS.find((candidate) => candidate.id === teaId)
  if (!tea || typeof grams !== 'number')
    return { status: 422, body: { message: 'Pass teaId and grams' } }
  return {
    status: 201,
    body: { tea: tea.name, grams, priceCents: Math.round((tea.priceCents * grams) / 100) },
  }
}

if (import.meta.main) {
  const DOCUMENTED_PORT = 4243
  const { origin } = await startSampleApi(DOCUMENTED_PORT)
  console.log(`The tea shop is open at ${origin}`)
}
