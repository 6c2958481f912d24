/** Registers `warren definitions` with what it needs of the process and the settings. */
import { METADATA_FOLDER } from '../config/data-folder.ts'
import type { CommandRegistrar } from './command.ts'
import { addDefinitionsCommand } from './definitions.ts'
import { loadWith } from './settings-options.ts'

/** Adds `definitions export`, `import` and `check`. */
export const registerDefinitions: CommandRegistrar = (program, host) => {
  const { settings, dataDir } = loadWith({ set: [] }, host)
  addDefinitionsCommand(program, {
    defaultDataDir: dataDir,
    metadataFolder: METADATA_FOLDER,
    origin: {
      product: settings.node.productName,
      version: settings.node.productVersion,
      clusterName: settings.node.clusterName ?? settings.node.name,
    },
    openDataFolder: (folder) => host.openDataFolder(folder, settings),
    print: (text) => host.stdout.write(text),
    complain: (text) => host.stderr.write(text),
    exit: (code) => {
      process.exitCode = code
    },
  })
}
