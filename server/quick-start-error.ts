// A class of its own file, because both the quick start and its client throw it.

/** The quick start cannot go on; the message says why and what would be right. */
export class QuickStartError extends Error {
  readonly code = 'QUICK_START_FAILED'
}
