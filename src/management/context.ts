/**
 * What the HTTP API, the metrics and the statistics know of the broker they describe. Made once by `management.ts`.
 */

import type { BackendCounters } from '../auth/backends/questions.ts'
import type { LoginAttempts } from '../auth/login-attempts.ts'
import type { Users } from '../auth/users.ts'
import type { Clock } from '../base/clock.ts'
import type { LogCategory, Logger, LogLevel } from '../base/log.ts'
import type { Randomness } from '../base/random.ts'
import type { Settings } from '../config/settings.ts'
import type { Broker } from '../model/broker.ts'
import type { MessageFormats } from '../model/message/message-format.ts'
import type { MessageStore } from '../model/message/message-store.ts'
import type { Alarms } from '../model/observe/alarms.ts'
import type { ResourceLimit, ResourceStatus } from '../model/observe/resource-monitor.ts'
import type { QueueKinds } from '../model/queue/queue-host.ts'
import type { Metadata } from '../model/records/metadata.ts'
import type { AuditLog } from './audit/audit-log.ts'
import type { RunningOperations } from './contents/running-operations.ts'
import type { ImportContext } from './definitions/import-plan.ts'
import type { Authentication } from './http/authentication.ts'
import type { OidcSignIn } from './http/oidc-sign-in.ts'
import type { QueueHistory } from './stats/history/queue-history.ts'
import type { Statistics } from './stats/statistics.ts'
import type { Traces } from './traces/traces.ts'

/** A port in use. */
export interface ListenerFact {
  /** As RabbitMQ lists it: `amqp`, `amqp/ssl`, `http`, `https`, `http/prometheus`, `mqtt`, … */
  readonly protocol: string
  readonly host: string
  readonly port: number
}

/** A certificate that a listener shows. */
export interface CertificateFact {
  readonly listener: ListenerFact
  readonly notAfterMs: number
}

/** A certificate in use. */
export interface ListedCertificate {
  /** Beginning of the keys of its listeners: `ssl_options`, `management.ssl`, … */
  readonly listeners: string
  /** Shown to clients that ask for these; empty: to everybody else. */
  readonly hostNames: readonly string[]
  readonly subject: string
  readonly issuer: string
  readonly notAfterMs: number
}

/** What came of reading the certificates of some listeners again. */
export interface CertificateReload {
  readonly listeners: string
  /** Null: they are in use. */
  readonly error: string | null
}

/** Certificates, and how often they were replaced since the start. */
export interface TlsFigures {
  readonly certificates: readonly ListedCertificate[]
  readonly reloadedCount: number
  readonly failedCount: number
  /** Handshakes that came to nothing, and how many of those took too long. */
  readonly handshakes: { readonly failedCount: number; readonly timedOutCount: number }
}

/** Figures of the durable log, where there is one. */
export interface LogFigures {
  readonly fileBytes: number
  readonly batchCount: number
  readonly syncCount: number
  readonly syncMsTotal: number
  readonly syncHistogram: readonly number[]
  readonly syncMsBounds: readonly number[]
  readonly batchHistogram: readonly number[]
  readonly batchBytesBounds: readonly number[]
  readonly writtenBytes: number
  readonly unsyncedBytes: number
  readonly failureCount: number
  /** Reads of what had left the memory. */
  readonly readCount: number
  readonly readBytes: number
  /** Damaged places found in the log, and damaged records in the metadata, when the folder was opened. */
  readonly damageCount: number
  readonly metadataDamageCount: number
}

/** The node, as it describes itself. Functions are asked anew for every listing. */
export interface NodeFacts {
  readonly name: string
  /** Our own version, `warrenmq_version`. */
  readonly version: string
  readonly startedAtMs: number
  /** The data folder; empty without one. */
  readonly dataDir: string
  readonly configFiles: readonly string[]
  readonly logFiles: readonly string[]
  readonly exchangeTypes: readonly { readonly name: string; readonly description: string }[]
  readonly authMechanisms: readonly string[]
  /** Without those of the management itself, which adds its own. */
  listeners(): readonly ListenerFact[]
  certificates(): readonly CertificateFact[]
  tls(): TlsFigures
  resources(): ResourceStatus
  /** Descriptors open, and how many there may be; 0 when unknown. */
  openFiles(): { readonly used: number; readonly max: number }
  log(): LogFigures | undefined
  /** As of the last reload. */
  settingsInForce(): Settings
}

/** What clients get of a node: all, no new connections, none (before an upgrade), or none at all. */
export const SERVICE_STATES = ['running', 'suspended', 'drained', 'stopped'] as const
/** One of them. */
export type ServiceState = (typeof SERVICE_STATES)[number]

/** Whether the node serves clients. */
export interface NodeService {
  readonly state: ServiceState
  /** Opens or closes the ports of clients; a drained and a stopped node also closes connections. */
  change(state: ServiceState): Promise<void>
  /** Deletes everything and begins anew, as at the first start. */
  reset(): Promise<void>
}

/** Changes of the running node that the command line asks for. */
export interface NodeControls {
  /** Of one category, or of all that have no level of their own. */
  setLogLevel(category: LogCategory | null, level: LogLevel): void
  setMemoryLimit(limit: ResourceLimit): void
  setDiskLimit(limit: ResourceLimit): Promise<void>
  /** As a part of the descriptors there may be. */
  setDescriptorWatermark(watermark: number): void
  /** The newest lines of the log, oldest first. */
  logTail(countMax: number): readonly string[]
  /** Reads the files of all certificates again. */
  reloadCertificates(): Promise<readonly CertificateReload[]>
  /** Forgets the logins and permissions that the cache of back ends knows. */
  clearAuthCache(): void
  readonly service: NodeService
  /** Stops the broker. */
  shutdown(): void
}

/** Everything that endpoints work with. */
export interface ManagementContext {
  readonly broker: Broker
  readonly metadata: Metadata
  readonly store: MessageStore
  readonly formats: MessageFormats
  readonly queueKinds: QueueKinds
  readonly users: Users
  readonly attempts: LoginAttempts
  readonly alarms: Alarms
  readonly settings: Settings
  readonly statistics: Statistics
  /** Numbers of queues for seven days; null without a data folder. */
  readonly queueHistory: QueueHistory | null
  /** Sign-in at an identity provider; null without one. */
  readonly signIn: OidcSignIn | null
  /** Questions to back ends outside of this process, by back end. */
  readonly authBackends: () => ReadonlyMap<string, Readonly<BackendCounters>>
  readonly authentication: Authentication
  /** Moves and copies of messages that are under way. */
  readonly operations: RunningOperations
  /** How an import of definitions judges and makes records. */
  readonly importContext: ImportContext
  readonly randomness: Randomness
  readonly clock: Clock
  readonly logger: Logger
  readonly node: NodeFacts
  readonly controls: NodeControls
  readonly audit: AuditLog
  /** Traces to files; null without a data folder. */
  readonly traces: Traces | null
  /** All listeners, the management's own included. */
  listeners(): readonly ListenerFact[]
}
