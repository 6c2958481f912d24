/** Looks into every queue after a restart, without changing what is there; then settles a part, so that folders stay small. */
import type { ConsumeMessage } from 'amqplib'
import type { SeededRandomness } from '../../src/base/random.ts'
import type { Found, QueueAccount } from './account.ts'
import { type Client, checkedId, SEAL_QUEUE } from './clients.ts'

const WAIT_MS_MAX = 30_000

/** Everything in a queue, in order, unacknowledged on the client's channel. */
export async function readAll(client: Client, queue: string): Promise<ConsumeMessage[]> {
  const { messageCount } = await client.channel.checkQueue(queue)
  const messages: ConsumeMessage[] = []
  if (messageCount === 0) return messages
  let consumerTag = ''
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${queue}: ${messages.length} of ${messageCount} messages came`)),
      WAIT_MS_MAX,
    )
    const settle = (): void => {
      clearTimeout(timer)
      resolve()
    }
    client.channel
      .consume(queue, (message) => {
        if (message === null) return
        messages.push(message)
        if (messages.length === messageCount) settle()
      })
      .then((ok) => {
        consumerTag = ok.consumerTag
      }, reject)
  })
  await client.channel.cancel(consumerTag)
  const rest = await client.channel.get(queue, { noAck: false })
  if (rest !== false) throw new Error(`${queue}: there is a message more than the ${messageCount} it says`)
  return messages
}

/** Verifies a queue's account, then settles at random until at most `keep` messages are left. */
export async function inspect(
  client: Client,
  account: QueueAccount,
  random: SeededRandomness,
  keep: number,
): Promise<void> {
  const messages = await readAll(client, account.queue)
  const found: Found[] = messages.map((message) => ({
    id: checkedId(message),
    redelivered: message.fields.redelivered,
  }))
  account.verify(found)
  const settled: number[] = []
  const shed = messages.length > keep
  for (const [i, message] of messages.entries()) {
    const { id } = found[i]!
    if (!(shed ? random.below(messages.length) >= keep : random.below(4) === 0)) continue
    client.channel.ack(message)
    account.settled(id)
    settled.push(id)
  }
  client.channel.publish('', SEAL_QUEUE, Buffer.from('seal'), { persistent: true })
  await client.channel.waitForConfirms()
  for (const { id } of found) account.flagSealed(id)
  for (const id of settled) account.settledSealed(id)
}
