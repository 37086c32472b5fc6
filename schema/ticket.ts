// Tickets for what a browser fetches without a header, and the keys that sign them.
import { anyViewerOf } from './context.ts'
import { answer, builder } from './builder.ts'
import type { Ticket, TicketPurpose } from './context.ts'
import { needs } from './need.ts'
import { InvalidError } from '../db/errors.ts'

const TicketPurposeRef = builder.enumType('TicketPurpose', {
  description: 'What a ticket is for.',
  values: {
    SCHEMA: { description: 'To download this API’s schema as SDL.' },
  } satisfies Record<TicketPurpose, { description: string }>,
})

const TicketRef = builder.objectRef<Ticket>('Ticket').implement({
  description: 'An address that can be opened once, without another credential.',
  fields: (t) => ({
    url: t.exposeString('url', { description: 'The address, with the ticket in it.' }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      description: 'From when on it is refused: a minute from now.',
    }),
  }),
})

builder.mutationField('createTicket', (t) =>
  t.field({
    ...needs('ticket:create'),
    type: TicketRef,
    description:
      'Makes an address that a browser can open once within a minute, where it cannot send a header: a link to a download. The ticket in it is a JWT (EdDSA), whose keys are at `/.well-known/jwks.json`.',
    errors: answer('The ticket.', [InvalidError]),
    args: {
      purpose: t.arg({ type: TicketPurposeRef, required: true, description: 'What for.' }),
    },
    resolve: async (_root, { purpose }, context) => {
      const { apiKeyId, session, accountId } = anyViewerOf(context)
      const subject = apiKeyId ?? session?.session.id ?? accountId ?? ''
      return await context.tickets.issue(purpose, subject)
    },
  }),
)

builder.mutationField('rotateSigningKey', (t) =>
  t.field({
    ...needs('signing-key:write'),
    type: 'ID',
    description:
      'Lets a new key sign from now on; the one before it is believed for another hour. A key is changed by itself every 30 days. For the instance administrator.',
    errors: answer('The id of the key, `kid`.', [InvalidError]),
    resolve: (_root, _args, context) => context.tickets.rotate(),
  }),
)
