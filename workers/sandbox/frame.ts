// The frames of the border to a sandbox process (see messages.ts), packed and unpacked. Both sides use
// this file; whoever reads bounds what it reads before it keeps it, because the writer may be hostile.

/** A frame is over its bound or cannot be read; what follows in the stream means nothing. */
export class FrameError extends Error {
  readonly code = 'FRAME_INVALID'
}

// Two lengths of 32 bits.
const PREFIX_BYTES = 8

/** The bytes of one frame, on a buffer of their own. */
export function encodeFrame(header: object, payload: Uint8Array | string): Uint8Array {
  const head = Buffer.from(JSON.stringify(header))
  const body = typeof payload === 'string' ? Buffer.from(payload) : payload
  const frame = Buffer.allocUnsafeSlow(PREFIX_BYTES + head.length + body.length)
  frame.writeUInt32LE(head.length, 0)
  frame.writeUInt32LE(body.length, 4)
  frame.set(head, PREFIX_BYTES)
  frame.set(body, PREFIX_BYTES + head.length)
  return frame
}

/**
 * A function that takes the stream's chunks, however they were cut, and calls `onFrame` for each
 * frame in order. The payload is a copy on a buffer of its own; the header is parsed, not checked. It
 * keeps at most `maxFrameBytes` (header and payload together) and a chunk.
 *
 * The returned function throws {@link FrameError} FRAME_INVALID when a frame is over the bound or its
 * header is no JSON.
 */
export function createFrameReader(
  { maxFrameBytes }: { readonly maxFrameBytes: number },
  onFrame: (header: unknown, payload: Uint8Array) => void,
): (chunk: Uint8Array) => void {
  const chunks: Uint8Array[] = []
  let available = 0
  // The length of the frame at the front, once its prefix is here.
  let wanted = PREFIX_BYTES
  return (chunk) => {
    chunks.push(chunk)
    available += chunk.length
    // Joined only when a whole frame is here: a payload in a thousand chunks is copied once.
    while (available >= wanted) {
      const bytes = Buffer.concat(chunks.splice(0))
      const { rest, needs } = readFrames(bytes, maxFrameBytes, onFrame)
      chunks.push(rest)
      available = rest.length
      wanted = needs
    }
  }
}

/** Reads every whole frame; says what is left and how many bytes the next one needs to be whole. */
function readFrames(
  bytes: Buffer,
  maxFrameBytes: number,
  onFrame: (header: unknown, payload: Uint8Array) => void,
): { readonly rest: Uint8Array; readonly needs: number } {
  let offset = 0
  while (bytes.length - offset >= PREFIX_BYTES) {
    const headBytes = bytes.readUInt32LE(offset)
    const bodyBytes = bytes.readUInt32LE(offset + 4)
    if (headBytes + bodyBytes > maxFrameBytes) {
      throw new FrameError(
        `A frame has ${headBytes + bodyBytes} bytes, the limit is ${maxFrameBytes}`,
      )
    }
    const needs = PREFIX_BYTES + headBytes + bodyBytes
    if (bytes.length - offset < needs) return { rest: bytes.subarray(offset), needs }
    const bodyAt = offset + PREFIX_BYTES + headBytes
    const header = parseHeader(bytes.toString('utf8', offset + PREFIX_BYTES, bodyAt))
    offset += needs
    onFrame(header, Uint8Array.from(bytes.subarray(bodyAt, offset)))
  }
  return { rest: bytes.subarray(offset), needs: PREFIX_BYTES }
}

function parseHeader(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new FrameError('The header of a frame is no JSON', { cause })
  }
}
