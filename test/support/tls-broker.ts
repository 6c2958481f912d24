// A broker in memory with TLS listeners, and TLS sockets to it. Time is the test's own; the log is kept.
import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import { ManualClock } from '../../src/base/clock.ts'
import { createLogger, LogLevels, RecordingSink } from '../../src/base/log.ts'
import { type BootedBroker, startBroker } from '../../src/boot.ts'
import { settingsWith } from '../../src/config/build-settings.ts'
import { FREE_PORTS } from '../../src/config/free-ports.ts'

const PATIENCE_MS = 5_000
const LOG_LINES = 1_000
const AMQP_HEADER = Buffer.from('AMQP\0\0\x09\x01', 'latin1')

/** A started broker under test. */
export class TlsBroker {
  readonly booted: BootedBroker
  readonly clock: ManualClock
  readonly log: RecordingSink

  private constructor(booted: BootedBroker, clock: ManualClock, log: RecordingSink) {
    this.booted = booted
    this.clock = clock
    this.log = log
  }

  static async start(settings: Readonly<Record<string, string>>): Promise<TlsBroker> {
    const clock = new ManualClock()
    const log = new RecordingSink(LOG_LINES)
    const booted = await startBroker({
      settings: settingsWith({ ...FREE_PORTS, 'listeners.ssl.default': '0', ...settings }),
      dataDir: null,
      logger: createLogger({ sink: log, clock, levels: new LogLevels() }),
      clock,
    })
    return new TlsBroker(booted, clock, log)
  }

  port(name: string): number {
    const port = this.booted.listeners[name]
    if (port === undefined) throw new Error(`no listener ${name}: ${Object.keys(this.booted.listeners).join(', ')}`)
    return port
  }

  /** Texts of the log so far. */
  get lines(): string[] {
    return this.log.records.map(({ text }) => text)
  }

  /** Greets in AMQP over TLS; resolves when connection.start came, rejects when the broker does not want us. */
  greet(options: tls.ConnectionOptions, listener = 'amqps'): Promise<tls.TLSSocket> {
    return greetOver(options, { host: '127.0.0.1', port: this.port(listener) })
  }

  stop(): Promise<void> {
    return this.booted.stop()
  }
}

/** As `TlsBroker.greet`, to anywhere or over a socket that is there. */
export function greetOver(options: tls.ConnectionOptions, where: tls.ConnectionOptions): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ servername: 'localhost', ...where, ...options })
    const timer = setTimeout(() => fail(new Error('no answer in time')), PATIENCE_MS)
    const fail = (error: Error): void => {
      clearTimeout(timer)
      socket.destroy()
      reject(error)
    }
    socket.on('error', fail)
    socket.on('close', () => fail(new Error('closed without an answer')))
    socket.on('secureConnect', () => socket.write(AMQP_HEADER))
    socket.once('data', () => {
      clearTimeout(timer)
      socket.removeListener('error', fail)
      socket.on('error', () => undefined)
      resolve(socket)
    })
  })
}

/** A TCP connection that has said `first`. */
export async function plainSocket(port: number, first: Uint8Array | string): Promise<net.Socket> {
  const socket = net.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(first)
  return socket
}

/** Waits until it holds, turn by turn, for a bounded time. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${PATIENCE_MS} ms`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
