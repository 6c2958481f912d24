/**
 * What a session has sent with QoS 1 or 2 and the client has not finished: packet identifiers, oldest first.
 *
 * A ring in the order of sending. Clients acknowledge in that order, so a look-up starts at the oldest and usually ends
 * there; the window is small (`mqtt.prefetch`). Entries of QoS 2 have two phases: sent, until PUBREC; released, until
 * PUBCOMP. [MQTT 5.0 §4.4, §4.9]
 *
 * Invariant: the slots in use are [head, head + span); finished ones among them have identifier 0.
 */

export const PHASE_SENT_QOS1 = 1
export const PHASE_SENT_QOS2 = 2
/** PUBREC came: only PUBREL is ever sent for it again. */
export const PHASE_RELEASED = 3

const SLOTS_FIRST = 16
/** What a window without deliveries has: shared, because most sessions have none. */
const NO_IDS = new Uint16Array(0)
const NO_PHASES = new Uint8Array(0)
const NO_SOURCES = new Int32Array(0)
const NO_SEQUENCES = new Float64Array(0)

/** One per session. Holds no memory before the first delivery. */
export class InFlight {
  #ids = NO_IDS
  #phases = NO_PHASES
  #sources = NO_SOURCES
  #sequences = NO_SEQUENCES
  #head = 0
  #span = 0
  /** Not finished. */
  count = 0
  // What `find` found.
  slot = -1

  /** Adds a delivery. `source`: the number of the queue's sink; `sequence`: the entry, or the record of a release. */
  add(packetId: number, phase: number, source: number, sequence: number): void {
    if (this.#span === this.#ids.length) this.#grow()
    const slot = (this.#head + this.#span) & (this.#ids.length - 1)
    this.#span++
    this.count++
    this.#ids[slot] = packetId
    this.#phases[slot] = phase
    this.#sources[slot] = source
    this.#sequences[slot] = sequence
  }

  /** Points at a packet identifier's delivery; false when there is none. */
  find(packetId: number): boolean {
    const mask = this.#ids.length - 1
    for (let i = 0; i < this.#span; i++) {
      const slot = (this.#head + i) & mask
      if (this.#ids[slot] === packetId) {
        this.slot = slot
        return true
      }
    }
    return false
  }

  get phase(): number {
    return this.#phases[this.slot]!
  }

  get source(): number {
    return this.#sources[this.slot]!
  }

  get sequence(): number {
    return this.#sequences[this.slot]!
  }

  /** The delivery found has been received by the client: only its release is open. */
  release(sequence: number): void {
    this.#phases[this.slot] = PHASE_RELEASED
    this.#sequences[this.slot] = sequence
  }

  /** The delivery found is finished. */
  finish(): void {
    this.#ids[this.slot] = 0
    this.count--
    this.#trim()
  }

  /** Visits everything that is not finished, oldest first. */
  each(visit: (packetId: number, phase: number, source: number, sequence: number) => void): void {
    const mask = this.#ids.length - 1
    for (let i = 0; i < this.#span; i++) {
      const slot = (this.#head + i) & mask
      const id = this.#ids[slot]!
      if (id !== 0) visit(id, this.#phases[slot]!, this.#sources[slot]!, this.#sequences[slot]!)
    }
  }

  /** Whether something of this source is not finished. */
  hasSource(source: number): boolean {
    let has = false
    this.each((_id, phase, each) => {
      if (each === source && phase !== PHASE_RELEASED) has = true
    })
    return has
  }

  /** Forgets what is sent and not released: it is given back to its queue. */
  dropSent(visit: (source: number, sequence: number) => void): void {
    const mask = this.#ids.length - 1
    for (let i = 0; i < this.#span; i++) {
      const slot = (this.#head + i) & mask
      if (this.#ids[slot] === 0 || this.#phases[slot] === PHASE_RELEASED) continue
      this.#ids[slot] = 0
      this.count--
      visit(this.#sources[slot]!, this.#sequences[slot]!)
    }
    this.#trim()
  }

  #trim(): void {
    const mask = this.#ids.length - 1
    while (this.#span > 0 && this.#ids[this.#head] === 0) {
      this.#head = (this.#head + 1) & mask
      this.#span--
    }
  }

  /** Makes room: by closing gaps when half of the ring is gaps, else by doubling. */
  #grow(): void {
    const length = this.count * 2 <= this.#ids.length && this.#ids.length > 0 ? this.#ids.length : this.#ids.length * 2
    const size = Math.max(length, SLOTS_FIRST)
    const ids = new Uint16Array(size)
    const phases = new Uint8Array(size)
    const sources = new Int32Array(size)
    const sequences = new Float64Array(size)
    let to = 0
    this.each((id, phase, source, sequence) => {
      ids[to] = id
      phases[to] = phase
      sources[to] = source
      sequences[to++] = sequence
    })
    this.#ids = ids
    this.#phases = phases
    this.#sources = sources
    this.#sequences = sequences
    this.#head = 0
    this.#span = to
  }
}
