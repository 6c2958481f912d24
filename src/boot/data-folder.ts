/** The data folder of a stopped broker, opened for changes to its definitions. */

import { SILENT_LOGGER } from '../base/log.ts'
import type { OpenedDataFolder } from '../cli/definitions.ts'
import type { Settings } from '../config/settings.ts'
import { Alarms } from '../model/observe/alarms.ts'
import { importContext } from './contents.ts'
import { layFoundation } from './foundation.ts'

/** Opens it. The messages stay as they are: queues that nobody claims are not dropped. */
export async function openDataFolder(dataDir: string, settings: Settings): Promise<OpenedDataFolder> {
  const foundation = await layFoundation({ settings, dataDir, logger: SILENT_LOGGER, alarms: new Alarms() })
  return {
    metadata: foundation.metadata,
    context: importContext(foundation, settings),
    close: () => foundation.close(),
  }
}
