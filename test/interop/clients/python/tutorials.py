"""The six patterns of the official tutorials, and the features around them, with pika."""
import os
import threading
import pika

URL = os.environ["AMQP_URL"]


def check(truth, what):
    if not truth:
        raise AssertionError(what)
    print("ok", what, flush=True)


def connect():
    return pika.BlockingConnection(pika.URLParameters(URL))


def collect(channel, queue, count, auto_ack=False):
    """Consumes exactly count messages, within a bound."""
    bodies = []
    for method, properties, body in channel.consume(queue, auto_ack=auto_ack, inactivity_timeout=5):
        if method is None:
            break
        if not auto_ack:
            channel.basic_ack(method.delivery_tag)
        bodies.append(body)
        if len(bodies) == count:
            break
    channel.cancel()
    return bodies


def hello_world():
    connection = connect()
    channel = connection.channel()
    channel.queue_declare(queue="py-hello")
    channel.basic_publish(exchange="", routing_key="py-hello", body="Hello World!")
    check(collect(channel, "py-hello", 1, auto_ack=True) == [b"Hello World!"], "hello world")
    channel.queue_delete("py-hello")
    connection.close()


def work_queues():
    producer = connect()
    channel = producer.channel()
    channel.queue_declare(queue="py-tasks", durable=True)
    shares = [0, 0]
    done = threading.Barrier(3)

    def worker(index):
        connection = connect()
        mine = connection.channel()
        mine.basic_qos(prefetch_count=1)
        finished = [False]

        def on_message(ch, method, properties, body):
            shares[index] += 1
            ch.basic_ack(method.delivery_tag)
            if sum(shares) >= 40:
                finished[0] = True

        mine.basic_consume("py-tasks", on_message)
        done.wait(10)
        while sum(shares) < 40:
            connection.process_data_events(time_limit=0.05)
        connection.close()

    threads = [threading.Thread(target=worker, args=(i,)) for i in range(2)]
    for t in threads:
        t.start()
    done.wait(10)
    for i in range(40):
        channel.basic_publish("", "py-tasks", str(i), pika.BasicProperties(delivery_mode=2))
    for t in threads:
        t.join(15)
    check(sum(shares) == 40 and min(shares) > 0, "work queue: fair dispatch to two workers")
    channel.queue_delete("py-tasks")
    producer.close()


def publish_subscribe():
    connection = connect()
    channel = connection.channel()
    channel.exchange_declare("py-logs", "fanout")
    queues = [channel.queue_declare("", exclusive=True).method.queue for _ in range(2)]
    for queue in queues:
        check(queue.startswith("amq.gen-"), "server-named queue")
        channel.queue_bind(queue, "py-logs")
    channel.basic_publish("py-logs", "", b"info: all")
    check([collect(channel, q, 1) for q in queues] == [[b"info: all"]] * 2, "publish/subscribe")
    channel.exchange_delete("py-logs")
    connection.close()


def routing():
    connection = connect()
    channel = connection.channel()
    channel.exchange_declare("py-direct", "direct")
    queue = channel.queue_declare("", exclusive=True).method.queue
    for severity in ("error", "warning"):
        channel.queue_bind(queue, "py-direct", severity)
    for severity in ("info", "error", "warning"):
        channel.basic_publish("py-direct", severity, severity)
    check(collect(channel, queue, 2) == [b"error", b"warning"], "routing by severity")
    channel.exchange_delete("py-direct")
    connection.close()


def topics():
    connection = connect()
    channel = connection.channel()
    channel.exchange_declare("py-topic", "topic")
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(queue, "py-topic", "*.orange.*")
    channel.queue_bind(queue, "py-topic", "lazy.#")
    for key in ("quick.orange.rabbit", "lazy", "quick.brown.fox", "lazy.pink.rabbit.x", "orange"):
        channel.basic_publish("py-topic", key, key)
    check(collect(channel, queue, 3) == [b"quick.orange.rabbit", b"lazy", b"lazy.pink.rabbit.x"], "topics")
    channel.exchange_delete("py-topic")
    connection.close()


