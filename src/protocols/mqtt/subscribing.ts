/**
 * SUBSCRIBE and UNSUBSCRIBE of one connection. [MQTT 5.0 §3.8–§3.11]
 *
 * A SUBSCRIBE goes through three steps: every filter is judged; the session takes note of those that are granted and is
 * kept, so that no queue is ever without a session that knows it; then queues are declared and bound, one after the
 * other. Only then is it answered. As in RabbitMQ, what follows a filter that failed gets the same code.
 */
import type { Logger } from '../../base/log.ts'
import type { Refusal } from '../../model/queue/queue.ts'
import type { Actor } from '../../model/verbs/requests.ts'
import type { FilterRequest, SubscribePacket, UnsubscribePacket } from './codec.ts'
import { protocolError, topicFilterInvalid } from './errors.ts'
import type { MqttSession, SessionPeer } from './session.ts'
import { bind, consume, declareQueue, joinShared, sharedQueueName, unbind } from './session-queues.ts'
import type { MqttSessions } from './sessions.ts'
import {
  LEVEL_5,
  NO_SUBSCRIPTION_EXISTED,
  NOT_AUTHORIZED,
  QUOTA_EXCEEDED,
  SUCCESS,
  TOPIC_FILTER_INVALID,
  UNSPECIFIED_ERROR,
} from './spec.ts'
import type { SubscriptionOptions } from './subscriptions.ts'
import { isShared, parseShared, refusesTopicFilter, TOPIC_BYTES_MAX } from './topics.ts'
import { type MqttWorld, maySubscribe } from './world.ts'

/** Retained messages to give: to the queue of a filter. */
export interface RetainedRequest {
  readonly filter: string
  readonly isPassing: boolean
}

/** What became of a SUBSCRIBE. */
export interface SubscribeOutcome {
  readonly codes: readonly number[]
  readonly retained: readonly RetainedRequest[]
  /** A filter was refused for want of permission. */
  readonly isUnauthorized: boolean
}

/** A filter on its way. */
interface Plan {
  readonly request: FilterRequest
  readonly options: SubscriptionOptions
  readonly isNew: boolean
  /** The filter of a group without its prefix; null for others. */
  readonly sharedFilter: string | null
  /** It had QoS 0 before and has not now, or the other way round: what the other queue is unbound from. */
  readonly changesQueue: boolean
  code: number
}

/** Carries out subscriptions of one connection. */
export class Subscribing {
  readonly #world: MqttWorld
  readonly #sessions: MqttSessions
  readonly #session: MqttSession
  readonly #peer: SessionPeer
  readonly #actor: Actor
  readonly #logger: Logger

  constructor(sessions: MqttSessions, session: MqttSession, peer: SessionPeer) {
    this.#world = sessions.world
    this.#sessions = sessions
    this.#session = session
    this.#peer = peer
    this.#actor = { user: session.user, connectionId: peer.connectionId }
    this.#logger = sessions.world.logger
  }

