/**
 * What a back end is: a source of users, of what they may do, or of both. The chain of `Authenticators` asks them for
 * logins; sessions ask the `Authorization` that a login came with.
 */
import type { Authenticator, AuthenticatorAnswer, Authorizer } from '../identity.ts'

/** A back end that can be both. */
export interface Backend extends Authenticator, Authorizer {}

/** Nobody is known by these credentials, or they are wrong. The text is for the log. */
export function refused(text: string): AuthenticatorAnswer {
  return { kind: 'refused', text }
}

/** What was thrown, as the answer that nobody could give one. */
export function unavailable(error: unknown): AuthenticatorAnswer {
  return { kind: 'unavailable', error: error instanceof Error ? error : new Error(String(error)) }
}
