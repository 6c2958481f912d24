/**
 * AMQP 0-9-1 and RabbitMQ's extensions as data: one row per method, readable beside the specification.
 *
 * The codec interprets the rows and TypeScript infers the types of arguments from them; nothing is generated.
 * A method's id is its class id << 16 | method id, so that a dispatch is one switch over constants.
 * Arguments named `reserved…` are on the wire and nowhere else: written as zero, skipped when read.
 * [AMQP 0-9-1 §1.3; RabbitMQ: exchange.bind, basic.nack, confirm.select, connection.blocked, connection.update-secret]
 */

// Frames [AMQP 0-9-1 §4.2.3]

export const FRAME_METHOD = 1
export const FRAME_HEADER = 2
export const FRAME_BODY = 3
export const FRAME_HEARTBEAT = 8
/** The octet that ends a frame. */
export const FRAME_END = 0xce
/** Type, channel and size. */
export const FRAME_HEAD_BYTES = 7
/** Head and end octet: what a frame costs beyond its payload. */
export const FRAME_OVERHEAD_BYTES = 8
/** The smallest frame_max that may be agreed upon. RabbitMQ: 8192 since 4.1, also the limit before tuning. */
export const FRAME_BYTES_MIN = 8192
/** The eight bytes a client opens with. */
export const PROTOCOL_HEADER: readonly number[] = [0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1]

// Ids: class << 16 | method

export const CONNECTION_START = 0x000a_000a
export const CONNECTION_START_OK = 0x000a_000b
export const CONNECTION_SECURE = 0x000a_0014
export const CONNECTION_SECURE_OK = 0x000a_0015
export const CONNECTION_TUNE = 0x000a_001e
export const CONNECTION_TUNE_OK = 0x000a_001f
export const CONNECTION_OPEN = 0x000a_0028
export const CONNECTION_OPEN_OK = 0x000a_0029
export const CONNECTION_CLOSE = 0x000a_0032
export const CONNECTION_CLOSE_OK = 0x000a_0033
export const CONNECTION_BLOCKED = 0x000a_003c
export const CONNECTION_UNBLOCKED = 0x000a_003d
export const CONNECTION_UPDATE_SECRET = 0x000a_0046
export const CONNECTION_UPDATE_SECRET_OK = 0x000a_0047
export const CHANNEL_OPEN = 0x0014_000a
export const CHANNEL_OPEN_OK = 0x0014_000b
export const CHANNEL_FLOW = 0x0014_0014
export const CHANNEL_FLOW_OK = 0x0014_0015
export const CHANNEL_CLOSE = 0x0014_0028
export const CHANNEL_CLOSE_OK = 0x0014_0029
export const ACCESS_REQUEST = 0x001e_000a
export const ACCESS_REQUEST_OK = 0x001e_000b
export const EXCHANGE_DECLARE = 0x0028_000a
export const EXCHANGE_DECLARE_OK = 0x0028_000b
export const EXCHANGE_DELETE = 0x0028_0014
export const EXCHANGE_DELETE_OK = 0x0028_0015
export const EXCHANGE_BIND = 0x0028_001e
export const EXCHANGE_BIND_OK = 0x0028_001f
export const EXCHANGE_UNBIND = 0x0028_0028
/** RabbitMQ: 51, where the pattern of the other methods would give 41. */
export const EXCHANGE_UNBIND_OK = 0x0028_0033
export const QUEUE_DECLARE = 0x0032_000a
export const QUEUE_DECLARE_OK = 0x0032_000b
export const QUEUE_BIND = 0x0032_0014
export const QUEUE_BIND_OK = 0x0032_0015
export const QUEUE_PURGE = 0x0032_001e
export const QUEUE_PURGE_OK = 0x0032_001f
export const QUEUE_DELETE = 0x0032_0028
export const QUEUE_DELETE_OK = 0x0032_0029
export const QUEUE_UNBIND = 0x0032_0032
export const QUEUE_UNBIND_OK = 0x0032_0033
export const BASIC_QOS = 0x003c_000a
export const BASIC_QOS_OK = 0x003c_000b
export const BASIC_CONSUME = 0x003c_0014
export const BASIC_CONSUME_OK = 0x003c_0015
export const BASIC_CANCEL = 0x003c_001e
export const BASIC_CANCEL_OK = 0x003c_001f
export const BASIC_PUBLISH = 0x003c_0028
export const BASIC_RETURN = 0x003c_0032
export const BASIC_DELIVER = 0x003c_003c
export const BASIC_GET = 0x003c_0046
export const BASIC_GET_OK = 0x003c_0047
export const BASIC_GET_EMPTY = 0x003c_0048
export const BASIC_ACK = 0x003c_0050
export const BASIC_REJECT = 0x003c_005a
export const BASIC_RECOVER_ASYNC = 0x003c_0064
export const BASIC_RECOVER = 0x003c_006e
export const BASIC_RECOVER_OK = 0x003c_006f
export const BASIC_NACK = 0x003c_0078
export const CONFIRM_SELECT = 0x0055_000a
export const CONFIRM_SELECT_OK = 0x0055_000b
export const TX_SELECT = 0x005a_000a
export const TX_SELECT_OK = 0x005a_000b
export const TX_COMMIT = 0x005a_0014
export const TX_COMMIT_OK = 0x005a_0015
export const TX_ROLLBACK = 0x005a_001e
export const TX_ROLLBACK_OK = 0x005a_001f

