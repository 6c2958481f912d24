/**
 * The one timer of a connection: a deadline for CONNECT or for the goodbye, and between them the keep alive. One per
 * connection; it has no entry in the wheel while nothing is to be waited for. [MQTT 5.0 §3.1.2.10]
 */
import { TimerEntry, type TimerOwner } from '../../base/timer-wheel.ts'
import type { Socket } from '../../net/socket.ts'
import { SILENT_HALVES_MAX } from './spec.ts'
import type { MqttWorld } from './world.ts'

/** The connection's side. */
export interface TimedConnection {
  readonly socket: Socket
  /** What was waited for has not come. */
  onDeadline(): void
  /** Nothing came for one and a half keep alives. */
  onSilence(): void
}

/** Waits for one thing at a time. */
export class ConnectionTimer implements TimerOwner {
  readonly #world: MqttWorld
  readonly #owner: TimedConnection
  #entry: TimerEntry | null = null
  #keepAliveSeconds = 0
  #isWatching = false
  #silentHalves = 0
  #seenBytes = 0

  constructor(world: MqttWorld, owner: TimedConnection) {
    this.#world = world
    this.#owner = owner
  }

  get keepAliveSeconds(): number {
    return this.#keepAliveSeconds
  }

  /** Something has to happen within this time, or `onDeadline` is called. */
  expect(withinMs: number): void {
    this.#isWatching = false
    this.#schedule(withinMs)
  }

  /** Watches whether the client is silent for too long; 0 watches nothing. */
  watch(keepAliveSeconds: number): void {
    this.#keepAliveSeconds = keepAliveSeconds
    this.#isWatching = keepAliveSeconds > 0
    if (this.#isWatching) return this.#schedule(keepAliveSeconds * 500)
    this.stop()
    this.#entry = null
  }

  stop(): void {
    if (this.#entry !== null) this.#world.broker.world.timers.cancel(this.#entry)
  }

  onTimer(): void {
    if (!this.#isWatching) return this.#owner.onDeadline()
    const { receivedBytes, isPaused } = this.#owner.socket
    if (receivedBytes !== this.#seenBytes || isPaused) this.#silentHalves = 0
    else this.#silentHalves++
    this.#seenBytes = receivedBytes
    if (this.#silentHalves < SILENT_HALVES_MAX) this.#schedule(this.#keepAliveSeconds * 500)
    else this.#owner.onSilence()
  }

  #schedule(delayMs: number): void {
    const { timers, clock } = this.#world.broker.world
    this.#entry ??= new TimerEntry(this)
    timers.schedule(this.#entry, clock.nowMs() + delayMs)
  }
}
