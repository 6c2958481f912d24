// The frame of a conformance file: one broker per file, one fresh connection per test, everything closed afterwards.
import assert from 'node:assert/strict'
import { after, test as nodeTest } from 'node:test'
import type { Administration } from './administration.ts'
import { type BrokerUnderTest, brokerUnderTest } from './broker.ts'
import type { WireChannel } from './wire-channel.ts'
import { type OpenOptions, WireClient } from './wire-client.ts'
import type { Table } from './wire-codec.ts'
import { eventually } from './wire-inbox.ts'

/** What a test gets: a connection with channel 1 open, and ways to make more. */
export class Scene {
  readonly broker: BrokerUnderTest
  readonly client: WireClient
  readonly channel: WireChannel
  readonly #clients: WireClient[]

  constructor(broker: BrokerUnderTest, client: WireClient, channel: WireChannel) {
    this.broker = broker
    this.client = client
    this.channel = channel
    this.#clients = [client]
  }

  get admin(): Administration {
    return this.broker.admin
  }

  get vhost(): string {
    return this.broker.vhost
  }

  /** A TCP connection; nothing is sent yet. */
  async socket(): Promise<WireClient> {
    const client = await WireClient.connect(this.broker.host, this.broker.port)
    this.#clients.push(client)
    return client
  }

  /** Another open connection. */
  async connect(options: OpenOptions = {}): Promise<WireClient> {
    const client = await this.socket()
    return client.open({ user: this.broker.user, password: this.broker.password, vhost: this.vhost, ...options })
  }

  /** A channel on another connection. */
  async otherChannel(options: OpenOptions = {}): Promise<WireChannel> {
    return (await this.connect(options)).channel(1)
  }

  /** A name nobody else uses. */
  name(kind = 'q'): string {
    return freshName(kind)
  }

  /** Declares a queue under a fresh name: exclusive unless told otherwise. */
  async queue(args: Table = {}, properties: Table = { exclusive: true }, channel = this.channel): Promise<string> {
    const queue = freshName('q')
    await channel.call('queue.declare', { queue, arguments: args, ...properties })
    return queue
  }

  /** Declares an exchange under a fresh name. */
  async exchange(type: string, args: Table = {}, properties: Table = {}): Promise<string> {
    const exchange = freshName('x')
    await this.channel.call('exchange.declare', { exchange, type, arguments: args, ...properties })
    return exchange
  }

  /** `queue 'q' in vhost 'v'`, as reply texts name things. */
  the(kind: 'queue' | 'exchange', name: string): string {
    return `${kind} '${name}' in vhost '${this.vhost}'`
  }

  /** The expectation that fits: RabbitMQ's behaviour from `version` on is also ours; `before` is what older ones do. */
  since<T>(version: string, now: T, before: T): T {
    return isOlder(this.broker, version) ? before : now
  }

  /** Where we differ from every RabbitMQ on purpose. */
  either<T>(ours: T, reference: T): T {
    return this.broker.referenceVersion === undefined ? ours : reference
  }

  /**
   * Waits until a queue does not exist. A mandatory message asks without renewing the queue's lease; those that a living
   * queue takes go with it.
   */
  async gone(queue: string): Promise<void> {
    const channel = await this.otherChannel()
    await eventually(async () => {
      channel.publish('', queue, 'still there?', {}, { mandatory: true })
      channel.send('channel.flow', { active: true })
      const answer = await channel.client.inbox(1).next('basic.return', () => true)
      if (answer.name !== 'basic.return') assert.fail(`${queue} still exists`)
    })
  }

  /** Before connection.open-ok RabbitMQ closes the socket without a word, after three seconds; we say why at once. */
  async refusedEarly(client: WireClient, code: number, text: string | RegExp): Promise<void> {
    if (this.broker.referenceVersion === undefined) await client.refused(code, text)
    else await client.closed()
  }

  /** The connection must end, whether the broker says why (one of these codes) or, as RabbitMQ may, just drops it. */
  async endsConnection(client: WireClient, codes: readonly number[]): Promise<void> {
    if (this.broker.referenceVersion !== undefined) {
      const close = await client.expect('connection.close').catch(() => undefined)
      if (close === undefined) await client.closed()
      return
    }
    const close = await client.expect('connection.close')
    assert.ok(codes.includes(Number(close.args.replyCode)), String(close.args.replyText))
  }

  /** Ends every connection of the test. */
  end(): void {
    for (const client of this.#clients) client.destroy()
  }
}

/** True when the target is a RabbitMQ older than `version`. */
function isOlder(broker: BrokerUnderTest, version: string): boolean {
  if (broker.referenceVersion === undefined) return false
  const [major, minor] = broker.referenceVersion.split('.').map(Number)
  const [wantedMajor, wantedMinor] = version.split('.').map(Number)
  return major! !== wantedMajor! ? major! < wantedMajor! : minor! < (wantedMinor ?? 0)
}

let names = 0

function freshName(kind: string): string {
  return `t${process.pid}.${kind}${++names}`
}

/** Registers tests of one file against one broker. */
export interface Conformance {
  readonly broker: BrokerUnderTest
  /** A test on a fresh connection. The name starts with the clause it checks. */
  test(name: string, run: (scene: Scene) => Promise<void>): void
  /** A test of behaviour that RabbitMQ has from this version on; an older target skips it, and says so. */
  testSince(version: string, name: string, run: (scene: Scene) => Promise<void>): void
  /** A test of what only our broker does. */
  testOurs(name: string, run: (scene: Scene) => Promise<void>): void
}

/** Starts the broker of a conformance file. */
export async function conformance(
  prefix: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<Conformance> {
  const broker = await brokerUnderTest(prefix, settings)
  after(() => broker.stop())

  async function runScene(run: (scene: Scene) => Promise<void>): Promise<void> {
    const client = await WireClient.connect(broker.host, broker.port)
    try {
      await client.open({ user: broker.user, password: broker.password, vhost: broker.vhost })
      const scene = new Scene(broker, client, await client.channel(1))
      try {
        await run(scene)
      } finally {
        scene.end()
      }
    } finally {
      client.destroy()
    }
  }

  const reference = `RabbitMQ ${broker.referenceVersion}`
  return {
    broker,
    test: (name, run) => {
      nodeTest(name, () => runScene(run))
    },
    testSince: (version, name, run) => {
      nodeTest(name, { skip: isOlder(broker, version) && `${reference} is older than ${version}` }, () => runScene(run))
    },
    testOurs: (name, run) => {
      nodeTest(name, { skip: broker.referenceVersion !== undefined && `${reference} differs here` }, () =>
        runScene(run),
      )
    },
  }
}
