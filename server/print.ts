// What a person sees on stdout, and the JSON line for a program. Pure: values in, text out.
import type { QuickStartResult } from './quick-start.ts'
import type { Running } from './start.ts'

/** Where to go after a plain start; the owner's key only at the start that made it. */
export function printStarted(
  { graphqlUrl, mcpUrl, ownerKey, signInLink }: Running,
  isJson: boolean,
): string {
  const apiKey = ownerKey.isNew ? ownerKey.text : undefined
  if (isJson)
    return `${JSON.stringify({ graphqlUrl, ...(apiKey && { apiKey }), ...(signInLink && { signInLink }) })}\n`
  const key = apiKey === undefined ? [] : [`  API key      ${apiKey}   (shown only now: keep it)`]
  return lines([
    'HasMCP is running.',
    '',
    `  GraphQL      ${graphqlUrl}`,
    `  MCP servers  ${mcpUrl('{serverId}')}`,
    ...key,
    ...(signInLink === undefined
      ? []
      : [`  Sign in      ${signInLink}   (once, within 10 minutes)`]),
  ])
}

/** Everything that a quick start made, or one JSON line with the keys that the README names. */
export function printQuickStart(result: QuickStartResult, isJson: boolean): string {
  const { mcpUrl, token, serverId, graphqlUrl, apiKey, clients } = result
  if (isJson) return `${JSON.stringify({ mcpUrl, token, serverId, graphqlUrl, apiKey, clients })}\n`
  return lines([
    `${result.serverName} is an MCP server now, with ${result.toolCount} tools.`,
    ...printNotes(result.warnings),
    ...(result.demoCall === undefined ? [] : printDemoCall(result.demoCall)),
    '',
    `  MCP endpoint  ${mcpUrl}`,
    `  Token         ${token}`,
    `  GraphQL       ${graphqlUrl}`,
    `  API key       ${apiKey}`,
    result.signInLink === undefined
      ? '  Sign in       npm run sign-in-link   (prints a link for your browser)'
      : `  Sign in       ${result.signInLink}   (once, within 10 minutes)`,
    '',
    `For this run, calls may go to ${result.openedEgress.join(' and ')}.`,
    ...printEgressAdvice(result),
    '',
    'Claude Code:',
    `  ${clients.claudeCode}`,
    '',
    'Claude Desktop (merge into claude_desktop_config.json):',
    indent(clients.claudeDesktop),
    '',
    'Cursor (merge into ~/.cursor/mcp.json):',
    indent(clients.cursor),
    '',
    'VS Code (merge into .vscode/mcp.json):',
    indent(clients.vscode),
    '',
    'Running. Stop with Ctrl+C.',
  ])
}

function printDemoCall({
  tool,
  arguments: args,
  text,
}: NonNullable<QuickStartResult['demoCall']>): string[] {
  return ['', `Called ${tool} ${JSON.stringify(args)} through the MCP endpoint:`, `  ${text}`]
}

// What matters comes below: the rest of the notes must not push it off the screen.
const MAX_NOTES_SHOWN = 5

function printNotes(warnings: readonly string[]): string[] {
  const notes = warnings.slice(0, MAX_NOTES_SHOWN).map((warning) => `  Note: ${warning}`)
  const left = warnings.length - notes.length
  return left === 0
    ? notes
    : [...notes, `  … and ${left} more; importOpenApi lists all as warnings`]
}

/** Public https on 443 is open anyway, and a demo's port is gone when it ends. */
function printEgressAdvice({ openedEgress, demoCall }: QuickStartResult): string[] {
  const entries = openedEgress.filter((entry) => !/^https:.*:443$/.test(entry))
  if (demoCall !== undefined || entries.length === 0) return []
  return [`To keep that open without this flag: EGRESS_ALLOW=${entries.join(',')}`]
}

function indent(value: object): string {
  return JSON.stringify(value, null, 2).replaceAll(/^/gm, '  ')
}

function lines(parts: readonly string[]): string {
  return `\n${parts.join('\n')}\n\n`
}
