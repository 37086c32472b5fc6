// How a batch of 2025-03-26 is run: one HTTP request that may ask for fifty answers of the largest
// size, so that both what runs at once and what is kept until the end are bounded.
import type { Message } from './json-rpc.ts'
import { type Reply, errorReply } from './reply.ts'
import { INTERNAL_ERROR, RpcError } from './rpc-error.ts'

/**
 * At most 20 MiB each (MAX_PRINTED_TEXT_BYTES in workers/call/shape-result.ts), so 80 MiB beside
 * what is kept; of 50 calls that take 1 s each the last begins after 12 s.
 */
export const MAX_RUNNING_REQUESTS = 4

/** 32 MiB: one answer of the largest size, which prints as at most 20 MiB, always fits. */
export const MAX_BATCH_ANSWER_BYTES = 32 * 1024 * 1024

/**
 * The reply to each message, in order. Messages are begun in order, at most
 * {@link MAX_RUNNING_REQUESTS} requests at a time. Once an answer does not fit into
 * {@link MAX_BATCH_ANSWER_BYTES}, it is replaced with an error -32603 and so are the requests that
 * have not been begun: they are not run.
 */
export async function runBatch(
  messages: readonly Message[],
  answer: (message: Message) => Promise<Reply>,
): Promise<readonly Reply[]> {
  const replies: Reply[] = []
  const running = new Set<Promise<void>>()
  let bytesLeft = MAX_BATCH_ANSWER_BYTES
  let isFull = false
  const run = async (message: Message, at: number): Promise<void> => {
    const reply = await answer(message)
    const byteCount = reply.body?.length ?? 0
    if (byteCount <= bytesLeft) {
      bytesLeft -= byteCount
      replies[at] = reply
      return
    }
    isFull = true
    replies[at] = tooLarge(message, 'The request was run, but its answer cannot be sent')
  }
  for (const [at, message] of messages.entries()) {
    // Notifications never wait: one may cancel a call that holds a place.
    while (message.kind === 'request' && running.size >= MAX_RUNNING_REQUESTS) {
      await Promise.race(running)
    }
    if (message.kind === 'request' && isFull) {
      replies[at] = tooLarge(message, 'The request was not run')
      continue
    }
    const own: Promise<void> = run(message, at).finally(() => running.delete(own))
    running.add(own)
  }
  await Promise.all(running)
  return replies
}

function tooLarge(message: Message, what: string): Reply {
  const id = message.kind === 'notification' ? undefined : message.id
  const limit = `the batch's answer is too large, the limit is ${MAX_BATCH_ANSWER_BYTES} bytes`
  const error = new RpcError(INTERNAL_ERROR, `${what}: ${limit}; send the requests one by one`)
  return errorReply(id, error, 200)
}
