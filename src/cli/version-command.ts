/** `warren version`. */

import { SERVER_NAME, SERVER_VERSION } from '../config/version.ts'
import type { CommandRegistrar } from './command.ts'

/** Adds `version`. */
export const registerVersion: CommandRegistrar = (program, host) => {
  program
    .command('version')
    .description('print the version')
    .action(() => {
      host.stdout.write(`${SERVER_NAME} ${SERVER_VERSION} (Node.js ${process.versions.node})\n`)
    })
}
