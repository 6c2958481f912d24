import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SeededRandomness } from '../base/random.ts'
import { HASHING_ALGORITHMS, hashPassword, isHashingAlgorithm, refusesHash, verifyPassword } from './passwords.ts'

const randomness = new SeededRandomness(1)

test('hashes that RabbitMQ made are verified', () => {
  const hash = 'XsSmamhoyQlFMWpt2sdgA+lcLJz+yxoHLgkBrnj9G3oosCH7'
  assert.ok(verifyPassword('guest', hash, 'rabbit_password_hashing_sha256'))
  assert.ok(!verifyPassword('Guest', hash, 'rabbit_password_hashing_sha256'))
  assert.ok(!verifyPassword('guest', hash, 'rabbit_password_hashing_sha512'))
  assert.ok(!verifyPassword('guest', hash, 'rabbit_password_hashing_unknown'))
})

test('a hash verifies its own password and no other, with every algorithm', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), fc.string(), (password, other) => {
      for (const algorithm of HASHING_ALGORITHMS) {
        const hash = hashPassword(password, algorithm, randomness)
        assert.equal(refusesHash(hash, algorithm), undefined)
        assert.ok(verifyPassword(password, hash, algorithm))
        assert.equal(verifyPassword(other, hash, algorithm), other === password)
      }
    }),
    { numRuns: 50 },
  )
})

test('salts differ, so equal passwords have different hashes', () => {
  const hashes = Array.from({ length: 20 }, () => hashPassword('x', 'rabbit_password_hashing_md5', randomness))
  assert.equal(new Set(hashes).size, hashes.length)
})

test('the empty password and the empty hash let nobody in', () => {
  for (const algorithm of HASHING_ALGORITHMS) {
    assert.equal(hashPassword('', algorithm, randomness), '')
    assert.ok(!verifyPassword('', '', algorithm))
    assert.ok(!verifyPassword('x', '', algorithm))
    assert.ok(!verifyPassword('', hashPassword('x', algorithm, randomness), algorithm))
  }
})

test('a hash of a wrong length or alphabet is refused in words', () => {
  assert.equal(refusesHash('', 'rabbit_password_hashing_sha256'), undefined)
  assert.match(refusesHash('a b!', 'rabbit_password_hashing_sha256') ?? '', /not base64/)
  assert.match(refusesHash('AAAA', 'rabbit_password_hashing_sha512') ?? '', /has 3 bytes, 68 expected/)
  assert.ok(!isHashingAlgorithm('constructor'))
})

test('verifying takes its time whatever the hash is: how long a login takes tells nothing about the user', () => {
  // So long that making the digest is all there is to measure; the quickest of many is the one nothing came between.
  const password = 'x'.repeat(500_000)
  const algorithm = 'rabbit_password_hashing_sha256'
  const right = hashPassword('other', algorithm, randomness)
  const cases: readonly (readonly [hash: string, of: string])[] = [
    [right, algorithm],
    ['', algorithm],
    ['AAAA', algorithm],
    [right, 'rabbit_password_hashing_unknown'],
  ]
  const quickest = cases.map(() => Number.POSITIVE_INFINITY)
  for (let round = 0; round < 40; round++) {
    for (const [i, [hash, of]] of cases.entries()) {
      const startedAt = process.hrtime.bigint()
      assert.equal(verifyPassword(password, hash, of), false)
      quickest[i] = Math.min(quickest[i]!, Number(process.hrtime.bigint() - startedAt))
    }
  }
  for (const [i, ns] of quickest.entries()) assert.ok(ns > quickest[0]! / 4, `case ${i}: ${ns} of ${quickest[0]} ns`)
})
