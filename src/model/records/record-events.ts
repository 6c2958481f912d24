/**
 * Events of records that have no life beyond the metadata store: policies, parameters, users, permissions, vhosts. Objects
 * (queues, exchanges, bindings, connections) announce themselves. The broker calls it for every change that it applies.
 *
 * No event tells a secret: of a user, only the name and the tags. [RabbitMQ: rabbitmq_event_exchange]
 */

import type { EventFields, Events } from '../observe/events.ts'
import { argumentsFromJson, type Json } from '../values/arguments-json.ts'
import type { MetadataOp } from './metadata.ts'
import type { PermissionRecord, PolicyRecord, TopicPermissionRecord, UserRecord, VhostRecord } from './records.ts'

/** Announces what a change of the store means. `hasVhost` answers as of before the change. */
export function announceRecord(events: Events, op: MetadataOp, hasVhost: (name: string) => boolean): void {
  // What goes with its vhost goes without an event of its own.
  if (op.op === 'drop-prefix') return
  const [kind, first = '', second = '', third = ''] = op.key
  const put = op.op === 'put'
  switch (kind) {
    case 'vhost':
      if (put && hasVhost(first)) return
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
