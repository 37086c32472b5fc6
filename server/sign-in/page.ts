// The few pages: plain HTML with a style of their own, no script, nothing from anywhere else. A person
// without a console signs in, changes accounts, joins one and signs out with them.
import { createHash } from 'node:crypto'

/** HTML text; whatever is put into it by {@link html} is escaped. */
export interface Html {
  readonly text: string
}

/** A template of HTML: texts that are put in are escaped, and lists joined. */
export function html(
  parts: TemplateStringsArray,
  ...values: readonly (string | Html | readonly Html[])[]
): Html {
  const print = (value: string | Html | readonly Html[]): string => {
    if (typeof value === 'string') return escapeHtml(value)
    return 'text' in value ? value.text : value.map(({ text }) => text).join('')
  }
  return { text: String.raw({ raw: parts }, ...values.map(print)) }
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { margin: 0 auto; max-width: 30rem; padding: 12vh 1.5rem 3rem }
h1 { font-size: 1.5rem; font-weight: 600; margin: 0 0 1rem }
small { opacity: .7 }
ul { list-style: none; padding: 0 }
li { align-items: center; display: flex; gap: 1rem; justify-content: space-between; margin: .5rem 0 }
form { margin: 0 }
a.button, button { background: #2457d6; border: 0; border-radius: .5rem; color: #fff; cursor: pointer; display: inline-block; font: inherit; padding: .5rem 1rem; text-decoration: none }
a.button { display: block; text-align: center }
button.quiet { background: none; border: 1px solid currentcolor; color: inherit }
:focus-visible { outline: 3px solid #f5a524; outline-offset: 2px }
code { font-size: .9em; overflow-wrap: anywhere }
`

// As one text: white space that a formatter adds between would be another hash.
const STYLE_ELEMENT: Html = { text: `<style>${STYLE}</style><link rel="icon" href="data:,">` }
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')

const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  // Links hold tokens. Not `no-referrer`: forms would then come with `Origin: null`.
  'referrer-policy': 'same-origin',
}

/** The page as a response. */
export function toResponse(title: string, body: Html, status = 200): Response {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${title} · HasMCP</title>
        ${STYLE_ELEMENT}
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          ${body}
        </main>
      </body>
    </html>`
  return new Response(page.text, { status, headers: HEADERS })
}

/** A page that says what went wrong and where to go on. */
export function toProblemResponse(status: number, title: string, text: string): Response {
  return toResponse(
    title,
    html`<p>${text}</p>
      <p><a class="button" href="/sign-in">Sign in</a></p>`,
    status,
  )
}

/** The refusal of a form that no page of the public origin sent. */
export function foreignForm(publicUrl: string): Response {
  return toProblemResponse(
    403,
    'This form is from another site',
    `Only pages of ${publicUrl} may send it. If this is your installation, open it there, or set PUBLIC_URL to where you open it.`,
  )
}

/** To another place of ours, by GET. */
export function redirect(
  location: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(null, {
    status: 303,
    headers: {
      location,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      ...headers,
    },
  })
}
