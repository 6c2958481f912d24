/**
 * What the broker knows about classic queues before there is one.
 */

import type { EffectivePolicy } from '../../model/policy/policy.ts'
import type { Queue, Refusal } from '../../model/queue/queue.ts'
import type { QueueHost, QueueKind, QueueProperties } from '../../model/queue/queue-host.ts'
import type { QueueRecord } from '../../model/records/records.ts'
import type { Arguments } from '../../model/values/arguments.ts'
import { knownArguments, refusesDeclareArguments } from '../common/arguments.ts'
import { ClassicQueue } from './classic-queue.ts'

/** Classic queues: any properties. */
export const classicKind: QueueKind = {
  name: 'classic',
  isServerNamed: true,
  comparedArguments: knownArguments('classic'),
  refusesDeclaration(properties: QueueProperties, args: Arguments): Refusal | undefined {
    return refusesDeclareArguments(properties, 'classic', args)
  },
  create(record: QueueRecord, policy: EffectivePolicy, host: QueueHost): Queue {
    return new ClassicQueue(record, policy, host)
  },
}
