// The frame of a STOMP conformance file: one broker in memory per file, fresh connections per test, all closed afterwards.
import { after, test as nodeTest } from 'node:test'
import { SILENT_LOGGER } from '../../src/base/log.ts'
import { type BootedBroker, startBroker } from '../../src/boot.ts'
import { settingsWith } from '../../src/config/build-settings.ts'
import { FREE_PORTS } from '../../src/config/free-ports.ts'
import { StompClient } from './stomp-client.ts'

/** What a test gets. */
export class StompScene {
  readonly booted: BootedBroker
  readonly #clients: StompClient[] = []
  static #names = 0

  constructor(booted: BootedBroker) {
    this.booted = booted
  }

  /** A name nobody else uses. */
  name(kind = 'q'): string {
    return `stomp.${kind}${++StompScene.#names}`
  }

  /** A TCP connection; nothing is sent yet. */
  async socket(): Promise<StompClient> {
    const client = await StompClient.connect(this.booted.listeners.stomp!)
    this.#clients.push(client)
    return client
  }

  /** A connection that is logged in. */
  async connect(version = '1.2', headers: Readonly<Record<string, string>> = {}): Promise<StompClient> {
    const client = await this.socket()
    await client.login(version, headers)
    return client
  }

  end(): void {
    for (const client of this.#clients) client.destroy()
  }
}

/** Registers tests of one file against one broker. */
export type StompTest = (name: string, run: (scene: StompScene) => Promise<void>) => void

/** Starts the broker of a conformance file. */
export async function stompConformance(settings: Readonly<Record<string, string>> = {}): Promise<StompTest> {
  const booted = await startBroker({
    settings: settingsWith({ ...FREE_PORTS, ...settings }),
    dataDir: null,
    logger: SILENT_LOGGER,
  })
  after(() => booted.stop())
  return (name, run) => {
    nodeTest(name, async () => {
      const scene = new StompScene(booted)
      try {
        await run(scene)
      } finally {
        scene.end()
      }
    })
  }
}
