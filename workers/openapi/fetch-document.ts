// Fetches a document through the egress guard. A redirect is refused and named, not followed: the
// address that is stored for the next import should be the one that answers.
import { EgressError, type EgressFailure } from '../egress/error.ts'
import { request } from '../egress/client.ts'
import type { ImportFailure } from '../messages.ts'
import { cleanLine } from './clean-text.ts'
import { ImportError } from './import-error.ts'
import { MAX_DOCUMENT_BYTES } from './parse-document.ts'

/** 30 s: 32 MiB over a line of 10 Mbit/s. */
export const FETCH_TIMEOUT_MS = 30_000

const CODES: Readonly<Record<EgressFailure, ImportFailure>> = {
  EGRESS_DENIED: 'EGRESS_DENIED',
  RESPONSE_TOO_LARGE: 'DOCUMENT_TOO_LARGE',
  UPSTREAM_UNREACHABLE: 'DOCUMENT_UNREACHABLE',
  UPSTREAM_TIMEOUT: 'DOCUMENT_UNREACHABLE',
  UPSTREAM_INVALID: 'DOCUMENT_UNREACHABLE',
  CANCELLED: 'DOCUMENT_UNREACHABLE',
}

/**
 * The bytes of the document at a URL.
 *
 * @throws {ImportError} EGRESS_DENIED, DOCUMENT_UNREACHABLE, DOCUMENT_TOO_LARGE, or
 *   DOCUMENT_INVALID when the text is no URL
 */
export async function fetchDocument(text: string, egressAllow: string): Promise<Uint8Array> {
  const url = URL.parse(text)
  if (url === null) {
    throw new ImportError('DOCUMENT_INVALID', 'The address of the document is no absolute URL')
  }
  const shown = showUrl(url)
  const response = await fetchOrRefuse(url, shown, egressAllow)
  const { status, headers, body } = response
  if (status >= 300 && status < 400) {
    const target = URL.parse(headers.location ?? '', url)
    const where = target === null ? 'elsewhere' : `to ${showUrl(target)}`
    throw new ImportError(
      'DOCUMENT_UNREACHABLE',
      `Cannot import ${shown}: it redirects ${where}; expected the document's final address`,
    )
  }
  if (status !== 200) {
    throw new ImportError(
      'DOCUMENT_UNREACHABLE',
      `Cannot import ${shown}: it answered ${status}; expected 200`,
    )
  }
  return body
}

// Without user information and query: both may hold a secret.
function showUrl(url: URL): string {
  return cleanLine(`${url.protocol}//${url.host}${url.pathname}`, 200)
}

async function fetchOrRefuse(url: URL, shown: string, egressAllow: string) {
  try {
    return await request({
      url,
      method: 'GET',
      headers: {
        accept: 'application/json, application/yaml;q=0.9, */*;q=0.8',
        'user-agent': 'hasmcp',
      },
      timeoutMs: FETCH_TIMEOUT_MS,
      maxBodyBytes: MAX_DOCUMENT_BYTES,
      egressAllow,
    })
  } catch (error) {
    if (!(error instanceof EgressError)) throw error
    throw new ImportError(CODES[error.code], `Cannot import ${shown}: ${error.message}`, {
      cause: error,
    })
  }
}
