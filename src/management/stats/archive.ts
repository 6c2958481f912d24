/**
 * Keeps the slow history (one sample every ten minutes, seven days) over restarts: of the overview, the node and the
 * virtual hosts. One small JSON file, written whole to a second name and renamed; a file that cannot be read is dropped.
 */
import type { Logger } from '../../base/log.ts'
import { NODE_FIELDS, OVERVIEW_FIELDS, VHOST_FIELDS } from './fields.ts'
import { type Series, SLOW } from './series.ts'
import type { Statistics } from './statistics.ts'

/** Virtual hosts that are archived at most. */
const VHOSTS_MAX = 200
const FORMAT = 1

/** Where the archive lies. Implemented by the composition root over the data folder. */
export interface ArchiveStore {
  /** Undefined when there is none. */
  read(): Promise<string | undefined>
  /** Replaces it: afterwards the old one or the new one is there, never half of one. */
  write(text: string): Promise<void>
}

interface Archived {
  readonly format: number
  /** When it was written: from then on nothing is known. */
  readonly atMs?: number
  readonly fields: {
    readonly overview: readonly string[]
    readonly node: readonly string[]
    readonly vhost: readonly string[]
  }
  readonly overview: readonly number[][]
  readonly node: readonly number[][]
  readonly vhosts: Readonly<Record<string, readonly number[][]>>
}

/** Writes the archive as time goes, and reads it once. */
export class Archive {
  readonly #store: ArchiveStore
  readonly #statistics: Statistics
  readonly #logger: Logger
  #writing: Promise<void> = Promise.resolve()
  #writtenAtMs = 0
  #fails = false

  constructor(store: ArchiveStore, statistics: Statistics, logger: Logger) {
    this.#store = store
    this.#statistics = statistics
    this.#logger = logger
  }

  /** Fills the statistics with what the archive holds of the last seven days. Never rejects. */
  async restore(nowMs: number): Promise<void> {
    try {
      const text = await this.#store.read()
      if (text !== undefined) this.#fill(JSON.parse(text) as Archived, nowMs)
    } catch (error) {
      this.#logger.warning('the archive of statistics cannot be read and begins anew', { error })
    }
    this.#writtenAtMs = nowMs
    this.#statistics.onTick((tickMs) => {
      if (tickMs - this.#writtenAtMs >= SLOW.everyMs) this.save(tickMs)
    })
  }

  /** Writes the archive; one write at a time. */
  save(nowMs: number): void {
    this.#writtenAtMs = nowMs
    const text = JSON.stringify(this.#content(nowMs))
    this.#writing = this.#writing.then(() => this.#write(text))
  }

  /** Writes a last time. */
  async stop(nowMs: number): Promise<void> {
    this.#statistics.overview.close()
    this.#statistics.node.close()
    for (const [, series] of this.#statistics.vhostSeries()) series.close()
    this.save(nowMs)
    await this.#writing
  }

  async #write(text: string): Promise<void> {
    try {
      await this.#store.write(text)
      this.#fails = false
    } catch (error) {
      if (!this.#fails) this.#logger.warning('the archive of statistics cannot be written', { error })
      this.#fails = true
    }
  }

  #content(atMs: number): Archived {
    const vhosts: Record<string, number[][]> = {}
    let archived = 0
    for (const [name, series] of this.#statistics.vhostSeries()) {
      if (archived++ === VHOSTS_MAX) break
      vhosts[name] = rowsOf(series)
    }
    return {
      format: FORMAT,
      atMs,
      fields: { overview: OVERVIEW_FIELDS, node: NODE_FIELDS, vhost: VHOST_FIELDS },
      overview: rowsOf(this.#statistics.overview),
      node: rowsOf(this.#statistics.node),
      vhosts,
    }
  }

  #fill(archived: Archived, nowMs: number): void {
    if (archived.format !== FORMAT) return
    const { fields, overview, node, vhosts } = archived
    fill(this.#statistics.overview, overview, fields.overview, OVERVIEW_FIELDS, nowMs)
    fill(this.#statistics.node, node, fields.node, NODE_FIELDS, nowMs)
    for (const [name, rows] of Object.entries(vhosts)) {
      const series = this.#statistics.seriesForVhost(name)
      fill(series, rows, fields.vhost, VHOST_FIELDS, nowMs)
      if (archived.atMs !== undefined) series.markGap(archived.atMs)
    }
    if (archived.atMs === undefined || archived.atMs > nowMs) return
    this.#statistics.overview.markGap(archived.atMs)
    this.#statistics.node.markGap(archived.atMs)
  }
}

function rowsOf({ slow }: Series): number[][] {
  const rows: number[][] = []
  for (let i = 0; slow !== null && i < slow.count; i++) rows.push(slow.rowAt(i))
  return rows
}

/** Fields are matched by name: a later version may have others. */
function fill(
  { slow }: Series,
  rows: readonly number[][],
  from: readonly string[],
  to: readonly string[],
  nowMs: number,
): void {
  if (slow === null) return
  const places = to.map((name) => from.indexOf(name))
  for (const [timeMs, ...values] of rows) {
    if (timeMs === undefined || timeMs <= slow.newestMs || timeMs > nowMs || timeMs < nowMs - SLOW.forMs) continue
    slow.push(
      timeMs,
      // JSON has null for the NaN of a gap.
      Float64Array.from(places, (place) => (place < 0 ? 0 : (values[place] ?? Number.NaN))),
    )
  }
}
