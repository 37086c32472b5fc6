// Reading anything by its id alone. A miss is an error with a sentence, not null: whoever has an id
// believes that something is there.
import { getAccount } from '../db/account.ts'
import { getApiKey } from '../db/api-key.ts'
import { InvalidError, NotFoundError } from '../db/errors.ts'
import { isId } from '../db/id.ts'
import type { IdPrefix } from '../db/id.ts'
import { getInterceptor } from '../db/interceptor.ts'
import { getPrompt } from '../db/prompt.ts'
import { getProvider } from '../db/provider.ts'
import { getResource } from '../db/resource.ts'
import { getServerToken } from '../db/server-token.ts'
import { getServer } from '../db/server.ts'
import { getTool } from '../db/tool.ts'
import { getVariable } from '../db/variable.ts'
import type { Tx } from '../db/transaction.ts'
import { builder } from './builder.ts'
import { inAccount } from './context.ts'
import { rethrow } from './locate-error.ts'
import { prefixOfId } from './noun.ts'
import { exampleId, quote } from './validate.ts'

// Each is a query; a hundred is a page.
const MAX_NODES = 100

const LOADERS: Partial<Record<IdPrefix, (tx: Tx, id: string) => Promise<{ id: string }>>> = {
  acc: async (tx, id) => {
    // An account sees itself only, so the others must not differ from one that does not exist.
    if (id === tx.accountId) return await getAccount(tx)
    throw new NotFoundError(`No account ${id}`)
  },
  key: getApiKey,
  prv: getProvider,
  tool: getTool,
  srv: getServer,
  tok: getServerToken,
  var: getVariable,
  icp: getInterceptor,
  pmt: getPrompt,
  res: getResource,
}

async function loadNode(tx: Tx, id: string): Promise<{ id: string }> {
  const prefix = prefixOfId(id)
  const load = prefix === undefined ? undefined : LOADERS[prefix]
  if (prefix === undefined || load === undefined || !isId(prefix, id)) {
    throw new InvalidError(
      `id is ${quote(id)}; expected an id of this API, such as "${exampleId('srv')}"`,
      ['id'],
    )
  }
  return await load(tx, id)
}

builder.queryFields((t) => ({
  node: t.field({
    type: builder.nodeInterfaceRef(),
    nullable: true,
    description: 'Whatever has the id. The error has the code `NOT_FOUND` where there is nothing.',
    args: { id: t.arg.id({ required: true, description: 'The id.' }) },
    resolve: (_root, { id }, context) => inAccount(context, (tx) => loadNode(tx, id)),
  }),
  nodes: t.field({
    type: [builder.nodeInterfaceRef()],
    nullable: { list: false, items: true },
    description:
      'Whatever has the ids, in their order; null and an error for each that has nothing.',
    args: {
      ids: t.arg.idList({ required: true, description: `The ids: at most ${MAX_NODES}.` }),
    },
    resolve: async (_root, { ids }, context) => {
      if (ids.length > MAX_NODES) {
        throw new InvalidError(`ids has ${ids.length} entries, the limit is ${MAX_NODES}`, ['ids'])
      }
      return ids.map((id) => inAccount(context, (tx) => loadNode(tx, id)).catch(rethrow))
    },
  }),
}))
