/** `warren ctl`: the operator's tool, with rabbitmqctl's verbs. */
import type { CommandRegistrar } from '../command.ts'

/** Adds `ctl`. Its words are read by itself: rabbitmqctl takes options anywhere, also between a verb's arguments. */
export const registerCtl: CommandRegistrar = (program, host) => {
  program
    .command('ctl')
    .description('operate a running broker')
    .helpOption(false)
    .allowUnknownOption()
    .argument('[words...]')
    .action(async (_words: readonly string[], _options: unknown, command: { readonly args: readonly string[] }) => {
      const { runCtl } = await import('./run-ctl.ts')
      const code = await runCtl(command.args, host)
      if (code !== 0) process.exitCode = code
    })
}
