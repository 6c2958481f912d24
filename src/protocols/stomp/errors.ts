/**
 * What a session throws when its peer is at fault. The connection catches in one place and sends an ERROR frame, after
 * which it closes; anything else that is thrown is a bug. Texts are RabbitMQ's, because people search for them.
 */

import type { Refusal } from '../../model/queue/queue.ts'
import type { Answer } from '../../model/verbs/answer.ts'

/** An ERROR frame to be. */
export class StompError extends Error {
  /** The body. */
  readonly detail: string
  /** The limit that was exceeded, where it is counted. [docs/limits.md] */
  readonly limit: 'stomp_frames' | 'transactions' | null

  /** `message` is the header of that name. */
  constructor(message: string, detail: string, limit: 'stomp_frames' | 'transactions' | null = null) {
    super(message)
    this.detail = detail
    this.limit = limit
  }
}

/** A frame that cannot be read. */
export function malformed(why: string): StompError {
  return new StompError('Invalid frame', `${why}\n`)
}

/** A frame beyond a limit. */
export function tooLarge(message: string, why: string): StompError {
  return new StompError(message, `${why}\n`, 'stomp_frames')
}

/** A header whose value is not acceptable. */
export function invalidHeader(detail: string): StompError {
  return new StompError('Invalid header', `${detail}\n`)
}

/** A header that has to be there. */
export function missingHeader(command: string, header: string): StompError {
  return new StompError('Missing header', `"${command}" must include the "${header}" header\n`)
}

/** A login that is refused. */
export function badConnect(detail: string): StompError {
  return new StompError('Bad CONNECT', detail)
}

const REPLY_NAMES: Readonly<Record<Refusal['code'], string>> = {
  'precondition-failed': 'PRECONDITION_FAILED',
  'access-refused': 'ACCESS_REFUSED',
  'resource-locked': 'RESOURCE_LOCKED',
  'not-implemented': 'NOT_IMPLEMENTED',
  'not-allowed': 'NOT_ALLOWED',
  'not-found': 'NOT_FOUND',
  unavailable: 'RESOURCE_ERROR',
  'internal-error': 'INTERNAL_ERROR',
}

/** The error of a refusal: the reply name in lower case, and the text that an AMQP client would get. */
export function refusalError({ code, text }: Refusal): StompError {
  const name = REPLY_NAMES[code]
  return new StompError(name.toLowerCase(), `${name} - ${text}`)
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
