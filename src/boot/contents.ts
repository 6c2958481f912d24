/** What a broker holds when it starts: imported definitions, else the first virtual host and its users. */
import { defaultObjects, type Hashing, seedDefaults } from '../auth/seeding.ts'
import type { Logger } from '../base/log.ts'
import type { Settings } from '../config/settings.ts'
import type { AuditLog } from '../management/audit/audit-log.ts'
import { importDefinitionsFiles } from '../management/definitions/definitions-files.ts'
import type { ImportContext } from '../management/definitions/import-plan.ts'
import { topologyBuilders } from '../management/definitions/topology-builders.ts'
import { exchangeTypes } from '../model/routing/exchange-types.ts'
import { queueKinds } from '../queues/registry.ts'
import { auditImport } from './audit.ts'
import type { Foundation } from './foundation.ts'

/** Who stands as declarer of what an import creates. */
const IMPORTER = 'rmq-internal'

/** How an import judges and makes records. */
export function importContext(foundation: Foundation, settings: Settings): ImportContext {
  return {
    builders: topologyBuilders({
      queueKinds,
      exchangeTypes: exchangeTypes(),
      defaultQueueType: settings.queues.defaultType,
      newLedgerId: (label) => foundation.store.newLedgerId(label),
    }),
    hashing: hashing(foundation, settings),
    actingUser: IMPORTER,
    vhostDefaults: defaultObjects(settings.defaults),
  }
}

/** How new passwords are hashed. */
export function hashing(foundation: Foundation, settings: Settings): Hashing {
  return { algorithm: settings.auth.passwordHashing, randomness: foundation.randomness }
}

/** Imports what the settings name, then gives an empty store its defaults. Rejects with what is wrong in a file. */
export async function fillMetadata(
  foundation: Foundation,
  settings: Settings,
  audit: AuditLog,
  logger: Logger,
): Promise<void> {
  const { definitions } = settings
  const locations = [
    definitions.file,
    definitions.backend === 'local_filesystem' ? definitions.localPath : definitions.url,
  ]
  for (const location of locations) {
    if (location === null) continue
    const source = { location, skipIfUnchanged: definitions.skipIfUnchanged, hashAlgorithm: definitions.hashAlgorithm }
    const summary = await importDefinitionsFiles(source, foundation.metadata, importContext(foundation, settings))
    if (summary === undefined) logger.info(`definitions in ${location} are unchanged since their last import`)
    else {
      logger.info(`imported definitions from ${location}`, Object.fromEntries(summary))
      auditImport(audit, location, Object.fromEntries(summary))
    }
  }
  await seedDefaults(foundation.metadata, defaultObjects(settings.defaults), hashing(foundation, settings))
}
