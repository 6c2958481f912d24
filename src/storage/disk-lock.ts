/**
 * The lock of a data folder: a file `lock` that names the process which uses it.
 *
 * A process that died leaves its lock behind, so a lock counts only while its process lives: same machine start (boot
 * id), same process id, same start time of that process. Process ids repeat, most of all in containers, where every
 * broker is process 1; the start time does not. Where the system does not tell start times, the id alone must do.
 */
import { promises as fs, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { FolderInUse } from './disk.ts'

/** Folders locked by this process: several brokers may live in it. */
const HELD = new Set<string>()
const TRIES_MAX = 5
/** What a file system says that cannot link. */
const NO_LINKS: readonly string[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}

/** When a process started, in ticks since the machine did; '' when the system does not tell or it is gone. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** One folder's lock. */
export class FolderLock {
  readonly #folder: string
  readonly #path: string
  #real = ''

  constructor(folder: string) {
    this.#folder = folder
    this.#path = join(folder, 'lock')
  }

  /** Rejects with `FolderInUse` when a living process holds it. The folder exists. */
  async take(): Promise<void> {
    const real = await fs.realpath(this.#folder)
    if (HELD.has(real)) throw new FolderInUse(this.#folder, 'in this process')
    HELD.add(real)
    try {
      await this.#takeFile()
      this.#real = real
    } catch (error) {
      HELD.delete(real)
      throw error
    }
  }

  async give(): Promise<void> {
    if (this.#real === '') return
    await fs.rm(this.#path, { force: true })
    HELD.delete(this.#real)
    this.#real = ''
  }

  /** The file appears complete or not at all: written under another name, then linked, which fails when one is there. */
  async #takeFile(): Promise<void> {
    const draft = `${this.#path}.${process.pid}`
    await fs.writeFile(draft, JSON.stringify({ pid: process.pid, start: startOf(process.pid), boot: bootId() }))
    try {
      for (let tries = 0; tries < TRIES_MAX; tries++) {
        try {
          await fs.link(draft, this.#path)
          return
        } catch (error) {
          if (NO_LINKS.includes(codeOf(error))) return await this.#takeWithoutLinks(draft)
          if (codeOf(error) !== 'EEXIST') throw error
        }
        await this.#removeStale()
      }
      throw new FolderInUse(this.#folder, 'others are starting')
    } finally {
      await fs.rm(draft, { force: true })
    }
  }

  /** Some file systems have no links. Two starters at the very same moment are not told apart there. */
  async #takeWithoutLinks(draft: string): Promise<void> {
    const owner = this.#livingOwner(await this.#read(this.#path))
    if (owner !== '') throw new FolderInUse(this.#folder, owner)
    await fs.rename(draft, this.#path)
  }

  /** Moves a dead process's lock away, and puts it back when it turns out to be somebody's new one. */
  async #removeStale(): Promise<void> {
    const text = await this.#read(this.#path)
    if (text === '') return
    const owner = this.#livingOwner(text)
    if (owner !== '') throw new FolderInUse(this.#folder, owner)
    const aside = `${this.#path}.stale.${process.pid}`
    try {
      await fs.rename(this.#path, aside)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return
      throw error
    }
    if ((await this.#read(aside)) !== text) await fs.link(aside, this.#path).catch(ignoreExisting)
    await fs.rm(aside, { force: true })
  }

  async #read(path: string): Promise<string> {
    try {
      return await fs.readFile(path, 'utf8')
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return ''
      throw error
    }
  }

  /** Who holds the lock, in words; '' when nobody alive does. */
  #livingOwner(text: string): string {
    const match = /^\{"pid":(\d+),"start":"(\d*)","boot":"([^"]*)"\}$/.exec(text)
    if (match === null) return ''
    const pid = Number(match[1])
    if (match[3] !== bootId() || pid === process.pid || !isAlive(pid)) return ''
    return match[2] === startOf(pid) ? `process ${pid}` : ''
  }
}

function ignoreExisting(error: unknown): void {
  if (codeOf(error) !== 'EEXIST') throw error
}
