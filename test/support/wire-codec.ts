// The tests' own AMQP 0-9-1 codec: one row per method, interpreted. It shares nothing with the broker's codec, so that
// a mistake there cannot hide here. Used by wire-client.ts and by tests that build frames by hand. [AMQP 0-9-1 §4.2]

/** Anything a field table may hold, as tests write it and read it. */
export type Value = string | number | boolean | bigint | null | Buffer | Typed | Value[] | Table

/** A field table; keys keep their order. */
export interface Table {
  [key: string]: Value
}

/** A table value with its wire tag given outright, for types that plain JavaScript values cannot express. */
export class Typed {
  readonly tag: string
  readonly value: Value
  constructor(tag: string, value: Value) {
    this.tag = tag
    this.value = value
  }
}

/** The method's name, its ids and its arguments in wire order. */
export interface MethodRow {
  readonly name: string
  readonly classId: number
  readonly methodId: number
  readonly fields: readonly { readonly name: string; readonly type: string }[]
  readonly hasContent: boolean
}

const ROWS = `
connection.start 10 10 versionMajor:octet versionMinor:octet serverProperties:table mechanisms:longstr locales:longstr
connection.start-ok 10 11 clientProperties:table mechanism:shortstr response:longstr locale:shortstr
connection.secure 10 20 challenge:longstr
connection.secure-ok 10 21 response:longstr
connection.tune 10 30 channelMax:short frameMax:long heartbeat:short
connection.tune-ok 10 31 channelMax:short frameMax:long heartbeat:short
connection.open 10 40 virtualHost:shortstr capabilities:shortstr insist:bit
connection.open-ok 10 41 knownHosts:shortstr
connection.close 10 50 replyCode:short replyText:shortstr classId:short methodId:short
connection.close-ok 10 51
connection.blocked 10 60 reason:shortstr
connection.unblocked 10 61
connection.update-secret 10 70 newSecret:longstr reason:shortstr
connection.update-secret-ok 10 71
channel.open 20 10 outOfBand:shortstr
channel.open-ok 20 11 channelId:longstr
channel.flow 20 20 active:bit
channel.flow-ok 20 21 active:bit
channel.close 20 40 replyCode:short replyText:shortstr classId:short methodId:short
channel.close-ok 20 41
access.request 30 10 realm:shortstr exclusive:bit passive:bit active:bit write:bit read:bit
access.request-ok 30 11 ticket:short
exchange.declare 40 10 ticket:short exchange:shortstr type:shortstr passive:bit durable:bit autoDelete:bit internal:bit noWait:bit arguments:table
exchange.declare-ok 40 11
exchange.delete 40 20 ticket:short exchange:shortstr ifUnused:bit noWait:bit
exchange.delete-ok 40 21
exchange.bind 40 30 ticket:short destination:shortstr source:shortstr routingKey:shortstr noWait:bit arguments:table
exchange.bind-ok 40 31
exchange.unbind 40 40 ticket:short destination:shortstr source:shortstr routingKey:shortstr noWait:bit arguments:table
exchange.unbind-ok 40 51
queue.declare 50 10 ticket:short queue:shortstr passive:bit durable:bit exclusive:bit autoDelete:bit noWait:bit arguments:table
queue.declare-ok 50 11 queue:shortstr messageCount:long consumerCount:long
queue.bind 50 20 ticket:short queue:shortstr exchange:shortstr routingKey:shortstr noWait:bit arguments:table
queue.bind-ok 50 21
queue.purge 50 30 ticket:short queue:shortstr noWait:bit
queue.purge-ok 50 31 messageCount:long
queue.delete 50 40 ticket:short queue:shortstr ifUnused:bit ifEmpty:bit noWait:bit
queue.delete-ok 50 41 messageCount:long
queue.unbind 50 50 ticket:short queue:shortstr exchange:shortstr routingKey:shortstr arguments:table
queue.unbind-ok 50 51
basic.qos 60 10 prefetchSize:long prefetchCount:short global:bit
basic.qos-ok 60 11
basic.consume 60 20 ticket:short queue:shortstr consumerTag:shortstr noLocal:bit noAck:bit exclusive:bit noWait:bit arguments:table
basic.consume-ok 60 21 consumerTag:shortstr
basic.cancel 60 30 consumerTag:shortstr noWait:bit
basic.cancel-ok 60 31 consumerTag:shortstr
basic.publish 60 40 ticket:short exchange:shortstr routingKey:shortstr mandatory:bit immediate:bit +content
basic.return 60 50 replyCode:short replyText:shortstr exchange:shortstr routingKey:shortstr +content
basic.deliver 60 60 consumerTag:shortstr deliveryTag:longlong redelivered:bit exchange:shortstr routingKey:shortstr +content
basic.get 60 70 ticket:short queue:shortstr noAck:bit
basic.get-ok 60 71 deliveryTag:longlong redelivered:bit exchange:shortstr routingKey:shortstr messageCount:long +content
basic.get-empty 60 72 clusterId:shortstr
basic.ack 60 80 deliveryTag:longlong multiple:bit
basic.reject 60 90 deliveryTag:longlong requeue:bit
basic.recover-async 60 100 requeue:bit
basic.recover 60 110 requeue:bit
basic.recover-ok 60 111
basic.nack 60 120 deliveryTag:longlong multiple:bit requeue:bit
confirm.select 85 10 noWait:bit
confirm.select-ok 85 11
tx.select 90 10
tx.select-ok 90 11
tx.commit 90 20
tx.commit-ok 90 21
tx.rollback 90 30
tx.rollback-ok 90 31
`

