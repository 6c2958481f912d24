/**
 * Traces: what is published and delivered in a vhost, as far as its routing key matches a pattern, written to a file.
 *
 * A trace taps the vhost's tracer: there is no queue behind it, and the vhost's own `tracing` flag is left alone. Traces
 * end with the broker; their files stay. Made by the composition root, used by `api/traces.ts`. [RabbitMQ: rabbitmq_tracing]
 */
import type { Logger } from '../../base/log.ts'
import type { Broker } from '../../model/broker.ts'
import type { MessageDraft } from '../../model/message/message.ts'
import type { TraceTap } from '../../model/observe/tracing.ts'
import { TopicTrie } from '../../model/routing/topic-trie.ts'
import type { Arguments } from '../../model/values/arguments.ts'
import type { Disk } from '../../storage/disk.ts'
import { TraceFile } from './trace-file.ts'
import { type TraceFormat, traceText } from './trace-text.ts'

/** What a trace traces. */
export interface TraceSpec {
  readonly vhost: string
  readonly name: string
  readonly format: TraceFormat
  /** As a binding key of the firehose: `#`, `publish.orders`, `deliver.*`. */
  readonly pattern: string
  /** Bytes of a body that are written at most; undefined is all. */
  readonly maxPayloadBytes: number | undefined
}

const EXTENSION = '.log'
const READ_BYTES = 2 ** 20

/** A trace that runs. */
class Trace implements TraceTap {
  readonly spec: TraceSpec
  readonly file: TraceFile
  readonly #patterns = new TopicTrie<Trace>()
  #isMatching = false

  constructor(spec: TraceSpec, file: TraceFile) {
    this.spec = spec
    this.file = file
    this.#patterns.add(spec.pattern, this)
  }

  onMatch(): void {
    this.#isMatching = true
  }

  onTrace(copy: MessageDraft, headers: Arguments): void {
    this.#isMatching = false
    this.#patterns.match(copy.routingKey, this)
    if (!this.#isMatching) return
    if (this.file.isFull) return this.file.noteLost()
    const { routingKey, publishedAtMs: atMs } = copy
    const payload = bodyOf(copy, this.spec.maxPayloadBytes ?? Number.POSITIVE_INFINITY)
    this.file.append(traceText(this.spec.format, { routingKey, headers, payload, atMs }))
  }
}

/** All traces of a broker. */
export class Traces {
  readonly #broker: Broker
  readonly #disk: Disk
  readonly #log: Logger
  readonly #traces = new Map<string, Trace>()
  #last: Promise<unknown> = Promise.resolve()

  constructor(broker: Broker, disk: Disk, log: Logger) {
    this.#broker = broker
    this.#disk = disk
    this.#log = log
  }

  /** Traces of a vhost, or of all. */
  list(vhost?: string): readonly TraceSpec[] {
    return [...this.#traces.values()]
      .map(({ spec }) => spec)
      .filter((spec) => (vhost === undefined || spec.vhost === vhost) && this.#isThere(spec))
  }

  get(vhost: string, name: string): TraceSpec | undefined {
    return this.list(vhost).find((spec) => spec.name === name)
  }

  /** Starts a trace; one of this name that runs already is left as it is. Returns whether it was started. */
  start(spec: TraceSpec): Promise<boolean> {
    return this.#inTurn(() => this.#start(spec))
  }

  /** Ends a trace; its file stays. Returns whether there was one. */
  end(vhost: string, name: string): Promise<boolean> {
    return this.#inTurn(() => this.#end(vhost, name))
  }

  async #start(spec: TraceSpec): Promise<boolean> {
    if (this.get(spec.vhost, spec.name) !== undefined) return false
    await this.#end(spec.vhost, spec.name)
    const trace = new Trace(spec, await TraceFile.open(this.#disk, fileOf(spec.name), this.#log))
    this.#traces.set(keyOf(spec.vhost, spec.name), trace)
    this.#broker.vhost(spec.vhost)?.tap(trace)
    return true
  }

  async #end(vhost: string, name: string): Promise<boolean> {
    const key = keyOf(vhost, name)
    const trace = this.#traces.get(key)
    if (trace === undefined) return false
    this.#traces.delete(key)
    this.#broker.vhost(vhost)?.untap(trace)
    await trace.file.close()
    return true
  }

  /** Ends all traces. */
  async stop(): Promise<void> {
    for (const { spec } of [...this.#traces.values()]) await this.end(spec.vhost, spec.name)
  }

  // Files

  /** The trace files, whether something writes to them or not. */
  async files(): Promise<readonly { readonly name: string; readonly bytes: number }[]> {
    return (await this.#disk.list()).filter(({ name }) => name.endsWith(EXTENSION))
  }

  /** The content of a file in pieces; undefined when there is none of this name. */
  async read(name: string): Promise<AsyncIterable<string> | undefined> {
    const entry = (await this.files()).find((each) => each.name === name)
    return entry === undefined ? undefined : piecesOf(this.#disk, name, entry.bytes)
  }

  /** Removes a file; undefined when there is none, false while a trace writes to it. */
  async remove(name: string): Promise<boolean | undefined> {
    if (!(await this.files()).some((each) => each.name === name)) return undefined
    if (this.list().some((spec) => fileOf(spec.name) === name)) return false
    await this.#disk.remove(name)
    return true
  }

  /** Files are opened and closed one after the other. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => undefined)
    return done
  }

  /** A vhost that was deleted, and maybe made again, has no traces. */
  #isThere({ vhost, name }: TraceSpec): boolean {
    const trace = this.#traces.get(keyOf(vhost, name))
    return trace !== undefined && this.#broker.vhost(vhost)?.tracer.taps.has(trace) === true
  }
}

/** Why a name cannot be that of a file, or undefined. */
export function refusesTraceName(name: string): string | undefined {
  const isPlain = /^[\w][\w .@+-]{0,199}$/.test(name)
  return isPlain ? undefined : 'a trace is named by letters, digits, spaces and any of . _ - @ +, 200 at most'
}

function fileOf(name: string): string {
  return name + EXTENSION
}

function keyOf(vhost: string, name: string): string {
  return `${vhost}\n${name}`
}

function bodyOf(copy: MessageDraft, bytesMax: number): Buffer {
  const whole =
    copy.bodyParts === null ? copy.body.subarray(copy.bodyStart, copy.bodyEnd) : Buffer.concat([...copy.bodyParts])
  return whole.subarray(0, bytesMax)
}

/** Characters that are cut by the end of a piece go with the next. */
async function* piecesOf(disk: Disk, name: string, bytes: number): AsyncIterable<string> {
  const file = await disk.open(name, false)
  const decoder = new TextDecoder()
  try {
    const buffer = Buffer.alloc(READ_BYTES)
    for (let at = 0; at < bytes; ) {
      const count = await file.read(buffer, 0, Math.min(READ_BYTES, bytes - at), at)
      if (count === 0) break
      at += count
      yield decoder.decode(buffer.subarray(0, count), { stream: true })
    }
  } finally {
    await file.close()
  }
}
