/** Settings of the model. Limits are read as of the last reload, whenever something is asked for. */
import type { Settings } from '../config/settings.ts'
import type { ModelSettings } from '../model/world.ts'

/** Deliveries of a message of a quorum queue, unless an argument or policy says otherwise. */
const DELIVERY_LIMIT = 20

/** `inForce` changes with every reload. */
export function modelSettings(inForce: { readonly settings: Settings }): ModelSettings {
  const { node, queues, features, amqp } = inForce.settings
  return {
    nodeName: node.name,
    defaultQueueType: queues.defaultType,
    permitsTransientQueues: features.permitted.transient_nonexcl_queues ?? true,
    queueDefaults: { consumerTimeoutMs: amqp.consumerTimeoutMs, deliveryLimit: DELIVERY_LIMIT },
    get queueCountMax() {
      return inForce.settings.queues.queueCountMax
    },
    get exchangeCountMax() {
      return inForce.settings.queues.exchangeCountMax
    },
    get vhostCountMax() {
      return inForce.settings.queues.vhostCountMax
    },
    get connectionCountMax() {
      return inForce.settings.amqp.connectionCountMax
    },
  }
}