function parseRow(line: string): MethodRow {
  const [name, classId, methodId, ...rest] = line.split(' ')
  const fields = rest
    .filter((word) => word !== '+content')
    .map((word) => ({ name: word.split(':')[0]!, type: word.split(':')[1]! }))
  return {
    name: name!,
    classId: Number(classId),
    methodId: Number(methodId),
    fields,
    hasContent: rest.includes('+content'),
  }
}

const rows = ROWS.trim().split('\n').map(parseRow)
const byName = new Map(rows.map((row) => [row.name, row]))
const byId = new Map(rows.map((row) => [row.classId * 65536 + row.methodId, row]))

/** The content properties of class basic, highest flag bit first. [AMQP 0-9-1 §4.2.6.1] */
const PROPERTIES = [
  'contentType:shortstr',
  'contentEncoding:shortstr',
  'headers:table',
  'deliveryMode:octet',
  'priority:octet',
  'correlationId:shortstr',
  'replyTo:shortstr',
  'expiration:shortstr',
  'messageId:shortstr',
  'timestamp:longlong',
  'type:shortstr',
  'userId:shortstr',
  'appId:shortstr',
  'clusterId:shortstr',
].map((word) => ({ name: word.split(':')[0]!, type: word.split(':')[1]! }))

/** Frame types and the octet that ends every frame. */
export const METHOD = 1
export const HEADER = 2
export const BODY = 3
export const HEARTBEAT = 8
export const FRAME_END = 0xce

/** Looks a method up by its name. */
export function methodNamed(name: string): MethodRow {
  const row = byName.get(name)
  if (row === undefined) throw new Error(`no AMQP method is called ${name}`)
  return row
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function i64(value: Value): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt.asIntN(64, BigInt(value as number)))
  return bytes
}

/** A short string; a Buffer passes malformed text through. */
export function shortstr(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string)
  return Buffer.concat([Buffer.from([bytes.length]), bytes])
}

/** A long string. */
export function longstr(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string)
  return Buffer.concat([u32(bytes.length), bytes])
}

/** One frame, end octet included. */
export function frame(type: number, channel: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type]), u16(channel), u32(payload.length), payload, Buffer.from([FRAME_END])])
}

function tagOf(value: Value): string {
  if (value === null) return 'V'
  if (typeof value === 'string') return 'S'
  if (typeof value === 'boolean') return 't'
  if (typeof value === 'bigint') return 'l'
  if (typeof value === 'number')
    return !Number.isInteger(value) ? 'd' : value >= -(2 ** 31) && value < 2 ** 31 ? 'I' : 'l'
  if (Buffer.isBuffer(value)) return 'x'
  if (Array.isArray(value)) return 'A'
  return 'F'
}

