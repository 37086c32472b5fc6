// A real browser, headless Chromium driven by playwright-core: what a person's browser sends, keeps
// and refuses (cookies, their SameSite, storage, a policy for content) is seen nowhere else.
import { existsSync } from 'node:fs'
import {
  chromium,
  type BrowserContext,
  type Cookie,
  type Page,
  type Request,
} from 'playwright-core'
import type { Cleanup } from './database.ts'

/** The installed browser; undefined where there is none. */
export const chromiumPath: string | undefined = [
  process.env['CHROMIUM_PATH'] ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
].find((path) => path !== '' && existsSync(path))

/** For `test(title, { skip: noBrowser }, …)`: why there is nothing to run in, or false. */
export const noBrowser: string | false =
  chromiumPath === undefined && 'Chromium is not installed, and CHROMIUM_PATH is not set'

/** A request as the browser made it, each hop of a redirect being one. */
export interface BrowserRequest {
  readonly method: string
  readonly url: string
  /** The page that it says it comes from. */
  readonly referer?: string
  /** Of a POST. */
  readonly body?: string
}

/** Something that a page has kept in the browser. */
export interface StoredItem {
  readonly origin: string
  readonly area: 'localStorage' | 'sessionStorage'
  readonly name: string
  readonly value: string
}

/** One person's browser: cookies and storage are shared with no other visitor's. */
export interface Visitor {
  readonly context: BrowserContext
  readonly page: Page
  /** Of every page and origin, in order. */
  readonly requests: readonly BrowserRequest[]
  /** What pages have printed to the console, uncaught errors included. */
  readonly messages: readonly string[]
  /** Of all origins, HttpOnly ones included. */
  cookies(): Promise<readonly Cookie[]>
  /** Of all origins that were visited. Leads every open page to an empty one: call it last. */
  storage(): Promise<readonly StoredItem[]>
}

export interface TestBrowser {
  /** Chromium's own number. */
  readonly version: string
  /** Somebody new, with an empty page. */
  visit(): Promise<Visitor>
}

/** Playwright sets `--headless`, `--no-first-run`, an empty `--user-data-dir` and more by itself. */
const FLAGS = [
  // Chromium's own sandbox needs privileges that root in a container has not.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/**
 * Starts Chromium, whose processes end with the test.
 * @throws {Error} when there is none: see `noBrowser`.
 */
export async function openBrowser(t: Cleanup): Promise<TestBrowser> {
  if (noBrowser !== false) throw new Error(noBrowser)
  const browser = await chromium.launch({ executablePath: chromiumPath ?? '', args: FLAGS })
  t.after(() => browser.close())
  return {
    version: browser.version(),
    visit: async () => createVisitor(await browser.newContext()),
  }
}

async function createVisitor(context: BrowserContext): Promise<Visitor> {
  const requests: BrowserRequest[] = []
  const messages: string[] = []
  const origins = new Set<string>()
  const remember = (request: Request) => {
    const { referer } = request.headers()
    const body = request.postData()
    requests.push({
      method: request.method(),
      url: request.url(),
      ...(referer !== undefined && { referer }),
      ...(body !== null && { body }),
    })
    if (request.isNavigationRequest()) origins.add(new URL(request.url()).origin)
  }
  context.on('request', remember)
  context.on('console', (message) => messages.push(message.text()))
  context.on('weberror', (error) => messages.push(String(error.error())))
  const page = await context.newPage()
  return {
    context,
    page,
    requests,
    messages,
    cookies: () => context.cookies(),
    async storage() {
      // A tab's sessionStorage can be read only in that tab and at that origin, so each is led to
      // an empty page of each origin, which no server is asked for.
      context.off('request', remember)
      await context.route('**/*', (route) =>
        route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }),
      )
      const items = new Map<string, StoredItem>()
      for (const open of context.pages()) {
        for (const origin of origins) {
          for (const item of await readStorage(open, origin)) {
            items.set(JSON.stringify(item), item)
          }
        }
        await open.goto('about:blank')
      }
      await context.unroute('**/*')
      context.on('request', remember)
      return [...items.values()]
    },
  }
}

async function readStorage(page: Page, origin: string): Promise<StoredItem[]> {
  await page.goto(origin)
  const items: StoredItem[] = []
  for (const area of ['localStorage', 'sessionStorage'] as const) {
    const entries = await page.evaluate<[string, string][]>(`Object.entries(${area})`)
    for (const [name, value] of entries) items.push({ origin, area, name, value })
  }
  return items
}
