// The whole GraphQL schema. Importing a noun's file is what adds it.
import './scalars.ts'
import './errors.ts'
import './account.ts'
import './create-account.ts'
import './api-key.ts'
import './viewer.ts'
import './user.ts'
import './membership.ts'
import './invitation.ts'
import './session.ts'
import './ticket.ts'
import './provider.ts'
import './tool.ts'
import './input-request.ts'
import './own-tool.ts'
import './tool-call.ts'
import './server.ts'
import './server-tool.ts'
import './server-token.ts'
import './server-grant.ts'
import './openapi-import.ts'
import './variable.ts'
import './variable-use.ts'
import './interceptor.ts'
import './edit-interceptor.ts'
import './interceptor-preview.ts'
import './prompt.ts'
import './edit-prompt.ts'
import './resource.ts'
import './edit-resource.ts'
import './permission.ts'
import './node.ts'
import { lexicographicSortSchema, printSchema } from 'graphql'
import type { GraphQLSchema } from 'graphql'
import { builder } from './builder.ts'

/** The executable schema. */
export const schema: GraphQLSchema = builder.toSchema({ sortSchema: false })

/** The schema as SDL text in alphabetical order, ending in a line break. */
export function printSdl(): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`
}
