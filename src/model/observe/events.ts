/**
 * What happens to a broker's objects, as events by name: `queue.created`, `connection.closed`, `policy.set`, …
 *
 * For the event exchange. Nobody listens, as a rule: whoever has an event asks `isObserved` before it builds the fields.
 */
import type { Arguments } from '../values/arguments.ts'

/** The fields of an event, as listings call them. */
export type EventFields = Readonly<Record<string, string | number | boolean | null | Arguments>>

/** Receives events. Must not throw. */
export interface EventSink {
  /** Whether events would get anywhere now. Asked for every event: cheap. */
  readonly isListening: boolean
  /** `name` as RabbitMQ's event exchange has it; `vhost` is null for events of the node. */
  onEvent(name: string, vhost: string | null, fields: EventFields): void
}

/** Where events are announced. One per broker. */
export class Events {
  readonly #sinks: EventSink[] = []

  /** Whether anybody listens. */
  get isObserved(): boolean {
    for (const sink of this.#sinks) if (sink.isListening) return true
    return false
  }

  observe(sink: EventSink): void {
    this.#sinks.push(sink)
  }

  /** Tells the sinks. Callers check `isObserved` first, to spare the fields. */
  announce(name: string, vhost: string | null, fields: EventFields): void {
    for (const sink of this.#sinks) if (sink.isListening) sink.onEvent(name, vhost, fields)
  }
}
