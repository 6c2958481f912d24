/**
 * What all MQTT connections of a broker share: services, settings, and working memory that is used within one call.
 */
import type { CertificateRule } from '../../auth/certificate-login.ts'
import type { Identity, Login } from '../../auth/identity.ts'
import type { Logger } from '../../base/log.ts'
import type { Broker } from '../../model/broker.ts'
import { MessageDraft, PROTOCOL_MQTT } from '../../model/message/message.ts'
import type { MessageFormats } from '../../model/message/message-format.ts'
import type { Alarms } from '../../model/observe/alarms.ts'
import type { ProtocolLabel, ProtocolTraffic } from '../../model/observe/traffic.ts'
import type { SessionPermissions } from '../../model/permissions.ts'
import type { Vhost } from '../../model/vhost.ts'
import type { ChunkPool } from '../../net/chunk-pool.ts'
import { InboundBudget } from '../../net/inbound-budget.ts'
import { BlockFacts } from './convert.ts'
import { FanoutBudget } from './fanout-budget.ts'
import { PublishScan } from './publish-scan.ts'
import { PublishWriter } from './publish-writer.ts'
import type { RetainedMessages } from './retained.ts'
import { LEVEL_5, LEVEL_31, LEVEL_311, type ProtocolLevel } from './spec.ts'
import { StoredPropertiesWriter } from './stored-properties.ts'
import { TopicCache } from './topic-cache.ts'
import type { TopicNames } from './topics.ts'

/** Settings of the protocol. */
export interface MqttSettings {
  readonly vhost: string
  /** The topic exchange that MQTT topics live in. */
  readonly exchange: string
  /** Unfinished QoS 1 and 2 messages of a client at most. */
  readonly prefetchCount: number
  readonly allowAnonymous: boolean
  /** The anonymous login; null refuses clients without user name. */
  readonly anonymous: { readonly user: string; readonly password: string } | null
  /** Infinity: sessions may last for ever. */
  readonly sessionExpirySecondsMax: number
  /** Sessions at most, with and without a connection. */
  readonly sessionCountMax: number
  /** Filters of one session at most. */
  readonly subscriptionCountMax: number
  readonly packetBytesUnauthenticatedMax: number
  readonly packetBytesMax: number
  readonly topicAliasMax: number
  /** Inbound QoS 1 and 2 publishes that a client of MQTT 5.0 may have unfinished. */
  readonly receiveMax: number
  /** Longest keep alive; clients of MQTT 5.0 that ask for more are told this one. 0: no limit. */
  readonly keepAliveSecondsMax: number
  readonly loginTimeoutMs: number
  readonly durableQueueType: string
  readonly connectionCountMax: number
  readonly disconnectsUnauthorized: boolean
  /** Subscriptions that are not allowed are refused without saying why. */
  readonly hidesRefusals: boolean
  /** Messages carry their publisher's client id for other protocols. */
  readonly annotatesClientId: boolean
  /** A verified client certificate logs its owner in. */
  readonly certificateLogin: boolean
  readonly certificateRule: CertificateRule
  /** The name of a client certificate that the client id must equal; null: none. */
  readonly clientIdRule: CertificateRule | null
}

/** What the composition root hands in. */
export interface MqttOptions {
  readonly broker: Broker
  readonly login: Login
  readonly alarms: Alarms
  readonly chunks: ChunkPool
  readonly formats: MessageFormats
  /** Category `connection`. */
  readonly logger: Logger
  readonly settings: MqttSettings
  readonly names: TopicNames
  readonly retained: RetainedMessages
}

/** Versions of the protocol, as metrics name them. */
const LABELS: Readonly<Record<ProtocolLevel, ProtocolLabel>> = {
  [LEVEL_31]: 'mqtt310',
  [LEVEL_311]: 'mqtt311',
  [LEVEL_5]: 'mqtt50',
}

