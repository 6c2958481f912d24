/**
 * A hierarchical timer wheel: any number of deadlines behind one alarm of the clock. One per broker.
 *
 * Five levels of 64 slots; a slot of level n spans 64ⁿ ms. An entry lies on the level of the highest group of six bits
 * in which its deadline differs from the wheel's time, so each occupied slot lies ahead of the wheel, and a lower level's
 * entries are due before a higher level's. Reaching a slot fires its entries (level 0) or spreads them over lower levels.
 * What lies beyond 2³⁰ ms (twelve days) waits in the `#far` list until the wheel has turned once.
 *
 *   schedule, cancel: O(1), no allocation · an entry is spread at most four times before it fires · FIFO within a ms
 *
 * Deadlines are times of `clock.nowMs()`. The alarm is set for the next occupied slot.
 */
import { type Alarm, type Clock, NEVER } from './clock.ts'

/** Told that the deadline of one of its entries has passed. */
export interface TimerOwner {
  /** `nowMs`: the clock's time, at or after the deadline. The entry is free again and may be scheduled at once. */
  onTimer(nowMs: number, entry: TimerEntry): void
}

/** Called with an error that an owner let escape: a bug. The other entries still fire. */
export type TimerSupervisor = (error: unknown, owner: TimerOwner) => void

const LEVEL_BITS = 6
const SLOT_COUNT = 64
const LEVEL_COUNT = 5
const SPAN_MS = 2 ** (LEVEL_BITS * LEVEL_COUNT)
const HALF = 32
/** Wakes at least this often while something waits, so that a clock that was set forward is noticed. */
const SLEEP_MS_MAX = 60_000

/** Where an entry is: a slot (0 …), or one of these. */
const IDLE = -1
const DUE = -2
const FAR = -3

/** One deadline of one owner: made once, scheduled and cancelled often. On one wheel at a time. */
export class TimerEntry {
  readonly owner: TimerOwner
  /** When it fires; NEVER when it is not scheduled. Written by the wheel alone, as are the fields below. */
  atMs = NEVER
  place = IDLE
  next: TimerEntry = this
  previous: TimerEntry = this

  constructor(owner: TimerOwner) {
    this.owner = owner
  }

  /** Whether it will fire, unless cancelled. */
  get isScheduled(): boolean {
    return this.place !== IDLE
  }
}

const NOBODY: TimerOwner = { onTimer: () => undefined }

function append(head: TimerEntry, entry: TimerEntry): void {
  const last = head.previous
  entry.previous = last
  entry.next = head
  last.next = entry
  head.previous = entry
}

function unlink(entry: TimerEntry): void {
  entry.previous.next = entry.next
  entry.next.previous = entry.previous
  entry.next = entry
  entry.previous = entry
}

function countTrailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word)
}

/** Fires entries at their deadlines. */
export class TimerWheel {
  readonly #clock: Clock
  readonly #supervisor: TimerSupervisor
  readonly #alarm: Alarm
  readonly #slots: TimerEntry[] = []
  /** Two words per level, one bit per occupied slot. */
  readonly #occupied = new Int32Array(LEVEL_COUNT * 2)
  readonly #due = new TimerEntry(NOBODY)
  readonly #far = new TimerEntry(NOBODY)
  /** The wheel's time is `#startMs + #tick`; everything up to it has been handled. */
  #startMs: number
  #tick = 0
  #count = 0
  #armedForMs = NEVER
  #advancing = false
  #advanceToMs = 0

  constructor(clock: Clock, supervisor: TimerSupervisor) {
    this.#clock = clock
    this.#supervisor = supervisor
    this.#alarm = clock.alarm(() => this.#ring())
    this.#startMs = clock.nowMs()
    for (let i = 0; i < LEVEL_COUNT * SLOT_COUNT; i++) this.#slots.push(new TimerEntry(NOBODY))
  }

  /** The clock whose `nowMs` the deadlines are times of. */
  get clock(): Clock {
    return this.#clock
  }

  /** Entries waiting. */
  get count(): number {
    return this.#count
  }

