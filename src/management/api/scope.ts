/**
 * What endpoints share: finding the objects that a path names, waiting for the model's answers, and listing across the
 * virtual hosts that a caller sees.
 */

import type { Broker } from '../../model/broker.ts'
import type { Queue } from '../../model/queue/queue.ts'
import type { Exchange } from '../../model/routing/exchange.ts'
import type { Answered } from '../../model/verbs/answer.ts'
import type { Actor } from '../../model/verbs/requests.ts'
import type { Vhost } from '../../model/vhost.ts'
import type { Caller } from '../http/access.ts'
import { granted, notAuthorised, notFound, objectNotFound } from '../http/api-error.ts'
import type { ApiRequest } from '../http/endpoint.ts'

/** The name that the default exchange has in paths. */
export const DEFAULT_EXCHANGE_PATH = 'amq.default'

/** Waits for a verb of the model; a refusal becomes the error of the reply. */
export async function asked<T>(verb: (answered: Answered<T>) => void): Promise<T> {
  return granted(await new Promise<Parameters<Answered<T>>[0]>((resolve) => verb(resolve)))
}

/** Who asks the model on behalf of the caller. */
export function actorOf(caller: Caller): Actor {
  return { user: caller.user, connectionId: null }
}

/** The virtual host of the path; `toWrite` tells how its absence is worded. */
export function vhostOf(broker: Broker, request: ApiRequest, toWrite = false): Vhost {
  const vhost = broker.vhost(request.param('vhost'))
  if (vhost === undefined) throw toWrite ? notFound('vhost_not_found') : objectNotFound()
  return vhost
}

/** The queue of the path. */
export function queueOf(broker: Broker, request: ApiRequest): Queue {
  const queue = vhostOf(broker, request).queue(request.param('name'))
  if (queue === undefined) throw objectNotFound()
  return queue
}

/** The exchange of the path; `amq.default` is the default exchange. */
export function exchangeOf(broker: Broker, request: ApiRequest, param = 'name'): Exchange {
  const exchange = vhostOf(broker, request).exchange(exchangeName(request.param(param)))
  if (exchange === undefined) throw objectNotFound()
  return exchange
}

/** The name of an exchange in the model. */
export function exchangeName(pathName: string): string {
  return pathName === DEFAULT_EXCHANGE_PATH ? '' : pathName
}

/** The virtual hosts that the caller sees; the one of the path when it names one. */
export function visibleVhosts(broker: Broker, request: ApiRequest, named: boolean): readonly Vhost[] {
  if (named) return [vhostOf(broker, request)]
  return [...broker.vhosts()].filter((vhost) => request.caller.maySee(vhost.name))
}

/** Refuses unless the caller has the right. */
export function demand(may: boolean): void {
  if (!may) throw notAuthorised('Access refused.')
}