/** The class whose methods carry content. */
export const BASIC_CLASS = 60

// Rows

/** Wire types of arguments. Consecutive bits share an octet, lowest first. [AMQP 0-9-1 §4.2.5] */
export type WireType = 'octet' | 'short' | 'long' | 'longlong' | 'shortstr' | 'longstr' | 'bit' | 'table' | 'timestamp'

/** One method. `content`: a content header and body follow. `sync`: its sender waits for a reply. */
export interface MethodRow {
  readonly id: number
  readonly name: string
  readonly sync: boolean
  readonly content: boolean
  /** In wire order. */
  readonly args: Readonly<Record<string, WireType>>
}

const NO_ARGS = {} as const

/** Every method, by class and id. */
export const METHODS = [
  {
    id: CONNECTION_START,
    name: 'connection.start',
    sync: true,
    content: false,
    args: {
      versionMajor: 'octet',
      versionMinor: 'octet',
      serverProperties: 'table',
      mechanisms: 'longstr',
      locales: 'longstr',
    },
  },
  {
    id: CONNECTION_START_OK,
    name: 'connection.start-ok',
    sync: false,
    content: false,
    args: { clientProperties: 'table', mechanism: 'shortstr', response: 'longstr', locale: 'shortstr' },
  },
  { id: CONNECTION_SECURE, name: 'connection.secure', sync: true, content: false, args: { challenge: 'longstr' } },
  {
    id: CONNECTION_SECURE_OK,
    name: 'connection.secure-ok',
    sync: false,
    content: false,
    args: { response: 'longstr' },
  },
  {
    id: CONNECTION_TUNE,
    name: 'connection.tune',
    sync: true,
    content: false,
    args: { channelMax: 'short', frameMax: 'long', heartbeat: 'short' },
  },
  {
    id: CONNECTION_TUNE_OK,
    name: 'connection.tune-ok',
    sync: false,
    content: false,
    args: { channelMax: 'short', frameMax: 'long', heartbeat: 'short' },
  },
  {
    id: CONNECTION_OPEN,
    name: 'connection.open',
    sync: true,
    content: false,
    args: { virtualHost: 'shortstr', reserved1: 'shortstr', reserved2: 'bit' },
  },
  {
    id: CONNECTION_OPEN_OK,
    name: 'connection.open-ok',
    sync: false,
    content: false,
    args: { reserved1: 'shortstr' },
  },
  {
    id: CONNECTION_CLOSE,
    name: 'connection.close',
    sync: true,
    content: false,
    args: { replyCode: 'short', replyText: 'shortstr', classId: 'short', methodId: 'short' },
  },
  { id: CONNECTION_CLOSE_OK, name: 'connection.close-ok', sync: false, content: false, args: NO_ARGS },
  { id: CONNECTION_BLOCKED, name: 'connection.blocked', sync: false, content: false, args: { reason: 'shortstr' } },
  { id: CONNECTION_UNBLOCKED, name: 'connection.unblocked', sync: false, content: false, args: NO_ARGS },
  {
    id: CONNECTION_UPDATE_SECRET,
    name: 'connection.update-secret',
    sync: true,
    content: false,
    args: { newSecret: 'longstr', reason: 'shortstr' },
  },
  { id: CONNECTION_UPDATE_SECRET_OK, name: 'connection.update-secret-ok', sync: false, content: false, args: NO_ARGS },

  { id: CHANNEL_OPEN, name: 'channel.open', sync: true, content: false, args: { reserved1: 'shortstr' } },
  { id: CHANNEL_OPEN_OK, name: 'channel.open-ok', sync: false, content: false, args: { reserved1: 'longstr' } },
  { id: CHANNEL_FLOW, name: 'channel.flow', sync: true, content: false, args: { active: 'bit' } },
  { id: CHANNEL_FLOW_OK, name: 'channel.flow-ok', sync: false, content: false, args: { active: 'bit' } },
  {
    id: CHANNEL_CLOSE,
    name: 'channel.close',
    sync: true,
    content: false,
    args: { replyCode: 'short', replyText: 'shortstr', classId: 'short', methodId: 'short' },
  },
  { id: CHANNEL_CLOSE_OK, name: 'channel.close-ok', sync: false, content: false, args: NO_ARGS },

  {
    id: ACCESS_REQUEST,
    name: 'access.request',
    sync: true,
    content: false,
    args: { realm: 'shortstr', exclusive: 'bit', passive: 'bit', active: 'bit', write: 'bit', read: 'bit' },
  },
  { id: ACCESS_REQUEST_OK, name: 'access.request-ok', sync: false, content: false, args: { ticket: 'short' } },

  {
    id: EXCHANGE_DECLARE,
    name: 'exchange.declare',
    sync: true,
    content: false,
    args: {
      reserved1: 'short',
      exchange: 'shortstr',
      type: 'shortstr',
      passive: 'bit',
      durable: 'bit',
      autoDelete: 'bit',
      internal: 'bit',
      noWait: 'bit',
      arguments: 'table',
    },
  },
  { id: EXCHANGE_DECLARE_OK, name: 'exchange.declare-ok', sync: false, content: false, args: NO_ARGS },
  {
    id: EXCHANGE_DELETE,
    name: 'exchange.delete',
    sync: true,
    content: false,
    args: { reserved1: 'short', exchange: 'shortstr', ifUnused: 'bit', noWait: 'bit' },
  },
  { id: EXCHANGE_DELETE_OK, name: 'exchange.delete-ok', sync: false, content: false, args: NO_ARGS },
  {
    id: EXCHANGE_BIND,
    name: 'exchange.bind',
    sync: true,
    content: false,
    args: {
      reserved1: 'short',
      destination: 'shortstr',
      source: 'shortstr',
      routingKey: 'shortstr',
      noWait: 'bit',
      arguments: 'table',
    },
  },
  { id: EXCHANGE_BIND_OK, name: 'exchange.bind-ok', sync: false, content: false, args: NO_ARGS },
  {
    id: EXCHANGE_UNBIND,
    name: 'exchange.unbind',
    sync: true,
    content: false,
    args: {
      reserved1: 'short',
      destination: 'shortstr',
      source: 'shortstr',
      routingKey: 'shortstr',
      noWait: 'bit',
      arguments: 'table',
    },
  },
  { id: EXCHANGE_UNBIND_OK, name: 'exchange.unbind-ok', sync: false, content: false, args: NO_ARGS },

  {
    id: QUEUE_DECLARE,
    name: 'queue.declare',
    sync: true,
    content: false,
    args: {
      reserved1: 'short',
      queue: 'shortstr',
      passive: 'bit',
      durable: 'bit',
      exclusive: 'bit',
      autoDelete: 'bit',
      noWait: 'bit',
      arguments: 'table',
    },
  },
  {
    id: QUEUE_DECLARE_OK,
    name: 'queue.declare-ok',
    sync: false,
    content: false,
    args: { queue: 'shortstr', messageCount: 'long', consumerCount: 'long' },
  },
  {
    id: QUEUE_BIND,
    name: 'queue.bind',
    sync: true,
    content: false,
    args: {
      reserved1: 'short',
      queue: 'shortstr',
      exchange: 'shortstr',
      routingKey: 'shortstr',
      noWait: 'bit',
      arguments: 'table',
    },
  },
  { id: QUEUE_BIND_OK, name: 'queue.bind-ok', sync: false, content: false, args: NO_ARGS },
  {
    id: QUEUE_PURGE,
    name: 'queue.purge',
    sync: true,
    content: false,
    args: { reserved1: 'short', queue: 'shortstr', noWait: 'bit' },
  },
  { id: QUEUE_PURGE_OK, name: 'queue.purge-ok', sync: false, content: false, args: { messageCount: 'long' } },
  {
    id: QUEUE_DELETE,
    name: 'queue.delete',
    sync: true,
    content: false,
    args: { reserved1: 'short', queue: 'shortstr', ifUnused: 'bit', ifEmpty: 'bit', noWait: 'bit' },
  },
  { id: QUEUE_DELETE_OK, name: 'queue.delete-ok', sync: false, content: false, args: { messageCount: 'long' } },
  {
    id: QUEUE_UNBIND,
    name: 'queue.unbind',
    sync: true,
    content: false,
    args: {
      reserved1: 'short',
      queue: 'shortstr',
      exchange: 'shortstr',
      routingKey: 'shortstr',
      arguments: 'table',
    },
  },
  { id: QUEUE_UNBIND_OK, name: 'queue.unbind-ok', sync: false, content: false, args: NO_ARGS },

  {
    id: BASIC_QOS,
    name: 'basic.qos',
    sync: true,
    content: false,
    args: { prefetchSize: 'long', prefetchCount: 'short', global: 'bit' },
  },
  { id: BASIC_QOS_OK, name: 'basic.qos-ok', sync: false, content: false, args: NO_ARGS },
  {
    id: BASIC_CONSUME,
    name: 'basic.consume',
    sync: true,
    content: false,
    args: {
      reserved1: 'short',
      queue: 'shortstr',
      consumerTag: 'shortstr',
      noLocal: 'bit',
      noAck: 'bit',
      exclusive: 'bit',
      noWait: 'bit',
      arguments: 'table',
    },
  },
  { id: BASIC_CONSUME_OK, name: 'basic.consume-ok', sync: false, content: false, args: { consumerTag: 'shortstr' } },
  {
    id: BASIC_CANCEL,
    name: 'basic.cancel',
    sync: true,
    content: false,
    args: { consumerTag: 'shortstr', noWait: 'bit' },
  },
  { id: BASIC_CANCEL_OK, name: 'basic.cancel-ok', sync: false, content: false, args: { consumerTag: 'shortstr' } },
  {
    id: BASIC_PUBLISH,
    name: 'basic.publish',
    sync: false,
    content: true,
    args: { reserved1: 'short', exchange: 'shortstr', routingKey: 'shortstr', mandatory: 'bit', immediate: 'bit' },
  },
  {
    id: BASIC_RETURN,
    name: 'basic.return',
    sync: false,
    content: true,
    args: { replyCode: 'short', replyText: 'shortstr', exchange: 'shortstr', routingKey: 'shortstr' },
  },
  {
    id: BASIC_DELIVER,
    name: 'basic.deliver',
    sync: false,
    content: true,
    args: {
      consumerTag: 'shortstr',
      deliveryTag: 'longlong',
      redelivered: 'bit',
      exchange: 'shortstr',
      routingKey: 'shortstr',
    },
  },
  {
    id: BASIC_GET,
    name: 'basic.get',
    sync: true,
    content: false,
    args: { reserved1: 'short', queue: 'shortstr', noAck: 'bit' },
  },
  {
    id: BASIC_GET_OK,
    name: 'basic.get-ok',
    sync: false,
    content: true,
    args: {
      deliveryTag: 'longlong',
      redelivered: 'bit',
      exchange: 'shortstr',
      routingKey: 'shortstr',
      messageCount: 'long',
    },
  },
  { id: BASIC_GET_EMPTY, name: 'basic.get-empty', sync: false, content: false, args: { reserved1: 'shortstr' } },
  {
    id: BASIC_ACK,
    name: 'basic.ack',
    sync: false,
    content: false,
    args: { deliveryTag: 'longlong', multiple: 'bit' },
  },
  {
    id: BASIC_REJECT,
    name: 'basic.reject',
    sync: false,
    content: false,
    args: { deliveryTag: 'longlong', requeue: 'bit' },
  },
  { id: BASIC_RECOVER_ASYNC, name: 'basic.recover-async', sync: false, content: false, args: { requeue: 'bit' } },
  { id: BASIC_RECOVER, name: 'basic.recover', sync: true, content: false, args: { requeue: 'bit' } },
  { id: BASIC_RECOVER_OK, name: 'basic.recover-ok', sync: false, content: false, args: NO_ARGS },
  {
    id: BASIC_NACK,
    name: 'basic.nack',
    sync: false,
    content: false,
    args: { deliveryTag: 'longlong', multiple: 'bit', requeue: 'bit' },
  },

  { id: CONFIRM_SELECT, name: 'confirm.select', sync: true, content: false, args: { noWait: 'bit' } },
  { id: CONFIRM_SELECT_OK, name: 'confirm.select-ok', sync: false, content: false, args: NO_ARGS },
  { id: TX_SELECT, name: 'tx.select', sync: true, content: false, args: NO_ARGS },
  { id: TX_SELECT_OK, name: 'tx.select-ok', sync: false, content: false, args: NO_ARGS },
  { id: TX_COMMIT, name: 'tx.commit', sync: true, content: false, args: NO_ARGS },
  { id: TX_COMMIT_OK, name: 'tx.commit-ok', sync: false, content: false, args: NO_ARGS },
  { id: TX_ROLLBACK, name: 'tx.rollback', sync: true, content: false, args: NO_ARGS },
  { id: TX_ROLLBACK_OK, name: 'tx.rollback-ok', sync: false, content: false, args: NO_ARGS },
] as const satisfies readonly MethodRow[]

// Lookups

type Row = (typeof METHODS)[number]

/** The id of some method of the table. */
export type MethodId = Row['id']

/** The row of one method. */
export type RowOf<Id extends MethodId> = Extract<Row, { readonly id: Id }>

const ROWS: ReadonlyMap<number, MethodRow> = new Map(METHODS.map((row) => [row.id, row]))

/** The row of a method; undefined for an id that no method has. */
export function methodRow(id: number): MethodRow | undefined {
  return ROWS.get(id)
}

/** Whether some method has this id. */
export function isMethodId(id: number): id is MethodId {
  return ROWS.has(id)
}

/** The wire's name of a method, such as `basic.get-ok`; for an unknown id its numbers, such as `50.99`. */
export function methodName(id: number): string {
  return ROWS.get(id)?.name ?? `${classIdOf(id)}.${methodIdOf(id)}`
}

/** The class half of an id. */
export function classIdOf(id: number): number {
  return id >>> 16
}

/** The method half of an id. */
export function methodIdOf(id: number): number {
  return id & 0xffff
}
