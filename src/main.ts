/** The process: arguments to a command, its outcome to an exit code. Only `server` loads boot. */
import { inlineDeeply } from './base/compiler.ts'
import { runProgram } from './cli/program.ts'
import { processEnvironment } from './config/environment.ts'

/** Runs one command line. The process ends when nothing keeps it alive any more. */
export async function main(args: readonly string[]): Promise<void> {
  const code = await runProgram(args, {
    startBroker: async (options) => {
      const broker = await (await import('./boot.ts')).startBroker(options)
      inlineDeeply()
      return broker
    },
    openDataFolder: async (dataDir, settings) =>
      (await import('./boot/data-folder.ts')).openDataFolder(dataDir, settings),
    environment: processEnvironment(),
    stdout: process.stdout,
    stderr: process.stderr,
  })
  // A command that failed in its own way has set the exit code itself.
  if (code !== 0) process.exitCode = code
}
