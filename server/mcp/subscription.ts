// subscriptions/listen of 2026-07-28: one request whose response is a stream of the notices that its
// client asked for, each marked with the request's id.
import type { Caller } from './era.ts'
import type { EventStream } from './event-stream.ts'
import { countCharacters } from './interest-budget.ts'
import { type JsonObject, type RpcRequest, isJsonObject } from './json-rpc.ts'
import type { ListName } from './list-change.ts'
import { SUBSCRIPTION_KEY, printChange, printNotice, type Interest } from './notice.ts'
import { type Reply, streamReply } from './reply.ts'
import { INVALID_PARAMS, RpcError, kindOf } from './rpc-error.ts'
import type { StreamHouse } from './stream-house.ts'

/** URIs in one subscription: each is looked at with every change. */
export const MAX_SUBSCRIPTIONS = 50
/** As long as a resource's own URI may be. */
const MAX_URI_CHARACTERS = 2_048

const FIELDS: ReadonlyMap<string, ListName> = new Map([
  ['toolsListChanged', 'tools'],
  ['promptsListChanged', 'prompts'],
  ['resourcesListChanged', 'resources'],
])

/**
 * The stream, which begins with the acknowledgement and ends with the request's result, where we end it.
 *
 * @throws {RpcError} -32602 when `notifications` is malformed.
 * @throws {BusyError} BUSY when there are too many streams.
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions
 */
export function listen(
  streams: StreamHouse,
  caller: Caller,
  { id, params }: RpcRequest,
  leading: string,
): Reply {
  const { notifications: wanted } = params
  if (!isJsonObject(wanted)) {
    throw new RpcError(
      INVALID_PARAMS,
      `params.notifications is ${kindOf(wanted)}, expected an object such as {"toolsListChanged": true}`,
    )
  }
  const interest = readInterest(wanted)
  const stream: EventStream = streams.open(caller, {
    onChange(change, { templates }) {
      for (const notice of printChange(change, interest, templates, id)) stream.send(notice)
    },
    watchedCharacters: countCharacters(interest.uris),
    onFarewell() {
      // `leading` ends with `_meta`, which the subscription's id goes into.
      const own = `"_meta":{"${SUBSCRIPTION_KEY}":${JSON.stringify(id)},`
      const members = leading.replace('"_meta":{', () => own)
      stream.send(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{${members}}}`)
    },
  })
  stream.send(
    printNotice('notifications/subscriptions/acknowledged', {
      _meta: { [SUBSCRIPTION_KEY]: id },
      notifications: showInterest(interest),
    }),
  )
  return streamReply(stream.body)
}

function readInterest(wanted: JsonObject): Interest {
  const lists = new Set<ListName>()
  for (const [field, name] of FIELDS) {
    const value = wanted[field]
    if (value === undefined || value === false) continue
    if (value !== true) {
      throw new RpcError(
        INVALID_PARAMS,
        `params.notifications.${field} is ${kindOf(value)}, expected a boolean`,
      )
    }
    lists.add(name)
  }
  return { lists, uris: new Set(readUris(wanted['resourceSubscriptions'])) }
}

function readUris(value: unknown): readonly string[] {
  if (value === undefined) return []
  const path = 'params.notifications.resourceSubscriptions'
  if (!Array.isArray(value)) {
    throw new RpcError(INVALID_PARAMS, `${path} is ${kindOf(value)}, expected an array of URIs`)
  }
  if (value.length > MAX_SUBSCRIPTIONS) {
    throw new RpcError(
      INVALID_PARAMS,
      `${path} has ${value.length} entries, expected at most ${MAX_SUBSCRIPTIONS}`,
    )
  }
  return value.map((uri: unknown, at) => {
    if (typeof uri === 'string' && uri.length <= MAX_URI_CHARACTERS) return uri
    const found = typeof uri === 'string' ? `${uri.length} characters long` : kindOf(uri)
    throw new RpcError(
      INVALID_PARAMS,
      `${path}[${at}] is ${found}, expected a URI of at most ${MAX_URI_CHARACTERS} characters`,
    )
  })
}

function showInterest({ lists, uris }: Interest): object {
  const shown = [...FIELDS].filter(([, name]) => lists.has(name)).map(([field]) => [field, true])
  return {
    ...Object.fromEntries(shown),
    ...(uris.size > 0 && { resourceSubscriptions: [...uris] }),
  }
}
