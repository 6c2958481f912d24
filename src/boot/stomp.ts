/** STOMP on its listeners: TCP, TLS, and WebSocket over both. */
import type { Settings } from '../config/settings.ts'
import type { TransportAcceptor } from '../net/listener.ts'
import { Stomp } from '../protocols/stomp/stomp.ts'
import type { StompSettings } from '../protocols/stomp/world.ts'
import type { Certificates } from './certificates.ts'
import type { OpenListeners } from './listeners.ts'
import { certificateRule } from './login.ts'
import type { BrokerParts } from './parts.ts'

/** Names of STOMP in WebSocket handshakes. Clients may leave them out. */
const SUBPROTOCOLS = ['v12.stomp', 'v11.stomp', 'v10.stomp']

/** The protocol over the parts of a broker. */
export function stompService(parts: BrokerParts): Stomp {
  const { broker, login, alarms, chunks, formats } = parts
  const logger = parts.logger.child('connection')
  return new Stomp({ broker, login, alarms, chunks, formats, logger, settings: stompSettings(parts) })
}

/** Listens for STOMP clients. Without TCP and TLS listeners there is no WebSocket either. Rejects for the first port that cannot be had. */
export async function openStomp(
  listeners: OpenListeners,
  settings: Settings,
  certificates: Certificates,
  service: Stomp,
): Promise<void> {
  const { stomp } = settings
  if (stomp.tcp.length === 0 && stomp.ssl.length === 0) return
  const accept: TransportAcceptor = (transport) => service.accept(transport)
  await listeners.open('stomp', stomp.tcp, null, accept, stomp.proxyProtocol)
  if (stomp.ssl.length > 0) {
    await listeners.open('stomps', stomp.ssl, await certificates.contextOf('clients'), accept, stomp.proxyProtocol)
  }
  const web = {
    path: stomp.webPath,
    subprotocols: SUBPROTOCOLS,
    needsNoSubprotocol: true,
    readsHttpLogin: stomp.webHttpAuth,
    proxyProtocol: stomp.webProxyProtocol,
    origins: stomp.webAllowOrigins,
    frameBytesMax: stomp.frameBytesMax,
    frames: stomp.webFrame,
  }
  const plain = { ...web, name: 'web-stomp', host: stomp.webHost ?? '', port: stomp.webPort, tls: null }
  await listeners.openWebSocket(plain, accept)
  if (stomp.webSslPort === null) return
  const secured = { name: 'web-stomps', host: stomp.webSslHost ?? '', port: stomp.webSslPort }
  await listeners.openWebSocket({ ...web, ...secured, tls: await certificates.contextOf('webStomp') }, accept)
}

function stompSettings({ settings, inForce }: BrokerParts): StompSettings {
  const { stomp, amqp, tls, node } = settings
  return {
    defaultVhost: stomp.defaultVhost,
    defaultUser: stomp.defaultUser,
    defaultPassword: stomp.defaultPassword,
    topicExchange: stomp.defaultTopicExchange,
    defaultNackRequeue: stomp.defaultNackRequeue,
    implicitConnect: stomp.implicitConnect,
    hidesServer: stomp.hideServerInfo,
    serverName: `${node.productName}/${node.productVersion}`,
    trailingLineFeed: stomp.trailingLf,
    loginTimeoutMs: stomp.loginTimeoutMs,
    frameBytesMax: stomp.frameBytesMax,
    frameBytesUnauthenticatedMax: stomp.frameBytesUnauthenticatedMax,
    get messageBytesMax() {
      return inForce.settings.amqp.messageBytesMax
    },
    subscriptionCountMax: amqp.consumerCountMax,
    certificateLogin: stomp.certificateLogin,
    certificateRule: certificateRule(tls),
  }
}
