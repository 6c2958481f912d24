/**
 * Refusals of the HTTP API: a status and `{error, reason}`, in RabbitMQ's words. Thrown by endpoints and by what they
 * call, caught in one place (`api-server.ts`).
 */

import type { Refusal } from '../../model/queue/queue.ts'
import type { Answer } from '../../model/verbs/answer.ts'

/** An answer other than success. */
export class ApiError extends Error {
  readonly status: number
  readonly error: string
  /** Text, or a short list as RabbitMQ prints its Erlang terms. */
  readonly reason: string | readonly string[]
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    error: string,
    reason: string | readonly string[],
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(typeof reason === 'string' ? reason : reason.join(' '))
    this.status = status
    this.error = error
    this.reason = reason
    this.headers = headers
  }
}

/** The body is beyond a limit, its own or that of all together. */
export class BodyBeyondLimit extends ApiError {}

/** 400: what was sent is not acceptable. */
export function badRequest(reason: string | readonly string[]): ApiError {
  return new ApiError(400, 'bad_request', reason)
}

/** 404 without saying what is missing. */
export function objectNotFound(): ApiError {
  return new ApiError(404, 'Object Not Found', 'Not Found')
}

/** 404 with a reason. */
export function notFound(reason: string): ApiError {
  return new ApiError(404, 'not_found', reason)
}

/** 401: known, but may not. */
export function notAuthorised(reason: string): ApiError {
  return new ApiError(401, 'not_authorised', reason)
}

/** 401: the credentials are wrong. */
export function loginFailed(realm: string): ApiError {
  return new ApiError(401, 'not_authorized', 'Login failed', { 'www-authenticate': `Basic realm="${realm}"` })
}

/** The error for a refusal of the model. */
export function errorOf(refusal: Refusal): ApiError {
  switch (refusal.code) {
    case 'not-found':
      return notFound(refusal.text)
    case 'access-refused':
      return notAuthorised('Access refused.')
    case 'unavailable':
      return new ApiError(503, 'service_unavailable', refusal.text)
    case 'not-allowed':
    case 'precondition-failed':
    case 'resource-locked':
    case 'not-implemented':
    case 'internal-error':
      return badRequest(refusal.text)
  }
}

/** The value, or the refusal as an error. */
export function granted<T>(answer: Answer<T>): T {
  if (answer.refusal !== null) throw errorOf(answer.refusal)
  return answer.value
}
