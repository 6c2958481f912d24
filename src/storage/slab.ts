/**
 * Memory of blocks and of what is read back: bytes, and the same as 32-bit words.
 *
 * Memory of blocks begins at a page of the machine's memory, so that the disk can take it from there without a copy. Node.js
 * promises that of WebAssembly's memory alone; it costs address space (10 GiB each), no memory. Where that is limited the block
 * gets ordinary memory, and is written through the system's cache.
 */

/** Below this an ordinary buffer does. */
const PAGED_BYTES_MIN = 1024 * 1024
const WASM_PAGE_BYTES = 64 * 1024

/** The part of the platform's global that is used, which the compiler's library does not know. */
interface Platform {
  readonly WebAssembly: {
    readonly Memory: new (size: {
      readonly initial: number
      readonly maximum: number
    }) => { readonly buffer: ArrayBuffer }
  }
}

/** Some memory. */
export class Slab {
  readonly bytes: Buffer
  readonly words: Uint32Array
  /** Its first byte begins a page of memory. */
  readonly isPaged: boolean

  /** Ordinary memory, or `paged`. */
  constructor(byteCount: number, paged: ArrayBuffer | null = null) {
    this.bytes = paged === null ? Buffer.allocUnsafeSlow(byteCount) : Buffer.from(paged, 0, byteCount)
    this.words = new Uint32Array(this.bytes.buffer, this.bytes.byteOffset, byteCount >>> 2)
    this.isPaged = paged !== null
  }

  /** Memory for a block; paged where that is worth it and possible. */
  static forBlock(byteCount: number): Slab {
    return new Slab(byteCount, byteCount < PAGED_BYTES_MIN ? null : pagedMemory(byteCount))
  }
}

function pagedMemory(byteCount: number): ArrayBuffer | null {
  const { WebAssembly } = globalThis as unknown as Platform
  const pages = Math.ceil(byteCount / WASM_PAGE_BYTES)
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages }).buffer
  } catch {
    return null
  }
}
