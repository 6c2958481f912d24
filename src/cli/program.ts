/**
 * The root of the command tree: finds the subcommand, loads it alone, runs it, and turns errors into exit codes.
 * Called by `main`. 0: done, 1: failed, 2: the arguments or the configuration cannot be used.
 */
import { Command, CommanderError } from 'commander'
import { SettingsError } from '../config/settings-error.ts'
import { SERVER_VERSION } from '../config/version.ts'
import type { CliHost, LazyCommand } from './command.ts'
import { COMMANDS } from './commands.ts'

/** It worked, or showed its help. */
export const EXIT_CLEAN = 0
/** It was tried and failed. */
export const EXIT_FAILURE = 1
/** Nothing was tried: arguments or settings are wrong. */
export const EXIT_USAGE = 2

/** Runs the command that the arguments name. Rejects only on a bug. */
export async function runProgram(args: readonly string[], host: CliHost): Promise<number> {
  const words = withDefault(args)
  const program = newProgram(host)
  try {
    for (const command of COMMANDS) {
      if (command.name === words[0]) (await command.load())(program, host)
      else announce(program, command)
    }
    await program.parseAsync(words, { from: 'user' })
    return EXIT_CLEAN
  } catch (error) {
    // Commander has printed its own errors; help and version are such errors, with code 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CLEAN : EXIT_USAGE
    if (error instanceof SettingsError) {
      host.stderr.write(`${error.problems.map((problem) => `error: ${problem}\n`).join('')}`)
      return EXIT_USAGE
    }
    host.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`)
    return EXIT_FAILURE
  }
}

/** `warren`, and `warren --data-dir …`, run the server. */
function withDefault(args: readonly string[]): string[] {
  const first = args[0]
  // The command that help is asked for is the one to load.
  if (first === 'help' && args[1] !== undefined) return [...args.slice(1), '--help']
  const isDefault =
    first === undefined || (first.startsWith('-') && !['-h', '--help', '-V', '--version'].includes(first))
  return isDefault ? [COMMANDS[0]!.name, ...args] : [...args]
}

function newProgram(host: CliHost): Command {
  return new Command('warren')
    .description("A message broker that speaks RabbitMQ's protocols.")
    .version(SERVER_VERSION)
    .configureOutput({
      writeOut: (text) => void host.stdout.write(text),
      writeErr: (text) => void host.stderr.write(text),
    })
    .showSuggestionAfterError()
    .exitOverride()
}

function announce(program: Command, { name, summary }: LazyCommand): void {
  program.command(name).description(summary)
}
