/**
 * Who calls, and what the caller may see: tags and virtual hosts. Endpoints filter their lists by it.
 *
 * Tags are those of RabbitMQ's management; a stronger tag includes the weaker ones.
 */
import { AccessPending } from '../../model/access/access-pending.ts'
import type { ResourceKind, SessionLogin } from '../../model/access/authorization.ts'
import { type ApiError, notAuthorised, objectNotFound } from './api-error.ts'
import type { Access } from './endpoint.ts'

const MANAGEMENT_TAGS = ['management', 'policymaker', 'monitoring', 'administrator']
const MONITORING_TAGS = ['monitoring', 'administrator']
const POLICYMAKER_TAGS = ['policymaker', 'administrator']
const ADMINISTRATOR_TAGS = ['administrator']

/** What a user may do with the names of a virtual host: `SessionPermissions` fulfils it. */
export interface Rights {
  mayEnter(): boolean
  canConfigure(kind: ResourceKind, name: string): boolean
  canWrite(kind: ResourceKind, name: string): boolean
  canRead(kind: ResourceKind, name: string): boolean
  canWriteTopic(exchange: string, routingKey: string): boolean
  canReadTopic(exchange: string, routingKey: string): boolean
}

/** What access needs of the broker. */
export interface AccessModel {
  hasVhost(name: string): boolean
  vhostNames(): Iterable<string>
  rights(login: SessionLogin, vhost: string): Rights
}

/** Over the local socket everything may be done. */
const ALL_RIGHTS: Rights = {
  mayEnter: () => true,
  canConfigure: () => true,
  canWrite: () => true,
  canRead: () => true,
  canWriteTopic: () => true,
  canReadTopic: () => true,
}

/** The model as the local socket sees it. */
export function unrestricted(model: AccessModel): AccessModel {
  return {
    hasVhost: (name) => model.hasVhost(name),
    vhostNames: () => model.vhostNames(),
    rights: () => ALL_RIGHTS,
  }
}

/** A login as callers need it. */
export interface CallerLogin extends SessionLogin {
  readonly tags: readonly string[]
  /** When the credentials end, time of day in ms; null: never. */
  readonly expiresAtMs: number | null
}

/** Callers whose rights another system decides, counted: none is another, whatever their names. */
let askedCallers = 0

/** Somebody who calls the API. Questions that are not answered yet throw `AccessPending`: the request is handled again. */
export class Caller {
  readonly user: string
  readonly tags: readonly string[]
  /** Callers with the same text see the same. */
  readonly view: string
  readonly #login: CallerLogin
  readonly #model: AccessModel
  /** Made when they are asked for: they remember answers of other systems. */
  readonly #rights = new Map<string, Rights>()

  constructor(login: CallerLogin, model: AccessModel) {
    this.user = login.user
    this.tags = login.tags
    const own = login.authorization === null ? '' : String(++askedCallers)
    this.view = `${login.user}\n${login.tags.join()}\n${own}`
    this.#login = login
    this.#model = model
  }

  /** Whether the credentials have ended: for callers that are kept longer than for one request. */
  hasExpired(nowMs: number): boolean {
    return this.#login.expiresAtMs !== null && this.#login.expiresAtMs <= nowMs
  }

  get isManagement(): boolean {
    return this.#hasAny(MANAGEMENT_TAGS)
  }

  /** Sees all virtual hosts. */
  get isMonitoring(): boolean {
    return this.#hasAny(MONITORING_TAGS)
  }

  get isPolicymaker(): boolean {
    return this.#hasAny(POLICYMAKER_TAGS)
  }

  get isAdministrator(): boolean {
    return this.#hasAny(ADMINISTRATOR_TAGS)
  }

  mayEnter(vhost: string): boolean {
    try {
      return this.rights(vhost).mayEnter()
    } catch (error) {
      if (error instanceof AccessPending) this.#askForAll()
      throw error
    }
  }

  maySee(vhost: string): boolean {
    return this.isMonitoring || this.mayEnter(vhost)
  }

  rights(vhost: string): Rights {
    let rights = this.#rights.get(vhost)
    if (rights === undefined) {
      rights = this.#model.rights(this.#login, vhost)
      // Names of virtual hosts that are not there are any number.
      if (this.#model.hasVhost(vhost)) this.#rights.set(vhost, rights)
    }
    return rights
  }

  /** Who asks for one virtual host asks for the others next: the questions go out together. */
  #askForAll(): void {
    for (const name of this.#model.vhostNames()) {
      try {
        this.rights(name).mayEnter()
      } catch (error) {
        if (!(error instanceof AccessPending)) throw error
      }
    }
  }

  /** Sees connections of others: of its own user, or all as a monitoring user. */
  maySeeUser(user: string): boolean {
    return this.isMonitoring || this.user === user
  }

  #hasAny(tags: readonly string[]): boolean {
    return this.tags.some((tag) => tags.includes(tag))
  }

  /** Why this caller may not call, or undefined. `vhost` is that of the path, where there is one. */
  refuses(access: Access, vhost: string | undefined): ApiError | undefined {
    switch (access) {
      case 'anyone':
      case 'user':
        return undefined
      case 'management':
        return this.#needs(this.isManagement, 'Not management user')
      case 'vhost-visible':
        return this.#needs(this.isManagement, 'Not management user') ?? this.#refusesVhost(vhost, true)
      case 'vhost':
        return this.#needs(this.isManagement, 'Not management user') ?? this.#refusesVhost(vhost, false)
      case 'policymaker':
        return (
          this.#needs(this.isPolicymaker, 'User not authorised to access object') ?? this.#refusesVhost(vhost, false)
        )
      case 'monitoring':
        return this.#needs(this.isMonitoring, 'Not monitor user')
      case 'administrator':
        return this.#needs(this.isAdministrator, 'Not administrator user')
    }
  }

  #needs(has: boolean, reason: string): ApiError | undefined {
    return has ? undefined : notAuthorised(reason)
  }

  #refusesVhost(vhost: string | undefined, toSee: boolean): ApiError | undefined {
    if (vhost === undefined) return undefined
    const may = toSee ? this.maySee(vhost) : this.mayEnter(vhost) || this.#isMissing(vhost)
    if (!may) return notAuthorised('User not authorised to access virtual host')
    return toSee && this.#isMissing(vhost) ? objectNotFound() : undefined
  }

  /** That it is missing is told to those who see all. */
  #isMissing(vhost: string): boolean {
    return this.isMonitoring && !this.#model.hasVhost(vhost)
  }
}