  /**
   * Fires the entry once at `atMs` (of `clock.nowMs()`, rounded up to a whole ms), instead of any earlier plan for it.
   * A deadline in the past fires soon, never before this returns. NEVER cancels.
   */
  schedule(entry: TimerEntry, atMs: number): void {
    if (entry.place !== IDLE) this.#take(entry)
    if (atMs === NEVER) return
    if (!(atMs > Number.NEGATIVE_INFINITY)) throw new RangeError(`not a time: ${atMs}`)
    if (this.#count === 0 && !this.#advancing) this.#catchUp()
    const handledMs = this.#startMs + this.#tick
    // While firing, what is overdue waits for the next round, or an owner that asks for the past would never let go.
    const earliestMs = this.#advancing ? this.#advanceToMs + 1 : handledMs + 1
    entry.atMs = atMs > handledMs ? Math.ceil(atMs) : earliestMs
    this.#count++
    this.#put(entry)
    if (!this.#advancing && entry.atMs < this.#armedForMs) this.#arm()
  }

  /** Forgets the entry's deadline. Harmless when it has none. */
  cancel(entry: TimerEntry): void {
    if (entry.place !== IDLE) this.#take(entry)
    if (this.#count === 0 && !this.#advancing) this.#disarm()
  }

  /** Cancels everything and lets the process end. */
  stop(): void {
    for (const head of [...this.#slots, this.#due, this.#far]) {
      while (head.next !== head) this.#take(head.next)
    }
    this.#disarm()
  }

  // Placing

  #put(entry: TimerEntry): void {
    const at = entry.atMs - this.#startMs
    if (at >= SPAN_MS) {
      entry.place = FAR
      append(this.#far, entry)
      return
    }
    const highestBit = 31 - Math.clz32(at ^ this.#tick)
    const level = (highestBit / LEVEL_BITS) | 0
    const index = (at >>> (level * LEVEL_BITS)) & (SLOT_COUNT - 1)
    entry.place = level * SLOT_COUNT + index
    append(this.#slots[entry.place]!, entry)
    this.#occupied[entry.place >>> 5]! |= 1 << (index & (HALF - 1))
  }

  #take(entry: TimerEntry): void {
    const place = entry.place
    unlink(entry)
    entry.place = IDLE
    entry.atMs = NEVER
    this.#count--
    if (place >= 0 && this.#slots[place]!.next === this.#slots[place]) this.#markEmpty(place)
  }

  #markEmpty(place: number): void {
    this.#occupied[place >>> 5]! &= ~(1 << (place & (HALF - 1)))
  }

  // Turning

  /** An empty wheel stood still; it need not turn through the time it missed. */
  #catchUp(): void {
    this.#startMs = this.#clock.nowMs()
    this.#tick = 0
  }

  #ring(): void {
    this.#armedForMs = NEVER
    this.#advance(this.#clock.nowMs())
    this.#arm()
  }

  #advance(nowMs: number): void {
    this.#advancing = true
    this.#advanceToMs = nowMs
    for (let place = this.#nextPlace(); place !== IDLE; place = this.#nextPlace()) {
      const tick = this.#tickOf(place)
      if (this.#startMs + tick > nowMs) break
      if (place === FAR) {
        this.#startMs += SPAN_MS
        this.#tick = 0
        this.#spread(this.#far)
        continue
      }
      this.#tick = tick
      this.#markEmpty(place)
      if (place < SLOT_COUNT) this.#fire(this.#slots[place]!, nowMs)
      else this.#spread(this.#slots[place]!)
    }
    const tick = nowMs - this.#startMs
    if (tick > this.#tick && tick < SPAN_MS) this.#tick = tick
    this.#advancing = false
  }

  /** Places the entries of a list anew; those due at this very ms fire now. */
  #spread(head: TimerEntry): void {
    const first = head.next
    const last = head.previous
    if (first === head) return
    head.next = head
    head.previous = head
    last.next = head
    for (let entry = first; entry !== head; ) {
      const next = entry.next
      if (entry.atMs === this.#startMs + this.#tick) {
        entry.place = DUE
        append(this.#due, entry)
      } else this.#put(entry)
      entry = next
    }
    this.#fire(this.#due, this.#advanceToMs)
  }

  #fire(head: TimerEntry, nowMs: number): void {
    if (head !== this.#due) this.#moveToDue(head)
    for (let entry = this.#due.next; entry !== this.#due; entry = this.#due.next) {
      this.#take(entry)
      try {
        entry.owner.onTimer(nowMs, entry)
      } catch (error) {
        this.#supervisor(error, entry.owner)
      }
    }
  }

  /** An owner may cancel what is about to fire, so those entries are on a list of their own, marked as such. */
  #moveToDue(head: TimerEntry): void {
    for (let entry = head.next; entry !== head; entry = head.next) {
      unlink(entry)
      entry.place = DUE
      append(this.#due, entry)
    }
  }

  // Looking ahead

  /** The first occupied slot: FAR when only that list has entries, IDLE when there are none. */
  #nextPlace(): number {
    if (this.#count === 0) return IDLE
    for (let word = 0; word < this.#occupied.length; word++) {
      const bits = this.#occupied[word]!
      if (bits !== 0) return word * HALF + countTrailingZeros(bits)
    }
    return FAR
  }

  /** The tick at which a slot begins. */
  #tickOf(place: number): number {
    if (place === FAR) return SPAN_MS
    const level = place >>> LEVEL_BITS
    const shift = level * LEVEL_BITS
    const above = shift + LEVEL_BITS
    const base = above >= 30 ? 0 : (this.#tick >>> above) << above
    return base + (place & (SLOT_COUNT - 1)) * 2 ** shift
  }

  #arm(): void {
    const place = this.#nextPlace()
    if (place === IDLE) {
      this.#disarm()
      return
    }
    const nowMs = this.#clock.nowMs()
    const atMs = Math.min(this.#startMs + this.#tickOf(place), nowMs + SLEEP_MS_MAX)
    if (atMs === this.#armedForMs) return
    this.#armedForMs = atMs
    this.#alarm.set(atMs - nowMs)
  }

  #disarm(): void {
    this.#armedForMs = NEVER
    this.#alarm.clear()
  }
}
