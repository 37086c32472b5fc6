// What a change of a route means to who listens: which of its lists look different, and which resources
// have other content. A change that shows nowhere is no news.
import { createHash } from 'node:crypto'
import type { Route } from './build-route.ts'

/** The lists that clients can be told of. */
export const LISTS = ['tools', 'prompts', 'resources'] as const

/** One of them. */
export type ListName = (typeof LISTS)[number]

/** How a route looks from outside. */
export interface Look {
  /** A digest of each list. */
  readonly lists: Readonly<Record<ListName, string>>
  /** Versions of resources, by URI or URI template. */
  readonly versions: ReadonlyMap<string, string>
}

/** What is different. */
export interface ListChange {
  readonly lists: readonly ListName[]
  /** Of the resources and templates whose content may be another, and of those that are gone. */
  readonly uris: readonly string[]
}

/** The look of a route. Of a tool it is what `tools/list` shows. */
export function lookAt({ tools, prompts, resources, templates }: Route): Look {
  const all = [...resources.values(), ...templates]
  return {
    lists: {
      tools: digest(
        [...tools.values()].map((tool) => [
          tool.id,
          tool.name,
          tool.title,
          tool.description,
          tool.annotations,
          tool.definitionHash,
          tool.interception?.outputSchema,
          tool.iconUrl,
          tool.inputRequests,
        ]),
      ),
      prompts: digest(
        [...prompts.values()].map(({ id, name, title, description, arguments: args }) => [
          id,
          name,
          title,
          description,
          args,
        ]),
      ),
      resources: digest(
        all.map(({ row: { id, uri, name, title, description, mime_type: type, size } }) => [
          id,
          uri,
          name,
          title,
          description,
          type,
          size,
        ]),
      ),
    },
    versions: new Map(
      all.map(({ row, tool }) => [row.uri, `${row.version} ${tool?.definitionHash ?? ''}`]),
    ),
  }
}

function digest(rows: readonly unknown[]): string {
  const hash = createHash('sha256')
  for (const row of rows) hash.update(JSON.stringify(row))
  return hash.digest('base64')
}

/** What is different from `before`. */
export function compareLooks(before: Look, after: Look): ListChange {
  const uris = new Set([...before.versions.keys(), ...after.versions.keys()])
  return {
    lists: LISTS.filter((name) => before.lists[name] !== after.lists[name]),
    uris: [...uris].filter((uri) => before.versions.get(uri) !== after.versions.get(uri)),
  }
}
