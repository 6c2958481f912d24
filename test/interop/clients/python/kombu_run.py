"""kombu: declarations, priorities, a mixin-style consumer, ensure() with reconnection settings."""
import os
import socket
from kombu import Connection, Exchange, Queue


def check(truth, what):
    if not truth:
        raise AssertionError(what)
    print("ok", what, flush=True)


with Connection(os.environ["AMQP_URL"], heartbeat=10) as connection:
    exchange = Exchange("kombu-media", "topic", durable=True)
    queue = Queue("kombu-video", exchange, routing_key="video.#", max_priority=5)
    producer = connection.Producer(serializer="json")
    publish = connection.ensure(producer, producer.publish, max_retries=3)
    for priority in (0, 5, 1):
        publish({"name": f"p{priority}"}, exchange=exchange, routing_key="video.new", declare=[queue], priority=priority)
    seen = []

    def on_message(body, message):
        seen.append(body["name"])
        message.ack()

    with connection.Consumer(queue, callbacks=[on_message]):
        while len(seen) < 3:
            connection.drain_events(timeout=5)
    check(seen == ["p5", "p1", "p0"], "priorities order a queue")
    connection.heartbeat_check()
    simple = connection.SimpleQueue("kombu-simple")
    simple.put({"hello": ["world"]}, compression="zlib")
    message = simple.get(timeout=5)
    check(message.payload == {"hello": ["world"]}, "SimpleQueue with compression")
    message.ack()
    simple.close()
    simple.queue(connection.default_channel).delete()
    queue(connection.default_channel).delete()
    exchange(connection.default_channel).delete()
