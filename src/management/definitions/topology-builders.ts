/**
 * Records of queues, exchanges and bindings that an import creates: judged by the same kinds and types as a client's
 * declarations, before any of them is in force.
 *
 * Differs from declaring: reserved names are taken as they come (a file holds what a broker had), and limits on the number
 * of objects are not asked.
 */

import type { QueueKinds } from '../../model/queue/queue-host.ts'
import {
  type BindingRecord,
  type ExchangeRecord,
  ledgerLabel,
  metadataKeys,
  type QueueRecord,
} from '../../model/records/records.ts'
import type { Binding, Exchange, ExchangeType } from '../../model/routing/exchange.ts'
import { type Arguments, stringArgument, stringValue } from '../../model/values/arguments.ts'
import { restoreArguments, storeArguments } from '../../model/values/arguments-json.ts'
import { type Answer, granted, refused } from '../../model/verbs/answer.ts'
import { propertiesKeyOf } from '../../model/verbs/binding-verbs.ts'
import { preconditionFailed, refusesLength } from '../../model/verbs/refusals.ts'
import type { BindingRequest, ExchangeDeclaration, QueueDeclaration } from '../../model/verbs/requests.ts'
import type { BindingEnd, TopologyBuilders } from './import-plan.ts'

const QUEUE_TYPE = 'x-queue-type'
const CLASSIC = 'classic'

/** The part of the model's world that judges declarations. */
export interface BuilderWorld {
  readonly queueKinds: QueueKinds
  readonly exchangeTypes: ReadonlyMap<string, ExchangeType>
  /** Queue type where neither declaration nor vhost names one. */
  readonly defaultQueueType: string
  /** An id for what keeps messages, as `MessageStore.newLedgerId` gives it. */
  readonly newLedgerId: (label: string) => number
}

/** Builders over the kinds and types of a broker. */
export function topologyBuilders(world: BuilderWorld): TopologyBuilders {
  return {
    queue: (vhost, declaration, defaultType, declaredBy) => {
      const args = typedArguments(world, vhost, declaration, defaultType)
      return queueRecord(world, vhost, { ...declaration, arguments: args }, declaredBy)
    },
    exchange: (vhost, declaration) => exchangeRecord(world, vhost, declaration),
    binding: (vhost, request, source, to) => bindingRecord(world, vhost, request, [source, to]),
  }
}

/** The arguments with the type that applies written into them. */
function typedArguments(
  world: BuilderWorld,
  vhost: string,
  declaration: QueueDeclaration,
  defaultType: string,
): Arguments {
  const { arguments: args } = declaration
  if (args.has(QUEUE_TYPE)) return args
  const preferred = defaultType || world.defaultQueueType
  const refusal = world.queueKinds.get(preferred)?.refusesDeclaration({ ...declaration, vhost }, args)
  const fits = world.queueKinds.has(preferred) && refusal === undefined
  return new Map([...args, [QUEUE_TYPE, stringValue(fits ? preferred : CLASSIC)]])
}

function queueRecord(
  world: BuilderWorld,
  vhost: string,
  declaration: QueueDeclaration,
  declaredBy: string,
): Answer<QueueRecord> {
  const { name, durable, autoDelete, arguments: args } = declaration
  const type = stringArgument(args, QUEUE_TYPE)
  const kind = type === undefined ? undefined : world.queueKinds.get(type)
  if (kind === undefined) return refused(preconditionFailed(`unsupported queue type '${type ?? ''}'`))
  const refusal = refusesLength('queue', name) ?? kind.refusesDeclaration({ ...declaration, vhost }, args)
  if (refusal !== undefined) return refused(refusal)
  return granted({
    vhost,
    name,
    type: kind.name,
    durable,
    autoDelete,
    exclusive: false,
    arguments: storeArguments(args),
    ledgerId: world.newLedgerId(ledgerLabel(metadataKeys.queue(vhost, name))),
    owner: null,
    declaredBy,
  })
}

function exchangeRecord(world: BuilderWorld, vhost: string, declaration: ExchangeDeclaration): Answer<ExchangeRecord> {
  const { name, durable, autoDelete, internal, arguments: args } = declaration
  const type = world.exchangeTypes.get(declaration.type)
  if (type === undefined) return refused(preconditionFailed(`unknown exchange type '${declaration.type}'`))
  const tooLong = refusesLength('exchange', name)
  if (tooLong !== undefined) return refused(tooLong)
  const text = type.refusesArguments(args)
  if (text !== undefined) return refused(preconditionFailed(text))
  return granted({
    vhost,
    name,
    type: type.name,
    durable,
    autoDelete,
    internal,
    arguments: storeArguments(args),
    ledgerId: type.keepsMessages ? world.newLedgerId(ledgerLabel(metadataKeys.exchange(vhost, name))) : 0,
  })
}

function bindingRecord(
  world: BuilderWorld,
  vhost: string,
  request: BindingRequest,
  [source, to]: readonly [ExchangeRecord, BindingEnd],
): Answer<BindingRecord> {
  const tooLong = refusesLength('routing key', request.routingKey)
  if (tooLong !== undefined) return refused(tooLong)
  const stored = storeArguments(request.arguments)
  const record: BindingRecord = {
    vhost,
    source: request.source,
    destination: request.destination,
    destinationKind: request.destinationKind,
    routingKey: request.routingKey,
    arguments: stored,
    propertiesKey: propertiesKeyOf(stored),
  }
  const type = world.exchangeTypes.get(source.type)
  const text = type?.refusesBinding(...imagined(record, request.arguments, [source, type, to]))
  return text === undefined ? granted(record) : refused(preconditionFailed(text))
}

/**
 * A binding between ends that may not be in force yet, as far as types look at one: records, names, arguments, the kind
 * of the queue.
 */
function imagined(
  record: BindingRecord,
  args: Arguments,
  [source, type, to]: readonly [ExchangeRecord, ExchangeType, BindingEnd],
): [Binding, Exchange] {
  const { vhost, name } = to.record
  const end =
    to.kind === 'queue'
      ? { kind: to.kind, queue: { record: to.record, vhost, name, kind: to.record.type } }
      : { kind: to.kind, exchange: { record: to.record, name } }
  const exchange = { record: source, name: source.name, arguments: restoreArguments(source.arguments), type }
  // Fields that judging a binding has no use for are left out.
  return [{ record, arguments: args, destination: end } as unknown as Binding, exchange as unknown as Exchange]
}
