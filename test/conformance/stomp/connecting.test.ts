// STOMP 1.2 "Connecting", "Heart-beating", "DISCONNECT"; RabbitMQ: STOMP plug-in.
import assert from 'node:assert/strict'
import { stompConformance } from '../../support/stomp-broker.ts'

const test = await stompConformance({ 'stomp.login_timeout': '60000' })

for (const [offered, chosen] of [
  ['1.0,1.1,1.2', '1.2'],
  ['1.1,1.0', '1.1'],
  ['1.0', '1.0'],
] as const) {
  test(`accept-version ${offered} agrees on ${chosen}`, async (scene) => {
    const client = await scene.socket()
    const connected = await client.login(offered)
    assert.equal(connected.headers.version, chosen)
    assert.equal(connected.headers['heart-beat'], '0,0')
    assert.match(connected.headers.session ?? '', /^session-/)
    assert.match(connected.headers.server ?? '', /^RabbitMQ\/\d/)
  })
}

test('without accept-version it is 1.0; STOMP is as good as CONNECT', async (scene) => {
  const client = await scene.socket()
  client.send('STOMP', { login: ' guest', passcode: ' guest' })
  assert.equal((await client.expect('CONNECTED')).headers.version, '1.0')
})

test('no common version', async (scene) => {
  const client = await scene.socket()
  client.send('CONNECT', { 'accept-version': '1.9' })
  const error = await client.refused('Version mismatch', 'Supported versions are 1.0,1.1,1.2\n')
  assert.equal(error.headers.version, '1.0,1.1,1.2')
  assert.equal(error.headers['content-type'], 'text/plain')
})

test('refused logins, in the words of RabbitMQ', async (scene) => {
  const refused = async (headers: Record<string, string>, body: string): Promise<void> => {
    const client = await scene.socket()
    client.send('CONNECT', { 'accept-version': '1.2', ...headers })
    await client.refused('Bad CONNECT', body)
  }
  await refused({ login: 'x', passcode: 'guest' }, "Access refused for user 'x'\n")
  await refused({ login: 'guest', passcode: 'guest', host: 'nope' }, "Virtual host 'nope' access denied")
  await refused({}, 'Missing login or passcode header(s)')
  await refused({ login: 'guest' }, 'Missing login or passcode header(s)')
})

test('frames before CONNECT and a second CONNECT are refused', async (scene) => {
  const early = await scene.socket()
  early.send('SEND', { destination: '/queue/x' }, 'hi')
  await early.refused('Illegal command', 'You must log in using CONNECT first')
  const twice = await scene.connect()
  twice.send('CONNECT', { login: 'guest', passcode: 'guest' })
  await twice.refused('Bad CONNECT')
})

test('an unknown command, and bytes that are no frame', async (scene) => {
  const unknown = await scene.connect()
  unknown.send('FOO', { receipt: 'r1' })
  const error = await unknown.refused('Bad command', 'Could not interpret command "FOO"\n')
  assert.equal(error.headers['receipt-id'], 'r1')
  for (const bytes of [
    'SEND\nfoo\n\n\u0000',
    'SEND\na:\\q\n\n\u0000',
    'SEND\ncontent-length:1\n\nhi\u0000',
    'SEND\u0000',
  ]) {
    const client = await scene.connect()
    client.raw(bytes)
    await client.refused(bytes.includes('\\q') ? 'Missing destination' : 'Invalid frame')
  }
  const other = await scene.connect()
  await other.silent()
})

test('frames above the limit, before and after login', async (scene) => {
  const early = await scene.socket()
  early.raw(`CONNECT\nlogin:${'x'.repeat(20_000)}`)
  await early.refused('Frame too large')
  const late = await scene.connect()
  late.raw('SEND\ndestination:/queue/x\ncontent-length:5000000\n\n')
  await late.refused('Frame too large', /4194304 bytes/)
})

test('heart-beats come when they were asked for, and are answered by nothing', async (scene) => {
  const client = await scene.socket()
  const connected = await client.login('1.2', { 'heart-beat': '60000,1000' })
  assert.equal(connected.headers['heart-beat'], '1000,60000')
  const before = client.heartbeats
  client.raw('\n\r\n\n')
  await client.beats(before + 2)
  await client.silent()
})

test('DISCONNECT: its receipt, then the end', async (scene) => {
  const client = await scene.connect()
  await client.call('SEND', { destination: `/queue/${scene.name()}`, persistent: 'true' }, 'x')
  await client.call('DISCONNECT')
  await client.closed()
  const quiet = await scene.connect()
  quiet.send('DISCONNECT')
  await quiet.closed()
})

test('the connection is listed with its version, and an operator can close it', async (scene) => {
  const client = await scene.connect('1.1')
  const { connections } = scene.booted.parts.broker
  const port = client.socket.localPort
  const listed = [...connections.all()].find((each) => each.peerPort === port)
  assert.equal(listed?.protocol, 'STOMP 1.1')
  assert.equal(listed?.status().channels[0]?.number, 1)
  listed?.close('forced', 'go away')
  await client.refused('Connection closed', 'go away\n')
})