/** Shared by all connections. */
export class MqttWorld {
  readonly broker: Broker
  readonly login: Login
  readonly alarms: Alarms
  readonly chunks: ChunkPool
  readonly logger: Logger
  readonly settings: MqttSettings
  readonly names: TopicNames
  readonly retained: RetainedMessages
  readonly formats: MessageFormats
  // Used within one call, by one connection after another.
  readonly scan = new PublishScan()
  readonly stored: StoredPropertiesWriter
  readonly facts = new BlockFacts()
  readonly draft = new MessageDraft()
  readonly writer: PublishWriter
  readonly inbound: InboundBudget
  readonly fanout: FanoutBudget
  /** Sessions that have a No Local subscription: only then do messages carry their publisher. */
  noLocalCount = 0
  connectionCount = 0
  readonly #traffic = new Map<ProtocolLevel, ProtocolTraffic>()
  readonly #topics = new WeakMap<Vhost, TopicCache>()

  constructor(options: MqttOptions) {
    this.broker = options.broker
    this.login = options.login
    this.alarms = options.alarms
    this.chunks = options.chunks
    this.logger = options.logger
    this.settings = options.settings
    this.names = options.names
    this.retained = options.retained
    this.stored = new StoredPropertiesWriter(options.settings.annotatesClientId)
    this.formats = options.formats
    this.inbound = new InboundBudget(options.broker.world.turn)
    this.fanout = new FanoutBudget(options.broker.world.turn)
    this.draft.protocol = PROTOCOL_MQTT
    this.draft.facts = this.facts
    this.writer = new PublishWriter({
      store: options.broker.world.store,
      formats: options.formats,
      names: options.names,
      clock: options.broker.world.clock,
    })
  }

  /** Whether messages are to carry their publisher. */
  get wantsPublisher(): boolean {
    return this.noLocalCount > 0 || this.settings.annotatesClientId
  }

  /** Counters of a version of the protocol. */
  trafficOf(level: ProtocolLevel): ProtocolTraffic {
    let traffic = this.#traffic.get(level)
    if (traffic === undefined) {
      traffic = this.broker.counters.traffic(LABELS[level])
      this.#traffic.set(level, traffic)
    }
    return traffic
  }

  topicsOf(vhost: Vhost): TopicCache {
    let topics = this.#topics.get(vhost)
    if (topics === undefined) {
      topics = new TopicCache(vhost, this.settings.exchange, this.names)
      this.#topics.set(vhost, topics)
    }
    return topics
  }
}

/** Who a connection speaks for, once it is logged in. */
export interface Member {
  /** Changes with a new token. */
  identity: Identity
  readonly vhost: Vhost
  readonly permissions: SessionPermissions
  readonly clientId: string
  /** The client sent no id and got this one. */
  readonly isIdAssigned: boolean
  /** Name of the SASL mechanism that comes nearest to how it logged in. */
  readonly mechanism: string
  /** Of MQTT 5.0's enhanced authentication; null without. */
  readonly authenticationMethod: string | null
}

/** Whether this member may publish to a topic's routing key. */
export function mayPublish(permissions: SessionPermissions, exchange: string, routingKey: string): boolean {
  if (!permissions.canWrite('exchange', exchange)) return false
  return !permissions.hasTopicRules(exchange) || permissions.canWriteTopic(exchange, routingKey)
}

/** Whether this member may subscribe a queue of the name to a binding key. */
export function maySubscribe(
  permissions: SessionPermissions,
  exchange: string,
  queueName: string,
  bindingKey: string,
): boolean {
  return mayUseQueue(permissions, exchange, queueName) && mayReadTopic(permissions, exchange, bindingKey)
}

/** Whether this member may have a queue of the name, bound to the exchange of topics. */
export function mayUseQueue(permissions: SessionPermissions, exchange: string, queueName: string): boolean {
  return (
    permissions.canConfigure('queue', queueName) &&
    permissions.canWrite('queue', queueName) &&
    permissions.canRead('queue', queueName) &&
    permissions.canRead('exchange', exchange)
  )
}

/** Whether this member may read what a binding key matches. */
export function mayReadTopic(permissions: SessionPermissions, exchange: string, bindingKey: string): boolean {
  return !permissions.hasTopicRules(exchange) || permissions.canReadTopic(exchange, bindingKey)
}
