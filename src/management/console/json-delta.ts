/**
 * The difference of two JSON values, as small as a page that is looked at needs it: the live stream sends it in place of
 * the whole value. The console applies it (`ui/src/base/json-delta.ts`).
 *
 * A delta is a list of operations, applied in order, each at a path (object keys and array indexes):
 *
 *   [path]                          removes a key
 *   [path, value]                   sets it
 *   [path, dropCount, items, side]  slides a window: an array lost items at one end and got others at the other end;
 *                                   side 1: new ones first (samples), side 0: new ones last (lines of a log)
 *
 * O(size of the values); sliding is tried for a few places only.
 */

/** Where in a value. */
export type DeltaPath = readonly (string | number)[]
/** One change. */
export type DeltaOperation =
  | readonly [DeltaPath]
  | readonly [DeltaPath, unknown]
  | readonly [DeltaPath, number, readonly unknown[], 0 | 1]

/** How far a window is taken to have slid at most. */
const SLIDE_MAX = 16

/** What turns `before` into `after`; empty when they are equal. */
export function jsonDelta(before: unknown, after: unknown): readonly DeltaOperation[] {
  const operations: DeltaOperation[] = []
  compare(before, after, [], operations)
  return operations
}

function compare(before: unknown, after: unknown, path: DeltaPath, into: DeltaOperation[]): void {
  if (before === after) return
  if (Array.isArray(before) && Array.isArray(after)) return compareArrays(before, after, path, into)
  if (isObject(before) && isObject(after)) return compareObjects(before, after, path, into)
  into.push([path, after])
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function compareObjects(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
  path: DeltaPath,
  into: DeltaOperation[],
): void {
  for (const key of Object.keys(before)) if (!Object.hasOwn(after, key)) into.push([[...path, key]])
  for (const key of Object.keys(after)) {
    if (Object.hasOwn(before, key)) compare(before[key], after[key], [...path, key], into)
    else into.push([[...path, key], after[key]])
  }
}

function compareArrays(
  before: readonly unknown[],
  after: readonly unknown[],
  path: DeltaPath,
  into: DeltaOperation[],
): void {
  if (isEqual(before, after)) return
  const slide = slideOf(before, after, path)
  if (slide !== undefined) {
    into.push(slide)
    return
  }
  if (before.length !== after.length) {
    into.push([path, after])
    return
  }
  for (let i = 0; i < after.length; i++) compare(before[i], after[i], [...path, i], into)
}

function slideOf(before: readonly unknown[], after: readonly unknown[], path: DeltaPath): DeltaOperation | undefined {
  if (before.length < 2 || after.length < 2) return undefined
  for (let count = 1; count <= SLIDE_MAX && count < after.length; count++) {
    const keptFirst = after.length - count
    // New ones first: what follows them is the beginning of what was there.
    if (
      keptFirst <= before.length &&
      isEqual(after[count], before[0]) &&
      overlaps(after, count, before, 0, keptFirst)
    ) {
      return [path, before.length - keptFirst, after.slice(0, count), 1]
    }
    // New ones last: before them stands the end of what was there.
    const dropped = before.length - keptFirst
    if (dropped >= 0 && isEqual(after[0], before[dropped]) && overlaps(after, 0, before, dropped, keptFirst)) {
      return [path, dropped, after.slice(keptFirst), 0]
    }
  }
  return undefined
}

function overlaps(a: readonly unknown[], aFrom: number, b: readonly unknown[], bFrom: number, count: number): boolean {
  for (let i = 0; i < count; i++) if (!isEqual(a[aFrom + i], b[bFrom + i])) return false
  return true
}

function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => isEqual(item, b[i]))
  }
  if (!isObject(a) || !isObject(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isEqual(a[key], b[key]))
}
