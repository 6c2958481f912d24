/**
 * What V8's optimizing compiler may inline.
 *
 * The path of a message is some forty small functions, one per responsibility. V8 stops inlining at 920 bytes of bytecode
 * per compiled function, which is less than that path: every message then pays for calls. With the bounds below it does not.
 * [docs/decisions/0009-deeper-inlining.md]
 */
import v8 from 'node:v8'

/** Bytes of bytecode: of everything inlined into one function; of one function inlined; of one inlined whatever it costs. */
const BOUNDS = [
  '--max-inlined-bytecode-size-cumulative=4000',
  '--max-inlined-bytecode-size=1000',
  '--max-inlined-bytecode-size-small=120',
]

/**
 * For all threads of the process, from now on. To be called when all modules are loaded: with other bounds than its own,
 * Node.js does not trust the compiled modules that it brings along. [measured: 7 MiB and 45 ms of a start]
 */
export function inlineDeeply(): void {
  for (const bound of BOUNDS) v8.setFlagsFromString(bound)
}
