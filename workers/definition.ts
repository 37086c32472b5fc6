// What a tool is: one HTTP operation, as the importer and the author of a tool make it, as it is stored,
// and as a call reads it.

/** The methods a tool can use. CONNECT and TRACE are no operations of an API. */
export const HTTP_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

/** One of {@link HTTP_METHODS}. */
export type HttpMethod = (typeof HTTP_METHODS)[number]

/** A JSON Schema 2020-12 object schema, with every `$ref` local to it (`#/$defs/…`). */
export interface InputSchema {
  readonly type: 'object'
  readonly properties: Readonly<Record<string, unknown>>
  readonly required?: readonly string[]
  readonly [keyword: string]: unknown
}

/** How one argument travels in the path, the query or a header. The words are OpenAPI 3.1's. */
export interface ToolParameter {
  /** The property of the call's arguments that holds the value. */
  readonly argument: string
  /** The name on the wire. */
  readonly name: string
  readonly in: 'path' | 'query' | 'header' | 'cookie'
  readonly style:
    | 'simple'
    | 'label'
    | 'matrix'
    | 'form'
    | 'spaceDelimited'
    | 'pipeDelimited'
    | 'deepObject'
  readonly explode: boolean
  /** Set where the parameter is described by `content`: its value is printed as JSON. */
  readonly isJson?: boolean
  /** Query only: characters of RFC 3986's reserved set stay as they are. */
  readonly allowReserved?: boolean
}

/** How the argument named by `argument` becomes the request's body. */
export interface ToolBody {
  readonly argument: string
  /**
   * Set where the body is an object of these arguments instead: those of them that were given, by
   * their own names. `argument` then stands for all of them in messages.
   */
  readonly members?: readonly string[]
  /** The media type that is sent, as the document spells it. */
  readonly contentType: string
  /** How the argument's value is printed. `text` takes a string; `base64` a string of base64. */
  readonly encoding: 'json' | 'form' | 'multipart' | 'text' | 'base64'
}

/**
 * One HTTP operation, as a tool. Stored and sent as JSON text and never changed: its key is
 * `SHA-256` of that text, so that a thread that knows a key need not be sent the text again.
 */
export interface ToolDefinition {
  readonly method: HttpMethod
  /** The path template below the provider's base URL, `/pets/{petId}`. */
  readonly path: string
  readonly inputSchema: InputSchema
  readonly parameters: readonly ToolParameter[]
  readonly body?: ToolBody
  /** What the author of a tool made by hand sends with every call. */
  readonly own?: OwnRequest
}

/**
 * The part of a tool made by hand that no argument fills. `${NAME}` stands for variables in it and in
 * the path; in an imported tool, which has none of this, it stands for nothing.
 */
export interface OwnRequest {
  readonly headers: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
}
