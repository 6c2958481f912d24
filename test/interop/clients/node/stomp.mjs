// @stomp/stompjs, unmodified: over WebSocket with and without a sub-protocol, and over TCP behind the shape of a WebSocket.
import assert from 'node:assert/strict'
import net from 'node:net'
import { Client, Versions } from '@stomp/stompjs'
import { WebSocket } from 'ws'

const ok = (what) => console.log('ok', what)

/** What the client needs of a WebSocket, over TCP. */
class TcpSocket {
  constructor(port) {
    this.url = `tcp://127.0.0.1:${port}`
    this.readyState = 0
    this.socket = net.connect(port, '127.0.0.1', () => {
      this.readyState = 1
      this.onopen()
    })
    this.socket.on('data', (data) => this.onmessage({ data: new Uint8Array(data).buffer }))
    this.socket.on('error', (error) => this.onerror(error))
    this.socket.on('close', () => {
      this.readyState = 3
      this.onclose({ code: 1000 })
    })
  }

  send(data) {
    this.socket.write(typeof data === 'string' ? data : Buffer.from(data))
  }

  close() {
    this.socket.end()
  }
}

const url = process.env.STOMP_WS_URL
const ways = [
  ['WebSocket', (protocols) => new WebSocket(url, protocols)],
  ['WebSocket without a sub-protocol', () => new WebSocket(url)],
  ['TCP', () => new TcpSocket(Number(process.env.STOMP_PORT))],
]

function connect(webSocketFactory, versions, options = {}) {
  return new Promise((resolve, reject) => {
    const stompVersions = new Versions(versions)
    const client = new Client({
      webSocketFactory: () => webSocketFactory(stompVersions.protocolVersions()),
      stompVersions,
      connectHeaders: { login: 'guest', passcode: 'guest', host: '/' },
      reconnectDelay: 0,
      ...options,
    })
    client.onConnect = () => resolve(client)
    client.onStompError = ({ headers, body }) => reject(new Error(`${headers.message}: ${body}`))
    client.activate()
  })
}

const receipt = (client, run) =>
  new Promise((resolve) => {
    const id = `r${Math.random()}`
    client.watchForReceipt(id, resolve)
    run({ receipt: id })
  })

for (const [way, factory] of ways) {
  for (const version of ['1.0', '1.1', '1.2']) {
    const client = await connect(factory, [version])
    assert.equal(client.connectedVersion, version)
    const destination = `/queue/stompjs-${version}-${way.replaceAll(' ', '-')}`
    const seen = []
    const all = new Promise((resolve) => {
      client.subscribe(
        destination,
        (message) => {
          seen.push(message)
          message.ack()
          if (seen.length === 3) resolve()
        },
        { id: 's', ack: 'client' },
      )
    })
    client.publish({ destination, body: 'größer 🐇', headers: { xy: 'a:b' } })
    client.publish({ destination, binaryBody: new Uint8Array([0, 255, 0, 128]) })
    client.publish({ destination, body: 'x'.repeat(200_000) })
    await all
    assert.equal(seen[0].body, 'größer 🐇')
    // This client escapes in 1.2 only.
    if (version === '1.2') assert.equal(seen[0].headers.xy, 'a:b')
    assert.deepEqual([...seen[1].binaryBody], [0, 255, 0, 128])
    assert.equal(seen[2].body.length, 200_000)
    await client.deactivate()
  }
  ok(`stompjs over ${way}`)
}

{
  const client = await connect(ways[0][1], ['1.2'], { heartbeatIncoming: 1000, heartbeatOutgoing: 1000 })
  let isClosed = false
  client.onWebSocketClose = () => {
    isClosed = true
  }
  await new Promise((resolve) => setTimeout(resolve, 3_500))
  assert.equal(isClosed, false, 'heart-beats keep an idle connection')
  ok('stompjs heart-beats')

  // As a relay of Spring's subscribes and sends: broadcast topics, and queues of one user.
  const [topic, user] = [[], []]
  client.subscribe('/topic/greetings', ({ body }) => topic.push(body))
  client.subscribe('/exchange/amq.direct/errors-user123', ({ body }) => user.push(body))
  await receipt(client, (headers) => client.subscribe('/topic/public.room.1', ({ body }) => topic.push(body), headers))
  client.publish({ destination: '/topic/greetings', body: 'all', headers: { 'content-type': 'application/json' } })
  client.publish({ destination: '/exchange/amq.direct/errors-user123', body: 'one' })
  await receipt(client, (headers) => client.publish({ destination: '/topic/public.room.1', body: 'room', headers }))
  await receipt(client, (headers) => client.publish({ destination: '/topic/nobody', body: '', headers }))
  assert.deepEqual([topic, user], [['all', 'room'], ['one']])
  ok("Spring's destinations")

  const transaction = client.begin()
  client.publish({ destination: '/topic/greetings', body: 'later', headers: { transaction: transaction.id } })
  transaction.commit()
  await receipt(client, (headers) => client.publish({ destination: '/topic/nobody', body: '', headers }))
  assert.equal(topic.at(-1), 'later')
  await client.deactivate()
  ok('stompjs transactions')
}
await assert.rejects(
  connect(ways[0][1], ['1.2'], { connectHeaders: { login: 'guest', passcode: 'wrong' } }),
  /Bad CONNECT: Access refused for user 'guest'/,
)
ok('stompjs with a wrong password')
process.exit(0)
