/**
 * A broker in a process of its own, started as an operator starts it: for tests with third-party clients, kills and restarts.
 * Waits on the ready file, never on a duration; every wait is bounded.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

const READY_MS_MAX = 60_000
const STOP_MS_MAX = 60_000
const POLL_MS = 10

/** Root of the checkout; the compiled tests live below dist/. */
export const projectRoot = resolve(import.meta.dirname, '..', '..', '..')

export interface BrokerProcessOptions {
  /** Kept when given; otherwise a new folder that `stop` removes. */
  readonly dataDir?: string
  /** Further `--set key=value` settings. */
  readonly set?: readonly string[]
  /** Arguments for Node.js itself, such as `--cpu-prof`. */
  readonly nodeArgs?: readonly string[]
}

/** A running broker process. */
export class BrokerProcess {
  readonly dataDir: string
  readonly listeners: Readonly<Record<string, number>>
  readonly #child: ChildProcess
  readonly #ownsDataDir: boolean
  readonly #exited: Promise<number | null>
  readonly #output: string[]

  constructor(
    child: ChildProcess,
    dataDir: string,
    ownsDataDir: boolean,
    listeners: Readonly<Record<string, number>>,
    exited: Promise<number | null>,
    output: string[],
  ) {
    this.#child = child
    this.dataDir = dataDir
    this.#ownsDataDir = ownsDataDir
    this.listeners = listeners
    this.#exited = exited
    this.#output = output
  }

  get amqpUrl(): string {
    return `amqp://guest:guest@127.0.0.1:${this.listeners.amqp}/%2f`
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** What the process printed so far. */
  get output(): string {
    return this.#output.join('')
  }

  /** SIGTERM; resolves with the exit code. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM')
    const code = await bounded(this.#exited, STOP_MS_MAX, 'the broker did not stop')
    if (this.#ownsDataDir) rmSync(dirname(this.dataDir), { recursive: true, force: true })
    return code
  }

  /** SIGKILL; the data folder stays. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await bounded(this.#exited, STOP_MS_MAX, 'the broker did not die')
  }
}

/** Every listener on a free port. */
const FREE_PORTS = [
  'listeners.tcp.default=0',
  'mqtt.listeners.tcp.default=0',
  'web_mqtt.tcp.port=0',
  'stomp.listeners.tcp.default=0',
  'web_stomp.tcp.port=0',
  'management.tcp.port=0',
  'prometheus.tcp.port=0',
]

/** Starts a broker on free ports and waits until it listens. */
export async function startBrokerProcess(options: BrokerProcessOptions = {}): Promise<BrokerProcess> {
  const scratch = mkdtempSync(join(tmpdir(), 'warren-'))
  const dataDir = options.dataDir ?? join(scratch, 'data')
  const readyFile = join(scratch, 'ready.json')
  const settings = [...FREE_PORTS, ...(options.set ?? [])]
  const args = [
    ...(options.nodeArgs ?? []),
    'bin/warren.js',
    'server',
    '--data-dir',
    dataDir,
    '--ready-file',
    readyFile,
  ]
  for (const setting of settings) args.push('--set', setting)
  const child = spawn(process.execPath, args, { cwd: projectRoot, stdio: ['ignore', 'pipe', 'pipe'] })
  const output: string[] = []
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk.toString()))
  let exitCode: number | null | undefined
  const exited = new Promise<number | null>((done) =>
    child.once('exit', (code) => {
      exitCode = code
      done(code)
    }),
  )
  const deadline = Date.now() + READY_MS_MAX
  while (!existsSync(readyFile)) {
    if (exitCode !== undefined) throw new Error(`the broker exited with ${exitCode}:\n${output.join('')}`)
    if (Date.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`the broker was not ready in ${READY_MS_MAX} ms:\n${output.join('')}`)
    }
    await new Promise((done) => setTimeout(done, POLL_MS))
  }
  const ready = JSON.parse(readFileSync(readyFile, 'utf8')) as { listeners: Record<string, number> }
  rmSync(options.dataDir === undefined ? readyFile : scratch, { recursive: true })
  return new BrokerProcess(child, dataDir, options.dataDir === undefined, ready.listeners, exited, output)
}

function bounded<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  return new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error(`${what} within ${ms} ms`)), ms)
    promise.then((value) => {
      clearTimeout(timer)
      done(value)
    }, fail)
  })
}
