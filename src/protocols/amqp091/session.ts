/**
 * What the parts of one connection share: the broker's services, and what login and tuning agreed on.
 *
 * `SessionWorld` is one per broker; `Session` one per connection, complete once connection.open was granted.
 */
import type { CertificateRule } from '../../auth/certificate-login.ts'
import type { Identity, Login } from '../../auth/identity.ts'
import type { Logger } from '../../base/log.ts'
import type { Broker } from '../../model/broker.ts'
import type { RateMeter } from '../../model/limits/rate-meter.ts'
import type { MessageFormats } from '../../model/message/message-format.ts'
import type { Alarms } from '../../model/observe/alarms.ts'
import type { ProtocolTraffic } from '../../model/observe/traffic.ts'
import type { SessionPermissions } from '../../model/permissions.ts'
import type { Actor } from '../../model/verbs/requests.ts'
import type { Vhost } from '../../model/vhost.ts'
import type { ChunkPool } from '../../net/chunk-pool.ts'
import type { Outbox } from '../../net/outbox.ts'
import type { FieldTable } from './fields.ts'

/** Settings of the protocol. */
export interface Amqp091Settings {
  readonly frameBytesMax: number
  /** Limit before tuning. */
  readonly initialFrameBytesMax: number
  /** 0 is no limit. */
  readonly channelCountMax: number
  /** Over all connections; Infinity is none. */
  readonly channelCountMaxOfNode: number
  readonly consumerCountMaxPerChannel: number
  readonly heartbeatSeconds: number
  readonly handshakeTimeoutMs: number
  readonly messageBytesMax: number
  /** Which name of a client certificate is the user of EXTERNAL. */
  readonly certificateRule: CertificateRule
  /** Prefetch of consumers that never asked for one; 0 is no limit. */
  readonly defaultPrefetchCount: number
  /** Whether `basic.qos` with `global` limits the channel (`deprecated_features.permit.global_qos`), else new consumers. */
  readonly permitsGlobalQos: boolean
  readonly nodeName: string
}

/** Services of the broker. */
export interface SessionWorld {
  readonly broker: Broker
  /** Counters of the protocol. */
  readonly traffic: ProtocolTraffic
  readonly login: Login
  readonly alarms: Alarms
  readonly chunks: ChunkPool
  readonly formats: MessageFormats
  /** Category `connection`. */
  readonly logger: Logger
  readonly settings: Amqp091Settings
  /** Sent in connection.start, in the order of names. */
  readonly serverProperties: FieldTable
  /** Channels open on all connections. */
  readonly totals: { channelCount: number }
}

/** The connection, as its channels see it. */
export interface SessionHost {
  /** No more frames are handled until `resumeInput`: something has to be answered first. */
  suspendInput(): void
  resumeInput(): void
  /** Runs the rest of a method that was answered later; what it throws closes as if thrown by the method. */
  complete(channel: number, methodId: number, rest: () => void): void
  /** Someone publishes: the time to say so when an alarm is on. */
  onPublish(): void
}

/** One connection with its vhost open. */
export interface Session {
  readonly world: SessionWorld
  readonly host: SessionHost
  readonly outbox: Outbox
  readonly vhost: Vhost
  readonly permissions: SessionPermissions
  /** Rates of the user and the virtual host. */
  readonly rates: RateMeter
  /** Of the last login, or of the last new secret. */
  identity: Identity
  readonly actor: Actor
  readonly connectionName: string
  readonly frameBytesMax: number
  /** The client understands basic.cancel from us. */
  readonly canCancelNotify: boolean
}
