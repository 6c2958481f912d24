// AMQP 0-9-1 field tables, without frames around them. Held: what the check takes the decoder takes, and the other way
// round; a field that is found is the field that is decoded; what decodes encodes to the same again.
import type { Randomness } from '../../../src/base/random.ts'
import { ConnectionError } from '../../../src/protocols/amqp091/errors.ts'
import {
  checkTable,
  decodeTable,
  decodeValue,
  encodeTable,
  type FieldTable,
  findHeader,
} from '../../../src/protocols/amqp091/fields.ts'
import { type FuzzTarget, holds, outcomeOf, refusalOf, words } from '../fuzz-target.ts'
import { tableFields } from './amqp091-grammar.ts'

function check(input: Buffer): string {
  let table: FieldTable | undefined
  const error = refusalOf(ConnectionError, () => {
    table = decodeTable(input, 0, input.length)
  })
  const checkError = refusalOf(ConnectionError, () => checkTable(input, 0, input.length))
  holds(
    (error === undefined) === (checkError === undefined),
    `decoder: ${error?.message}, check: ${checkError?.message}`,
  )
  // Looking must be safe whatever the bytes are.
  refusalOf(ConnectionError, () => findHeader(input, 0, input.length, 'x-delay'))
  refusalOf(ConnectionError, () => findHeader(input, 0, input.length, 'é中'))
  if (table === undefined) return error === undefined ? '' : outcomeOf(error)
  let kinds = 0
  for (const [name, { type }] of table) {
    const at = findHeader(input, 0, input.length, name)
    holds(at >= 0, `the field ${JSON.stringify(name)} is not found`)
    holds(decodeValue(input, at, input.length).type === type, `another field is found as ${JSON.stringify(name)}`)
    kinds = (kinds * 31 + type.charCodeAt(0)) & 0xff
  }
  const encoded = encodeTable(table)
  holds(encodeTable(decodeTable(encoded, 0, encoded.length)).equals(encoded), 'decode(encode(x)) is not x')
  return `${table.size} ${kinds}`
}

/** The target. */
export function amqp091TableTarget(random: Randomness): FuzzTarget {
  return {
    name: 'amqp091-table',
    seeds: Array.from({ length: 30 }, () => tableFields(random)),
    dictionary: words(
      '\x01aF\0\0\0\0',
      '\x01aA\0\0\0\0',
      '\x01aS\0\0\0\0',
      '\xed\xa0\x80',
      '\xc3',
      '\x07x-delay',
      'V',
      'L',
    ),
    generate: (from) => tableFields(from),
    check,
  }
}
