/** How deep JSON nests, from its text: what is built of it, and what walks through that, takes stack for each level. */

/** Objects and lists within each other, in a body. */
export const JSON_DEPTH_MAX = 64
/** In definitions, where the arguments of a client's queue may nest as deep as a field table. */
export const DEFINITIONS_DEPTH_MAX = 72

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/** Whether it nests deeper than that. What is no JSON gets an answer, too. */
export function nestsTooDeep(text: string, depthMax = JSON_DEPTH_MAX): boolean {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfText(text, at)
        break
      case OPEN_LIST:
      case OPEN_OBJECT:
        if (++depth > depthMax) return true
        break
      case CLOSE_LIST:
      case CLOSE_OBJECT:
        depth--
    }
  }
  return false
}

/** Where the quoted text that begins here ends. */
function endOfText(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end >= 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end < 0 ? text.length : end
}

function isEscaped(text: string, at: number): boolean {
  let count = 0
  while (text.charCodeAt(at - 1 - count) === BACKSLASH) count++
  return count % 2 === 1
}
