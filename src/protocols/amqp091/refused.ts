/**
 * From a refusal of the model to the error that closes a channel or a connection. [RabbitMQ: reply codes]
 */

import type { Refusal } from '../../model/queue/queue.ts'
import type { Answer } from '../../model/verbs/answer.ts'
import { ChannelError, ConnectionError } from './errors.ts'

/** The error of a refusal: its code decides what it closes. */
export function refusalError({ code, text }: Refusal): ChannelError | ConnectionError {
  switch (code) {
    case 'precondition-failed':
      return ChannelError.preconditionFailed(text)
    case 'access-refused':
      return ChannelError.accessRefused(text)
    case 'resource-locked':
      return ChannelError.resourceLocked(text)
    case 'not-found':
      return ChannelError.notFound(text)
    case 'not-implemented':
      return ConnectionError.notImplemented(text)
    case 'not-allowed':
      return ConnectionError.notAllowed(text)
    case 'unavailable':
      return ConnectionError.resourceError(text)
    case 'internal-error':
      return ConnectionError.internalError(text)
  }
}

/** Throws when something is refused. */
export function refuse(refusal: Refusal | undefined): void {
  if (refusal !== undefined) throw refusalError(refusal)
}

/** The value of an answer; throws its refusal. */
export function grantedValue<T>(answer: Answer<T>): T {
  if (answer.refusal !== null) throw refusalError(answer.refusal)
  // Without a refusal there is a value, and T may well be null.
  return answer.value as T
}
