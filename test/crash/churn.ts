/**
 * Declares, binds and deletes at random, one thing after another, over AMQP and the HTTP API, and remembers what was
 * answered with ok. After a restart the broker must have exactly that; only what was not answered may be either way.
 */
import assert from 'node:assert/strict'
import type { SeededRandomness } from '../../src/base/random.ts'
import type { Client } from './clients.ts'

const EXCHANGES = 4
const QUEUES = 6
const KEYS = 3
const OTHERS = 3
const TYPES: readonly string[] = ['direct', 'topic', 'fanout', 'headers']

type Existence = 'yes' | 'unknown'

/** What one churner declared; names begin with its prefix. */
export class ChurnState {
  readonly prefix: string
  /** Everything that exists, as one line each; what is not here does not exist. */
  readonly things = new Map<string, Existence>()
  answeredCount = 0

  constructor(prefix: string) {
    this.prefix = prefix
  }
}

/** Addresses of one life of the broker. */
export interface Endpoints {
  readonly amqpUrl: string
  readonly httpUrl: string
}

/** The HTTP API as the administrator. Undefined when there was no answer. */
export async function request(
  { httpUrl }: Endpoints,
  method: string,
  path: string,
  body?: unknown,
): Promise<Response | undefined> {
  const authorization = `Basic ${Buffer.from('guest:guest').toString('base64')}`
  const init = { method, headers: { authorization, 'content-type': 'application/json' } }
  try {
    return await fetch(`${httpUrl}/api/${path}`, body === undefined ? init : { ...init, body: JSON.stringify(body) })
  } catch {
    return undefined
  }
}

/** Changes the topology until the broker dies or it is told to stop. */
export class Churner {
  readonly #endpoints: Endpoints
  readonly #client: Client
  readonly #state: ChurnState
  readonly #random: SeededRandomness
  #isStopped = false

  constructor(endpoints: Endpoints, client: Client, state: ChurnState, random: SeededRandomness) {
    this.#endpoints = endpoints
    this.#client = client
    this.#state = state
    this.#random = random
  }

  stop(): void {
    this.#isStopped = true
  }

