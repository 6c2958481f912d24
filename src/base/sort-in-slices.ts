/**
 * Sorting of long lists in slices, so that others run in between: 50,000 names sorted at once take tens of milliseconds.
 *
 * Called for lists of the HTTP API. The order of equal elements stays.
 */
import { breathe } from './breathe.ts'

/** Elements sorted, or merged, before others run. */
const SLICE = 4_096

/** The elements in order, in a list of its own. O(n log n) comparisons; a short list is sorted at once. */
export async function sortInSlices<T>(elements: readonly T[], compare: (a: T, b: T) => number): Promise<T[]> {
  let runs: T[][] = []
  for (let from = 0; from < elements.length; from += SLICE) {
    if (from > 0) await breathe()
    runs.push(elements.slice(from, from + SLICE).sort(compare))
  }
  while (runs.length > 1) {
    const merged: T[][] = []
    for (let i = 0; i < runs.length; i += 2) {
      merged.push(i + 1 < runs.length ? await merge(runs[i]!, runs[i + 1]!, compare) : runs[i]!)
    }
    runs = merged
  }
  return runs[0] ?? []
}

async function merge<T>(left: readonly T[], right: readonly T[], compare: (a: T, b: T) => number): Promise<T[]> {
  const merged: T[] = []
  let i = 0
  let j = 0
  while (i < left.length && j < right.length) {
    merged.push(compare(left[i]!, right[j]!) <= 0 ? left[i++]! : right[j++]!)
    if (merged.length % SLICE === 0) await breathe()
  }
  for (; i < left.length; i++) merged.push(left[i]!)
  for (; j < right.length; j++) merged.push(right[j]!)
  return merged
}
