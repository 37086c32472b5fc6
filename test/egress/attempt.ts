// One request through the egress client, reduced to what a test compares.
import { type EgressRequest, request } from '../../workers/egress/client.ts'
import { EgressError } from '../../workers/egress/error.ts'

/** `200 body`, an EgressError's code, or INVALID_URL where the URL parser refused already. */
export async function attempt(
  url: string,
  options: Partial<Omit<EgressRequest, 'url'>> = {},
): Promise<string> {
  const parsed = URL.parse(url)
  if (parsed === null) return 'INVALID_URL'
  try {
    const { status, body } = await request({
      method: 'GET',
      headers: {},
      timeoutMs: 10_000,
      maxBodyBytes: 100_000,
      egressAllow: '',
      ...options,
      url: parsed,
    })
    return `${status} ${Buffer.from(body).toString()}`
  } catch (error) {
    if (error instanceof EgressError) return error.code
    throw error
  }
}
