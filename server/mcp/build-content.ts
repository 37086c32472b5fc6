// From the rows of a server's prompts and resources to what its clients ask for. What is in them is read
// when it is asked for: a route holds what lists show.
import type { RoutePrompt } from '../../db/prompt.ts'
import type { RouteResource as ResourceRow } from '../../db/resource.ts'
import type { RouteTool as RouteToolRow } from '../../db/route.ts'
import { parseUriTemplate, type UriTemplate } from '../../schema/uri-template.ts'
import type { RouteTool } from './build-route.ts'

/** The rows that a route's content is made of. */
export interface ContentRows {
  readonly prompts: readonly RoutePrompt[]
  readonly resources: readonly ResourceRow[]
  /** Those that resources are got by and that are enabled. */
  readonly tools: readonly RouteToolRow[]
}

/** None. */
export const NO_CONTENT: ContentRows = { prompts: [], resources: [], tools: [] }

/** A resource with all that reading it needs. */
export interface RouteResource {
  readonly row: ResourceRow
  /** What it is got by; undefined where it is stored, or its tool is switched off. */
  readonly tool: RouteTool | undefined
}

/** A resource template, taken apart. */
export interface RouteTemplate extends RouteResource {
  readonly template: UriTemplate
}

/** What a server has besides tools, each in the order of its ids. */
export interface RouteContent {
  /** By name. */
  readonly prompts: ReadonlyMap<string, RoutePrompt>
  /** By URI. */
  readonly resources: ReadonlyMap<string, RouteResource>
  readonly templates: readonly RouteTemplate[]
}

/** The content, and about how many characters it holds. */
export function buildContent(
  { prompts, resources, tools }: ContentRows,
  toTool: (row: RouteToolRow) => RouteTool,
): RouteContent & { readonly characterCount: number } {
  const built = new Map(tools.map((row) => [row.id, toTool(row)]))
  const all = resources.map((row) => ({
    row,
    tool: row.tool_id === null ? undefined : built.get(row.tool_id),
  }))
  const definitions = tools.reduce((sum, { definition }) => sum + definition.length, 0)
  return {
    prompts: new Map(prompts.map((prompt) => [prompt.name, prompt])),
    resources: new Map(all.filter(({ row }) => !row.is_template).map((one) => [one.row.uri, one])),
    templates: all.flatMap((one) => {
      const template = one.row.is_template ? parseUriTemplate(one.row.uri) : ''
      return typeof template === 'string' ? [] : [{ ...one, template }]
    }),
    characterCount: definitions + JSON.stringify([prompts, resources]).length,
  }
}
