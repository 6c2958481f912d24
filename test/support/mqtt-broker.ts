// A broker within the test's process that is asked over MQTT, and may be started again on the same data folder.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { SILENT_LOGGER } from '../../src/base/log.ts'
import { type BootedBroker, startBroker } from '../../src/boot.ts'
import { settingsWith } from '../../src/config/build-settings.ts'
import type { TopicPermissionRecord } from '../../src/model/records/records.ts'
import { LEVEL_5, type ProtocolLevel } from '../../src/protocols/mqtt/spec.ts'
import { type ConnectSketch, MqttClient } from './mqtt-client.ts'

const PORTS = {
  'listeners.tcp.default': '0',
  'management.tcp.port': '0',
  'prometheus.tcp.port': '0',
  'mqtt.listeners.tcp.default': '0',
  'web_mqtt.tcp.port': '0',
  'stomp.listeners.tcp.default': '0',
  'web_stomp.tcp.port': '0',
  'stream.listeners.tcp.default': '0',
}

export class MqttBroker {
  readonly #settings: Readonly<Record<string, string>>
  readonly #dataDir: string | null
  #booted: BootedBroker
  #clientCount = 0

  private constructor(booted: BootedBroker, settings: Readonly<Record<string, string>>, dataDir: string | null) {
    this.#booted = booted
    this.#settings = settings
    this.#dataDir = dataDir
  }

  /** `lasting`: with a data folder, to be restarted. */
  static async start(settings: Readonly<Record<string, string>> = {}, lasting = false): Promise<MqttBroker> {
    const dataDir = lasting ? await mkdtemp(path.join(tmpdir(), 'warren-mqtt-')) : null
    return new MqttBroker(await boot(settings, dataDir), settings, dataDir)
  }

  get booted(): BootedBroker {
    return this.#booted
  }

  get port(): number {
    return this.#booted.listeners.mqtt!
  }

  get amqpUrl(): string {
    return `amqp://guest:guest@127.0.0.1:${this.#booted.listeners.amqp}/%2f`
  }

  async restart(): Promise<void> {
    await this.#booted.stop()
    this.#booted = await boot(this.#settings, this.#dataDir)
  }

  async stop(): Promise<void> {
    await this.#booted.stop()
    if (this.#dataDir !== null) await rm(this.#dataDir, { recursive: true, force: true })
  }

  /** A client that is connected, of its own client id unless one is given. */
  async client(sketch: ConnectSketch = {}, level: ProtocolLevel = LEVEL_5): Promise<MqttClient> {
    const client = await MqttClient.open(this.port, level)
    const { code } = await client.connect({ clientId: `client-${++this.#clientCount}`, ...sketch })
    if (code !== 0) throw new Error(`CONNACK ${code}`)
    return client
  }

  /** Topic permissions of guest on amq.topic. */
  restrictTopics(read: string, write: string): Promise<void> {
    const value: TopicPermissionRecord = { vhost: '/', user: 'guest', exchange: 'amq.topic', write, read }
    const key = ['topic-permission', '/', 'guest', 'amq.topic']
    return new Promise((resolve) => {
      this.#booted.parts.foundation.metadata.transact([], [{ op: 'put', key, value }], () => resolve())
    })
  }
}

function boot(settings: Readonly<Record<string, string>>, dataDir: string | null): Promise<BootedBroker> {
  return startBroker({ settings: settingsWith({ ...PORTS, ...settings }), dataDir, logger: SILENT_LOGGER })
}
