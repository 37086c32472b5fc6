// What a person pastes into an MCP client to reach a server of ours, in each client's own form.

/** Ready to paste; the keys are the clients. */
export interface ClientConfigs {
  /** A shell command. */
  readonly claudeCode: string
  /** For `claude_desktop_config.json`. Desktop takes local commands only: `mcp-remote` bridges. */
  readonly claudeDesktop: object
  /** For `~/.cursor/mcp.json`. */
  readonly cursor: object
  /** For `.vscode/mcp.json`. */
  readonly vscode: object
}

/** The four configurations for one server; `name` is made fit for a key. */
export function clientConfigs(name: string, mcpUrl: string, token: string): ClientConfigs {
  const key =
    name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-|-$/g, '') || 'hasmcp'
  const authorization = `Bearer ${token}`
  return {
    claudeCode: `claude mcp add --transport http ${key} ${mcpUrl} --header "Authorization: ${authorization}"`,
    claudeDesktop: {
      mcpServers: {
        [key]: {
          command: 'npx',
          // The space after "Bearer" would be lost in Desktop's argument splitting on Windows:
          // https://github.com/geelen/mcp-remote#custom-headers
          args: ['-y', 'mcp-remote', mcpUrl, '--header', 'Authorization:${AUTHORIZATION}'],
          env: { AUTHORIZATION: authorization },
        },
      },
    },
    cursor: { mcpServers: { [key]: { url: mcpUrl, headers: { Authorization: authorization } } } },
    vscode: {
      servers: { [key]: { type: 'http', url: mcpUrl, headers: { Authorization: authorization } } },
    },
  }
}
