// The switch of those who want nobody to read the schema out of the running installation, not even
// with a key. What it is made of is public in the repository all the same.
import { GraphQLError, type ASTVisitor, type ValidationContext } from 'graphql'

/** A validation rule for graphql-js: no `__schema` and `__type`. `__typename` tells of an answer only. */
export function introspectionRule(context: ValidationContext): ASTVisitor {
  return {
    Field(field) {
      const name = field.name.value
      if (name !== '__schema' && name !== '__type') return
      const message = `${name} is turned off on this installation (GRAPHQL_INTROSPECTION=off)`
      context.reportError(new GraphQLError(message, { nodes: field }))
    },
  }
}
