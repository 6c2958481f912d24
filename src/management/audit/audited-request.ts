/** What the audit log says of one request of the HTTP API. */
import type { ApiError } from '../http/api-error.ts'
import type { Endpoint } from '../http/endpoint.ts'
import type { AuditAction } from './audit-log.ts'

/** A request on its way; filled in as far as it gets. */
export class AuditedRequest {
  readonly #isLocal: boolean
  readonly #address: string
  endpoint: Endpoint | null = null
  user = ''
  params: Readonly<Record<string, string>> = {}
  body: unknown = undefined

  constructor(isLocal: boolean, address: string) {
    this.#isLocal = isLocal
    this.#address = address
  }

  /** The action, or null for a request that changes nothing. */
  done(status: number): AuditAction | null {
    return this.#action({ result: status < 400 ? 'done' : 'refused', status })
  }

  /** `known` is null for a failure of ours. */
  failed(known: ApiError | null): AuditAction | null {
    if (known === null) return this.#action({ result: 'failed', status: 500 })
    const reason = typeof known.reason === 'string' ? known.reason : known.error
    return this.#action({ result: 'refused', status: known.status, reason })
  }

  #action(outcome: Pick<AuditAction, 'result' | 'status' | 'reason'>): AuditAction | null {
    const { endpoint } = this
    if (endpoint === null || endpoint.method === 'GET' || endpoint.isAudited === false) return null
    return {
      user: this.user,
      via: this.#isLocal ? 'local' : 'http',
      address: this.#address,
      action: `${endpoint.method} ${endpoint.path}`,
      target: this.params,
      // A body that is no JSON is not looked into: definitions, texts.
      ...(typeof this.body === 'object' && this.body !== null ? { detail: this.body } : {}),
      ...outcome,
    }
  }
}
