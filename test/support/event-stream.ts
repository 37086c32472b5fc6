// Reads a response that is a stream of JSON-RPC messages, one at a time, without sleeping.

/** A message of MCP, whatever it is. */
export interface StreamMessage {
  readonly id?: unknown
  readonly method?: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly result?: Readonly<Record<string, unknown>>
  readonly error?: { readonly code: number; readonly message: string }
}

/** A stream, read from its start. */
export interface MessageStream {
  /** The next message; undefined at the end. */
  next(): Promise<StreamMessage | undefined>
  /** All that is left, until it ends. */
  rest(): Promise<readonly StreamMessage[]>
  close(): Promise<void>
}

/** Fails where the response is no stream. */
export function readMessages(response: Response): MessageStream {
  const type = response.headers.get('content-type')
  if (type !== 'text/event-stream' || response.body === null) {
    throw new Error(`No stream, but ${response.status} ${type}`)
  }
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  const next = async (): Promise<StreamMessage | undefined> => {
    for (;;) {
      const end = text.indexOf('\n\n')
      if (end >= 0) {
        const event = text.slice(0, end)
        text = text.slice(end + 2)
        const data = event.split('\n').find((line) => line.startsWith('data: '))
        if (data !== undefined) return JSON.parse(data.slice(6)) as StreamMessage
        continue
      }
      const { done, value } = await reader.read()
      if (done) return undefined
      text += decoder.decode(value, { stream: true })
    }
  }
  return {
    next,
    async rest() {
      const messages: StreamMessage[] = []
      for (let one = await next(); one !== undefined; one = await next()) messages.push(one)
      return messages
    },
    close: () => reader.cancel(),
  }
}
