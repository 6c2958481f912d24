/**
 * Stops a publishing connection while an alarm is on, and tells clients that understand it. [RabbitMQ: blocked connections]
 *
 * RabbitMQ: it is the first publish after the alarm that stops a connection, so one that only consumes is never stopped.
 */
import type { AlarmListener, Alarms } from '../../model/observe/alarms.ts'
import type { Outbox } from '../../net/outbox.ts'
import { encodeMethod } from './codec.ts'
import { CONNECTION_BLOCKED, CONNECTION_UNBLOCKED } from './spec.ts'

/** The connection's input. */
export interface BlockableInput {
  /** No frame after this one. */
  block(): void
  unblock(): void
}

/** One per open connection. */
export class AlarmGate implements AlarmListener {
  readonly #alarms: Alarms
  readonly #outbox: Outbox
  readonly #input: BlockableInput
  readonly #understandsBlocked: boolean
  isBlocked = false

  constructor(alarms: Alarms, outbox: Outbox, input: BlockableInput, understandsBlocked: boolean) {
    this.#alarms = alarms
    this.#outbox = outbox
    this.#input = input
    this.#understandsBlocked = understandsBlocked
    alarms.listen(this)
  }

  /** Someone publishes. */
  onPublish(): void {
    if (!this.#alarms.isBlocking || this.isBlocked) return
    this.isBlocked = true
    if (this.#understandsBlocked) {
      this.#outbox.write(encodeMethod(CONNECTION_BLOCKED, 0, { reason: this.#alarms.reason }))
    }
    this.#input.block()
  }

  onAlarms(_alarms: Alarms, blocking: boolean): void {
    if (blocking || !this.isBlocked) return
    this.isBlocked = false
    if (this.#understandsBlocked) this.#outbox.write(encodeMethod(CONNECTION_UNBLOCKED, 0))
    this.#input.unblock()
  }

  /** The connection ends. */
  close(): void {
    this.#alarms.unlisten(this)
  }
}
