/** How often limits refused something since the start, by name. Sessions and verbs count; the management reads. */

/** Limits that are counted. [docs/limits.md] */
export const COUNTED_LIMITS = [
  'node_connections',
  'vhost_connections',
  'user_connections',
  'mqtt_connections',
  'node_channels',
  'connection_channels',
  'user_channels',
  'channel_consumers',
  'vhost_queues',
  'node_queues',
  'user_queues',
  'exchanges',
  'vhosts',
  'message_size',
  'frames',
  'tables',
  'transactions',
  'mqtt_packets',
  'topics',
  'stomp_frames',
  'http_bodies',
  'http_headers',
  'http_time',
  'http_connections',
  'handshake_time',
  'mqtt_sessions',
  'subscriptions',
  'http_publish_rate',
  'http_delivery_rate',
] as const

/** One of `COUNTED_LIMITS`. */
export type CountedLimit = (typeof COUNTED_LIMITS)[number]

/** One per broker. */
export class LimitCounts {
  readonly #counts = new Map<CountedLimit, number>(COUNTED_LIMITS.map((name) => [name, 0]))

  /** Something was refused because of this limit. */
  hit(name: CountedLimit): void {
    this.#counts.set(name, this.of(name) + 1)
  }

  of(name: CountedLimit): number {
    return this.#counts.get(name) ?? 0
  }
}
