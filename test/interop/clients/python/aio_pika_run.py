"""aio-pika: robust connection, concurrent publishers, iterator consumers, transactions, delayed retry by TTL and DLX."""
import asyncio
import os
import aio_pika


def check(truth, what):
    if not truth:
        raise AssertionError(what)
    print("ok", what, flush=True)


async def main():
    connection = await aio_pika.connect_robust(os.environ["AMQP_URL"])
    async with connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=50)
        queue = await channel.declare_queue("aio-work", durable=True)
        await asyncio.gather(*[
            channel.default_exchange.publish(
                aio_pika.Message(str(i).encode(), delivery_mode=aio_pika.DeliveryMode.PERSISTENT), routing_key="aio-work")
            for i in range(500)])
        seen = set()
        async with queue.iterator(timeout=10) as messages:
            async for message in messages:
                async with message.process():
                    seen.add(int(message.body))
                if len(seen) == 500:
                    break
        check(seen == set(range(500)), "500 concurrent confirmed publishes, all consumed")
        await queue.delete()

        target = await channel.declare_queue("aio-target", auto_delete=False, exclusive=True)
        await channel.declare_queue("aio-wait", exclusive=True, arguments={
            "x-message-ttl": 100, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "aio-target"})
        await channel.default_exchange.publish(aio_pika.Message(b"later"), routing_key="aio-wait")
        got = await poll(target)
        check(got.headers["x-death"][0]["reason"] == "expired", "TTL and dead-lettering delay a message")
        await got.ack()

        plain = await connection.channel(publisher_confirms=False)
        async with plain.transaction():
            await plain.default_exchange.publish(aio_pika.Message(b"tx"), routing_key="aio-target")
        check((await poll(target)).body == b"tx", "a transaction")
        try:
            await plain.get_exchange("aio-missing")
            check(False, "a missing exchange must be refused")
        except aio_pika.exceptions.ChannelNotFoundEntity:
            check(True, "a missing exchange is refused")


async def poll(queue):
    for _ in range(500):
        got = await queue.get(fail=False)
        if got is not None:
            return got
        await asyncio.sleep(0.01)
    raise AssertionError("nothing arrived")


asyncio.run(main())
