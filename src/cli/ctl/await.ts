/** Waiting for a broker: `await_startup`, and `wait` for a process. Both end with 75 when the time (--timeout) is over. */
import { SystemClock } from '../../base/clock.ts'
import { CtlError } from './ctl-client.ts'
import { EXIT_TEMPORARY, EXIT_UNAVAILABLE, EXIT_UNREACHABLE } from './exit-codes.ts'
import { type CtlCall, type Outcome, SILENT } from './verb.ts'

const ASK_EVERY_MS = 200
const AWAIT_SECONDS = 300

/** Lets so much time pass. */
export function pause(ms: number): Promise<void> {
  const clock = new SystemClock()
  return new Promise<void>((resolve) => clock.alarm(resolve).set(ms))
}

/** Waits until the broker serves clients. */
export async function awaitStartup({ client, options }: CtlCall): Promise<Outcome> {
  return await repeated(options.timeout, async () => {
    try {
      await client.get(['health', 'checks', 'ready-to-serve-clients'])
      return SILENT
    } catch (error) {
      // Anything but silence, and a broker that does not serve yet, will not get better by waiting.
      if (error instanceof CtlError && (error.exitCode === EXIT_UNREACHABLE || error.status === 503)) return error
      throw error
    }
  })
}

/** Waits until the file with the process id is there, and makes sure that the process runs. */
export async function awaitProcess({ args, options, readFile, print }: CtlCall): Promise<void> {
  const [file] = args
  if (file === undefined && options.pid === undefined)
    throw new CtlError('a file with a process id, or --pid, is needed')
  if (file !== undefined) print(`Waiting for pid file '${file}' to appear\n`)
  const pid = options.pid ?? (await repeated(options.timeout, () => pidIn(file!, readFile)))
  if (!isRunning(pid)) throw new CtlError(`process ${pid} is not running`, 0, EXIT_UNAVAILABLE)
}

async function pidIn(file: string, readFile: CtlCall['readFile']): Promise<number | CtlError> {
  try {
    const pid = Number((await readFile(file)).trim())
    return Number.isInteger(pid) && pid > 0 ? pid : new CtlError(`${file} contains no process id`)
  } catch (error) {
    if (error instanceof CtlError) return error
    throw error
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Somebody else's process runs, too.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** Tries until there is something else than an error, or the time is over. */
async function repeated<T>(timeoutSeconds: number | undefined, attempt: () => Promise<T | CtlError>): Promise<T> {
  const untilMs = (timeoutSeconds ?? AWAIT_SECONDS) * 1_000
  for (let waitedMs = 0; ; waitedMs += ASK_EVERY_MS) {
    const outcome = await attempt()
    if (!(outcome instanceof CtlError)) return outcome
    if (untilMs > 0 && waitedMs >= untilMs) {
      const isSilent = outcome.exitCode === EXIT_UNREACHABLE || outcome.status === 503
      throw new CtlError(
        `timed out after ${untilMs / 1_000} s: ${outcome.message}`,
        0,
        isSilent ? outcome.exitCode : EXIT_TEMPORARY,
      )
    }
    await pause(ASK_EVERY_MS)
  }
}
