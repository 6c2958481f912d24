/**
 * Events of records that have no life beyond the metadata store: policies, parameters, users, permissions, vhosts. Objects
 * (queues, exchanges, bindings, connections) announce themselves. The broker calls it for every change that it applies.
 *
 * No event tells a secret: of a user, only the name and the tags. [RabbitMQ: rabbitmq_event_exchange]
 */

import type { Rates } from '../limits/limits.ts'
import type { EventFields, Events } from '../observe/events.ts'
import { argumentsFromJson, type Json } from '../values/arguments-json.ts'
import type { MetadataOp } from './metadata.ts'
import type { PermissionRecord, PolicyRecord, TopicPermissionRecord, UserRecord, VhostRecord } from './records.ts'

/** Records as they were before a change: what it means depends on them. */
export class RecordEvents {
  readonly #events: Events
  readonly #vhostBefore: (name: string) => VhostRecord | undefined
  readonly #users = new Map<string, UserRecord>()

  /** `vhostBefore` answers as of before the change. */
  constructor(events: Events, vhostBefore: (name: string) => VhostRecord | undefined) {
    this.#events = events
    this.#vhostBefore = vhostBefore
  }

  /** Takes a change of the store; announces what it means unless the broker is only just reading what it has. */
  apply(op: MetadataOp, isStarted: boolean): void {
    const before = op.key[0] === 'user' ? this.#users.get(op.key[1] ?? '') : undefined
    if (op.key[0] === 'user') this.#noteUser(op)
    if (!isStarted || !this.#events.isObserved) return
    // What goes with its vhost goes without an event of its own.
    if (op.op === 'drop-prefix') return
    const vhost = op.key[0] === 'vhost' ? this.#vhostBefore(op.key[1] ?? '') : undefined
    if (op.op === 'put' && vhost !== undefined) announceLimits(this.#events, vhost, op.value as VhostRecord)
    else if (op.op === 'put' && before !== undefined) announceUser(this.#events, before, op.value as UserRecord)
    else announceRecord(this.#events, op)
  }

  #noteUser(op: MetadataOp): void {
    const name = op.key[1]
    if (name === undefined) this.#users.clear()
    else if (op.op === 'put') this.#users.set(name, op.value as UserRecord)
    else this.#users.delete(name)
  }
}

function announceRecord(events: Events, op: Exclude<MetadataOp, { readonly op: 'drop-prefix' }>): void {
  const [kind, first = '', second = '', third = ''] = op.key
  const put = op.op === 'put'
  switch (kind) {
    case 'vhost':
      return events.announce(put ? 'vhost.created' : 'vhost.deleted', null, vhostFields(first, op))
    case 'policy':
      return events.announce(put ? 'policy.set' : 'policy.cleared', first, { name: second, ...policyFields(op) })
    case 'parameter':
      return events.announce(put ? 'parameter.set' : 'parameter.cleared', first, { component: second, name: third })
    case 'user':
      return events.announce(put ? 'user.created' : 'user.deleted', null, { name: first, ...userFields(op) })
    case 'permission':
      return events.announce(put ? 'permission.created' : 'permission.deleted', null, {
        vhost: first,
        user: second,
        ...permissionFields(op),
      })
    case 'topic-permission':
      return events.announce(put ? 'topic.permission.created' : 'topic.permission.deleted', null, {
        vhost: first,
        user: second,
        exchange: third,
        ...topicPermissionFields(op),
      })
  }
}

function announceLimits(events: Events, before: VhostRecord, now: VhostRecord): void {
  const fields = limitFields({ 'max-connections': now.maxConnections, 'max-queues': now.maxQueues }, now.rates)
  const old = limitFields({ 'max-connections': before.maxConnections, 'max-queues': before.maxQueues }, before.rates)
  announceChange(events, 'vhost.limits', now.name, old, fields)
}

/** A change of a user is up to three events. */
function announceUser(events: Events, before: UserRecord, now: UserRecord): void {
  const { name } = now
  if (before.passwordHash !== now.passwordHash) {
    events.announce(now.passwordHash === '' ? 'user.password.cleared' : 'user.password.changed', null, { name })
  }
  const tags = now.tags.join(',')
  if (before.tags.join(',') !== tags) events.announce('user.tags.set', null, { name, tags })
  announceChange(events, 'user.limits', name, userLimits(before), userLimits(now))
}

function userLimits({ maxConnections, maxChannels, maxQueues = -1, rates }: UserRecord): EventFields {
  return limitFields({ 'max-connections': maxConnections, 'max-channels': maxChannels, 'max-queues': maxQueues }, rates)
}

/** Those that limit. */
function limitFields(counts: Readonly<Record<string, number>>, rates: Rates = {}): EventFields {
  return Object.fromEntries(Object.entries({ ...counts, ...rates }).filter(([, limit]) => limit >= 0))
}

function announceChange(events: Events, what: string, name: string, before: EventFields, now: EventFields): void {
  if (JSON.stringify(before) === JSON.stringify(now)) return
  events.announce(Object.keys(now).length > 0 ? `${what}.set` : `${what}.cleared`, null, { name, ...now })
}

// Values under a kind's keys were written by the verbs of that kind.

function vhostFields(name: string, op: MetadataOp): EventFields {
  if (op.op !== 'put') return { name }
  const { description, tags } = op.value as VhostRecord
  return { name, description, tags: tags.join(',') }
}

function policyFields(op: MetadataOp): EventFields {
  if (op.op !== 'put') return {}
  const { pattern, applyTo, priority, definition } = op.value as PolicyRecord
  // A definition is JSON, checked when the policy was set.
  const table = argumentsFromJson(definition as { readonly [key: string]: Json })
  return { pattern, 'apply-to': applyTo, priority, definition: table }
}

function userFields(op: MetadataOp): EventFields {
  if (op.op !== 'put') return {}
  const { tags } = op.value as UserRecord
  return { tags: tags.join(',') }
}

function permissionFields(op: MetadataOp): EventFields {
  if (op.op !== 'put') return {}
  const { configure, write, read } = op.value as PermissionRecord
  return { configure, write, read }
}

function topicPermissionFields(op: MetadataOp): EventFields {
  if (op.op !== 'put') return {}
  const { write, read } = op.value as TopicPermissionRecord
  return { write, read }
}
