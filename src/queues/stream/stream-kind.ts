/**
 * The place of streams among the kinds of queues: their arguments are checked like those of the others, and then the
 * declaration is refused in words.
 */

import type { Queue, Refusal } from '../../model/queue/queue.ts'
import type { QueueKind, QueueProperties } from '../../model/queue/queue-host.ts'
import type { Arguments } from '../../model/values/arguments.ts'
import { knownArguments, refusesDeclareArguments } from '../common/arguments.ts'
import { described, preconditionFailed } from '../common/refusals.ts'

/** Streams, which this version cannot keep. */
export const streamKind: QueueKind = {
  name: 'stream',
  isServerNamed: false,
  comparedArguments: knownArguments('stream'),
  refusesDeclaration(properties: QueueProperties, args: Arguments): Refusal | undefined {
    return (
      refusesDeclareArguments(properties, 'stream', args) ??
      preconditionFailed(
        `cannot declare ${described(properties)}: queues of type stream are not available in this version`,
      )
    )
  },
  create(): Queue {
    throw new Error('a stream was declared although it is refused')
  },
}
