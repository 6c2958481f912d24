/**
 * Loaded before a broker (`node --import`): overwrites the buffer that all sockets read into as soon as who was handed a chunk
 * returns. Whoever keeps a view of it then sees letters, not the bytes of whoever is read next, which may look right by chance.
 */
import net from 'node:net'

const LETTER = 0x61

/** What Node.js is told of where to read to. */
interface ReadInto {
  readonly buffer: Buffer
  callback(this: net.Socket, byteCount: number, buffer: Buffer): boolean
}

/** Sockets share one: each is wrapped once. */
const wrapped = new WeakMap<ReadInto, ReadInto>()

function overwriting(original: ReadInto): ReadInto {
  const known = wrapped.get(original)
  if (known !== undefined) return known
  const { buffer } = original
  const made: ReadInto = {
    buffer,
    callback(this: net.Socket, byteCount, bytes) {
      const goesOn = original.callback.call(this, byteCount, bytes)
      buffer.fill(LETTER, 0, byteCount)
      return goesOn
    },
  }
  wrapped.set(original, made)
  return made
}

/** In place of Node's own, for those who ask for a buffer to read into. Node.js itself also calls it without `new`. */
net.Socket = new Proxy(net.Socket, {
  construct(target, [options, ...rest]: [{ readonly onread?: ReadInto }?, ...unknown[]], newTarget) {
    const onread = options?.onread
    const into = onread === undefined ? options : { ...options, onread: overwriting(onread) }
    return Reflect.construct(target, [into, ...rest], newTarget)
  },
})
