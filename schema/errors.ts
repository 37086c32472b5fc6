// The errors that a mutation can answer with, as types of their own. They are the leaves' classes:
// what a resolver throws is what the client gets, without a translation in between.
import { ConflictError, InvalidError, NotFoundError } from '../db/errors.ts'
import { BusyError } from '../workers/error.ts'
import type { ImportFailure } from '../workers/messages.ts'
import { builder } from './builder.ts'
import { ScriptError } from './check-script.ts'

/** A document cannot be imported; the code says why. */
export class DocumentError extends Error {
  override readonly name = 'DocumentError'
  readonly code: ImportFailure
  constructor(code: ImportFailure, message: string) {
    super(message)
    this.code = code
  }
}

const ErrorInterface = builder.interfaceRef<{ code: string; message: string }>('Error').implement({
  description: 'Why a mutation did nothing. Nothing was changed when one is answered.',
  fields: (t) => ({
    code: t.exposeString('code', {
      description:
        'For programs, never reworded: `INVALID`, `NOT_FOUND`, `CONFLICT`, `DOCUMENT_INVALID`, `DOCUMENT_TOO_LARGE`, `DOCUMENT_UNREACHABLE`, `EGRESS_DENIED`, `BUSY` or one of `INTERCEPTOR_…`.',
    }),
    message: t.exposeString('message', {
      description: 'For people: what is wrong, where, and what was expected.',
    }),
  }),
})

builder.objectType(InvalidError, {
  name: 'InvalidError',
  description: 'An input breaks a rule. Code `INVALID`.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    path: t.stringList({
      description: 'Where: the names and indexes from the argument down, `["input", "name"]`.',
      resolve: (error) => [...error.path],
    }),
  }),
})

builder.objectType(NotFoundError, {
  name: 'NotFoundError',
  description:
    'Something named by its id does not exist, or belongs to another account. Code `NOT_FOUND`.',
  interfaces: [ErrorInterface],
})

builder.objectType(ConflictError, {
  name: 'ConflictError',
  description:
    'Something else is in the way: a name in use, an `idempotencyKey` used with another input, or a change made since the object was read. Code `CONFLICT`.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    currentVersion: t.exposeInt('currentVersion', {
      nullable: true,
      description:
        'The version that the object has now, where `version` asked for another; null for every other conflict.',
    }),
  }),
})

builder.objectType(DocumentError, {
  name: 'DocumentError',
  description:
    'The OpenAPI document could not be read. Codes: `DOCUMENT_INVALID`, it is no OpenAPI or Swagger document that can be used; `DOCUMENT_TOO_LARGE`; `DOCUMENT_UNREACHABLE`, its URL gave no document; `EGRESS_DENIED`, its URL leads to an address that this installation does not call.',
  interfaces: [ErrorInterface],
})

builder.objectType(ScriptError, {
  name: 'InterceptorError',
  description:
    'A script does not compile (`INTERCEPTOR_INVALID`), or does not run where it is tried: `INTERCEPTOR_FAILED`, it threw or its result cannot be JSON; `INTERCEPTOR_TIMEOUT`, `INTERCEPTOR_MEMORY`, `INTERCEPTOR_INPUT`, `INTERCEPTOR_OUTPUT`, it is over a limit; `INTERCEPTOR_CRASHED`, it brought its process down; `INTERCEPTOR_QUARANTINED`, it did so too often.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    line: t.int({
      nullable: true,
      description: 'The line of the script, from 1; null where it is not known.',
      resolve: (error) => error.line ?? null,
    }),
    column: t.int({
      nullable: true,
      description: 'The column in that line, from 1; null where it is not known.',
      resolve: (error) => error.column ?? null,
    }),
  }),
})

builder.objectType(BusyError, {
  name: 'BusyError',
  description: 'Every place for calls is taken; try again in a moment. Code `BUSY`.',
  interfaces: [ErrorInterface],
})
