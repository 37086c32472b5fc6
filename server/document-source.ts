// The document that a quick start was pointed at. A file is read before anything is started: a
// mistyped path should not cost seconds to learn of.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { QuickStartError } from './quick-start-error.ts'

/** Where the document is and, of a file, what it holds. */
export interface DocumentSource {
  /** http, https or file. */
  readonly url: URL
  /** As a person would write it: a path or a URL. */
  readonly shown: string
  /** Absent of a URL, which is fetched through the egress guard. */
  readonly bytes?: Uint8Array<ArrayBuffer>
}

/**
 * The source, read if it is a file.
 *
 * @throws {QuickStartError} QUICK_START_FAILED when the file cannot be read or is empty.
 */
export async function openDocumentSource(url: URL): Promise<DocumentSource> {
  if (url.protocol !== 'file:') return { url, shown: url.href }
  const shown = fileURLToPath(url)
  const bytes = await read(url, shown)
  if (bytes.byteLength > 0) return { url, shown, bytes }
  throw new QuickStartError(`${shown} is empty, expected an OpenAPI document`)
}

async function read(url: URL, shown: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await readFile(url)
  } catch (error) {
    throw new QuickStartError(`Cannot read ${shown}: ${explain(error)}`, { cause: error })
  }
}

function explain(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'there is no such file'
  if (code === 'EISDIR') return 'it is a directory, expected an OpenAPI document'
  if (code === 'EACCES' || code === 'EPERM') return 'this user may not read it'
  return error instanceof Error ? error.message : String(error)
}