function numberBytes(tag: string, value: Value): Buffer {
  const bytes = Buffer.alloc(8)
  const number = Number(value)
  switch (tag) {
    case 'b':
      return bytes.subarray(0, bytes.writeInt8(number))
    case 'B':
      return bytes.subarray(0, bytes.writeUInt8(number))
    case 's':
      return bytes.subarray(0, bytes.writeInt16BE(number))
    case 'u':
      return bytes.subarray(0, bytes.writeUInt16BE(number))
    case 'I':
      return bytes.subarray(0, bytes.writeInt32BE(number))
    case 'i':
      return bytes.subarray(0, bytes.writeUInt32BE(number))
    case 'f':
      return bytes.subarray(0, bytes.writeFloatBE(number))
    case 'd':
      return bytes.subarray(0, bytes.writeDoubleBE(number))
    default:
      return i64(value)
  }
}

/** A tagged table value. */
export function encodeValue(value: Value): Buffer {
  if (value instanceof Typed) return Buffer.concat([Buffer.from(value.tag), valueBytes(value.tag, value.value)])
  const tag = tagOf(value)
  return Buffer.concat([Buffer.from(tag), valueBytes(tag, value)])
}

function valueBytes(tag: string, value: Value): Buffer {
  switch (tag) {
    case 'V':
      return Buffer.alloc(0)
    case 'S':
    case 'x':
      return longstr(value as string | Buffer)
    case 't':
      return Buffer.from([value === true ? 1 : 0])
    case 'A': {
      const parts = Buffer.concat((value as Value[]).map(encodeValue))
      return Buffer.concat([u32(parts.length), parts])
    }
    case 'F':
      return encodeTable(value as Table)
    case 'D':
      // scale, then the unscaled number
      return Buffer.concat([Buffer.from([(value as number[])[0]!]), numberBytes('I', (value as number[])[1]!)])
    default:
      return numberBytes(tag, value)
  }
}

/** A field table with its length. */
export function encodeTable(table: Table): Buffer {
  const parts = Buffer.concat(Object.entries(table).flatMap(([key, value]) => [shortstr(key), encodeValue(value)]))
  return Buffer.concat([u32(parts.length), parts])
}

function encodeField(type: string, value: Value | undefined): Buffer {
  switch (type) {
    case 'octet':
      return Buffer.from([Number(value ?? 0)])
    case 'short':
      return u16(Number(value ?? 0))
    case 'long':
      return u32(Number(value ?? 0))
    case 'longlong':
      return i64(value ?? 0)
    case 'shortstr':
      return shortstr((value ?? '') as string)
    case 'longstr':
      return longstr((value ?? '') as string)
    default:
      return Buffer.isBuffer(value) ? value : encodeTable((value ?? {}) as Table)
  }
}

/** Class id, method id and arguments; what is not given is zero, empty or false. */
export function encodeMethod(name: string, args: Table = {}): Buffer {
  const row = methodNamed(name)
  for (const given of Object.keys(args)) {
    if (!row.fields.some((field) => field.name === given)) throw new Error(`${name} has no argument ${given}`)
  }
  const parts = [u16(row.classId), u16(row.methodId)]
  let bits = 0
  let bitCount = 0
  for (const field of row.fields) {
    if (field.type === 'bit') {
      if (args[field.name] === true) bits |= 1 << bitCount
      bitCount++
      continue
    }
    if (bitCount > 0) parts.push(Buffer.from([bits]))
    bits = 0
    bitCount = 0
    parts.push(encodeField(field.type, args[field.name]))
  }
  if (bitCount > 0) parts.push(Buffer.from([bits]))
  return Buffer.concat(parts)
}

/** A content header: class basic unless told otherwise. */
export function encodeHeader(bodySize: number, properties: Table = {}, classId = 60): Buffer {
  let flags = 0
  const parts: Buffer[] = []
  PROPERTIES.forEach((property, index) => {
    const value = properties[property.name]
    if (value === undefined) return
    flags |= 1 << (15 - index)
    parts.push(encodeField(property.type, value))
  })
  return Buffer.concat([u16(classId), u16(0), i64(bodySize), u16(flags), ...parts])
}

/** Reads what the broker sent; with `exact`, table values keep their tags as Typed. */
export class Reader {
  readonly #bytes: Buffer
  readonly #exact: boolean
  #at = 0
  constructor(bytes: Buffer, exact = false) {
    this.#bytes = bytes
    this.#exact = exact
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length
  }

