// The notifications of MCP that this server sends, as JSON text.
import type { RequestId } from './json-rpc.ts'
import type { ListChange, ListName } from './list-change.ts'
import { matchUriTemplate, type UriTemplate } from '../../schema/uri-template.ts'

/** Field of `_meta`: the id of the `subscriptions/listen` request that a message belongs to. */
export const SUBSCRIPTION_KEY = 'io.modelcontextprotocol/subscriptionId'

/** A notification; `params` may be left out. */
export function printNotice(method: string, params?: object): string {
  return JSON.stringify({ jsonrpc: '2.0', method, ...(params && { params }) })
}

/** What somebody wants to be told. */
export interface Interest {
  readonly lists: ReadonlySet<ListName>
  /** URIs of resources. */
  readonly uris: ReadonlySet<string>
}

/** The notices of a change, of those that are wanted. */
export function printChange(
  { lists, uris }: ListChange,
  interest: Interest,
  templates: readonly { readonly row: { readonly uri: string }; readonly template: UriTemplate }[],
  subscriptionId?: RequestId,
): string[] {
  const meta = subscriptionId === undefined ? {} : { _meta: { [SUBSCRIPTION_KEY]: subscriptionId } }
  const params = subscriptionId === undefined ? undefined : meta
  const changed = new Set(uris)
  const changedTemplates = templates.filter(({ row }) => changed.has(row.uri))
  const isChanged = (uri: string) =>
    changed.has(uri) ||
    changedTemplates.some(({ template }) => matchUriTemplate(template, uri) !== undefined)
  return [
    ...lists
      .filter((name) => interest.lists.has(name))
      .map((name) => printNotice(`notifications/${name}/list_changed`, params)),
    ...[...interest.uris]
      .filter(isChanged)
      .map((uri) => printNotice('notifications/resources/updated', { uri, ...meta })),
  ]
}