def rpc():
    ready = threading.Event()

    def server():
        connection = connect()
        channel = connection.channel()
        channel.queue_declare("py-rpc")
        for method, properties, body in channel.consume("py-rpc", inactivity_timeout=None):
            channel.basic_publish("", properties.reply_to, str(int(body) ** 2),
                                  pika.BasicProperties(correlation_id=properties.correlation_id))
            channel.basic_ack(method.delivery_tag)
            break
        channel.cancel()
        channel.queue_delete("py-rpc")
        connection.close()

    setup = connect()
    setup.channel().queue_declare("py-rpc")
    thread = threading.Thread(target=server)
    thread.start()
    channel = setup.channel()
    replies = []
    channel.basic_consume("amq.rabbitmq.reply-to", lambda c, m, p, b: replies.append((p.correlation_id, b)), auto_ack=True)
    channel.basic_publish("", "py-rpc", "12", pika.BasicProperties(reply_to="amq.rabbitmq.reply-to", correlation_id="c1"))
    for _ in range(100):
        if replies:
            break
        setup.process_data_events(time_limit=0.05)
    thread.join(10)
    check(replies == [("c1", b"144")], "RPC with direct reply-to")
    setup.close()


def confirms():
    connection = connect()
    channel = connection.channel()
    channel.confirm_delivery()
    channel.queue_declare("py-confirms", durable=True)
    for i in range(100):
        channel.basic_publish("", "py-confirms", str(i), pika.BasicProperties(delivery_mode=2), mandatory=True)
    check(channel.queue_declare("py-confirms", passive=True).method.message_count == 100, "publisher confirms")
    try:
        channel.basic_publish("", "py-no-such-queue", b"x", mandatory=True)
        check(False, "an unroutable message must be reported")
    except pika.exceptions.UnroutableError:
        check(True, "an unroutable message is reported")
    channel.queue_delete("py-confirms")
    full = channel.queue_declare("", exclusive=True, arguments={"x-max-length": 1, "x-overflow": "reject-publish"}).method.queue
    channel.basic_publish("", full, b"fits")
    try:
        channel.basic_publish("", full, b"too many")
        check(False, "a full queue must nack")
    except pika.exceptions.NackError:
        check(True, "a full queue nacks")
    connection.close()


def errors_and_large_bodies():
    connection = connect()
    channel = connection.channel()
    try:
        channel.queue_declare("py-missing", passive=True)
    except pika.exceptions.ChannelClosedByBroker as e:
        check(e.reply_code == 404 and e.reply_text == "NOT_FOUND - no queue 'py-missing' in vhost '/'", "404 with its text")
    channel = connection.channel()
    queue = channel.queue_declare("", exclusive=True).method.queue
    body = os.urandom(3_000_000)
    channel.basic_publish("", queue, body, pika.BasicProperties(headers={"n": 2**40, "b": True, "t": {"a": [1, None, "x"]}}))
    method, properties, got = next(channel.consume(queue, auto_ack=True, inactivity_timeout=10))
    check(got == body, "a body of many frames")
    check(properties.headers == {"n": 2**40, "b": True, "t": {"a": [1, None, "x"]}}, "header values keep their types")
    channel.cancel()
    connection.close()
    try:
        pika.BlockingConnection(pika.ConnectionParameters(
            host=pika.URLParameters(URL).host, port=pika.URLParameters(URL).port,
            credentials=pika.PlainCredentials("guest", "wrong")))
        check(False, "a wrong password must be refused")
    except pika.exceptions.ProbableAuthenticationError as e:
        check("ACCESS_REFUSED" in str(e), "a wrong password is refused with its text")


for scenario in (hello_world, work_queues, publish_subscribe, routing, topics, rpc, confirms, errors_and_large_bodies):
    scenario()
