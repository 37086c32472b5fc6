// The command line, read for config.ts: what to do beyond starting.
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

/** What the command line asks for beyond starting. */
export type QuickStart =
  | { readonly type: 'demo' }
  | {
      readonly type: 'openapi'
      /** Absolute: an http(s) or a file URL. */
      readonly documentUrl: URL
      readonly baseUrl: string | undefined
    }

/** What `--help` prints, and what follows a list of problems. */
export const USAGE = `Usage: npm start -- [--demo | --openapi <file or URL> [--base-url <URL>]] [--json]

  --demo              run a small sample API, import it and call one of its tools
  --openapi <source>  import an OpenAPI document (Swagger 2, OpenAPI 3.0 or 3.1; JSON or YAML)
  --base-url <URL>    where that API is; default: the document's first server
  --json              print one JSON line on stdout instead of text
  --help              print this

Environment: see the table in README.md.
`

/** What the command line says. */
export interface Flags {
  readonly quickStart: QuickStart | undefined
  /** Print one JSON line instead of text for a person. */
  readonly isJson: boolean
}

/**
 * The flags, checked; a path is relative to `workingDir`.
 *
 * @throws {Error} with a sentence about the first flag that is wrong.
 */
export function readFlags(args: readonly string[], workingDir: string): Flags {
  const { values } = parseArgs({
    args: [...args],
    options: {
      demo: { type: 'boolean' },
      openapi: { type: 'string' },
      'base-url': { type: 'string' },
      json: { type: 'boolean' },
    },
    allowPositionals: false,
  })
  const isJson = values.json ?? false
  const baseUrl = values['base-url']
  if (values.demo && values.openapi !== undefined) {
    throw new Error('Pass --demo or --openapi, not both')
  }
  if (baseUrl !== undefined && values.openapi === undefined) {
    throw new Error(
      '--base-url says where the API of --openapi is; pass --openapi <file or URL> with it',
    )
  }
  if (values.demo) return { quickStart: { type: 'demo' }, isJson }
  if (values.openapi === undefined) return { quickStart: undefined, isJson }
  if (values.openapi === '') throw new Error('--openapi is empty, expected a file or a URL')
  if (baseUrl !== undefined) checkBaseUrl(baseUrl)
  return {
    quickStart: {
      type: 'openapi',
      documentUrl: readDocumentUrl(values.openapi, workingDir),
      baseUrl,
    },
    isJson,
  }
}

/** npm changes to the project's folder before it runs a script; a path is meant from where it was typed. */
function readDocumentUrl(source: string, workingDir: string): URL {
  if (!/^[a-z][a-z\d+.-]+:/i.test(source)) return pathToFileURL(resolve(workingDir, source))
  const url = URL.parse(source)
  if (url !== null && ['http:', 'https:', 'file:'].includes(url.protocol)) return url
  throw new Error(`--openapi is ${JSON.stringify(source)}, expected a file or an http(s) URL`)
}

function checkBaseUrl(text: string): void {
  const url = URL.parse(text)
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new Error(
      `--base-url is ${JSON.stringify(text)}, expected an absolute URL such as https://api.example.com/v1`,
    )
  }
}
