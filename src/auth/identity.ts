/**
 * Who is connected, and the contract by which the broker finds out.
 *
 * Sessions of every protocol and the HTTP API hand a `LoginAttempt` to `Authenticators` and keep the `Identity` they get.
 * A chain of `Authenticator`s decides; each is one source of users (the internal one reads the metadata store). What an
 * identity may do is asked of the model, which asks the `Authorization` that the login came with.
 */
import type { Authorization } from '../model/access/authorization.ts'

/** Somebody whose credentials were checked. */
export interface Identity {
  readonly user: string
  /** `administrator`, `management`, … and free ones; sorted as stored. */
  readonly tags: readonly string[]
  /** Name of the authenticator that vouched for the user: `internal`, … */
  readonly authenticatedBy: string
  /** When the credentials stop being valid (tokens), time of day in ms; null: never. The session closes then. */
  readonly expiresAtMs: number | null
  /** Who decides what the user may do; null: the broker's own permissions. */
  readonly authorization: Authorization | null
}

/** Why a login failed. The first four are one and the same to the peer; they differ in the log alone. */
export type RefusalReason =
  /** Unknown user or wrong password. */
  | 'credentials'
  /** The user may connect from this machine only. */
  | 'loopback-only'
  /** Too many refused attempts from this address are waiting for their answer; a later attempt may succeed. */
  | 'throttled'
  /** No authenticator could answer (a remote one is down). */
  | 'unavailable'
  /** The mechanism is not known or not enabled: AMQP 0-9-1 answers 503 with `text`. */
  | 'mechanism'
  /** The response is not what the mechanism prescribes: AMQP 0-9-1 answers 502 with `text`. */
  | 'malformed'

/** A failed login. */
export interface LoginRefusal {
  readonly reason: RefusalReason
  /** For the log; for `mechanism` and `malformed` also the reply text. Never contains a password. */
  readonly text: string
  /** The user that was claimed, empty when unknown. */
  readonly user: string
}

/** Where an attempt comes from. */
export interface LoginSource {
  /** IP address of the peer, `` for connections within the process. */
  readonly remoteAddress: string
  /** The peer is on this machine (or in this process). */
  readonly isLoopback: boolean
  /** `amqp091`, `mqtt`, `http`, …: for the log and for authenticators that ask. */
  readonly protocol: string
  /** The virtual host that will be opened, where the protocol knows it already. */
  readonly vhost?: string
  /** The client id of MQTT. */
  readonly clientId?: string
  /** Name from the verified TLS client certificate, for EXTERNAL. Undefined when there is none. */
  readonly certificateUser?: string
}

/**
 * One attempt to log in: either a SASL mechanism with its response, or a user name and password as such (HTTP, MQTT, STOMP).
 * A response is borrowed until `authenticate` returned its promise.
 */
export type LoginAttempt =
  | { readonly mechanism: string; readonly response: Uint8Array | null; readonly source: LoginSource }
  | { readonly username: string; readonly password: string; readonly source: LoginSource }

/** Credentials as an authenticator gets them. `password` is null when something else vouched for the name (EXTERNAL, ANONYMOUS). */
export interface Credentials {
  readonly user: string
  readonly password: string | null
  readonly source: LoginSource
}

/** What one authenticator answers: an identity, a decisive refusal, or that others should be asked. */
export type AuthenticatorAnswer =
  | { readonly kind: 'identity'; readonly identity: Identity }
  /** Others of the chain are asked; when nobody knows the user, the attempt fails with the first such text. */
  | { readonly kind: 'refused'; readonly text: string }
  /** Nobody else is asked. */
  | { readonly kind: 'refused-finally'; readonly reason: RefusalReason; readonly text: string }
  /** The source of users cannot answer now. Others are asked. */
  | { readonly kind: 'unavailable'; readonly error: Error }

/** A source of users. */
export interface Authenticator {
  readonly name: string
  /** Must not reject; a rejected promise counts as unavailable. */
  authenticate(credentials: Credentials): Promise<AuthenticatorAnswer>
}

/** A source of what users may do, who logged in by other means. */
export interface Authorizer {
  readonly name: string
  /** Tags and permissions of a user; `identity` says what is known already. Must not reject. */
  authorize(identity: Identity, source: LoginSource): Promise<AuthenticatorAnswer>
}

/** One place in the chain: who says who somebody is, and who says what that user may do. */
export interface ChainLink {
  readonly authenticator: Authenticator
  /** Null: the authenticator says that, too. */
  readonly authorizer: Authorizer | null
}

/** Whether a login failed. */
export function isRefusal(result: Identity | LoginRefusal): result is LoginRefusal {
  return 'reason' in result
}

/** What sessions and the HTTP API hold: implemented by `Authenticators`. */
export interface Login {
  /** Mechanisms to offer to this peer, in the configured order. */
  mechanisms(source: LoginSource): readonly string[]
  /** Checks credentials. Never rejects. */
  authenticate(attempt: LoginAttempt): Promise<Identity | LoginRefusal>
}
