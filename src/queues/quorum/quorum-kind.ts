/**
 * What the broker knows about quorum queues before there is one.
 */

import type { EffectivePolicy } from '../../model/policy/policy.ts'
import type { Queue, Refusal } from '../../model/queue/queue.ts'
import type { QueueHost, QueueKind, QueueProperties } from '../../model/queue/queue-host.ts'
import type { QueueRecord } from '../../model/records/records.ts'
import type { Arguments } from '../../model/values/arguments.ts'
import { knownArguments, refusesDeclareArguments } from '../common/arguments.ts'
import { QuorumQueue } from './quorum-queue.ts'
import { invalidProperty } from './refusals.ts'

/** Quorum queues: durable, shared, kept until deleted. */
export const quorumKind: QueueKind = {
  name: 'quorum',
  isServerNamed: false,
  comparedArguments: knownArguments('quorum'),
  refusesDeclaration(properties: QueueProperties, args: Arguments): Refusal | undefined {
    const refusal = refusesDeclareArguments(properties, 'quorum', args)
    if (refusal !== undefined) return refusal
    if (properties.autoDelete) return invalidProperty(properties, 'auto-delete')
    if (properties.exclusive) return invalidProperty(properties, 'exclusive-owner')
    return properties.durable ? undefined : invalidProperty(properties, 'non-durable')
  },
  create(record: QueueRecord, policy: EffectivePolicy, host: QueueHost): Queue {
    return new QuorumQueue(record, policy, host)
  },
}
