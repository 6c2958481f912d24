/**
 * What the broker knows about MQTT QoS 0 queues before there is one. [RabbitMQ: rabbit_mqtt_qos0_queue]
 */

import type { EffectivePolicy } from '../../model/policy/policy.ts'
import type { Queue, Refusal } from '../../model/queue/queue.ts'
import type { QueueHost, QueueKind, QueueProperties } from '../../model/queue/queue-host.ts'
import type { QueueRecord } from '../../model/records/records.ts'
import { Qos0Queue } from './qos0-queue.ts'

/** The value of `x-queue-type`. */
export const QOS0_QUEUE_TYPE = 'rabbit_mqtt_qos0_queue'

/** Queues that hand over and never keep: exclusive ones only. */
export const qos0Kind: QueueKind = {
  name: QOS0_QUEUE_TYPE,
  isServerNamed: false,
  comparedArguments: [],
  refusesDeclaration({ vhost, name, exclusive }: QueueProperties): Refusal | undefined {
    if (exclusive) return undefined
    const text = `invalid property 'non-exclusive' for queue '${name}' in vhost '${vhost}'`
    return { code: 'precondition-failed', text }
  },
  create(record: QueueRecord, _policy: EffectivePolicy, host: QueueHost): Queue {
    return new Qos0Queue(record, host)
  },
}