  /** Subscribes. Throws `MqttError` for what is no filter at all. `done` at once or in a later turn. */
  subscribe(packet: SubscribePacket, done: (outcome: SubscribeOutcome) => void): void {
    const identifier = packet.properties.subscriptionIdentifier ?? 0
    const plans = packet.filters.map((request) => this.#plan(request, identifier))
    spreadFailure(plans)
    const granted = plans.filter(({ code }) => code < UNSPECIFIED_ERROR)
    for (const plan of granted) this.#note(plan)
    this.#keep(granted.length > 0, () => {
      this.#carryOut(plans, 0, () => {
        const isUnauthorized = plans.some(({ code }) => code === NOT_AUTHORIZED)
        done({
          codes: plans.map(({ code }) => code),
          retained: plans.filter(wantsRetained).map(retainedOf),
          isUnauthorized,
        })
      })
    })
  }

  /** Unsubscribes. `done` with a code per filter, at once or in a later turn. */
  unsubscribe(packet: UnsubscribePacket, done: (codes: readonly number[]) => void): void {
    const codes: number[] = []
    const next = (index: number): void => {
      const filter = packet.filters[index]
      if (filter === undefined) return this.#keep(codes.includes(SUCCESS), () => done(codes))
      this.#removeOne(filter, (code) => {
        codes.push(code)
        next(index + 1)
      })
    }
    next(0)
  }

  /** Declares, binds and consumes whatever the session has, for a connection that has just come. */
  resume(done: () => void): void {
    const session = this.#session
    const steps: ((next: () => void) => void)[] = []
    for (const isPassing of [false, true]) {
      const { all } = isPassing ? session.passing : session.queued
      if (all.length === 0) continue
      steps.push((next) => this.#settling(next, (end) => declareQueue(session, isPassing, this.#actor, end)))
      for (const { bindingKey } of all) {
        steps.push((next) => this.#settling(next, (end) => bind(session, isPassing, bindingKey, this.#actor, end)))
      }
      steps.push((next) => this.#settling(next, (end) => end(consume(session, this.#peer, isPassing))))
    }
    for (const shared of session.shared.values()) {
      steps.push((next) => this.#settling(next, (end) => joinShared(session, this.#peer, shared, this.#actor, end)))
    }
    const run = (index: number): void => {
      const step = steps[index]
      if (step === undefined || session.peer !== this.#peer) done()
      else step(() => run(index + 1))
    }
    run(0)
  }

  #settling(next: () => void, step: (end: (refusal: Refusal | undefined) => void) => void): void {
    step((refusal) => {
      if (refusal !== undefined) this.#logger.warning(`session of '${this.#session.clientId}': ${refusal.text}`)
      next()
    })
  }

  // Judging

  #plan(request: FilterRequest, identifier: number): Plan {
    const { qos, noLocal, retainAsPublished, filter } = request
    const session = this.#session
    const isGroup = isShared(filter) && this.#peer.level === LEVEL_5
    const parts = isGroup ? parseShared(filter) : undefined
    if (isGroup && parts === undefined) throw topicFilterInvalid(`'${filter}' is not $share/<group>/<filter>`)
    if (isGroup && noLocal) throw protocolError('a shared subscription has No Local')
    const plain = parts?.filter ?? filter
    const refusal = refusesTopicFilter(plain)
    const isTooLong = Buffer.byteLength(filter) > TOPIC_BYTES_MAX - (isGroup ? 'mqtt-shared-'.length : 0)
    if (refusal !== undefined && !isTooLong) throw topicFilterInvalid(refusal)
    const isQueued = session.queued.all.some(({ options }) => options.filter === filter)
    const isPassing = session.passing.all.some(({ options }) => options.filter === filter)
    return {
      request,
      options: { filter, qos, noLocal, retainAsPublished, identifier },
      isNew: !session.has(filter),
      sharedFilter: parts?.filter ?? null,
      changesQueue: qos === 0 ? isQueued : isPassing,
      code: isTooLong ? TOPIC_FILTER_INVALID : this.#judge(filter, plain, qos, isGroup),
    }
  }

  #judge(filter: string, plain: string, qos: number, isGroup: boolean): number {
    const session = this.#session
    const { settings, names, broker } = this.#world
    const queueName = isGroup ? sharedQueueName(filter) : qos === 0 ? session.passingQueueName : session.queueName
    const bindingKey = names.bindingKey(plain)
    if (!maySubscribe(this.#peer.member.permissions, settings.exchange, queueName, bindingKey)) return NOT_AUTHORIZED
    if (session.has(filter) || session.subscriptionCount < settings.subscriptionCountMax) return qos
    broker.counters.limits.hit('subscriptions')
    return QUOTA_EXCEEDED
  }

  // Carrying out

  #note({ options, sharedFilter }: Plan): void {
    if (sharedFilter === null) this.#session.note(options)
    else {
      this.#session.noteShared(options, sharedFilter)
      this.#sessions.join(this.#session, options.filter)
    }
  }

  #keep(isChanged: boolean, next: () => void): void {
    if (!isChanged || !this.#session.lasts) return next()
    this.#sessions.store(this.#session, next)
  }

  #carryOut(plans: readonly Plan[], index: number, done: () => void): void {
    const plan = plans[index]
    if (plan === undefined) return done()
    const next = (): void => this.#carryOut(plans, index + 1, done)
    if (plan.code >= UNSPECIFIED_ERROR || this.#session.peer !== this.#peer) return next()
    const finish = (refusal: Refusal | undefined): void => {
      if (refusal === undefined) return next()
      this.#logger.warning(`subscription of '${this.#session.clientId}' to ${plan.options.filter}: ${refusal.text}`)
      plan.code = refusal.code === 'precondition-failed' ? QUOTA_EXCEEDED : UNSPECIFIED_ERROR
      this.#undo(plan)
      next()
    }
    if (plan.sharedFilter === null) this.#add(plan, finish)
    else joinShared(this.#session, this.#peer, this.#session.shared.get(plan.options.filter)!, this.#actor, finish)
  }

  #add(plan: Plan, finish: (refusal: Refusal | undefined) => void): void {
    const session = this.#session
    const isPassing = plan.options.qos === 0
    const bindingKey = this.#world.names.bindingKey(plan.options.filter)
    declareQueue(session, isPassing, this.#actor, (refused) => {
      if (refused !== undefined) return finish(refused)
      bind(session, isPassing, bindingKey, this.#actor, (unbound) => {
        if (unbound !== undefined) return finish(unbound)
        const refusal = session.peer === this.#peer ? consume(session, this.#peer, isPassing) : undefined
        if (refusal !== undefined || !plan.changesQueue) return finish(refusal)
        this.#unbind(!isPassing, bindingKey, () => finish(undefined))
      })
    })
  }

  #undo({ options, sharedFilter, isNew }: Plan): void {
    if (!isNew) return
    if (sharedFilter === null) this.#session.forget(options.filter)
    else this.#sessions.leave(this.#session, options.filter)
    this.#keep(true, () => undefined)
  }

  #removeOne(filter: string, done: (code: number) => void): void {
    const session = this.#session
    if (!session.has(filter)) return done(NO_SUBSCRIPTION_EXISTED)
    if (session.shared.has(filter)) {
      this.#sessions.leave(session, filter)
      return done(SUCCESS)
    }
    const isPassing = session.passing.all.some(({ options }) => options.filter === filter)
    session.forget(filter)
    this.#unbind(isPassing, this.#world.names.bindingKey(filter), () => done(SUCCESS))
  }

  /** Unbinds, unless another filter means the same binding. */
  #unbind(isPassing: boolean, bindingKey: string, done: () => void): void {
    const session = this.#session
    if ((isPassing ? session.passing : session.queued).binds(bindingKey)) return done()
    unbind(session, isPassing, bindingKey, this.#actor, (refusal) => {
      if (refusal !== undefined) this.#logger.warning(`session of '${session.clientId}': ${refusal.text}`)
      done()
    })
  }
}

/** What follows a refused filter is refused as well. [RabbitMQ: subscribe] */
function spreadFailure(plans: readonly Plan[]): void {
  let failure = 0
  for (const plan of plans) {
    if (failure === 0 && plan.code === NOT_AUTHORIZED) failure = plan.code
    if (failure > 0) plan.code = failure
  }
}

/** Shared subscriptions get no retained messages. [MQTT 5.0 §4.8.2] */
function wantsRetained({ request, isNew, sharedFilter, code }: Plan): boolean {
  if (code >= UNSPECIFIED_ERROR || sharedFilter !== null) return false
  return request.retainHandling === 0 || (request.retainHandling === 1 && isNew)
}

function retainedOf({ options }: Plan): RetainedRequest {
  return { filter: options.filter, isPassing: options.qos === 0 }
}
