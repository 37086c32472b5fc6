// The two ways an import ends early: the whole document is refused, or one operation is left out
// and the rest goes on. Both are thrown, because they start deep inside nested readers.
import type { ImportFailure, ImportRefusal } from '../messages.ts'

/** The document is refused; `message` is for the client. */
export class ImportError extends Error {
  readonly code: ImportFailure

  constructor(code: ImportFailure, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** One operation cannot become a tool; `message` is the reason, without the operation's name. */
export class LeftOutError extends Error {
  readonly code = 'LEFT_OUT'
}

/** The refusal that an error stands for; its message is for the client. */
export function toRefusal(error: unknown): ImportRefusal {
  if (error instanceof ImportError) {
    return { type: 'refused', code: error.code, message: error.message }
  }
  const message = 'The document cannot be read: its structure is not that of an OpenAPI document'
  return { type: 'refused', code: 'DOCUMENT_INVALID', message }
}
