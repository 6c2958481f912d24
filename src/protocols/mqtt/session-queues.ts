/**
 * The queues and bindings of sessions: declared, bound and deleted in the vhost, as RabbitMQ names and shapes them.
 *
 *   mqtt-subscription-<client id>qos1   durable where the session lasts, else exclusive: entries with QoS 1 and 2
 *   mqtt-subscription-<client id>qos0   exclusive, keeps nothing: filters with QoS 0
 *   mqtt-shared-<group>/<filter>        durable, for all members of a group; goes with the last session that has it
 *
 * Permissions have been checked. Steps answer in a later turn or before they return.
 */

import type { ConsumerSpec, Queue, Refusal } from '../../model/queue/queue.ts'
import { NO_ARGUMENTS, stringValue } from '../../model/values/arguments.ts'
import type { Actor, BindingRequest, QueueDeclaration } from '../../model/verbs/requests.ts'
import type { Vhost } from '../../model/vhost.ts'
import type { QueueSink } from './deliveries.ts'
import type { MqttSession, SessionPeer, SharedSubscription } from './session.ts'
import { parseShared } from './topics.ts'

const PASSING_TYPE = 'rabbit_mqtt_qos0_queue'
const SHARED_PREFIX = 'mqtt-shared-'

/** Called once; undefined when it went well. */
export type Done = (refusal: Refusal | undefined) => void

/** The queue of a shared filter. */
export function sharedQueueName(sharedFilter: string): string {
  const parts = parseShared(sharedFilter)
  return `${SHARED_PREFIX}${parts?.group ?? ''}/${parts?.filter ?? ''}`
}

/** Whether a queue of this name is that of a group. */
export function isSharedQueue(name: string): boolean {
  return name.startsWith(SHARED_PREFIX)
}

/** Declares the session's own queue, or the one for QoS 0. A lasting session's queue is there before it is consumed from. */
export function declareQueue(session: MqttSession, isPassing: boolean, actor: Actor, done: Done): void {
  const vhost = session.vhost
  if (vhost === undefined) return done(gone(session))
  const isDurable = !isPassing && session.lasts
  const type = isPassing ? PASSING_TYPE : isDurable ? session.world.settings.durableQueueType : 'classic'
  const declaration: QueueDeclaration = {
    name: isPassing ? session.passingQueueName : session.queueName,
    durable: isDurable,
    exclusive: !isDurable,
    autoDelete: false,
    arguments: new Map([['x-queue-type', stringValue(type)]]),
  }
  declare(vhost, declaration, actor, done)
}

/** Declares a queue; one that was declared with another type is fine. */
function declare(vhost: Vhost, declaration: QueueDeclaration, actor: Actor, done: Done): void {
  const existing = vhost.queue(declaration.name)
  if (existing !== undefined && existing.record.owner === null && declaration.durable) return done(undefined)
  vhost.declareQueue(declaration, actor, ({ refusal }) => done(refusal ?? undefined))
}

/** Starts to consume, unless it does already. */
export function consume(session: MqttSession, peer: SessionPeer, isPassing: boolean): Refusal | undefined {
  const name = isPassing ? session.passingQueueName : session.queueName
  return consumeFrom(session, peer, name, session.sink(isPassing), isPassing)
}

function consumeFrom(
  session: MqttSession,
  peer: SessionPeer,
  queueName: string,
  sink: QueueSink,
  noAck: boolean,
): Refusal | undefined {
  if (sink.consumer !== null) return undefined
  const queue = session.vhost?.queue(queueName)
  if (queue === undefined) return { code: 'not-found', text: `no queue '${queueName}' in vhost '${session.vhostName}'` }
  const spec: ConsumerSpec = {
    tag: noAck ? 'mqtt' : session.clientId,
    noAck,
    exclusive: false,
    priority: 0,
    prefetchCount: noAck ? 0 : peer.windowCount,
    args: NO_ARGUMENTS,
    sessionName: peer.name,
    user: session.user,
  }
  const refusal = queue.refusesConsumer(spec)
  if (refusal !== undefined) return refusal
  sink.traffic = session.world.trafficOf(peer.level).ofKind(queue.kind)
  sink.vhost = session.vhost ?? null
  sink.consumer = queue.subscribe(spec, sink)
  return undefined
}

/** Binds a queue of the session. */
export function bind(session: MqttSession, isPassing: boolean, bindingKey: string, actor: Actor, done: Done): void {
  const vhost = session.vhost
  if (vhost === undefined) return done(gone(session))
  const name = isPassing ? session.passingQueueName : session.queueName
  vhost.bind(request(session, name, bindingKey), actor, ({ refusal }) => done(refusal ?? undefined))
}

/** Unbinds a queue of the session, which may be gone. */
export function unbind(session: MqttSession, isPassing: boolean, bindingKey: string, actor: Actor, done: Done): void {
  const vhost = session.vhost
  const name = isPassing ? session.passingQueueName : session.queueName
  if (vhost === undefined || vhost.queue(name) === undefined) return done(undefined)
  vhost.unbind(request(session, name, bindingKey), actor, ({ refusal }) => done(refusal ?? undefined))
}

function request({ world }: MqttSession, destination: string, routingKey: string): BindingRequest {
  return {
    source: world.settings.exchange,
    destination,
    destinationKind: 'queue',
    routingKey,
    arguments: NO_ARGUMENTS,
  }
}

/** Declares, binds and consumes from the queue of a shared filter. */
export function joinShared(
  session: MqttSession,
  peer: SessionPeer,
  shared: SharedSubscription,
  actor: Actor,
  done: Done,
): void {
  const vhost = session.vhost
  if (vhost === undefined) return done(gone(session))
  const name = sharedQueueName(shared.options.filter)
  const declaration: QueueDeclaration = {
    name,
    durable: true,
    exclusive: false,
    autoDelete: false,
    arguments: new Map([['x-queue-type', stringValue(session.world.settings.durableQueueType)]]),
  }
  declare(vhost, declaration, actor, (refusal) => {
    if (refusal !== undefined) return done(refusal)
    const { bindingKey } = shared.subscriptions.all[0]!
    vhost.bind(request(session, name, bindingKey), actor, (answer) => {
      if (answer.refusal !== null) return done(answer.refusal)
      if (session.peer !== null && session.peer !== peer) return done(undefined)
      shared.sink ??= session.deliveries.newSharedSink(shared.subscriptions)
      done(consumeFrom(session, peer, name, shared.sink, false))
    })
  })
}

/** Deletes a queue of the session; one that is gone is fine. */
export function deleteQueue(vhost: Vhost, name: string, actor: Actor, done: () => void): void {
  if (vhost.queue(name) === undefined) return done()
  vhost.deleteQueue(name, { ifUnused: false, ifEmpty: false }, actor, () => done())
}

/** The queue, when it is there: for retained messages that are given to it. */
export function queueOf(session: MqttSession, isPassing: boolean): Queue | undefined {
  return session.vhost?.queue(isPassing ? session.passingQueueName : session.queueName)
}

function gone({ vhostName }: MqttSession): Refusal {
  return { code: 'not-found', text: `no vhost '${vhostName}'` }
}
