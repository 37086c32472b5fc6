// Which variables are referred to where: what a server's owner must know before the first call fails.
import type { Selectable } from 'kysely'
import { getProvider } from '../db/provider.ts'
import { listReferrers, type Referrer } from '../db/server-tool.ts'
import type { VariableTable } from '../db/tables.ts'
import type { Tx } from '../db/transaction.ts'
import { listVariablesNamed } from '../db/variable.ts'
import { namesOf, pickVariable } from '../workers/call/pick-variable.ts'
import { builder } from './builder.ts'
import { inAccount, inAccountOnce } from './context.ts'
import { ProviderRef } from './provider.ts'
import { ServerRef } from './server.ts'
import { VariableRef } from './variable.ts'

interface VariableUse {
  readonly name: string
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
      type: VariableRef,
      nullable: true,
      description: 'The variable that is used: the provider’s own, or else the account’s.',
      resolve: ({ variable }) => variable ?? null,
    }),
    provider: t.field({
      type: ProviderRef,
      description: 'Who refers to it.',
      resolve: ({ providerId }, _args, context) =>
        inAccountOnce(context, providerId, (tx) => getProvider(tx, providerId)),
    }),
  }),
})

async function listUses(tx: Tx, serverId: string): Promise<VariableUse[]> {
  const referrers = await listReferrers(tx, serverId)
  const namesIn = (referrer: Referrer) => [
    ...new Set([...namesOf(referrer), ...referrer.variable_names]),
  ]
  const names = new Set(referrers.flatMap(namesIn))
  const rows = await listVariablesNamed(tx, [...names])
  const uses = referrers.flatMap((referrer) =>
    namesIn(referrer).map((name) => {
      const providerId = referrer.provider_id
      return { name, providerId, variable: pickVariable(rows, providerId, name) }
    }),
  )
  // The missing ones first: they are what somebody has to do something about.
  return uses.toSorted(
    (a, b) => Number(a.variable !== undefined) - Number(b.variable !== undefined),
  )
}

builder.objectField(ServerRef, 'variables', (t) =>
  t.field({
    type: [VariableUseRef],
    description:
      'The variables that its enabled tools refer to by `${NAME}`, for each provider; missing ones first.',
    resolve: ({ id }, _args, context) => inAccount(context, (tx) => listUses(tx, id)),
  }),
)
