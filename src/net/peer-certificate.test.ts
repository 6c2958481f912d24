import assert from 'node:assert/strict'
import { test } from 'node:test'
import { alternativeNames, distinguishedName } from './peer-certificate.ts'

test('a distinguished name is written from its end, with escapes and multi-valued parts', () => {
  assert.equal(distinguishedName('C=DE\nO=org\nCN=alice'), 'CN=alice,O=org,C=DE')
  assert.equal(
    distinguishedName('O=Fr\\, \\+ x\nCN=al=ice\nemailAddress=a@b.c'),
    'EMAILADDRESS=a@b.c,CN=al=ice,O=Fr\\, \\+ x',
  )
  assert.equal(distinguishedName('O=org\nOU=x + CN=\\#a b\\ '), 'OU=x+CN=\\#a b\\ ,O=org')
  assert.equal(distinguishedName('CN=Ä'), 'CN=\\C3\\84')
  assert.equal(distinguishedName(''), '')
})

test('alternative names of all kinds, quoted ones included; what has no text is left out', () => {
  const line =
    'DNS:a.example, IP Address:10.0.0.1, email:"a\\u002cb@c.d", URI:"spiffe://x/y\\u002cz", ' +
    'othername:"UPN:upn@x\\u002c y", othername:<unsupported>, DirName:C=US'
  assert.deepEqual(alternativeNames(line), [
    { type: 'dns', value: 'a.example' },
    { type: 'ip', value: '10.0.0.1' },
    { type: 'email', value: 'a,b@c.d' },
    { type: 'uri', value: 'spiffe://x/y,z' },
    { type: 'other_name', value: 'upn@x, y' },
  ])
  assert.deepEqual(alternativeNames(''), [])
})

test('a quoted value cannot pass for a name of its own', () => {
  assert.deepEqual(alternativeNames('URI:"http://x/\\u002c DNS:evil.example"'), [
    { type: 'uri', value: 'http://x/, DNS:evil.example' },
  ])
})
