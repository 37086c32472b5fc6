// What prompts and resources are made of, as it is stored.

/** What a prompt asks for, in MCP's words; `values` are what a client is offered while typing. */
export interface PromptArgument {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly required: boolean
  readonly values: readonly string[]
}

/** A block of MCP's, `{{name}}` in its texts and URIs standing for an argument. */
export type PromptContent =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image' | 'audio'; readonly data: string; readonly mimeType: string }
  | {
      readonly type: 'resource'
      readonly resource: { readonly uri: string; readonly mimeType: string; readonly text: string }
    }

/** One message of a prompt, in MCP's words. */
export interface PromptMessage {
  readonly role: 'user' | 'assistant'
  readonly content: PromptContent
}

/** What a client is offered for a variable of a resource template. */
export interface ResourceVariable {
  readonly name: string
  readonly values: readonly string[]
}
