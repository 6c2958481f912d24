/**
 * The permissions of one session when another system decides them. Answers that allow are remembered, so that a publish
 * that was allowed once costs a look-up and waits for nobody; refusals are forgotten soon, and asked again.
 *
 *   unknown → asking → allowed → (a minute later, at its next use) allowed, and asked again meanwhile
 *                    ↘ refused → (ten seconds later) unknown
 *
 * A question that is not answered yet throws `AccessPending`. Bounds: answers per kind, topics, and one question of each
 * text at a time.
 */
import type { SessionPermissions } from '../permissions.ts'
import type { AccessEpoch } from './access-epoch.ts'
import { AccessPending } from './access-pending.ts'
import type { Access, AccessQuestion, Authorization, Permission, ResourceKind } from './authorization.ts'

/** Answers remembered of each kind. */
const ANSWERS_MAX = 256
/** Topic exchanges whose keys are remembered. */
const EXCHANGES_MAX = 64
/** How long a refusal counts: longer than the other questions of the same method take. */
const REFUSED_MS = 10_000
/** The name by which permissions know the default exchange. */
const DEFAULT_EXCHANGE_NAME = 'amq.default'

class Known {
  access: Access | 'asking' = 'asking'
  /** Of what is allowed. */
  epoch = 0
  refusedAtMs = 0
  isRefreshing = false
  answered: Promise<void> = Promise.resolve()
}

type Answers = Map<string, Known>

/** What a session of a user is made of. */
export interface AskedPermissionsOptions {
  readonly user: string
  readonly vhost: string
  readonly clientId: string | undefined
  readonly authorization: Authorization
  readonly epoch: AccessEpoch
}

/** One per session. */
export class AskedPermissions implements SessionPermissions {
  readonly user: string
  readonly vhost: string
  readonly #clientId: string | undefined
  readonly #epoch: AccessEpoch
  #authorization: Authorization
  #changes = 0
  #entering: Answers = new Map()
  /** By kind of resource and permission. */
  #resources = new Map<string, Answers>()
  #topicWrites = new Map<string, Answers>()
  #topicReads = new Map<string, Answers>()

  constructor({ user, vhost, clientId, authorization, epoch }: AskedPermissionsOptions) {
    this.user = user
    this.vhost = vhost
    this.#clientId = clientId
    this.#authorization = authorization
    this.#epoch = epoch
    epoch.start()
  }

  get revision(): number {
    return this.#epoch.count + this.#changes
  }

  renew(authorization: Authorization | null): void {
    if (authorization === null) return
    this.#authorization = authorization
    this.#changes++
    this.#entering = new Map()
    this.#resources = new Map()
    this.#topicWrites = new Map()
    this.#topicReads = new Map()
  }

  mayEnter(): boolean {
    const { vhost } = this
    const fresh = this.#fresh(this.#entering, vhost)
    return fresh || this.#ask(this.#entering, vhost, { on: 'vhost', vhost, clientId: this.#clientId })
  }

  canConfigure(kind: ResourceKind, name: string): boolean {
    return this.#may(`${kind} configure`, kind, 'configure', name)
  }

  canWrite(kind: ResourceKind, name: string): boolean {
    return this.#may(`${kind} write`, kind, 'write', name)
  }

  canRead(kind: ResourceKind, name: string): boolean {
    return this.#may(`${kind} read`, kind, 'read', name)
  }

  /** Only the other system knows. */
  hasTopicRules(): boolean {
    return true
  }

  canWriteTopic(exchange: string, routingKey: string): boolean {
    return this.#mayTopic(this.#topicWrites, 'write', exchange, routingKey)
  }

  canReadTopic(exchange: string, routingKey: string): boolean {
    return this.#mayTopic(this.#topicReads, 'read', exchange, routingKey)
  }

  #may(key: string, on: ResourceKind, permission: Permission, name: string): boolean {
    let answers = this.#resources.get(key)
    if (answers === undefined) {
      answers = new Map()
      this.#resources.set(key, answers)
    }
    if (this.#fresh(answers, name)) return true
    const asked = name === '' && on === 'exchange' ? DEFAULT_EXCHANGE_NAME : name
    const { vhost } = this
    return this.#ask(answers, name, { on, vhost, name: asked, permission, clientId: this.#clientId })
  }

  #mayTopic(books: Map<string, Answers>, permission: 'write' | 'read', exchange: string, routingKey: string): boolean {
    let answers = books.get(exchange)
    if (answers === undefined) {
      if (books.size >= EXCHANGES_MAX) books.clear()
      answers = new Map()
      books.set(exchange, answers)
    }
    if (this.#fresh(answers, routingKey)) return true
    const { vhost } = this
    const clientId = this.#clientId
    return this.#ask(answers, routingKey, { on: 'topic', vhost, name: exchange, permission, routingKey, clientId })
  }

  /** Whether the answer is there, and no question has to be asked. */
  #fresh(answers: Answers, key: string): boolean {
    const known = answers.get(key)
    return known !== undefined && known.access === 'allowed' && known.epoch === this.#epoch.count
  }

  #ask(answers: Answers, key: string, question: AccessQuestion): boolean {
    const known = answers.get(key)
    if (known === undefined) return this.#askFirst(answers, key, question)
    if (known.access === 'asking') throw new AccessPending(known.answered)
    if (known.access !== 'allowed') {
      if (this.#epoch.nowMs() - known.refusedAtMs < REFUSED_MS) return false
      answers.delete(key)
      return this.#askFirst(answers, key, question)
    }
    if (!known.isRefreshing) this.#refresh(answers, key, known, question)
    return true
  }

  #askFirst(answers: Answers, key: string, question: AccessQuestion): boolean {
    const answer = this.#authorization.may(question)
    if (answer === 'refused' || answer === 'unavailable') return false
    const known = new Known()
    known.epoch = this.#epoch.count
    makeRoom(answers)
    answers.set(key, known)
    if (answer === 'allowed') {
      known.access = answer
      return true
    }
    known.answered = answer.then((access) => {
      known.access = access
      known.refusedAtMs = this.#epoch.nowMs()
    })
    throw new AccessPending(known.answered)
  }

  /** Asks again for what is allowed, and goes on to allow it until the answer is another. */
  #refresh(answers: Answers, key: string, known: Known, question: AccessQuestion): void {
    const answer = this.#authorization.may(question)
    known.isRefreshing = true
    known.answered = Promise.resolve(answer).then((access) => {
      known.isRefreshing = false
      known.epoch = this.#epoch.count
      if (access !== 'refused' || answers.get(key) !== known) return
      answers.delete(key)
      this.#changes++
    })
  }
}

/** Forgets the oldest answer when there are too many. */
function makeRoom(answers: Answers): void {
  if (answers.size < ANSWERS_MAX) return
  for (const oldest of answers.keys()) {
    answers.delete(oldest)
    return
  }
}
