/**
 * Whether the node serves clients: `warren ctl` suspends its ports, drains it before an upgrade, stops and resets it.
 *
 * The ports of the HTTP API and of the metrics stay open: by them the node is brought back. What was asked for ends with
 * the process: a node that starts serves. [RabbitMQ: suspend_listeners, drain, stop_app, reset]
 */
import type { NodeService, ServiceState } from '../management/context.ts'
import type { MetadataOp } from '../model/records/metadata.ts'
import { fillMetadata } from './contents.ts'
import type { OpenListeners } from './listeners.ts'
import type { BrokerParts } from './parts.ts'

const GOODBYES: Readonly<Partial<Record<ServiceState, string>>> = {
  drained: 'Node was put into maintenance mode',
  stopped: 'broker forced connection closure with reason shutdown',
}
/** What is left of the metadata when there is no virtual host any more. */
const KINDS_OF_NODE = ['user', 'permission', 'topic-permission', 'global-parameter']

/** The service of one node. */
export class Service implements NodeService {
  readonly #parts: BrokerParts
  readonly #listeners: OpenListeners
  #state: ServiceState = 'running'

  constructor(parts: BrokerParts, listeners: OpenListeners) {
    this.#parts = parts
    this.#listeners = listeners
  }

  get state(): ServiceState {
    return this.#state
  }

  /** Rejects when a port cannot be opened again; the state then stays as it was. */
  async change(state: ServiceState): Promise<void> {
    if (state === 'running') await this.#listeners.resume()
    else this.#listeners.suspend()
    this.#state = state
    const { broker, logger } = this.#parts
    logger.warning(`the node's service is ${state}`)
    const goodbye = GOODBYES[state]
    if (goodbye !== undefined) broker.connections.closeWhere(() => true, 'shutdown', goodbye)
  }

  async reset(): Promise<void> {
    const { broker, foundation, settings, audit, logger } = this.#parts
    for (const { record } of [...broker.vhosts()]) {
      if (record.protectedFromDeletion) throw new Error(`virtual host '${record.name}' is protected from deletion`)
    }
    for (const { name } of [...broker.vhosts()]) {
      await new Promise<void>((resolve, reject) => {
        broker.deleteVhost(name, ({ refusal }) => (refusal === null ? resolve() : reject(new Error(refusal.text))))
      })
    }
    const ops: MetadataOp[] = KINDS_OF_NODE.map((kind) => ({ op: 'drop-prefix', key: [kind] }))
    await new Promise<void>((resolve, reject) => {
      foundation.metadata.transact([], ops, (result) => {
        if (!result.ok && result.reason === 'unavailable') reject(result.error)
        else resolve()
      })
    })
    await fillMetadata(foundation, settings, audit, logger)
    logger.warning('the node was reset: everything in it is gone')
  }
}
