// Which variables are referred to where: what a server's owner must know before the first call fails.
import type { Selectable } from 'kysely'
import { listReferrers, type Referrer } from '../db/server-tool.ts'
import type { VariableTable } from '../db/tables.ts'
import type { Tx } from '../db/transaction.ts'
import { listVariablesNamed } from '../db/variable.ts'
import { namesOf, pickVariable } from '../workers/call/pick-variable.ts'
import { loadOne, loadProvider } from './batch.ts'
import { builder } from './builder.ts'
import { needs } from './need.ts'
import { ProviderRef } from './provider.ts'
import { ServerRef } from './server.ts'
import { VariableRef } from './variable.ts'

interface VariableUse {
  readonly name: string
  readonly serverId: string
  readonly providerId: string
  readonly variable: Selectable<VariableTable> | undefined
}

const VariableUseRef = builder.objectRef<VariableUse>('VariableUse').implement({
  description: 'A variable that a provider refers to by `${NAME}`, defined or not.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'What it is referred to by.' }),
    isMissing: t.boolean({
      description: 'Whether nobody defined it: then calls of the provider’s tools fail.',
      resolve: ({ variable }) => variable === undefined,
    }),
    variable: t.field({
      ...needs('variable:read'),
      type: VariableRef,
      nullable: true,
      description: 'The variable that is used: the provider’s own, or else the account’s.',
      resolve: ({ variable }) => variable ?? null,
    }),
    provider: t.field({
      ...needs('provider:read'),
      type: ProviderRef,
      description: 'Who refers to it.',
      resolve: ({ providerId }, _args, context) => loadProvider(context, providerId),
    }),
  }),
})

async function listUses(
  tx: Tx,
  serverIds: readonly string[],
): Promise<ReadonlyMap<string, VariableUse[]>> {
  const referrers = await listReferrers(tx, serverIds)
  const namesIn = (referrer: Referrer) => [
    ...new Set([...namesOf(referrer), ...referrer.variable_names]),
  ]
  const names = new Set(referrers.flatMap(namesIn))
  const rows = await listVariablesNamed(tx, [...names])
  const uses = referrers.flatMap((referrer) =>
    namesIn(referrer).map((name) => {
      const { provider_id: providerId, server_id: serverId } = referrer
      return { name, serverId, providerId, variable: pickVariable(rows, providerId, name) }
    }),
  )
  // The missing ones first: they are what somebody has to do something about.
  const isThere = (use: VariableUse) => Number(use.variable !== undefined)
  return Map.groupBy(
    uses.toSorted((a, b) => isThere(a) - isThere(b)),
    (use) => use.serverId,
  )
}

builder.objectField(ServerRef, 'variables', (t) =>
  t.field({
    ...needs('variable:read', { level: 'USE', at: 'parent.id' }),
    type: [VariableUseRef],
    description:
      'The variables that its enabled tools refer to by `${NAME}`, for each provider; missing ones first.',
    resolve: async ({ id }, _args, context) =>
      (await loadOne(context, 'variable uses', id, listUses)) ?? [],
  }),
)
