// What prompts and resources are made of, and what tools ask for, as it is stored.

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

/** What a tool asks its user before it is called: a form, or a visit to a URL. */
export interface InputRequest {
  /** Unique in its tool. */
  readonly key: string
  /** Those of the lowest round that is not answered are asked together. */
  readonly round: number
  readonly message: string
  /** Of a form: MCP's flat schema of an object, whose properties become arguments of those names. */
  readonly requestedSchema?: Readonly<Record<string, unknown>>
  /** Where the user is sent; one of the two is there. */
  readonly url?: string
}
