// Asks for the permission that a field names before its resolver runs, at the cost of one look into a
// set: a list in a list asks thousands of times. It is built for deny by default: a root field that
// names none stops the program at its start.
import SchemaBuilder, { BasePlugin } from '@pothos/core'
import type { PothosOutputFieldConfig, SchemaTypes } from '@pothos/core'
import type { GraphQLFieldResolver } from 'graphql'
import type { Context } from './context.ts'
import { checkNeed, type Need } from './need.ts'

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- Pothos has its plugins declared this way
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      permission: PermissionPlugin<Types>
    }
  }
}

const ROOTS: readonly string[] = ['Query', 'Mutation', 'Subscription']

const mutated = new WeakSet<object>()

/** Whether no other mutation of the request ran before. */
function isFirstMutation(context: object): boolean {
  if (mutated.has(context)) return false
  mutated.add(context)
  return true
}

/**
 * Mutations of one request run one after another, and some take minutes: from the second on, it is asked
 * again who the viewer is and what they may do.
 */
async function check(context: Context, need: Need, isKnown: boolean, field: object): Promise<void> {
  if (!isKnown) Object.assign(context, { viewer: await context.authenticateAgain() })
  await checkNeed(context, need, field)
}

class PermissionPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override wrapResolve(
    resolver: GraphQLFieldResolver<unknown, Types['Context'], object>,
    { extensions, kind, name }: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> {
    if (extensions?.['permission'] === undefined) {
      if (ROOTS.includes(kind)) throw new Error(`${kind}.${name} names no permission`)
      return resolver
    }
    // By `needs`, which is the only one that writes them.
    const need = extensions as unknown as Need
    const isMutation = kind === 'Mutation'
    return (source, args, context, info) => {
      const { viewer } = context as Context
      const isKnown = !isMutation || viewer === undefined || isFirstMutation(context)
      if (isKnown && viewer?.permissions.has(need.permission) === true) {
        return resolver(source, args, context, info)
      }
      return check(context as Context, need, isKnown, { parent: source, args }).then(() =>
        resolver(source, args, context, info),
      )
    }
  }
}

/** The plugin's name. */
export const permissionPlugin = 'permission'

SchemaBuilder.registerPlugin(permissionPlugin, PermissionPlugin)
