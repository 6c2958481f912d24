/**
 * The scratch files: unsynced images of transient blocks, written when memory is short. They mean nothing after a
 * restart and are deleted then.
 */
import type { Block } from './block.ts'
import type { Disk, DiskFile } from './disk.ts'

/** Files of this form are deleted at start. */
export const SCRATCH_SUFFIX = '.scratch'

/** A transient block's file. */
export interface ScratchImage {
  readonly name: string
  readonly file: DiskFile
  /** All bytes are in the file: the memory may go. */
  isWritten: boolean
}

/** Makes and removes scratch files. */
export class ScratchFolder {
  readonly #disk: Disk
  readonly #images = new Set<ScratchImage>()

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /** Deletes what an earlier run left. */
  async sweep(): Promise<void> {
    for (const { name } of await this.#disk.list()) if (name.endsWith(SCRATCH_SUFFIX)) await this.#disk.remove(name)
  }

  /** Writes a closed block. Rejects when the disk refuses; the block then stays in memory. */
  async write(block: Block): Promise<void> {
    const name = `${block.number.toString(16).padStart(8, '0')}${SCRATCH_SUFFIX}`
    const image: ScratchImage = { name, file: await this.#disk.open(name, true), isWritten: false }
    this.#images.add(image)
    block.scratch = image
    try {
      await image.file.write(block.bytes, 0, block.usedBytes, 0)
      image.isWritten = true
    } catch (error) {
      await this.remove(block)
      throw error
    }
  }

  /** The block is gone, or its file is. */
  async remove(block: Block): Promise<void> {
    const image = block.scratch
    if (image === null) return
    block.scratch = null
    this.#images.delete(image)
    await image.file.close()
    await this.#disk.remove(image.name)
  }

  async close(): Promise<void> {
    for (const image of this.#images) {
      await image.file.close()
      await this.#disk.remove(image.name)
    }
    this.#images.clear()
  }
}
