/**
 * How much one queue delivers in one turn before the others get theirs.
 */

export const DELIVERIES_PER_TURN = 4_096
export const DELIVERED_BYTES_PER_TURN = 1024 * 1024
