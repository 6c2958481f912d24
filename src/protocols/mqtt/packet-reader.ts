/**
 * Cuts a byte stream into MQTT packets, whatever way the chunks are cut. Packets are borrowed: valid until `onPacket`
 * returns. Only a packet that straddles chunks is put together, in memory that grows with the bytes that arrive. [MQTT 5.0 §2.1]
 *
 * The sink may hold the reader while it waits for something; what follows is kept until `release`. The socket is paused
 * meanwhile, so that no more than a chunk or two are kept.
 */
import { Collected } from '../../net/collected.ts'
import { PAUSE_WAITING } from '../../net/socket.ts'
import { malformed, tooLarge } from './errors.ts'

/** A reason to wait that is never taken back. */
const CLOSED = 1 << 30

/** Takes packets. */
export interface PacketSink {
  /** `head` is the first byte: type and flags. `[start, end)` is what follows the fixed header. */
  onPacket(head: number, bytes: Buffer, start: number, end: number): void
}

/** One per connection. */
export class PacketReader {
  readonly #sink: PacketSink
  /** Longest packet, its fixed header included. Changes with the login. */
  packetBytesMax: number
  readonly #collected = new Collected()
  /** Bytes that the packet being collected has, as far as known. */
  #neededBytes = 0
  /** Reasons to wait, as bits of `PAUSE_…`. */
  #holds = 0
  #isRepeated = false
  #isCutting = false

  constructor(sink: PacketSink, packetBytesMax: number) {
    this.#sink = sink
    this.packetBytesMax = packetBytesMax
  }

  /** Takes a chunk. Throws `MqttError` for what is no packet, before anything of it is kept. */
  feed(chunk: Buffer): void {
    const { byteCount } = this.#collected
    if (byteCount > 0 || this.#holds !== 0) {
      this.#collected.add(chunk, 0, chunk.length, this.#neededBytes)
      if (this.#holds === 0 && this.#collected.byteCount >= this.#neededBytes) this.#cutCollected()
      return
    }
    const at = this.#cut(chunk, 0, chunk.length)
    if (at < chunk.length && !this.#isClosed) this.#collected.add(chunk, at, chunk.length, this.#neededBytes)
  }

  /** No more packets until `release`. `again`: the packet at hand is handed in once more. */
  hold(again = false, reason = PAUSE_WAITING): void {
    this.#holds |= reason
    if (again) this.#isRepeated = true
  }

  /** One reason less: when it was the last, goes on with what was kept. */
  release(reason = PAUSE_WAITING): void {
    if ((this.#holds & reason) === 0) return
    this.#holds &= ~reason
    if (this.#holds === 0 && !this.#isCutting && this.#collected.byteCount > 0) this.#cutCollected()
  }

  /** Drops what was kept, and everything to come. */
  close(): void {
    this.#holds |= CLOSED
    if (!this.#isCutting) this.#collected.clear()
  }

  get #isClosed(): boolean {
    return (this.#holds & CLOSED) !== 0
  }

  #cutCollected(): void {
    const collected = this.#collected
    this.#isCutting = true
    try {
      collected.dropTo(this.#cut(collected.bytes, collected.start, collected.end))
    } finally {
      this.#isCutting = false
      if (this.#isClosed) collected.clear()
    }
  }

  /** Hands out the packets of [from, length); returns where the first one starts that is incomplete or has to wait. */
  #cut(bytes: Buffer, from: number, length: number): number {
    let at = from
    while (at < length && this.#holds === 0) {
      let headBytes = 2
      let remaining = 0
      if (at + 1 < length) {
        const first = bytes[at + 1]!
        remaining = first & 0x7f
        if (first >= 0x80) {
          headBytes = longHead(bytes, at, length)
          if (headBytes > 0) remaining = longLength(bytes, at, headBytes)
        }
      } else headBytes = 0
      if (headBytes === 0) return this.#incomplete(at, length - at + 1)
      const packetBytes = headBytes + remaining
      if (packetBytes > this.packetBytesMax) throw tooLarge(packetBytes, this.packetBytesMax)
      const end = at + packetBytes
      if (end > length) return this.#incomplete(at, packetBytes)
      const start = at + headBytes
      const packetAt = at
      at = end
      this.#sink.onPacket(bytes[packetAt]!, bytes, start, end)
      if (this.#isRepeated) {
        this.#isRepeated = false
        at = packetAt
      }
    }
    return this.#incomplete(at, 0)
  }

  #incomplete(at: number, neededBytes: number): number {
    this.#neededBytes = neededBytes
    return at
  }
}

/** Bytes of a fixed header whose length takes more than one; 0 when not all of it is there. */
function longHead(bytes: Buffer, at: number, end: number): number {
  for (let count = 2; count <= 4; count++) {
    const next = at + count
    if (next >= end) return 0
    if (bytes[next]! < 0x80) return count + 1
  }
  throw malformed('remaining length has more than four bytes')
}

function longLength(bytes: Buffer, at: number, headBytes: number): number {
  let length = 0
  for (let i = headBytes - 1; i >= 1; i--) length = length * 128 + (bytes[at + i]! & 0x7f)
  return length
}
