/**
 * Learns how old the heads of queues are whose bytes are on disk alone, as after a restart: reads them, a few at a time. A
 * queue remembers the time of its head once it was seen, however cold that gets. Asked by the sampler and by details of a queue.
 */
import type { Clock } from '../../base/clock.ts'
import type { Queue } from '../../model/queue/queue.ts'

/** Reads under way for the sampler: 64 with every tick at most, each of some 256 KiB. */
const READS_MAX = 64
/** A disk that gives nothing is not waited for. */
const PATIENCE_MS = 1_000

/** Heads that are being read. */
export class ColdHeads {
  readonly #clock: Clock
  readonly #reading = new Map<Queue, Promise<void>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The sampler met a queue whose head it could not see. */
  onCold(queue: Queue): void {
    // A queue that was emptied or deleted is not answered for.
    for (const other of this.#reading.keys()) if (other.readyCount === 0) this.#reading.delete(other)
    if (this.#reading.size < READS_MAX) void this.#read(queue)
  }

  /** Resolves when the status of the queue tells the age of its head, or the disk is too slow. */
  async see(queue: Queue): Promise<void> {
    if (queue.contents === null || queue.readyCount === 0 || queue.status().oldestReadyAtMs > 0) return
    await new Promise<void>((resolve) => {
      const alarm = this.#clock.alarm(resolve)
      alarm.set(PATIENCE_MS)
      void this.#read(queue).then(() => {
        alarm.clear()
        resolve()
      })
    })
  }

  /** Never rejects. */
  #read(queue: Queue): Promise<void> {
    const { contents } = queue
    const known = this.#reading.get(queue)
    if (known !== undefined || contents === null || contents.head === 0) return known ?? Promise.resolve()
    let isDone = false
    const read = new Promise<void>((resolve) => {
      contents.load(contents.head, () => {
        isDone = true
        this.#reading.delete(queue)
        // It sees the head while its bytes are there.
        queue.status()
        resolve()
      })
    })
    // A load may answer at once.
    if (!isDone) this.#reading.set(queue, read)
    return read
  }
}
