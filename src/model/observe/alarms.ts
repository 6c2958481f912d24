/**
 * The alarms of a broker: named conditions in which publishers have to wait, or new clients. One per broker.
 *
 * Whoever owns a resource raises and clears its alarm (the resource monitor: memory and disk; the log: storage; the
 * descriptor watch: file descriptors).
 * Connections listen, and read `isBlocking` before they act on a publish.
 *
 * Invariant: listeners are called once per change of the set of alarms, after it changed. [RabbitMQ: connection.blocked]
 */

/** Conditions in which publishers wait: above the watermark · less free than the limit · writes fail. */
type BlockingAlarm = 'memory' | 'disk' | 'storage'

/** Those, and `file_descriptors`: so many are in use that new clients are refused. */
export type AlarmName = BlockingAlarm | 'file_descriptors'

/** Told when an alarm was raised or cleared. */
export interface AlarmListener {
  /** `blocking` is the new state of the whole: whether publishers have to wait. */
  onAlarms(alarms: Alarms, blocking: boolean): void
}

/** In the order in which the reason of connection.blocked names them. */
const BLOCKING: readonly BlockingAlarm[] = ['memory', 'disk', 'storage']
const NAMES: readonly AlarmName[] = [...BLOCKING, 'file_descriptors']

/** The set of alarms in force. */
export class Alarms {
  readonly #raised = new Set<AlarmName>()
  readonly #listeners = new Set<AlarmListener>()
  #blocking = false
  #reason = ''

  /** Whether publishers have to wait. */
  get isBlocking(): boolean {
    return this.#blocking
  }

  /** `low on memory`, `low on disk`, `low on memory & disk`, …; empty without alarms. */
  get reason(): string {
    return this.#reason
  }

  /** Alarms in force, in a fixed order. */
  get raised(): readonly AlarmName[] {
    return NAMES.filter((name) => this.#raised.has(name))
  }

  isRaised(name: AlarmName): boolean {
    return this.#raised.has(name)
  }

  /** Raises or clears one alarm; tells the listeners when that is a change. Returns whether it was. */
  set(name: AlarmName, raised: boolean): boolean {
    if (this.#raised.has(name) === raised) return false
    if (raised) this.#raised.add(name)
    else this.#raised.delete(name)
    const blocking = BLOCKING.filter((known) => this.#raised.has(known))
    this.#blocking = blocking.length > 0
    this.#reason = this.#blocking ? `low on ${blocking.join(' & ')}` : ''
    for (const listener of [...this.#listeners]) {
      if (this.#listeners.has(listener)) listener.onAlarms(this, this.#blocking)
    }
    return true
  }

  /** Adds a listener. It is not told of alarms already in force: it reads `isBlocking`. */
  listen(listener: AlarmListener): void {
    this.#listeners.add(listener)
  }

  unlisten(listener: AlarmListener): void {
    this.#listeners.delete(listener)
  }
}
