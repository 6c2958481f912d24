/** AMQP 0-9-1 on its listeners, and for transports within the process. */
import { hostname } from 'node:os'
import { SERVER_NAME, SERVER_VERSION } from '../config/version.ts'
import { Amqp091 } from '../protocols/amqp091/amqp091.ts'
import { fromPlain } from '../protocols/amqp091/field-values.ts'
import type { FieldTable } from '../protocols/amqp091/fields.ts'
import type { SessionWorld } from '../protocols/amqp091/session.ts'
import { certificateRule } from './login.ts'
import type { BrokerParts } from './parts.ts'

/** The protocol over the parts of a broker. */
export function amqp091(parts: BrokerParts): Amqp091 {
  return new Amqp091(sessionWorld(parts))
}

function sessionWorld({
  settings,
  inForce,
  broker,
  login,
  alarms,
  chunks,
  formats,
  logger,
}: BrokerParts): SessionWorld {
  const { amqp } = settings
  return {
    broker,
    traffic: broker.counters.traffic('amqp091'),
    login,
    alarms,
    chunks,
    formats,
    logger: logger.child('connection'),
    settings: {
      frameBytesMax: amqp.frameBytesMax,
      initialFrameBytesMax: amqp.initialFrameBytesMax,
      channelCountMax: amqp.channelCountMax,
      // As of the last reload.
      get channelCountMaxOfNode() {
        return inForce.settings.amqp.nodeChannelCountMax
      },
      get consumerCountMaxPerChannel() {
        return inForce.settings.amqp.consumerCountMax
      },
      get heartbeatSeconds() {
        return inForce.settings.amqp.heartbeatSeconds
      },
      get handshakeTimeoutMs() {
        return inForce.settings.listeners.handshakeTimeoutMs
      },
      get messageBytesMax() {
        return inForce.settings.amqp.messageBytesMax
      },
      certificateRule: certificateRule(settings.tls),
      defaultPrefetchCount: 0,
      permitsGlobalQos: settings.features.permitted.global_qos ?? true,
      nodeName: settings.node.name,
    },
    serverProperties: serverProperties(settings),
    totals: { channelCount: 0 },
  }
}

/** What clients are told of us: the dialect spoken, and who we are beside it. In the order of names. */
function serverProperties({ node }: BrokerParts['settings']): FieldTable {
  const capabilities = {
    authentication_failure_close: true,
    'basic.nack': true,
    'connection.blocked': true,
    consumer_cancel_notify: true,
    consumer_priorities: true,
    direct_reply_to: true,
    exchange_exchange_bindings: true,
    per_consumer_qos: true,
    publisher_confirms: true,
  }
  return fromPlain({
    capabilities,
    cluster_name: node.clusterName ?? `rabbit@${hostname()}`,
    copyright: 'The WarrenMQ authors',
    information: 'Licensed under Apache-2.0',
    platform: `Node.js ${process.versions.node}`,
    product: node.productName,
    server_name: SERVER_NAME,
    version: node.productVersion,
    warrenmq_version: SERVER_VERSION,
  })
}
