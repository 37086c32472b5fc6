// One JSON-RPC request to an MCP endpoint, without a client library between.

export interface McpAnswer {
  readonly status: number
  readonly body: {
    readonly result?: {
      readonly content?: readonly { readonly text?: string }[]
      readonly isError?: boolean
      readonly [key: string]: unknown
    }
    readonly error?: { readonly code: number | string; readonly message: string }
  }
}

/** Sends it in the newest legacy revision. */
export async function mcpRequest(
  mcpUrl: string,
  token: string,
  method: string,
  params: object = {},
): Promise<McpAnswer> {
  const response = await fetch(mcpUrl, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2025-11-25',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
  return { status: response.status, body: (await response.json()) as McpAnswer['body'] }
}
