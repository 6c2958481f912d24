/** `warren server`: reads settings, opens the log, starts the broker and says so. What follows is `run-server.ts`'s. */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { SystemClock } from '../../base/clock.ts'
import type { RunningBroker } from '../../config/broker-options.ts'
import type { Configuration } from '../../config/load-settings.ts'
import { type LogOutput, openLog } from '../../config/log-output.ts'
import { SERVER_NAME, SERVER_VERSION } from '../../config/version.ts'
import type { CliHost } from '../command.ts'
import { addSettingsOptions, loadWith, type SettingsOptions } from '../settings-options.ts'
import { banner } from './banner.ts'
import { makeDataFolder, precautions } from './precautions.ts'
import { removeReadyFile, writeReadyFile } from './ready-file.ts'
import { Server, type ServerProcess } from './run-server.ts'

interface ServerOptions extends SettingsOptions {
  readonly inMemory: boolean
  readonly readyFile?: string
}

/** Adds `server`. */
export function registerServer(program: Command, host: CliHost): void {
  addSettingsOptions(program.command('server'))
    .description('run the broker')
    .option('-m, --in-memory', 'keep nothing on disk', false)
    .option('--ready-file <file>', 'write process id and ports as JSON, once everything listens')
    .action((options: ServerOptions) => runServer(options, host))
}

async function runServer(options: ServerOptions, host: CliHost): Promise<void> {
  const configuration = loadWith(options, host)
  const { settings } = configuration
  const dataDir = options.inMemory ? null : configuration.dataDir
  const readyFile = options.readyFile ?? host.environment.WARREN_READY_FILE
  if (readyFile !== undefined) removeReadyFile(readyFile)
  if (dataDir !== null) makeDataFolder(dataDir)
  const server = nodeProcess()
  const log = await openLog(settings.log, { clock: server.clock, dataDir, stdout: host.stdout, stderr: host.stderr })
  const broker = await start(configuration, dataDir, log, host)
  new Server({
    broker,
    log,
    configuration,
    process: server,
    readConfiguration: () => loadWith(options, host),
    onStopped: () => {
      if (readyFile !== undefined) removeReadyFile(readyFile)
    },
  })
  if (readyFile !== undefined) writeReadyFile(readyFile, broker.listeners)
  const facts = { settings, listeners: broker.listeners, dataDir, readyMs: server.clock.monotonicMs() }
  log.logger.child('startup').info(`ready after ${Math.round(facts.readyMs)} ms`, { listeners: broker.listeners })
  const colours = host.stdout.isTTY === true && host.environment.NO_COLOR === undefined
  host.stdout.write(banner(facts, colours))
}

async function start(
  { settings, warnings, files }: Configuration,
  dataDir: string | null,
  log: LogOutput,
  host: CliHost,
): Promise<RunningBroker> {
  const logger = log.logger.child('startup')
  logger.info(`starting ${SERVER_NAME} ${SERVER_VERSION}`, { pid: process.pid, node: process.version, dataDir })
  for (const file of files) logger.info(`settings from ${file}`)
  for (const warning of [...warnings, ...precautions(dataDir, process.getuid?.())]) logger.warning(warning)
  try {
    return await host.startBroker({
      settings,
      dataDir,
      logger: log.logger,
      configFiles: files.map((file) => resolve(file)),
      logControl: log.control,
    })
  } catch (error) {
    logger.critical('the broker could not start', { error })
    await log.close()
    throw withAdvice(error)
  }
}

function withAdvice(error: unknown): unknown {
  if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) return error
  const advice = 'another broker runs already, or choose another port: --set listeners.tcp.default=5673'
  return new Error(`${error.message} (${advice})`, { cause: error })
}

function nodeProcess(): ServerProcess {
  // A reader of the log that goes away (`warren | head`) must not take the broker with it.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
  return {
    clock: new SystemClock(),
    onSignal: (signal, call) => void process.on(signal, call),
    onUncaught: (call) => {
      process.on('uncaughtException', call)
      process.on('unhandledRejection', call)
    },
    exit: (code) => process.exit(code),
  }
}
