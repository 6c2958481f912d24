/**
 * The disk that the storage stands on: one flat folder of files, with the few calls a log needs.
 *
 * Three versions: node (real files), memory (for tests and the twin of power loss), faulty (fails, stops or lies at a
 * chosen write point). What a version promises: bytes are safe after `sync` of their file, names after `syncFolder`.
 * Nobody outside this folder opens a file of the data folder's message part.
 */

/** An open file. Offsets and lengths in bytes. Rejections are `DiskError`s. */
export interface DiskFile {
  /** Writes at once, on the calling thread: for small writes, where a trip to a thread costs more. Throws `DiskError`. */
  writeNow(bytes: Uint8Array, start: number, end: number, at: number): void
  /**
   * Writes `bytes[start, end)` at offset `at`; the bytes must not change until it is done. `isPaged`: `bytes` begins a page of
   * memory, and `at` is `start`, so that the disk may take whole pages from there.
   */
  write(bytes: Uint8Array, start: number, end: number, at: number, isPaged?: boolean): Promise<void>
  /** Reads into `into[start, end)` from offset `at`; resolves to the bytes read, fewer only at the file's end. */
  read(into: Uint8Array, start: number, end: number, at: number): Promise<number>
  /** What was written before survives a power loss when this resolves. */
  sync(): Promise<void>
  /** The same at once, on the calling thread, which waits for the disk. Throws `DiskError`. */
  syncNow(): void
  truncate(bytes: number): Promise<void>
  close(): Promise<void>
}

/** A file found by `list`. */
export interface DiskEntry {
  readonly name: string
  readonly bytes: number
}

/** A folder. Names may contain one slash: `quarantine/0000.log`; the subfolder is created on demand. */
export interface Disk {
  /** For messages: where the folder is. */
  readonly path: string
  /** Opens for reading and writing; `create` makes it, empty, when it does not exist. */
  open(name: string, create: boolean): Promise<DiskFile>
  /** Replaces `to` when it exists. */
  rename(from: string, to: string): Promise<void>
  /** Removing what does not exist is no error. */
  remove(name: string): Promise<void>
  /** The files of the folder itself, or of a subfolder (empty when there is none). */
  list(folder?: string): Promise<DiskEntry[]>
  /** Names created, renamed and removed before survive a power loss when this resolves. */
  syncFolder(): Promise<void>
  /** Bytes free for this process. */
  freeBytes(): Promise<number>
  /** Makes this process the folder's only user; rejects with a `FolderInUse` when another one is. */
  lock(): Promise<void>
  /** Lets others in. */
  unlock(): Promise<void>
}

/** The world's fault: an I/O call failed. `code` is the system's (`ENOSPC`, `EIO`, …). */
export class DiskError extends Error {
  readonly code: string
  readonly operation: string

  constructor(operation: string, name: string, code: string, detail: string) {
    super(`${operation} ${name}: ${detail}`)
    this.name = 'DiskError'
    this.code = code
    this.operation = operation
  }
}

/** Another broker uses the data folder. */
export class FolderInUse extends Error {
  constructor(path: string, owner: string) {
    super(`The data folder ${path} is in use by another broker (${owner}). Stop it, or choose another folder.`)
    this.name = 'FolderInUse'
  }
}
