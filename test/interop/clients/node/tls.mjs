// amqplib and mqtt.js over TLS with a client certificate.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import amqp from 'amqplib'
import mqtt from 'mqtt'

const folder = process.env.TLS_FOLDER
const read = (name) => readFileSync(join(folder, name))
const own = { ca: [read('ca.pem')], cert: read('client.pem'), key: read('client-key.pem') }

function check(truth, what) {
  if (!truth) throw new Error(what)
  console.log('ok', what)
}

const credentials = { mechanism: 'EXTERNAL', response: () => Buffer.alloc(0) }
const connection = await amqp.connect(`amqps://localhost:${process.env.AMQPS_PORT}`, { ...own, credentials })
const channel = await connection.createConfirmChannel()
await channel.assertQueue('node-tls')
const bodies = Array.from({ length: 1_000 }, (_, i) => Buffer.alloc(2_000, i))
for (const body of bodies) channel.sendToQueue('node-tls', body)
await channel.waitForConfirms()
let count = 0
await new Promise((done) => {
  channel.consume('node-tls', (message) => {
    if (message === null) return // the queue is deleted at the end
    if (!message.content.equals(bodies[count])) throw new Error(`message ${count} is another`)
    channel.ack(message)
    if (++count === bodies.length) done()
  })
})
check(count === 1_000, 'amqplib: EXTERNAL, 1,000 confirmed messages there and back')
await channel.deleteQueue('node-tls')
await connection.close()

const refused = await amqp.connect(`amqps://guest:guest@localhost:${process.env.AMQPS_PORT}`, { ca: own.ca }).then(
  () => false,
  () => true,
)
check(refused, 'amqplib: no client certificate, no connection')

for (const url of [`mqtts://localhost:${process.env.MQTTS_PORT}`, `wss://localhost:${process.env.WSS_PORT}/ws`]) {
  const client = await mqtt.connectAsync(url, { ...own, reconnectPeriod: 0 })
  await client.subscribeAsync('tls/#', { qos: 1 })
  const arrived = new Promise((done) => client.once('message', (topic, payload) => done(`${topic} ${payload}`)))
  await client.publishAsync('tls/x', 'hello', { qos: 1 })
  check((await arrived) === 'tls/x hello', `mqtt.js: certificate login over ${new URL(url).protocol}`)
  await client.endAsync()
}
