/** MQTT on its listeners: TCP, TLS, and WebSocket over both. */
import type { Settings } from '../config/settings.ts'
import type { TransportAcceptor } from '../net/listener.ts'
import { Mqtt } from '../protocols/mqtt/mqtt.ts'
import type { MqttSettings } from '../protocols/mqtt/world.ts'
import type { Certificates } from './certificates.ts'
import type { OpenListeners } from './listeners.ts'
import { certificateRule } from './login.ts'
import type { BrokerParts } from './parts.ts'

/** Names of MQTT in WebSocket handshakes. */
const SUBPROTOCOLS = ['mqtt', 'mqttv3.1']

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

/** Listens for MQTT clients. Without TCP and TLS listeners there is no WebSocket either. Rejects for the first port that cannot be had. */
export async function openMqtt(
  listeners: OpenListeners,
  settings: Settings,
  certificates: Certificates,
  service: Mqtt,
): Promise<void> {
  const { mqtt } = settings
  if (mqtt.tcp.length === 0 && mqtt.ssl.length === 0) return
  const accept: TransportAcceptor = (transport) => service.accept(transport)
  await listeners.open('mqtt', mqtt.tcp, null, accept, mqtt.proxyProtocol)
  if (mqtt.ssl.length > 0) {
    await listeners.open('mqtts', mqtt.ssl, await certificates.contextOf('clients'), accept, mqtt.proxyProtocol)
  }
  const web = {
    path: mqtt.webPath,
    subprotocols: SUBPROTOCOLS,
    proxyProtocol: mqtt.webProxyProtocol,
    origins: mqtt.webAllowOrigins,
    frameBytesMax: mqtt.packetBytesMax,
    frames: 'binary' as const,
  }
  const plain = { ...web, name: 'web-mqtt', host: mqtt.webHost ?? '', port: mqtt.webPort, tls: null }
  await listeners.openWebSocket(plain, accept)
  if (mqtt.webSslPort === null) return
  const secured = { name: 'web-mqtts', host: mqtt.webSslHost ?? '', port: mqtt.webSslPort }
  await listeners.openWebSocket({ ...web, ...secured, tls: await certificates.contextOf('webMqtt') }, accept)
}

function mqttSettings({ settings, inForce }: BrokerParts): MqttSettings {
  const { mqtt, auth, tls } = settings
  return {
    vhost: mqtt.vhost,
    exchange: mqtt.exchange,
    prefetchCount: mqtt.prefetchCount,
    allowAnonymous: mqtt.allowAnonymous,
    anonymous: auth.anonymousUser === 'none' ? null : { user: auth.anonymousUser, password: auth.anonymousPassword },
    // As of the last reload.
    get sessionExpirySecondsMax() {
      return inForce.settings.mqtt.sessionExpirySecondsMax
    },
    sessionCountMax: mqtt.sessionCountMax,
    subscriptionCountMax: mqtt.subscriptionCountMax,
    packetBytesUnauthenticatedMax: mqtt.packetBytesUnauthenticatedMax,
    get packetBytesMax() {
      return Math.min(mqtt.packetBytesMax, inForce.settings.amqp.messageBytesMax)
    },
    topicAliasMax: mqtt.topicAliasMax,
    receiveMax: mqtt.receiveMax,
    keepAliveSecondsMax: mqtt.keepAliveSecondsMax,
    loginTimeoutMs: mqtt.loginTimeoutMs,
    durableQueueType: mqtt.durableQueueType,
    get connectionCountMax() {
      return inForce.settings.mqtt.connectionCountMax
    },
    disconnectsUnauthorized: mqtt.disconnectsUnauthorized,
    hidesRefusals: mqtt.hidesRefusals,
    annotatesClientId: mqtt.annotatesClientId,
    certificateLogin: mqtt.certificateLogin,
    certificateRule: certificateRule(tls),
    clientIdRule:
      mqtt.certificateClientIdFrom === null
        ? null
        : {
            from: mqtt.certificateClientIdFrom,
            nameType: mqtt.certificateClientIdNameType,
            nameIndex: mqtt.certificateClientIdNameIndex,
          },
  }
}
