/**
 * A disk in memory that knows what a power loss would leave: the twin of the real one in tests. Implements `Disk`.
 *
 * Every file remembers what was synced and which writes came since; the folder remembers its names at the last
 * `syncFolder`. `powerLoss` returns the disk that a machine would find afterwards.
 */
import { type Disk, type DiskEntry, DiskError, type DiskFile, FolderInUse } from './disk.ts'

interface Write {
  readonly at: number
  readonly bytes: Buffer
}

/** What is behind a name. Survives renames. */
class Inode {
  bytes: Buffer = Buffer.alloc(0)
  stable: Buffer = Buffer.alloc(0)
  /** Writes since the last sync; a truncation is a write of nothing at its place. */
  unsynced: Write[] = []

  write(at: number, bytes: Buffer): void {
    this.unsynced.push({ at, bytes })
    this.bytes = applied(this.bytes, at, bytes)
  }

  truncate(length: number): void {
    const kept = Buffer.alloc(length)
    this.bytes.copy(kept, 0, 0, Math.min(length, this.bytes.length))
    this.bytes = kept
    this.stable = Buffer.from(kept)
    this.unsynced = []
  }

  sync(): void {
    this.stable = Buffer.from(this.bytes)
    this.unsynced = []
  }

  /** What is left when of each unsynced write only what `keep` says came through. */
  afterPowerLoss(keep: KeepWrite): Inode {
    const inode = new Inode()
    let bytes: Buffer = Buffer.from(this.stable)
    for (const write of this.unsynced) {
      const kept = keep(write.bytes.length)
      if (kept > 0) bytes = applied(bytes, write.at, write.bytes.subarray(0, kept))
    }
    inode.bytes = bytes
    inode.stable = Buffer.from(bytes)
    return inode
  }
}

/** How many bytes of an unsynced write of this length reached the disk. */
export type KeepWrite = (bytes: number) => number

function applied(old: Buffer, at: number, bytes: Buffer): Buffer {
  const result = at + bytes.length > old.length ? Buffer.alloc(at + bytes.length) : old
  if (result !== old) old.copy(result)
  bytes.copy(result, at)
  return result
}

class MemoryFile implements DiskFile {
  readonly #inode: Inode

  constructor(inode: Inode) {
    this.#inode = inode
  }

  writeNow(bytes: Uint8Array, start: number, end: number, at: number): void {
    this.#inode.write(at, Buffer.from(bytes.subarray(start, end)))
  }

  async write(bytes: Uint8Array, start: number, end: number, at: number): Promise<void> {
    this.writeNow(bytes, start, end, at)
  }

  async read(into: Uint8Array, start: number, end: number, at: number): Promise<number> {
    const from = this.#inode.bytes.subarray(at, at + end - start)
    into.set(from, start)
    return from.length
  }

  async sync(): Promise<void> {
    this.syncNow()
  }

  syncNow(): void {
    this.#inode.sync()
  }

  async truncate(bytes: number): Promise<void> {
    this.#inode.truncate(bytes)
  }

  async close(): Promise<void> {}
}

/** A folder that is gone with the process. */
export class MemoryDisk implements Disk {
  readonly path = 'memory'
  #names = new Map<string, Inode>()
  #stableNames = new Map<string, Inode>()
  #isLocked = false
  /** What `freeBytes` answers. */
  free = Number.MAX_SAFE_INTEGER

  async open(name: string, create: boolean): Promise<DiskFile> {
    let inode = this.#names.get(name)
    if (inode === undefined) {
      if (!create) throw new DiskError('open', name, 'ENOENT', 'no such file')
      inode = new Inode()
      this.#names.set(name, inode)
    }
    return new MemoryFile(inode)
  }

  async rename(from: string, to: string): Promise<void> {
    const inode = this.#names.get(from)
    if (inode === undefined) throw new DiskError('rename', from, 'ENOENT', 'no such file')
    this.#names.delete(from)
    this.#names.set(to, inode)
  }

  async remove(name: string): Promise<void> {
    this.#names.delete(name)
  }

  async list(folder = ''): Promise<DiskEntry[]> {
    const prefix = folder === '' ? '' : `${folder}/`
    const entries: DiskEntry[] = []
    for (const [name, inode] of this.#names) {
      if (!name.startsWith(prefix) || name.slice(prefix.length).includes('/')) continue
      entries.push({ name: name.slice(prefix.length), bytes: inode.bytes.length })
    }
    return entries
  }

  async syncFolder(): Promise<void> {
    this.#stableNames = new Map(this.#names)
  }

  async freeBytes(): Promise<number> {
    return this.free
  }

  async lock(): Promise<void> {
    if (this.#isLocked) throw new FolderInUse(this.path, 'in this process')
    this.#isLocked = true
  }

  async unlock(): Promise<void> {
    this.#isLocked = false
  }

  // For tests

  /** The disk after the process died: everything written is there. */
  processDeath(): MemoryDisk {
    return this.#copy(this.#names, (bytes) => bytes)
  }

  /** The disk after the machine lost power. `keepNames`: changes of names since the last `syncFolder` came through. */
  powerLoss(keep: KeepWrite = () => 0, keepNames = false): MemoryDisk {
    return this.#copy(keepNames ? this.#names : this.#stableNames, keep)
  }

  /** Flips one bit of a file. */
  flip(name: string, bit: number): void {
    const inode = this.#names.get(name)!
    const at = Math.floor(bit / 8)
    inode.bytes[at] = inode.bytes[at]! ^ (1 << (bit % 8))
    inode.sync()
  }

  /** The content of a file, borrowed. */
  content(name: string): Buffer {
    return this.#names.get(name)!.bytes
  }

  #copy(names: ReadonlyMap<string, Inode>, keep: KeepWrite): MemoryDisk {
    const disk = new MemoryDisk()
    for (const [name, inode] of names) disk.#names.set(name, inode.afterPowerLoss(keep))
    disk.#stableNames = new Map(disk.#names)
    return disk
  }
}
