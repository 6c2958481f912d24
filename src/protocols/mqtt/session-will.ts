/**
 * The will of a session: kept while its client is connected and while its delay runs, so that a restart does not lose it.
 * [MQTT 5.0 §3.1.3.2.2]
 */
import { TimerEntry, type TimerOwner } from '../../base/timer-wheel.ts'
import { Will, type WillAuthor, type WillRecord } from './will.ts'
import type { MqttWorld } from './world.ts'

/** What a will needs of its session. */
export interface WillOwner {
  readonly world: MqttWorld
  readonly vhostName: string
  readonly clientId: string
  readonly user: string
  /** The delay is over. */
  publishPendingWill(): void
}

/** One per session with a delayed will. */
export class SessionWill implements TimerOwner {
  readonly #owner: WillOwner
  readonly #will: Will
  #author: WillAuthor | null = null
  #timer: TimerEntry | null = null
  #dueAtMs: number | null = null
  /** Its client is gone: it is published unless the client comes back in time. */
  isPending = false

  constructor(owner: WillOwner, will: Will) {
    this.#owner = owner
    this.#will = will
  }

  /** As it was kept; `start` follows. */
  static recovered(owner: WillOwner, record: WillRecord): SessionWill {
    const will = new SessionWill(owner, Will.kept(record))
    will.#dueAtMs = record.dueAtMs
    return will
  }

  record(): WillRecord {
    return this.#will.record(this.#dueAtMs)
  }

  /** The delay begins. */
  wait(author: WillAuthor, dueAtMs: number): void {
    this.#author = author
    this.#schedule(dueAtMs)
  }

  /** After a restart: what is left of the delay runs on; all of it when the client was connected until the broker was killed. */
  start(): void {
    const { clock } = this.#owner.world.broker.world
    this.#schedule(this.#dueAtMs ?? clock.nowMs() + this.#will.delaySeconds * 1000)
  }

  /** It is not published after all, or not by this process. */
  stop(): void {
    if (this.#timer !== null) this.#owner.world.broker.world.timers.cancel(this.#timer)
    this.isPending = false
  }

  publish(): void {
    this.stop()
    const author = this.#author ?? this.#authorNow()
    if (author !== null) this.#will.publish(this.#owner.world, author)
  }

  onTimer(): void {
    this.#owner.publishPendingWill()
  }

  #schedule(dueAtMs: number): void {
    this.#dueAtMs = dueAtMs
    this.isPending = true
    this.#timer ??= new TimerEntry(this)
    this.#owner.world.broker.world.timers.schedule(this.#timer, dueAtMs)
  }

  /** Of a will that an earlier process left: what the broker itself knows of its user decides. */
  #authorNow(): WillAuthor | null {
    const { world, vhostName, clientId, user } = this.#owner
    const vhost = world.broker.vhost(vhostName)
    if (vhost === undefined) return null
    const permissions = world.broker.sessionPermissions({ user, authorization: null }, vhostName, clientId)
    return { vhost, permissions, clientId }
  }
}
