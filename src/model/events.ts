/**
 * What happens to a broker's objects, as events by name: `queue.created`, `connection.closed`, `policy.set`, …
 *
 * For the event exchange and the console. Nobody listens, as a rule: whoever has an event asks `isObserved` before it
 * builds the fields.
 */

/** The fields of an event, as listings call them. */
export type EventFields = Readonly<Record<string, string | number | boolean | null>>

/** Receives events. Must not throw. */
export interface EventSink {
  /** `name` as RabbitMQ's event exchange has it; `vhost` is null for events of the node. */
  onEvent(name: string, vhost: string | null, fields: EventFields): void
}

/** Where events are announced. One per broker. */
export class Events {
  readonly #sinks: EventSink[] = []
  /** Whether anybody listens. */
  isObserved = false

  observe(sink: EventSink): void {
    this.#sinks.push(sink)
    this.isObserved = true
  }

  /** Tells the sinks. Callers check `isObserved` first, to spare the fields. */
  announce(name: string, vhost: string | null, fields: EventFields): void {
    for (const sink of this.#sinks) sink.onEvent(name, vhost, fields)
  }
}
