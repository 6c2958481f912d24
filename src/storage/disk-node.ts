/**
 * The real disk: files of one folder. The only file here that calls the file system. Implements `Disk`.
 */
import * as fs from 'node:fs'
import { join } from 'node:path'
import { type Disk, type DiskEntry, DiskError, type DiskFile } from './disk.ts'
import { DirectFile, DirectWrites } from './disk-direct.ts'
import { FolderLock } from './disk-lock.ts'

/** Messages and hashes of passwords are for nobody else on the machine. */
const FILE_MODE = 0o600
const FOLDER_MODE = 0o700

function wrap(operation: string, name: string, error: unknown): DiskError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'EIO'
  return new DiskError(operation, name, code, error instanceof Error ? error.message : String(error))
}

type Done<T> = (error: NodeJS.ErrnoException | null, value: T) => void

function call<T>(operation: string, name: string, start: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (error === null || error === undefined) resolve(value)
      else reject(wrap(operation, name, error))
    })
  })
}

class NodeFile implements DiskFile {
  readonly #fd: number
  readonly #name: string
  readonly #directWrites: DirectWrites
  #direct: DirectFile | null = null

  constructor(fd: number, name: string, directWrites: DirectWrites) {
    this.#fd = fd
    this.#name = name
    this.#directWrites = directWrites
  }

  writeNow(bytes: Uint8Array, start: number, end: number, at: number): void {
    try {
      for (let from = start; from < end; ) from += fs.writeSync(this.#fd, bytes, from, end - from, at + from - start)
    } catch (error) {
      throw wrap('write', this.#name, error)
    }
  }

  async write(bytes: Uint8Array, start: number, end: number, at: number, isPaged = false): Promise<void> {
    if (isPaged && this.#directWrites.isWorthwhile(end - start)) {
      this.#direct ??= new DirectFile(this.#fd, this.#directWrites)
      if (await this.#writePages(this.#direct, bytes, start, end)) return
    }
    for (let from = start; from < end; ) {
      from += await call<number>('write', this.#name, (done) => {
        fs.write(this.#fd, bytes, from, end - from, at + from - start, done)
      })
    }
  }

  /** Whole pages past the system's cache, the rest of both ends through it. False: nothing may be taken as written. */
  async #writePages(direct: DirectFile, bytes: Uint8Array, start: number, end: number): Promise<boolean> {
    try {
      const pages = await direct.write(bytes, start, end)
      if (pages === null) return false
      this.writeNow(bytes, start, pages.start, start)
      this.writeNow(bytes, pages.end, end, pages.end)
      return true
    } catch (error) {
      throw error instanceof DiskError ? error : wrap('write', this.#name, error)
    }
  }

  async read(into: Uint8Array, start: number, end: number, at: number): Promise<number> {
    let to = start
    while (to < end) {
      const count = await call<number>('read', this.#name, (done) => {
        fs.read(this.#fd, into, to, end - to, at + to - start, done)
      })
      if (count === 0) break
      to += count
    }
    return to - start
  }

  sync(): Promise<void> {
    return call('sync', this.#name, (done) => fs.fdatasync(this.#fd, done as fs.NoParamCallback))
  }

  syncNow(): void {
    try {
      fs.fdatasyncSync(this.#fd)
    } catch (error) {
      throw wrap('sync', this.#name, error)
    }
  }

  truncate(bytes: number): Promise<void> {
    return call('truncate', this.#name, (done) => fs.ftruncate(this.#fd, bytes, done as fs.NoParamCallback))
  }

  async close(): Promise<void> {
    await this.#direct?.close()
    await call('close', this.#name, (done) => fs.close(this.#fd, done as fs.NoParamCallback))
  }
}

/** A folder of the machine. Made when it does not exist. */
export class NodeDisk implements Disk {
  readonly path: string
  readonly #lock: FolderLock
  readonly #directWrites: DirectWrites

  /** `isDirect`: large writes of whole pages may go past the system's cache. */
  constructor(path: string, isDirect = true) {
    this.path = path
    this.#directWrites = new DirectWrites(isDirect)
    this.#lock = new FolderLock(path)
  }

  async open(name: string, create: boolean): Promise<DiskFile> {
    const flags = create ? fs.constants.O_RDWR | fs.constants.O_CREAT : fs.constants.O_RDWR
    if (create) await this.#makeFolderOf(name)
    const fd = await call<number>('open', name, (done) => fs.open(join(this.path, name), flags, FILE_MODE, done))
    return new NodeFile(fd, name, this.#directWrites)
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#makeFolderOf(to)
    await call('rename', from, (done) => {
      fs.rename(join(this.path, from), join(this.path, to), done as fs.NoParamCallback)
    })
  }

  async remove(name: string): Promise<void> {
    await call('remove', name, (done) => {
      fs.rm(join(this.path, name), { force: true }, done as fs.NoParamCallback)
    })
  }

  async list(folder = ''): Promise<DiskEntry[]> {
    const path = join(this.path, folder)
    const entries: DiskEntry[] = []
    try {
      for (const entry of await fs.promises.readdir(path, { withFileTypes: true })) {
        if (!entry.isFile()) continue
        entries.push({ name: entry.name, bytes: (await fs.promises.stat(join(path, entry.name))).size })
      }
    } catch (error) {
      const failure = wrap('list', path, error)
      if (failure.code !== 'ENOENT') throw failure
    }
    return entries
  }

  async syncFolder(): Promise<void> {
    const fd = await call<number>('open', this.path, (done) => fs.open(this.path, 'r', done))
    try {
      await call('sync', this.path, (done) => fs.fsync(fd, done as fs.NoParamCallback))
    } finally {
      await call('close', this.path, (done) => fs.close(fd, done as fs.NoParamCallback))
    }
  }

  async freeBytes(): Promise<number> {
    const stats = await call<fs.StatsFs>('statfs', this.path, (done) => fs.statfs(this.path, done))
    return stats.bavail * stats.bsize
  }

  async lock(): Promise<void> {
    await fs.promises.mkdir(this.path, { recursive: true, mode: FOLDER_MODE })
    await this.#lock.take()
  }

  unlock(): Promise<void> {
    return this.#lock.give()
  }

  async #makeFolderOf(name: string): Promise<void> {
    const slash = name.indexOf('/')
    const folder = slash < 0 ? this.path : join(this.path, name.slice(0, slash))
    if (slash >= 0 || !fs.existsSync(folder)) await fs.promises.mkdir(folder, { recursive: true, mode: FOLDER_MODE })
  }
}
