// graphql-js takes an error with an array `path` for one that it has located already, and answers it
// without its place. `InvalidError.path` is the path of an input; so that error is wrapped on its
// way out. To be deleted with `isLocatedGraphQLError` of graphql-js 16 (src/error/locatedError.ts).
import SchemaBuilder, { BasePlugin } from '@pothos/core'
import type { PothosOutputFieldConfig, SchemaTypes } from '@pothos/core'
import { GraphQLError } from 'graphql'
import type { GraphQLFieldResolver } from 'graphql'
import { InvalidError } from '../db/errors.ts'

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- Pothos has its plugins declared this way
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      locateError: LocateErrorPlugin<Types>
    }
  }
}

/** Wraps every resolver. It belongs first in the list: the errors plugin has to see the real error. */
class LocateErrorPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override wrapResolve(
    resolver: GraphQLFieldResolver<unknown, Types['Context'], object>,
    _field: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> {
    return (source, args, context, info) => {
      try {
        const value: unknown = resolver(source, args, context, info)
        return value instanceof Promise ? value.catch(rethrow) : value
      } catch (error) {
        return rethrow(error)
      }
    }
  }
}

/** Throws the error in a form that graphql-js locates. For the promises in a list, which no plugin sees. */
export function rethrow(error: unknown): never {
  if (!(error instanceof InvalidError)) throw error
  throw new GraphQLError(error.message, { originalError: error })
}

/** The plugin's name. */
export const locateErrorPlugin = 'locateError'

SchemaBuilder.registerPlugin(locateErrorPlugin, LocateErrorPlugin)
