/**
 * Applies the deltas of the live stream to what a page shows. The format is described where they are made, in the
 * broker's `json-delta.ts`. What did not change keeps its identity.
 */

/** One change. */
export type DeltaOperation =
  | readonly [readonly (string | number)[]]
  | readonly [readonly (string | number)[], unknown]
  | readonly [readonly (string | number)[], number, readonly unknown[], 0 | 1]

/** The value after the changes; `value` itself is left as it is. */
export function applyDelta(value: unknown, operations: readonly DeltaOperation[]): unknown {
  let changed = value
  for (const operation of operations) changed = applyAt(changed, operation, 0)
  return changed
}

function applyAt(value: unknown, operation: DeltaOperation, depth: number): unknown {
  const [path] = operation
  if (depth === path.length) return replacement(value, operation)
  const key = path[depth]!
  if (Array.isArray(value)) {
    const copy = [...value]
    copy[Number(key)] = applyAt(value[Number(key)], operation, depth + 1)
    return copy
  }
  const copy: Record<string, unknown> = { ...(value as Record<string, unknown>) }
  if (operation.length === 1 && depth === path.length - 1) delete copy[key]
  else copy[key] = applyAt(copy[key], operation, depth + 1)
  return copy
}

function replacement(value: unknown, operation: DeltaOperation): unknown {
  if (operation.length === 2) return operation[1]
  if (operation.length !== 4) return undefined
  const [, dropCount, items, side] = operation
  const window = value as readonly unknown[]
  return side === 1 ? [...items, ...window.slice(0, window.length - dropCount)] : [...window.slice(dropCount), ...items]
}
