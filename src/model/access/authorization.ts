/**
 * What somebody may do when another system than the broker's own table decides: the contract between sessions, which ask,
 * and the backends of `auth`, which answer. Sessions do not ask here themselves: `AskedPermissions` remembers answers.
 */

/** Kinds of things that permissions are about. */
export type ResourceKind = 'queue' | 'exchange'

/** The three permissions. */
export type Permission = 'configure' | 'write' | 'read'

/** What a session wants to know. `clientId` is that of MQTT. */
export type AccessQuestion =
  | { readonly on: 'vhost'; readonly vhost: string; readonly clientId: string | undefined }
  | {
      readonly on: ResourceKind
      readonly vhost: string
      readonly name: string
      readonly permission: Permission
      readonly clientId: string | undefined
    }
  | {
      readonly on: 'topic'
      readonly vhost: string
      /** The exchange. */
      readonly name: string
      readonly permission: 'write' | 'read'
      readonly routingKey: string
      readonly clientId: string | undefined
    }

/** `unavailable`: nobody could say. It counts as a refusal, and is never remembered. */
export type Access = 'allowed' | 'refused' | 'unavailable'

/** What one logged-in user may do. */
export interface Authorization {
  /** Answers at once where the answer is known. A promise never rejects and is settled within the backend's time limit. */
  may(question: AccessQuestion): Access | Promise<Access>
}

/** Somebody who logged in, as permissions see it. */
export interface SessionLogin {
  readonly user: string
  /** Who decides what the user may do; null: the broker's own table. */
  readonly authorization: Authorization | null
}