  take(count: number): Buffer {
    if (this.#at + count > this.#bytes.length) throw new Error('the broker sent a field that ends beyond its frame')
    this.#at += count
    return this.#bytes.subarray(this.#at - count, this.#at)
  }

  field(type: string): Value {
    switch (type) {
      case 'octet':
        return this.take(1).readUInt8()
      case 'short':
        return this.take(2).readUInt16BE()
      case 'long':
        return this.take(4).readUInt32BE()
      case 'longlong':
        return Number(this.take(8).readBigUInt64BE())
      case 'shortstr':
        return this.take(this.take(1).readUInt8()).toString()
      case 'longstr':
        return this.take(this.take(4).readUInt32BE()).toString()
      default:
        return this.table()
    }
  }

  table(): Table {
    const inner = new Reader(this.take(this.take(4).readUInt32BE()), this.#exact)
    const table: Table = {}
    while (!inner.done) {
      const key = inner.field('shortstr') as string
      table[key] = inner.#value()
    }
    return table
  }

  #value(): Value {
    const tag = this.take(1).toString('latin1')
    const value = this.#untagged(tag)
    return this.#exact || tag === 'T' || tag === 'D' ? new Typed(tag, value) : value
  }

  #untagged(tag: string): Value {
    switch (tag) {
      case 't':
        return this.take(1).readUInt8() !== 0
      case 'b':
        return this.take(1).readInt8()
      case 'B':
        return this.take(1).readUInt8()
      case 's':
        return this.take(2).readInt16BE()
      case 'u':
        return this.take(2).readUInt16BE()
      case 'I':
        return this.take(4).readInt32BE()
      case 'i':
        return this.take(4).readUInt32BE()
      case 'l':
      case 'L':
      case 'T':
        return Number(this.take(8).readBigInt64BE())
      case 'f':
        return this.take(4).readFloatBE()
      case 'd':
        return this.take(8).readDoubleBE()
      case 'D':
        return [this.take(1).readUInt8(), this.take(4).readInt32BE()]
      case 'S':
        return this.field('longstr')
      case 'x':
        return Buffer.from(this.take(this.take(4).readUInt32BE()))
      case 'A': {
        const inner = new Reader(this.take(this.take(4).readUInt32BE()), this.#exact)
        const items: Value[] = []
        while (!inner.done) items.push(inner.#value())
        return items
      }
      case 'F':
        return this.table()
      case 'V':
        return null
      default:
        throw new Error(`the broker sent a table value of unknown type ${tag}`)
    }
  }
}

/** A method frame's payload as a name and its arguments. */
export function decodeMethod(payload: Buffer): { row: MethodRow; args: Table } {
  const row = byId.get(payload.readUInt32BE(0))
  if (row === undefined) throw new Error(`the broker sent an unknown method ${payload.subarray(0, 4).toString('hex')}`)
  const reader = new Reader(payload.subarray(4))
  const args: Table = {}
  let bits = 0
  let bitCount = 8
  for (const field of row.fields) {
    if (field.type !== 'bit') {
      bitCount = 8
      args[field.name] = reader.field(field.type)
      continue
    }
    if (bitCount === 8) {
      bits = reader.take(1).readUInt8()
      bitCount = 0
    }
    args[field.name] = (bits & (1 << bitCount++)) !== 0
  }
  if (!reader.done) throw new Error(`the broker sent ${row.name} with bytes after its last argument`)
  return { row, args }
}

/** A content header's payload; `exact` keeps the tags of header values. */
export function decodeHeader(payload: Buffer, exact = false): { classId: number; bodySize: number; properties: Table } {
  const reader = new Reader(payload, exact)
  const classId = reader.field('short') as number
  reader.field('short')
  const bodySize = reader.field('longlong') as number
  const flags = reader.field('short') as number
  const properties: Table = {}
  PROPERTIES.forEach((property, index) => {
    if ((flags & (1 << (15 - index))) !== 0) properties[property.name] = reader.field(property.type)
  })
  if (!reader.done) throw new Error('the broker sent a content header with bytes after its last property')
  return { classId, bodySize, properties }
}
