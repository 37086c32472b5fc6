// Writes and reads the frames of `messages.ts`. A reader holds at most one frame that is not yet
// whole, and refuses a longer one by its lengths alone, before it has any of it.

const LENGTHS_BYTES = 8

/** One frame: the two lengths, the header as JSON, the payload. */
export function encodeFrame(header: object, payload: Uint8Array | string): Uint8Array {
  const head = Buffer.from(JSON.stringify(header))
  const body = typeof payload === 'string' ? Buffer.from(payload) : payload
  const frame = Buffer.allocUnsafe(LENGTHS_BYTES + head.length + body.length)
  frame.writeUInt32LE(head.length, 0)
  frame.writeUInt32LE(body.length, 4)
  frame.set(head, LENGTHS_BYTES)
  frame.set(body, LENGTHS_BYTES + head.length)
  return frame
}

/**
 * A function that takes a stream's chunks and calls back with each frame that is whole.
 *
 * @throws {RangeError} when a frame is over `maxFrameBytes`; {SyntaxError} when a header is no JSON
 */
export function createFrameReader(
  { maxFrameBytes }: { readonly maxFrameBytes: number },
  onFrame: (header: unknown, payload: Uint8Array) => void,
): (chunk: Uint8Array) => void {
  let chunks: Uint8Array[] = []
  let length = 0
  let needed = LENGTHS_BYTES
  return (chunk) => {
    chunks.push(chunk)
    length += chunk.length
    if (length < needed) return
    const buffer = chunks.length === 1 ? Buffer.from(chunk) : Buffer.concat(chunks, length)
    let at = 0
    needed = LENGTHS_BYTES
    while (buffer.length - at >= LENGTHS_BYTES) {
      const head = buffer.readUInt32LE(at)
      const whole = LENGTHS_BYTES + head + buffer.readUInt32LE(at + 4)
      if (whole > maxFrameBytes) throw new RangeError(`a frame of ${whole} bytes`)
      if (buffer.length - at < whole) {
        needed = whole
        break
      }
      const headerEnd = at + LENGTHS_BYTES + head
      const header: unknown = JSON.parse(buffer.toString('utf8', at + LENGTHS_BYTES, headerEnd))
      onFrame(header, buffer.subarray(headerEnd, at + whole))
      at += whole
    }
    chunks = [buffer.subarray(at)]
    length = buffer.length - at
  }
}
