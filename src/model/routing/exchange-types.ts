/**
 * The exchange types that a broker offers. A new one is a file and a line here. [docs/exchanges.md]
 */

import { consistentHash } from '../exchanges/consistent-hash.ts'
import { delayedMessage } from '../exchanges/delayed-message.ts'
import { direct } from '../exchanges/direct.ts'
import { fanout } from '../exchanges/fanout.ts'
import { headers } from '../exchanges/headers.ts'
import { modulusHash } from '../exchanges/modulus-hash.ts'
import { localRandom, random } from '../exchanges/random.ts'
import { recentHistory } from '../exchanges/recent-history.ts'
import { topic } from '../exchanges/topic.ts'
import type { ExchangeType } from './exchange.ts'

/** All types by name: a map of the caller's own, to which it may add. */
export function exchangeTypes(): Map<string, ExchangeType> {
  const types = new Map<string, ExchangeType>()
  const plain = [direct, fanout, topic, headers, consistentHash, modulusHash, random, localRandom, recentHistory]
  for (const type of plain) types.set(type.name, type)
  const delayed = delayedMessage(types)
  types.set(delayed.name, delayed)
  return types
}
