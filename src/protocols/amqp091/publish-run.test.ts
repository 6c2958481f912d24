import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { writeBodyFrames, writeContentHeader, writePublish } from './codec.ts'
import { PublishRun, type Repeater } from './publish-run.ts'

const PAYLOAD_BYTES_MAX = 1_000
const NO_PROPERTIES = Buffer.from([0, 0])

/** Says yes to the first `limit` bodies and keeps them. */
class Bodies implements Repeater {
  readonly taken: string[] = []
  mayRepeat = true
  readonly #limit: number

  constructor(limit = Number.POSITIVE_INFINITY) {
    this.#limit = limit
  }

  repeat(body: Buffer, start: number, end: number): boolean {
    if (this.taken.length === this.#limit) return false
    this.taken.push(body.toString('latin1', start, end))
    return true
  }

  publishWhole(bytes: Buffer, headerStart: number, headerEnd: number, bodyStart: number, bodyEnd: number): void {
    const properties = bytes.toString('hex', headerStart + 12, headerEnd)
    this.taken.push(`${properties}: ${bytes.toString('latin1', bodyStart, bodyEnd)}`)
  }
}

interface Options {
  readonly key?: string
  readonly channel?: number
  readonly properties?: Buffer
}

function publish(body: string, { key = 'key', channel = 1, properties = NO_PROPERTIES }: Options = {}) {
  const routing = Buffer.from(`\0${String.fromCharCode(key.length)}${key}`, 'latin1')
  const bytes = Buffer.alloc(200 + properties.length + 2 * body.length)
  const headerAt = writePublish(bytes, 0, channel, routing, false)
  const framesAt = writeContentHeader(bytes, headerAt, channel, body.length, properties, 0, properties.length)
  const end = writeBodyFrames(bytes, framesAt, channel, 0, Buffer.from(body), 0, body.length)
  return { bytes: bytes.subarray(0, end), headerAt, bodyAt: framesAt + 7 }
}

/** The chunk with these publishes, where the first has been taken. */
function begun(run: PublishRun, repeater: Repeater, publishes: readonly ReturnType<typeof publish>[], before = 0) {
  const chunk = Buffer.concat([Buffer.alloc(before), ...publishes.map(({ bytes }) => bytes)])
  const first = publishes[0]!
  const end = before + first.bytes.length
  run.begin(repeater, chunk, before, before + first.headerAt)
  run.complete(repeater, chunk, before + first.headerAt, before + first.bodyAt, end)
  return { chunk, end }
}

const alike = (...bodies: string[]) => bodies.map((body) => publish(body))

const anyBodies = fc.array(fc.string({ minLength: 1, maxLength: 60, unit: 'binary-ascii' }), {
  minLength: 1,
  maxLength: 8,
})

test('publishes with the same beginning are taken, whatever their bodies, up to the first to elsewhere', () => {
  fc.assert(
    fc.property(
      anyBodies,
      fc.constantFrom<Options>({ key: 'kez' }, { key: 'keys' }, { channel: 2 }),
      fc.nat(9),
      (bodies, other, before) => {
        const run = new PublishRun()
        const repeater = new Bodies()
        const { chunk, end } = begun(run, repeater, [...alike('first', ...bodies), publish('last', other)], before)
        const taken = run.take(chunk, end, PAYLOAD_BYTES_MAX)
        assert.deepEqual(repeater.taken, bodies)
        assert.equal(taken, chunk.length - publish('last', other).bytes.length)
        assert.equal(run.channelNumber, 1)
        assert.equal(run.take(chunk, taken, PAYLOAD_BYTES_MAX), taken)
      },
    ),
  )
})

test('publishes with other properties are handed on whole, and then others are compared with them', () => {
  const anyProperties = fc.constantFrom('1000', '100002', '90000163', '90000164').map((hex) => Buffer.from(hex, 'hex'))
  fc.assert(
    fc.property(
      fc.array(fc.record({ properties: anyProperties, body: fc.string({ minLength: 1, unit: 'binary-ascii' }) })),
      (rest) => {
        const run = new PublishRun()
        const repeater = new Bodies()
        const { chunk, end } = begun(run, repeater, [publish('first'), ...rest.map((one) => publish(one.body, one))])
        assert.equal(run.take(chunk, end, PAYLOAD_BYTES_MAX), chunk.length)
        const expected = rest.map(({ properties, body }, i) =>
          i > 0 && rest[i - 1]!.properties.equals(properties) ? body : `${properties.toString('hex')}: ${body}`,
        )
        assert.deepEqual(repeater.taken, expected)
      },
    ),
  )
})

for (const properties of [NO_PROPERTIES, Buffer.from([0x10, 0, 2])])
  test(`a publish that is cut anywhere, or damaged in its sizes or its end, is left to the reader (${properties.length} bytes of properties)`, () => {
    const publishes = [...alike('one', 'two'), publish('three', { properties })]
    const { bodyAt } = publishes[2]!
    const lastAt = publishes[0]!.bytes.length + publishes[1]!.bytes.length
    const whole = Buffer.concat(publishes.map(({ bytes }) => bytes))
    const bodiesOf = (change: (chunk: Buffer) => Buffer): string[] => {
      const run = new PublishRun()
      const repeater = new Bodies()
      const { chunk, end } = begun(run, repeater, publishes)
      const changed = change(chunk)
      // Complete for the changed bytes, which lie elsewhere.
      run.begin(repeater, changed, 0, publishes[0]!.headerAt)
      run.complete(repeater, changed, publishes[0]!.headerAt, publishes[0]!.bodyAt, end)
      assert.equal(run.take(changed, end, PAYLOAD_BYTES_MAX), lastAt)
      return repeater.taken
    }
    for (let length = lastAt; length < whole.length; length++) {
      assert.deepEqual(
        bodiesOf((chunk) => chunk.subarray(0, length)),
        ['two'],
      )
    }
    const sizes = [3, 6, 11, 18]
      .map((offset) => publishes[2]!.headerAt + offset)
      .concat(bodyAt - 8, bodyAt - 6, bodyAt - 4, bodyAt - 1)
    for (const at of [...sizes.map((offset) => lastAt + offset), whole.length - 1]) {
      const damaged = Buffer.from(whole)
      damaged[at]! ^= 0x81
      assert.deepEqual(
        bodiesOf(() => damaged),
        ['two'],
        `byte ${at - lastAt}`,
      )
    }
  })

test('frames above the limit and bodies without bytes are left to the reader', () => {
  const run = new PublishRun()
  const repeater = new Bodies()
  const { chunk, end } = begun(run, repeater, alike('one', 'x'.repeat(20), 'x'.repeat(21)))
  assert.equal(run.take(chunk, end, 20), chunk.length - publish('x'.repeat(21)).bytes.length)
  assert.deepEqual(repeater.taken, ['x'.repeat(20)])
  const empty = begun(run, repeater, [...alike('one'), publish('')])
  assert.equal(run.take(empty.chunk, empty.end, 20), empty.end)
})

test('a run needs a publish of the same chunk right before it, of frames that followed one another', () => {
  const publishes = alike('one', 'two')
  const run = new PublishRun()
  const repeater = new Bodies()
  const { chunk, end } = begun(run, repeater, publishes)
  assert.equal(run.take(Buffer.from(chunk), end, PAYLOAD_BYTES_MAX), end, 'other memory')
  assert.equal(run.take(chunk, end + 1, PAYLOAD_BYTES_MAX), end + 1, 'elsewhere')
  run.reset()
  assert.equal(run.take(chunk, end, PAYLOAD_BYTES_MAX), end, 'a new chunk in the same memory')
  const { headerAt, bodyAt } = publishes[0]!
  run.begin(repeater, chunk, 0, headerAt)
  assert.equal(run.take(chunk, end, PAYLOAD_BYTES_MAX), end, 'not complete')
  run.complete(repeater, chunk, headerAt + 8, bodyAt, end)
  assert.equal(run.take(chunk, end, PAYLOAD_BYTES_MAX), end, 'a frame between method and header')
  run.begin(new Bodies(), chunk, 0, headerAt)
  run.complete(repeater, chunk, headerAt, bodyAt, end)
  assert.equal(run.take(chunk, end, PAYLOAD_BYTES_MAX), end, 'the method frame of another channel')
  assert.deepEqual(repeater.taken, [])
})

test('what a repeater does not repeat it publishes with all checks; it ends the run where it throws, and may say no to all of it', () => {
  const run = new PublishRun()
  const two = new Bodies(2)
  const publishes = alike('0', '1', '2', '3')
  const each = publishes[0]!.bytes.length
  const { chunk, end } = begun(run, two, publishes)
  assert.equal(run.take(chunk, end, PAYLOAD_BYTES_MAX), 4 * each)
  assert.deepEqual(two.taken, ['1', '2', '0000: 3'])

  const none = new Bodies()
  none.mayRepeat = false
  const refused = begun(run, none, publishes)
  assert.equal(run.take(refused.chunk, refused.end, PAYLOAD_BYTES_MAX), refused.end)

  const failing: Repeater = {
    mayRepeat: true,
    repeat: () => {
      throw new Error('no room')
    },
    publishWhole: () => undefined,
  }
  const failed = begun(run, failing, publishes)
  assert.throws(() => run.take(failed.chunk, failed.end, PAYLOAD_BYTES_MAX), /no room/)
  assert.equal(run.end, 2 * each)
})
