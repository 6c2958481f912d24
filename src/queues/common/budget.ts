/**
 * How much one queue delivers in one turn before the others get theirs.
 */

/** More small messages than all connections may publish in a turn, or consumers with credit would fall behind. */
export const DELIVERIES_PER_TURN = 16_384
export const DELIVERED_BYTES_PER_TURN = 1024 * 1024
/** Ready entries from which a queue whose consumers take is said to lag behind its publishers. */
export const LAG_ENTRIES = 1024
