/**
 * One run of the broker in this process: start, ready file, banner, signals, stop, exit code.
 *
 * SIGTERM and SIGINT stop it cleanly, and a second one at once; SIGHUP reads the settings again and opens log files
 * anew. An error that nobody caught is a bug: it is logged, and the broker stops, because its state is not to be trusted.
 */
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { RunningBroker } from '../../config/broker-options.ts'
import type { LoadedSettings } from '../../config/build-settings.ts'
import type { Configuration } from '../../config/load-settings.ts'
import type { LogOutput } from '../../config/log-output.ts'
import { reloadSettings } from '../../config/reload-settings.ts'
import { SettingsError } from '../../config/settings-error.ts'

/** What a run needs from the process. Tests give it another. */
export interface ServerProcess {
  readonly clock: Clock
  /** Calls back for each signal and each error that nobody caught. */
  onSignal(signal: ServerSignal, call: () => void): void
  onUncaught(call: (error: unknown) => void): void
  /** Ends the process at once. */
  exit(code: number): void
}

/** The signals a broker listens to. */
export type ServerSignal = 'SIGTERM' | 'SIGINT' | 'SIGHUP'

/** A started broker, and what reloading and stopping it needs. */
export interface ServerRun {
  readonly broker: RunningBroker
  readonly log: LogOutput
  readonly configuration: Configuration
  readonly process: ServerProcess
  /** Reads all sources of settings again. Throws `SettingsError`. */
  readConfiguration(): Configuration
  /** Runs when the stop is over, also when it failed. */
  onStopped(): void
}

/** Waits for signals and obeys them. Lives until the process ends. */
export class Server {
  readonly #run: ServerRun
  readonly #logger: Logger
  #inForce: LoadedSettings
  #stopping = false

  constructor(run: ServerRun) {
    this.#run = run
    this.#logger = run.log.logger
    this.#inForce = run.configuration
    run.process.onSignal('SIGTERM', () => this.#stop('SIGTERM', 0))
    run.process.onSignal('SIGINT', () => this.#stop('SIGINT', 0))
    run.process.onSignal('SIGHUP', () => this.#reload())
    run.process.onUncaught((error) => this.#fail(error))
    run.broker.onShutdownAsked?.(() => this.#stop('an operator asked for it', 0))
  }

  #stop(reason: string, code: number): void {
    if (this.#stopping) {
      this.#logger.warning(`stopped at once by a second ${reason}`)
      this.#run.process.exit(1)
      return
    }
    this.#stopping = true
    this.#logger.notice(`stopping: ${reason}`)
    const patience = this.#run.process.clock.alarm(() => {
      this.#logger.error('the stop took too long and was cut short')
      this.#run.process.exit(1)
    })
    patience.set(this.#inForce.settings.warren.stopTimeoutMs)
    this.#end(code).then(
      (result) => this.#run.process.exit(result),
      (error) => {
        this.#logger.critical('the log could not be closed', { error })
        this.#run.process.exit(1)
      },
    )
  }

  async #end(code: number): Promise<number> {
    let result = code
    try {
      await this.#run.broker.stop()
      this.#logger.notice('stopped')
    } catch (error) {
      this.#logger.critical('the stop failed', { error })
      result = 1
    }
    this.#run.onStopped()
    await this.#run.log.close()
    return result
  }

  #fail(error: unknown): void {
    this.#logger.critical('an error that nobody caught; this is a bug', { error })
    if (!this.#stopping) this.#stop('a bug', 1)
  }

  #reload(): void {
    if (this.#stopping) return
    this.#run.log.reopen()
    try {
      const { loaded, changed, waiting } = reloadSettings(this.#inForce, this.#run.readConfiguration())
      this.#inForce = loaded
      this.#run.log.apply(loaded.settings.log)
      const remarks = this.#run.broker.reload?.(loaded.settings) ?? []
      for (const text of [...loaded.warnings, ...remarks]) this.#logger.notice(text)
      this.#logger.notice(`settings read again, changed: ${changed.length === 0 ? 'none' : changed.join(', ')}`)
      if (waiting.length > 0) this.#logger.warning(`settings that need a restart: ${waiting.join(', ')}`)
    } catch (error) {
      if (!(error instanceof SettingsError)) return this.#fail(error)
      for (const problem of error.problems) this.#logger.error(problem)
      this.#logger.error('settings were not changed')
    }
  }
}
