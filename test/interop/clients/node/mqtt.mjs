// MQTT.js, unmodified: every version, over TCP and WebSocket.
import assert from 'node:assert/strict'
import mqtt from 'mqtt'

const ok = (what) => console.log('ok', what)
const versions = [
  [3, 'MQIsdp'],
  [4, 'MQTT'],
  [5, 'MQTT'],
]

for (const url of [process.env.MQTT_URL, process.env.MQTT_WS_URL]) {
  for (const [protocolVersion, protocolId] of versions) {
    const clientId = `mqttjs-${protocolVersion}-${new URL(url).protocol.slice(0, -1)}`
    const client = await mqtt.connectAsync(url, {
      protocolVersion,
      protocolId,
      clientId,
      username: 'guest',
      password: 'guest',
    })
    const seen = []
    const all = new Promise((resolve) => {
      client.on('message', (topic, payload, packet) => {
        seen.push(`${topic} ${payload} ${packet.qos}`)
        if (seen.length === 3) resolve()
      })
    })
    await client.subscribeAsync(`${clientId}/+/#`, { qos: 2 })
    for (const qos of [0, 1, 2]) await client.publishAsync(`${clientId}/a/b`, `hello ${qos}`, { qos })
    await all
    assert.deepEqual(
      seen,
      [0, 1, 2].map((qos) => `${clientId}/a/b hello ${qos} ${qos}`),
    )
    await client.endAsync()
    ok(`MQTT.js ${protocolVersion} over ${new URL(url).protocol}`)
  }
}

{
  const options = {
    protocolVersion: 5,
    clientId: 'mqttjs-lasting',
    clean: false,
    properties: { sessionExpiryInterval: 600 },
  }
  const first = await mqtt.connectAsync(process.env.MQTT_URL, options)
  await first.subscribeAsync('lasting/#', { qos: 2 })
  await first.endAsync()
  const publisher = await mqtt.connectAsync(process.env.MQTT_URL, { protocolVersion: 5 })
  for (let i = 0; i < 50; i++)
    await publisher.publishAsync(`lasting/${i}`, `${i}`, { qos: 2, properties: { userProperties: { i: `${i}` } } })
  const seen = []
  const second = mqtt.connect(process.env.MQTT_URL, options)
  await new Promise((resolve) => {
    second.on('message', (_topic, payload, packet) => {
      assert.equal(packet.properties.userProperties.i, `${payload}`)
      seen.push(Number(payload))
      if (seen.length === 50) resolve()
    })
  })
  assert.deepEqual(
    seen,
    Array.from({ length: 50 }, (_, i) => i),
  )
  await second.endAsync()
  await publisher.endAsync()
  ok('MQTT.js: a session that lasts, QoS 2')
}
