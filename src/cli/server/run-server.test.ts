import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ManualClock } from '../../base/clock.ts'
import { buildSettings, settingsWith } from '../../config/build-settings.ts'
import type { Configuration } from '../../config/load-settings.ts'
import { openLog } from '../../config/log-output.ts'
import type { Settings } from '../../config/settings.ts'
import { SettingsError } from '../../config/settings-error.ts'
import { banner } from './banner.ts'
import { removeReadyFile, writeReadyFile } from './ready-file.ts'
import { Server, type ServerSignal } from './run-server.ts'

function configurationOf(texts: Readonly<Record<string, string>>): Configuration {
  const entries = Object.entries(texts).map(([key, text]) => ({ key, text, origin: 'test' }))
  return { ...buildSettings(entries), dataDir: '/data', files: [] }
}

/** A server whose process and broker are the test's. */
class Bench {
  readonly clock = new ManualClock()
  readonly lines: string[] = []
  readonly reloads: Settings[] = []
  readonly exited: Promise<number>
  next: () => Configuration = () => configurationOf({})
  endStop: (error?: Error) => void = () => undefined
  askToStop: () => void = () => undefined
  stops = 0
  #signals = new Map<ServerSignal, () => void>()
  #uncaught: (error: unknown) => void = () => undefined
  #exit: (code: number) => void = () => undefined
  readonly exits: number[] = []

  private constructor() {
    this.exited = new Promise((resolve) => {
      this.#exit = resolve
    })
  }

  static async start(texts: Readonly<Record<string, string>> = {}): Promise<Bench> {
    const bench = new Bench()
    const configuration = configurationOf(texts)
    const stream = { write: (line: string) => bench.lines.push(line) }
    const log = await openLog(configuration.settings.log, {
      clock: bench.clock,
      dataDir: null,
      stdout: stream,
      stderr: stream,
    })
    new Server({
      log,
      configuration,
      readConfiguration: () => bench.next(),
      onStopped: () => bench.lines.push('cleaned up'),
      broker: {
        listeners: {},
        stop: () => {
          bench.stops++
          return new Promise((resolve, reject) => {
            bench.endStop = (error) => (error === undefined ? resolve() : reject(error))
          })
        },
        onShutdownAsked: (call) => {
          bench.askToStop = call
        },
        reload: (settings) => {
          bench.reloads.push(settings)
          return []
        },
      },
      process: {
        clock: bench.clock,
        onSignal: (signal, call) => bench.#signals.set(signal, call),
        onUncaught: (call) => {
          bench.#uncaught = call
        },
        exit: (code) => {
          bench.exits.push(code)
          bench.#exit(code)
        },
      },
    })
    return bench
  }

  signal(signal: ServerSignal): void {
    this.#signals.get(signal)!()
  }

  uncaught(error: unknown): void {
    this.#uncaught(error)
  }

  logged(pattern: RegExp): boolean {
    return this.lines.some((line) => pattern.test(line))
  }
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} stops the broker, cleans up and exits with 0`, async () => {
    const bench = await Bench.start()
    bench.signal(signal)
    assert.equal(bench.stops, 1)
    assert.deepEqual(bench.exits, [])
    bench.endStop()
    assert.equal(await bench.exited, 0)
    assert.equal(bench.lines.at(-1), 'cleaned up')
  })
}

test('a stop that an operator asks for cleans up and exits with 0, too', async () => {
  const bench = await Bench.start()
  bench.askToStop()
  bench.endStop()
  assert.equal(await bench.exited, 0)
  assert.equal(bench.stops, 1)
  assert.equal(bench.lines.at(-1), 'cleaned up')
})

test('a second signal ends the process at once', async () => {
  const bench = await Bench.start()
  bench.signal('SIGTERM')
  bench.signal('SIGINT')
  assert.deepEqual(bench.exits, [1])
})

test('a stop that takes too long, or fails, exits with 1', async () => {
  const slow = await Bench.start({ 'warren.stop_timeout': '5s' })
  slow.signal('SIGTERM')
  slow.clock.advance(4_999)
  assert.deepEqual(slow.exits, [])
  slow.clock.advance(1)
  assert.deepEqual(slow.exits, [1])
  const failing = await Bench.start()
  failing.signal('SIGTERM')
  failing.endStop(new Error('disk'))
  assert.equal(await failing.exited, 1)
  assert.ok(failing.logged(/\[critical\] <default> the stop failed/))
})

test('an error that nobody caught is logged with its stack, and the broker stops with 1', async () => {
  const bench = await Bench.start()
  bench.uncaught(new Error('oops'))
  assert.ok(bench.logged(/this is a bug[\s\S]*Error: oops\n +at /))
  bench.endStop()
  assert.equal(await bench.exited, 1)
})

test('SIGHUP applies reloadable settings, levels included, and names what needs a restart', async () => {
  const bench = await Bench.start({ frame_max: '9000' })
  bench.next = () => configurationOf({ frame_max: '9001', heartbeat: '5', 'log.queue.level': 'debug' })
  bench.signal('SIGHUP')
  assert.equal(bench.reloads[0]?.amqp.heartbeatSeconds, 5)
  assert.equal(bench.reloads[0]?.amqp.frameBytesMax, 9_000)
  assert.ok(bench.logged(/changed: heartbeat, log.queue.level/))
  assert.ok(bench.logged(/\[warning\] <default> settings that need a restart: frame_max/))
  bench.signal('SIGHUP')
  assert.ok(bench.logged(/changed: none/))
})

test('SIGHUP with settings that cannot be used changes nothing', async () => {
  const bench = await Bench.start()
  bench.next = () => {
    throw new SettingsError(['a.conf:1: nonsense'])
  }
  bench.signal('SIGHUP')
  assert.deepEqual(bench.reloads, [])
  assert.ok(bench.logged(/\[error\] <default> a.conf:1: nonsense/))
  assert.equal(bench.stops, 0)
})

test('the ready file appears whole and goes away', () => {
  const folder = mkdtempSync(join(tmpdir(), 'warren-ready-'))
  try {
    const file = join(folder, 'ready.json')
    writeReadyFile(file, { amqp: 5672 })
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), { pid: process.pid, listeners: { amqp: 5672 } })
    removeReadyFile(file)
    removeReadyFile(file)
    assert.deepEqual(readdirSync(folder), [])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('the banner names addresses, user and data folder, without codes where nobody wants them', () => {
  const facts = { settings: settingsWith(), listeners: { amqp: 5672, http: 15_672 }, dataDir: '/data', readyMs: 123.4 }
  const plain = banner(facts, false)
  assert.match(plain, /is ready after 123 ms/)
  assert.match(plain, /AMQP +amqp:\/\/localhost:5672\n/)
  assert.match(plain, /http:\/\/localhost:15672\n/)
  assert.match(plain, /User +guest, password guest, from this machine only\n/)
  assert.match(plain, /Data +\/data\n/)
  assert.equal(plain.includes('\u001b'), false)
  assert.ok(banner(facts, true).includes('\u001b[1m'))
  const secret = banner({ ...facts, settings: settingsWith({ default_pass: 'hidden' }) }, false)
  assert.equal(secret.includes('hidden'), false)
})
