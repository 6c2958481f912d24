// A broker in memory with its HTTP API on a free port, and a short way to call it. Time is the test's own.
import { ManualClock } from '../../src/base/clock.ts'
import { SILENT_LOGGER } from '../../src/base/log.ts'
import { type BootedBroker, startBroker } from '../../src/boot.ts'
import { settingsWith } from '../../src/config/build-settings.ts'

/** A reply as tests look at it. `json` is undefined without a body, or for text. */
export interface Answer {
  readonly status: number
  /** As parsed: tests reach into replies of every shape. */
  readonly json: ReturnType<typeof JSON.parse>
  readonly text: string
  readonly headers: Headers
}

/** Who calls: user and password. */
export type Credentials = readonly [user: string, password: string]

const GUEST: Credentials = ['guest', 'guest']

/** A started broker under test. */
export class ManagedBroker {
  readonly booted: BootedBroker
  readonly clock: ManualClock
  readonly base: string
  readonly metricsBase: string

  private constructor(booted: BootedBroker, clock: ManualClock) {
    this.booted = booted
    this.clock = clock
    this.base = `http://127.0.0.1:${booted.listeners.http}`
    this.metricsBase = `http://127.0.0.1:${booted.listeners.prometheus}`
  }

  static async start(
    settings: Readonly<Record<string, string>> = {},
    dataDir: string | null = null,
    clock = new ManualClock(),
  ): Promise<ManagedBroker> {
    const ports = {
      'listeners.tcp.default': '0',
      'mqtt.listeners.tcp': 'none',
      'management.tcp.port': '0',
      'prometheus.tcp.port': '0',
      'mqtt.listeners.tcp.default': '0',
      'web_mqtt.tcp.port': '0',
      'stomp.listeners.tcp': 'none',
      'web_stomp.tcp.port': '0',
    }
    const booted = await startBroker({
      settings: settingsWith({ ...ports, ...settings }),
      dataDir,
      logger: SILENT_LOGGER,
      clock,
    })
    return new ManagedBroker(booted, clock)
  }

  async stop(): Promise<void> {
    await this.booted.stop()
  }

  get(path: string, credentials: Credentials | null = GUEST): Promise<Answer> {
    return this.call('GET', path, undefined, credentials)
  }

  put(path: string, body: unknown = {}, credentials: Credentials | null = GUEST): Promise<Answer> {
    return this.call('PUT', path, body, credentials)
  }

  post(path: string, body: unknown = {}, credentials: Credentials | null = GUEST): Promise<Answer> {
    return this.call('POST', path, body, credentials)
  }

  delete(path: string, credentials: Credentials | null = GUEST): Promise<Answer> {
    return this.call('DELETE', path, undefined, credentials)
  }

  /** `path` below `/api/`; a text body is sent as it is. */
  async call(method: string, path: string, body: unknown, credentials: Credentials | null = GUEST): Promise<Answer> {
    const response = await fetch(`${this.base}/api/${path}`, {
      method,
      headers: {
        ...(credentials === null ? {} : { authorization: `Basic ${btoa(credentials.join(':'))}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    return await answerOf(response)
  }

  /** Lets so much time pass, tick by tick, and waits until what it set off has been done. */
  async pass(ms: number, stepMs = 1_000): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      this.clock.advance(stepMs)
      for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Publishes over HTTP to the default exchange. */
  publish(queue: string, payload: string, properties: object = {}): Promise<Answer> {
    return this.post('exchanges/%2F/amq.default/publish', {
      routing_key: queue,
      payload,
      payload_encoding: 'string',
      properties,
    })
  }
}

/** Reads a reply. */
export async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
  return {
    status: response.status,
    json: isJson && text !== '' ? JSON.parse(text) : undefined,
    text,
    headers: response.headers,
  }
}