  /** Resolves when the broker is gone; rejects when it refused something that it should not. */
  async run(): Promise<void> {
    while (!this.#isStopped && !this.#client.isEnded) {
      if (!(await this.#step())) break
    }
    if (this.#isStopped) return
    const patience = new Promise<void>((resolve) => setTimeout(resolve, 2000).unref())
    await Promise.race([this.#client.ended, patience])
    assert.ok(this.#client.isEnded, `${this.#state.prefix}: the broker refused a change: ${this.#refusal}`)
  }

  #refusal = ''

  #step(): Promise<boolean> {
    const { prefix, things } = this.#state
    const exchange = `${prefix}x${this.#random.below(EXCHANGES)}`
    const queue = `${prefix}q${this.#random.below(QUEUES)}`
    switch (this.#random.below(10)) {
      case 0:
      case 1:
        return this.#toggleExchange(exchange)
      case 2:
      case 3:
        return this.#toggleQueue(queue)
      case 4:
        return this.#toggleHttp('policies/%2F/', `${prefix}p${this.#random.below(OTHERS)}`, {
          pattern: '^nothing$',
          definition: { 'max-length': 1 + this.#random.below(100) },
        })
      case 5:
        return this.#toggleHttp('users/', `${prefix}u${this.#random.below(OTHERS)}`, { password: 'x', tags: '' })
      case 6:
        return this.#toggleHttp('vhosts/', `${prefix}v${this.#random.below(OTHERS)}`, {})
      default: {
        if (!things.has(`exchanges/%2F/${exchange}`) || !things.has(`queues/%2F/${queue}`)) return Promise.resolve(true)
        return this.#toggleBinding(exchange, queue, `k${this.#random.below(KEYS)}`)
      }
    }
  }

  #toggleExchange(name: string): Promise<boolean> {
    const line = `exchanges/%2F/${name}`
    if (!this.#state.things.has(line)) {
      const type = TYPES[this.#random.below(TYPES.length)]!
      return this.#change(line, true, () => this.#client.channel.assertExchange(name, type, { durable: true }))
    }
    return this.#change(line, false, () => this.#client.channel.deleteExchange(name), `bindings/${name} `)
  }

  #toggleQueue(name: string): Promise<boolean> {
    const line = `queues/%2F/${name}`
    if (!this.#state.things.has(line)) {
      const type = this.#random.below(2) === 0 ? 'classic' : 'quorum'
      return this.#change(line, true, () =>
        this.#client.channel.assertQueue(name, { durable: true, arguments: { 'x-queue-type': type } }),
      )
    }
    return this.#change(line, false, () => this.#client.channel.deleteQueue(name), ` ${name} `)
  }

  #toggleBinding(exchange: string, queue: string, key: string): Promise<boolean> {
    const line = `bindings/${exchange} ${queue} ${key}`
    if (!this.#state.things.has(line)) {
      return this.#change(line, true, () => this.#client.channel.bindQueue(queue, exchange, key))
    }
    return this.#change(line, false, () => this.#client.channel.unbindQueue(queue, exchange, key))
  }

  #toggleHttp(path: string, name: string, body: unknown): Promise<boolean> {
    const line = `${path}${name}`
    const isNew = !this.#state.things.has(line)
    return this.#change(line, isNew, async () => {
      const response = await request(this.#endpoints, isNew ? 'PUT' : 'DELETE', line, isNew ? body : undefined)
      if (response === undefined) throw new Error('no answer')
      if (!response.ok) throw new Error(`${line}: ${response.status} ${await response.text()}`)
    })
  }

  /** True when it was answered. `alsoGone`: part of the lines that disappear with this one. */
  async #change(line: string, appears: boolean, act: () => Promise<unknown>, alsoGone?: string): Promise<boolean> {
    const { things } = this.#state
    const affected = [line]
    if (alsoGone !== undefined) {
      for (const other of things.keys()) {
        if (other.startsWith('bindings/') && other.includes(alsoGone)) affected.push(other)
      }
    }
    for (const each of affected) things.set(each, 'unknown')
    try {
      await act()
    } catch (error) {
      this.#refusal = String(error)
      return false
    }
    for (const each of affected) {
      if (appears) things.set(each, 'yes')
      else things.delete(each)
    }
    this.#state.answeredCount++
    return true
  }
}

/** Compares with what the restarted broker lists; then that is what is known. */
export async function verifyChurn(endpoints: Endpoints, states: readonly ChurnState[]): Promise<void> {
  const lines = await listAll(endpoints)
  for (const { prefix, things } of states) {
    const mine = lines.filter((line) => line.split('/').at(-1)!.startsWith(prefix))
    const present = new Set(mine)
    for (const [line, existence] of things) {
      assert.ok(existence === 'unknown' || present.has(line), `${line} was answered with ok and is lost`)
    }
    for (const line of mine) {
      assert.ok(things.has(line), `${line} is there, though its deletion was answered or it never was declared`)
      if (!line.startsWith('bindings/')) continue
      const [exchange, queue] = line.slice('bindings/'.length).split(' ')
      assert.ok(present.has(`exchanges/%2F/${exchange}`) && present.has(`queues/%2F/${queue}`), `${line} dangles`)
    }
    things.clear()
    for (const line of mine) things.set(line, 'yes')
  }
}

async function listAll(endpoints: Endpoints): Promise<string[]> {
  const lines: string[] = []
  for (const kind of ['exchanges', 'queues', 'policies']) {
    for (const { name } of await list(endpoints, `${kind}/%2F`)) lines.push(`${kind}/%2F/${String(name)}`)
  }
  for (const kind of ['users', 'vhosts']) {
    for (const { name } of await list(endpoints, kind)) lines.push(`${kind}/${String(name)}`)
  }
  for (const { source, destination, routing_key: key } of await list(endpoints, 'bindings/%2F')) {
    if (source !== '') lines.push(`bindings/${String(source)} ${String(destination)} ${String(key)}`)
  }
  return lines
}

async function list(endpoints: Endpoints, path: string): Promise<Record<string, unknown>[]> {
  const response = await request(endpoints, 'GET', path)
  assert.ok(response?.ok, `GET ${path}: ${response?.status}`)
  return (await response.json()) as Record<string, unknown>[]
}
