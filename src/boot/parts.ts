/** Everything of one running broker that listeners and the management are wired to. */
import type { Authenticators } from '../auth/authenticators.ts'
import type { Users } from '../auth/users.ts'
import type { Logger } from '../base/log.ts'
import type { Settings } from '../config/settings.ts'
import type { AuditLog } from '../management/audit/audit-log.ts'
import type { Broker } from '../model/broker.ts'
import type { MessageFormats } from '../model/message/message-format.ts'
import type { Alarms } from '../model/observe/alarms.ts'
import type { DescriptorWatch } from '../model/observe/descriptor-watch.ts'
import type { ResourceMonitor } from '../model/observe/resource-monitor.ts'
import type { ChunkPool } from '../net/chunk-pool.ts'
import type { Backends } from './backends.ts'
import type { Foundation } from './foundation.ts'

export interface BrokerParts {
  /** As of the start. */
  readonly settings: Settings
  /** As of the last reload. */
  readonly inForce: { settings: Settings }
  readonly dataDir: string | null
  readonly configFiles: readonly string[]
  readonly logger: Logger
  readonly foundation: Foundation
  readonly broker: Broker
  readonly alarms: Alarms
  readonly monitor: ResourceMonitor
  readonly descriptors: DescriptorWatch
  readonly backends: Backends
  readonly login: Authenticators
  /** Of the HTTP API, which may have a chain of its own. */
  readonly httpLogin: Authenticators
  readonly users: Users
  readonly formats: MessageFormats
  readonly chunks: ChunkPool
  readonly audit: AuditLog
}
