// Who asks, on behalf of which account.
import { getAccount } from '../db/account.ts'
import { getApiKey } from '../db/api-key.ts'
import { AccountRef } from './account.ts'
import { ApiKeyRef } from './api-key.ts'
import { builder } from './builder.ts'
import { inAccountOnce, viewerOf } from './context.ts'
import type { Viewer } from './context.ts'

/** The GraphQL type `Viewer`. */
export const ViewerRef = builder.objectRef<Viewer>('Viewer').implement({
  description: 'Who asks: the credential of this request, and what it stands for.',
  fields: (t) => ({
    id: t.id({
      description: "The API key's id; the account's where the administrator's key was sent.",
      resolve: (viewer) => viewer.apiKeyId ?? viewer.accountId,
    }),
    account: t.field({
      type: AccountRef,
      description: 'The account that everything read and changed belongs to.',
      resolve: (_viewer, _args, context) => inAccountOnce(context, 'account', getAccount),
    }),
    apiKey: t.field({
      type: ApiKeyRef,
      nullable: true,
      description: "The API key of this request; null where the administrator's key was sent.",
      resolve: ({ apiKeyId }, _args, context) =>
        apiKeyId === undefined
          ? null
          : inAccountOnce(context, apiKeyId, (tx) => getApiKey(tx, apiKeyId)),
    }),
  }),
})

builder.queryField('viewer', (t) =>
  t.field({
    type: ViewerRef,
    description: 'Who asks.',
    resolve: (_root, _args, context) => viewerOf(context),
  }),
)
