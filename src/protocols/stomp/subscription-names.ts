/**
 * The name of a durable subscription's queue: that which RabbitMQ gives it, so that subscriptions outlive a migration.
 *
 * RabbitMQ hashes the pair of routing key and subscription id in Erlang's external term format. [erl_ext_dist: STRING_EXT, SMALL_TUPLE_EXT]
 */
import { createHash } from 'node:crypto'

const VERSION = 131
const SMALL_TUPLE = 104
const NIL = 106
const STRING = 107

/** The name for a subscription to a routing key. */
export function durableQueueName(routingKey: string, id: string): string {
  const term = Buffer.concat([Buffer.from([VERSION, SMALL_TUPLE, 2]), stringTerm(routingKey), stringTerm(id)])
  return `stomp-subscription-${createHash('md5').update(term).digest('base64url')}`
}

/** A list of bytes. */
function stringTerm(text: string): Buffer {
  const bytes = Buffer.from(text)
  if (bytes.length === 0) return Buffer.from([NIL])
  return Buffer.concat([Buffer.from([STRING, bytes.length >>> 8, bytes.length & 0xff]), bytes])
}
