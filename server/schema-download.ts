// `GET /schema.graphql`: the schema as SDL, for tools that generate code from it. By an API key, or by a
// ticket where a browser follows a link.
import { printSdl } from '../schema/schema.ts'
import { UnauthenticatedError } from '../schema/refusal.ts'
import { errorResponse, toPublicError } from './errors.ts'
import type { GraphqlDeps } from './graphql.ts'
import type { Tickets } from './ticket.ts'

/** What the endpoint needs of the process. */
export interface SchemaDownloadDeps extends Pick<GraphqlDeps, 'authenticate'> {
  readonly tickets: Pick<Tickets, 'redeem'>
  /** Where it is off, the schema is for nobody. */
  readonly isIntrospectionOn: boolean
}

/** Answers 200 with the SDL, 401 where neither a credential nor a fresh ticket came, 404 where introspection is off. */
export function createSchemaDownload({
  authenticate,
  tickets,
  isIntrospectionOn,
}: SchemaDownloadDeps): (request: Request, requestId: string) => Promise<Response> {
  return async (request, requestId) => {
    if (!isIntrospectionOn) {
      const message = 'The schema is not shown here: GRAPHQL_INTROSPECTION is off'
      return errorResponse({ code: 'NOT_FOUND', message }, requestId)
    }
    const ticket = new URL(request.url).searchParams.get('ticket')
    const known =
      ticket === null ? await authenticate(request) : await tickets.redeem('SCHEMA', ticket)
    if (known === undefined) {
      return errorResponse(toPublicError(new UnauthenticatedError()), requestId)
    }
    return new Response(printSdl(), {
      headers: {
        'content-type': 'application/graphql; charset=utf-8',
        'content-disposition': 'attachment; filename="schema.graphql"',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      },
    })
  }
}
