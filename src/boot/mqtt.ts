/** MQTT on its listeners. */
import { Mqtt } from '../protocols/mqtt/mqtt.ts'
import type { MqttSettings } from '../protocols/mqtt/world.ts'
import type { BrokerParts } from './parts.ts'

/** The protocol over the parts of a broker that has not started yet. */
export function mqttService(parts: BrokerParts): Mqtt {
  const { settings, broker, login, alarms, chunks, formats, foundation } = parts
  const logger = parts.logger.child('connection')
  return new Mqtt(
    { broker, login, alarms, chunks, formats, logger, settings: mqttSettings(parts) },
    {
      metadata: foundation.metadata,
      limits: { countMax: settings.mqtt.retainedCountMax, bytesMax: settings.mqtt.retainedBytesMax },
      escapesSparkplug: settings.mqtt.sparkplug,
      logger,
    },
  )
}

function mqttSettings({ settings }: BrokerParts): MqttSettings {
  const { mqtt, auth, tls, amqp } = settings
  const from = tls.certificateLoginFrom
  return {
    vhost: mqtt.vhost,
    exchange: mqtt.exchange,
    prefetchCount: mqtt.prefetchCount,
    allowAnonymous: mqtt.allowAnonymous,
    anonymous: auth.anonymousUser === 'none' ? null : { user: auth.anonymousUser, password: auth.anonymousPassword },
    sessionExpirySecondsMax: mqtt.sessionExpirySecondsMax,
    sessionCountMax: mqtt.sessionCountMax,
    subscriptionCountMax: mqtt.subscriptionCountMax,
    packetBytesUnauthenticatedMax: mqtt.packetBytesUnauthenticatedMax,
    packetBytesMax: Math.min(mqtt.packetBytesMax, amqp.messageBytesMax),
    topicAliasMax: mqtt.topicAliasMax,
    receiveMax: mqtt.receiveMax,
    keepAliveSecondsMax: mqtt.keepAliveSecondsMax,
    loginTimeoutMs: mqtt.loginTimeoutMs,
    durableQueueType: mqtt.durableQueueType,
    connectionCountMax: mqtt.connectionCountMax,
    disconnectsUnauthorized: mqtt.disconnectsUnauthorized,
    certificateLogin: mqtt.certificateLogin,
    certificateUserFrom: from === 'subject_alt_name' ? 'subject_alternative_name' : from,
    certificateClientIdFrom: mqtt.certificateClientIdFrom,
  }
}
