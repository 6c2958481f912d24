/**
 * What a load run does: the plan that the command line becomes and that every worker thread receives.
 * Plain data, so that it can be posted to a thread; rates are totals over all producers.
 */

/** One stretch of a rate pattern: from one rate to another, in messages per second, over a time. */
export interface RateStretch {
  readonly fromPerSecond: number
  readonly toPerSecond: number
  readonly seconds: number
}

export interface LoadPlan {
  /** Brokers; connections are spread over them in turn. `amqp:` or `amqps:`. */
  readonly urls: readonly string[]
  readonly producers: number
  readonly consumers: number
  /** Body sizes in bytes, taken in turn; each at least 8 when latency is measured. */
  readonly sizes: readonly number[]
  readonly seconds: number
  readonly warmupSeconds: number
  /** Unconfirmed publishes per producer; 0: no confirms. */
  readonly confirmWindow: number
  readonly persistent: boolean
  readonly mandatory: boolean
  readonly autoAck: boolean
  readonly prefetch: number
  /** Acknowledge after this many deliveries, with `multiple`. */
  readonly ackEvery: number
  readonly queues: number
  readonly queueName: string
  readonly queueDurable: boolean
  readonly queueArguments: Readonly<Record<string, string | number | boolean>>
  /** Publish through this exchange; empty for the default one. */
  readonly exchange: string
  readonly exchangeType: string
  readonly routingKey: string | null
  /** Empty: as fast as possible. After the last stretch its final rate goes on. */
  readonly pattern: readonly RateStretch[]
  /** Stop after this many messages; 0: by time. */
  readonly count: number
  readonly threads: number
  readonly keepQueues: boolean
  /** Verify server certificates. */
  readonly tlsVerify: boolean
}

/** The rate that a pattern asks for at a time since its start, and how many messages it asks for until then. */
export function patternAt(pattern: readonly RateStretch[], seconds: number): { perSecond: number; total: number } {
  let total = 0
  let left = seconds
  let perSecond = Number.POSITIVE_INFINITY
  for (const stretch of pattern) {
    const into = Math.min(left, stretch.seconds)
    const share = stretch.seconds === 0 ? 1 : into / stretch.seconds
    perSecond = stretch.fromPerSecond + (stretch.toPerSecond - stretch.fromPerSecond) * share
    total += ((stretch.fromPerSecond + perSecond) / 2) * into
    left -= into
    if (left <= 0) return { perSecond, total }
  }
  return { perSecond, total: total + perSecond * left }
}

/** Reads `1000`, `1000:10s`, `0..5000:30s` or a list of them; throws a sentence. */
export function parsePattern(text: string): RateStretch[] {
  return text.split(',').map((part) => {
    const match = /^(\d+)(?:\.\.(\d+))?(?::(\d+(?:\.\d+)?)s?)?$/.exec(part.trim())
    if (match === null) {
      throw new Error(`rate "${part}" is not understood: write 1000, 1000:10s or 0..5000:30s, separated by commas`)
    }
    const from = Number(match[1])
    return {
      fromPerSecond: from,
      toPerSecond: match[2] === undefined ? from : Number(match[2]),
      seconds: Number(match[3] ?? 1),
    }
  })
}

/** Reads `512`, `4KiB`, `1MB` or a list of them, in bytes. */
export function parseSizes(text: string): number[] {
  const units: Record<string, number> = { '': 1, b: 1, k: 1024, kib: 1024, kb: 1000, m: 1048576, mib: 1048576, mb: 1e6 }
  return text.split(',').map((part) => {
    const match = /^(\d+)\s*([a-z]*)$/i.exec(part.trim())
    const unit = match === null ? undefined : units[match[2]!.toLowerCase()]
    if (match === null || unit === undefined)
      throw new Error(`size "${part}" is not understood: write 512, 4KiB or 1MB`)
    return Number(match[1]) * unit
  })
}
