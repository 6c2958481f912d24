/**
 * Cuts a byte stream into MQTT packets, whatever way the chunks are cut. Packets are borrowed: valid until `onPacket`
 * returns. Only a packet that straddles chunks is put together, in one copy. [MQTT 5.0 §2.1]
 *
 * The sink may hold the reader while it waits for something; what follows is kept until `release`. The socket is paused
 * meanwhile, so that no more than a chunk or two are kept.
 */
import { PAUSE_WAITING } from '../../net/socket.ts'
import { malformed, tooLarge } from './errors.ts'

/** A remainder shorter than this part of its chunk is copied, so that it does not pin the chunk. */
const COPY_SHARE = 2

/** What a reader has between packets. Never changed. */
const NO_PARTS: Buffer[] = []
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
  #parts = NO_PARTS
  #partBytes = 0
  /** Bytes that the packet being collected has, as far as known. */
  #neededBytes = 0
  /** Reasons to wait, as bits of `PAUSE_…`. */
  #holds = 0
  #isRepeated = false

  constructor(sink: PacketSink, packetBytesMax: number) {
    this.#sink = sink
    this.packetBytesMax = packetBytesMax
  }

  /** Takes a chunk. Throws `MqttError` for what is no packet, before anything of it is kept. */
  feed(chunk: Buffer): void {
    if (this.#partBytes === 0 && this.#holds === 0) return this.#cut(chunk)
    this.#add(chunk)
    if (this.#holds === 0 && this.#partBytes >= this.#neededBytes) this.#cutParts()
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
    if (this.#holds === 0 && this.#partBytes > 0) this.#cutParts()
  }

  /** Drops what was kept, and everything to come. */
  close(): void {
    this.#holds |= CLOSED
    this.#parts = NO_PARTS
    this.#partBytes = 0
  }

  #add(part: Buffer): void {
    if (this.#partBytes === 0) this.#parts = [part]
    else this.#parts.push(part)
    this.#partBytes += part.length
  }

  #cutParts(): void {
    const bytes = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts, this.#partBytes)
    this.#parts = NO_PARTS
    this.#partBytes = 0
    this.#cut(bytes)
  }

  #cut(bytes: Buffer): void {
    const { length } = bytes
    let at = 0
    while (at < length && this.#holds === 0) {
      let headBytes = 2
      let remaining = 0
      if (at + 1 < length) {
        const first = bytes[at + 1]!
        remaining = first & 0x7f
        if (first >= 0x80) {
          headBytes = this.#longHead(bytes, at)
          if (headBytes > 0) remaining = longLength(bytes, at, headBytes)
        }
      } else headBytes = 0
      if (headBytes === 0) return this.#keep(bytes, at, length - at + 1)
      const packetBytes = headBytes + remaining
      if (packetBytes > this.packetBytesMax) throw tooLarge(packetBytes, this.packetBytesMax)
      const end = at + packetBytes
      if (end > length) return this.#keep(bytes, at, packetBytes)
      const start = at + headBytes
      const packetAt = at
      at = end
      this.#sink.onPacket(bytes[packetAt]!, bytes, start, end)
      if (this.#isRepeated) {
        this.#isRepeated = false
        at = packetAt
      }
    }
    if (at < length) this.#keep(bytes, at, 0)
  }

  /** Bytes of a fixed header whose length takes more than one; 0 when not all of it is there. */
  #longHead(bytes: Buffer, at: number): number {
    for (let count = 2; count <= 4; count++) {
      const next = at + count
      if (next >= bytes.length) return 0
      if (bytes[next]! < 0x80) return count + 1
    }
    throw malformed('remaining length has more than four bytes')
  }

  #keep(bytes: Buffer, at: number, neededBytes: number): void {
    const rest = bytes.subarray(at)
    this.#add(rest.length * COPY_SHARE < bytes.length ? Buffer.from(rest) : rest)
    this.#neededBytes = neededBytes
  }
}

function longLength(bytes: Buffer, at: number, headBytes: number): number {
  let length = 0
  for (let i = headBytes - 1; i >= 1; i--) length = length * 128 + (bytes[at + i]! & 0x7f)
  return length
}
