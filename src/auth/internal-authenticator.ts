/**
 * The broker's own users: records of the metadata store. Reads the store at every login, so a changed password counts at once.
 */
import type { Metadata } from '../model/records/metadata.ts'
import { metadataKeys, type UserRecord } from '../model/records/records.ts'
import type { Authenticator, AuthenticatorAnswer, Authorizer, Credentials, Identity } from './identity.ts'
import { DEFAULT_HASHING_ALGORITHM, verifyPassword } from './passwords.ts'

/** Of a user that does not exist. It is verified all the same, so that the answer takes as long as for one who does. */
const NOBODY_HASH = ''

/** Checks names and passwords against user records. */
export class InternalAuthenticator implements Authenticator, Authorizer {
  readonly name = 'internal'
  readonly #metadata: Metadata

  constructor(metadata: Metadata) {
    this.#metadata = metadata
  }

  authenticate({ user, password }: Credentials): Promise<AuthenticatorAnswer> {
    return Promise.resolve(this.#answer(user, password))
  }

  /** The user must be known here, too. */
  authorize({ user }: Identity): Promise<AuthenticatorAnswer> {
    return Promise.resolve(this.#answer(user, null))
  }

  #answer(user: string, password: string | null): AuthenticatorAnswer {
    // Written under this key by user verbs alone.
    const record = this.#metadata.get(metadataKeys.user(user))?.value as UserRecord | undefined
    const hash = record?.passwordHash ?? NOBODY_HASH
    const algorithm = record?.hashingAlgorithm ?? DEFAULT_HASHING_ALGORITHM
    const passes = password === null || verifyPassword(password, hash, algorithm)
    if (record === undefined || !passes) return { kind: 'refused', text: `user '${user}' - invalid credentials` }
    const { name, tags } = record
    const identity = { user: name, tags, authenticatedBy: this.name, expiresAtMs: null, authorization: null }
    return { kind: 'identity', identity }
  }
}
