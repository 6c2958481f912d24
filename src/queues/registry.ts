/**
 * The kinds of queues there are. A new kind is one folder and one line here.
 */
import type { QueueKind, QueueKinds } from '../model/queue/queue-host.ts'
import { classicKind } from './classic/classic-kind.ts'
import { qos0Kind } from './mqtt-qos0/qos0-kind.ts'
import { quorumKind } from './quorum/quorum-kind.ts'
import { streamKind } from './stream/stream-kind.ts'

const ALL: readonly QueueKind[] = [classicKind, quorumKind, streamKind, qos0Kind]

/** Kinds by the value of `x-queue-type`. */
export const queueKinds: QueueKinds = new Map(ALL.map((kind) => [kind.name, kind]))
