/**
 * What all STOMP connections of a broker share, and what the parts of one connection share.
 */
import type { CertificateRule } from '../../auth/certificate-login.ts'
import type { Identity, Login } from '../../auth/identity.ts'
import type { Logger } from '../../base/log.ts'
import type { Broker } from '../../model/broker.ts'
import type { RateMeter } from '../../model/limits/rate-meter.ts'
import { MessageDraft, PROTOCOL_STOMP } from '../../model/message/message.ts'
import type { MessageFormats } from '../../model/message/message-format.ts'
import type { SessionTallies } from '../../model/message/session-tallies.ts'
import type { Alarms } from '../../model/observe/alarms.ts'
import type { ProtocolTraffic } from '../../model/observe/traffic.ts'
import type { SessionPermissions } from '../../model/permissions.ts'
import type { Actor } from '../../model/verbs/requests.ts'
import type { Vhost } from '../../model/vhost.ts'
import type { ChunkPool } from '../../net/chunk-pool.ts'
import { InboundBudget } from '../../net/inbound-budget.ts'
import type { Outbox } from '../../net/outbox.ts'
import { Frame } from './codec.ts'
import { StoredFacts } from './convert.ts'
import type { StompError } from './errors.ts'
import type { Receipts } from './receipts.ts'
import type { Version } from './spec.ts'
import { StoredHeadersWriter } from './stored-headers.ts'

/** Settings of the protocol. */
export interface StompSettings {
  readonly defaultVhost: string
  readonly defaultUser: string | null
  readonly defaultPassword: string | null
  /** Exchange of `/topic/` destinations. */
  readonly topicExchange: string
  readonly defaultNackRequeue: boolean
  readonly implicitConnect: boolean
  readonly hidesServer: boolean
  /** `<product>/<version>` for CONNECTED. */
  readonly serverName: string
  readonly trailingLineFeed: boolean
  readonly loginTimeoutMs: number
  readonly frameBytesMax: number
  readonly frameBytesUnauthenticatedMax: number
  readonly messageBytesMax: number
  readonly subscriptionCountMax: number
  /** A verified client certificate logs its owner in. */
  readonly certificateLogin: boolean
  readonly certificateRule: CertificateRule
}

/** What the composition root hands in. */
export interface StompOptions {
  readonly broker: Broker
  readonly login: Login
  readonly alarms: Alarms
  readonly chunks: ChunkPool
  readonly formats: MessageFormats
  /** Category `connection`. */
  readonly logger: Logger
  readonly settings: StompSettings
}

/** Shared by all connections. */
export class StompWorld {
  readonly broker: Broker
  readonly traffic: ProtocolTraffic
  readonly login: Login
  readonly alarms: Alarms
  readonly chunks: ChunkPool
  readonly formats: MessageFormats
  readonly logger: Logger
  readonly settings: StompSettings
  readonly inbound: InboundBudget
  // Used within one call, by one connection after another.
  readonly frame = new Frame()
  /** For frames of a transaction, while the frame that commits it is at hand. */
  readonly heldFrame = new Frame()
  readonly stored = new StoredHeadersWriter()
  readonly facts = new StoredFacts(Buffer.alloc(1), 0, 1)
  readonly draft = new MessageDraft()

  constructor(options: StompOptions) {
    this.broker = options.broker
    this.traffic = options.broker.counters.traffic('stomp')
    this.login = options.login
    this.alarms = options.alarms
    this.chunks = options.chunks
    this.formats = options.formats
    this.logger = options.logger
    this.settings = options.settings
    this.inbound = new InboundBudget(options.broker.world.turn)
    this.draft.protocol = PROTOCOL_STOMP
    this.draft.facts = this.facts
  }
}

/** The connection, as its session sees it. */
export interface SessionHost {
  /** Handles no more frames until `resume`. `again`: the frame at hand comes once more. */
  suspend(again: boolean): void
  resume(): void
  /** Whether the session has been closed: a step that was waiting does nothing any more. */
  readonly isOver: boolean
  /** Says what is wrong and closes. */
  fail(error: unknown): void
  /** Says what is wrong and goes on. */
  complain(error: StompError, headers: readonly (readonly [string, string])[]): void
  /** Someone publishes: from now on alarms stop the reading. */
  onPublish(): void
  /** Everything is answered: says goodbye. */
  end(): void
}

/** Who a connection speaks for, and what its parts share once it is logged in. */
export interface Session {
  readonly world: StompWorld
  readonly host: SessionHost
  readonly outbox: Outbox
  readonly receipts: Receipts
  readonly tallies: SessionTallies
  readonly version: Version
  /** As CONNECTED names it: part of message ids. */
  readonly sessionId: string
  readonly connectionName: string
  readonly vhost: Vhost
  readonly permissions: SessionPermissions
  /** Rates of the user and the virtual host. */
  readonly rates: RateMeter
  readonly identity: Identity
  readonly actor: Actor
}
