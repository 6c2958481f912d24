"""stomp.py, unmodified: every version, acknowledgements, transactions, heart-beats, to AMQP and MQTT and back."""
import os
import queue
import sys
import threading
from urllib.parse import urlparse

import paho.mqtt.client as paho
import pika
import stomp

HOST = "127.0.0.1"
PORT = int(os.environ["STOMP_PORT"])
PATIENCE_S = 20


def ok(what):
    print("ok", what, flush=True)


class Inbox(stomp.ConnectionListener):
    def __init__(self):
        self.messages = queue.Queue()
        self.receipts = queue.Queue()
        self.errors = queue.Queue()
        self.disconnected = threading.Event()

    def on_message(self, frame):
        self.messages.put(frame)

    def on_receipt(self, frame):
        self.receipts.put(frame.headers["receipt-id"])

    def on_error(self, frame):
        self.errors.put(frame)

    def on_disconnected(self):
        self.disconnected.set()

    def next(self):
        return self.messages.get(timeout=PATIENCE_S)


def connect(kind, **options):
    connection = kind([(HOST, PORT)], **({} if kind is stomp.Connection10 else {"vhost": "/"}), **options)
    inbox = Inbox()
    connection.set_listener("", inbox)
    connection.connect("guest", "guest", wait=True)
    return connection, inbox


for kind, version in ((stomp.Connection10, "1.0"), (stomp.Connection11, "1.1"), (stomp.Connection12, "1.2")):
    connection, inbox = connect(kind)
    destination = "/queue/stomp.py-" + version
    if version == "1.0":
        connection.subscribe(destination, ack="client")
    else:
        connection.subscribe(destination, id="s1", ack="client-individual")
    connection.send(destination, "hällo " + version, headers={"foo": "bar"})
    frame = inbox.next()
    assert frame.body == "hällo " + version, frame
    assert frame.headers["foo"] == "bar", frame
    if version == "1.0":
        connection.ack(frame.headers["message-id"])
    elif version == "1.1":
        connection.ack(frame.headers["message-id"], "s1")
    else:
        connection.ack(frame.headers["ack"])
    connection.disconnect(receipt="bye")
    assert inbox.disconnected.wait(PATIENCE_S)
    ok("stomp.py " + version)

connection, inbox = connect(stomp.Connection12)
connection.subscribe("/topic/stomp.py.*", id="t")
transaction = connection.begin()
connection.send("/topic/stomp.py.tx", "in a transaction", transaction=transaction)
connection.send("/topic/stomp.py.now", "at once")
assert inbox.next().body == "at once"
connection.commit(transaction)
assert inbox.next().body == "in a transaction"
ok("stomp.py transactions")

connection.send("/topic/stomp.py.p", "kept", headers={"persistent": "true", "receipt": "durable"})
assert inbox.receipts.get(timeout=PATIENCE_S) == "durable"
assert inbox.next().headers["persistent"] == "true"
ok("stomp.py receipt of a persistent message")

connection.send("/foo/bar", "nowhere")
error = inbox.errors.get(timeout=PATIENCE_S)
assert error.headers["message"] == "Unknown destination", error
assert inbox.disconnected.wait(PATIENCE_S)
ok("stomp.py is told what is wrong")

connection, inbox = connect(stomp.Connection12, heartbeats=(1000, 1000))
assert not inbox.disconnected.wait(3.5), "heart-beats keep an idle connection"
connection.subscribe("/queue/stomp.py-reply", id="r")

amqp = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
channel = amqp.channel()
properties = pika.BasicProperties(
    content_type="text/plain", correlation_id="c1", reply_to="q", delivery_mode=2, priority=3, headers={"foo": "bar", "n": 5}
)
channel.basic_publish("", "stomp.py-reply", b"from amqp", properties)
frame = inbox.next()
assert frame.body == "from amqp", frame
shown = {name: frame.headers.get(name) for name in ("content-type", "correlation-id", "reply-to", "persistent", "priority", "foo", "n")}
assert shown == {
    "content-type": "text/plain",
    "correlation-id": "c1",
    "reply-to": "/reply-queue/q",
    "persistent": "true",
    "priority": "3",
    "foo": "bar",
    "n": "5",
}, shown
channel.queue_declare("stomp.py-amqp", durable=True)
connection.send(
    "/queue/stomp.py-amqp",
    "from stomp",
    headers={"correlation-id": "c2", "reply-to": "/reply-queue/z", "persistent": "true", "expiration": "60000", "foo": "bar"},
    content_type="text/x",
)
for method, received, body in channel.consume("stomp.py-amqp", inactivity_timeout=PATIENCE_S):
    assert body == b"from stomp", body
    assert (received.correlation_id, received.reply_to, received.delivery_mode) == ("c2", "z", 2), received
    assert (received.expiration, received.content_type, received.headers["foo"]) == ("60000", "text/x", "bar"), received
    channel.basic_ack(method.delivery_tag)
    break
channel.cancel()
amqp.close()
ok("stomp.py to AMQP and back")

mqtt_url = urlparse(os.environ["MQTT_URL"])
arrived = queue.Queue()
mqtt = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
mqtt.username_pw_set("guest", "guest")
mqtt.on_message = lambda _client, _data, message: arrived.put(message)
subscribed = threading.Event()
mqtt.on_subscribe = lambda *_args: subscribed.set()
mqtt.connect(mqtt_url.hostname, mqtt_url.port)
mqtt.subscribe("stomp/py/#", qos=1)
mqtt.loop_start()
assert subscribed.wait(PATIENCE_S)
connection.send("/topic/stomp.py.a", "stomp to mqtt", headers={"foo": "bar"})
message = arrived.get(timeout=PATIENCE_S)
assert (message.topic, message.payload) == ("stomp/py/a", b"stomp to mqtt"), message
assert ("foo", "bar") in message.properties.UserProperty, message.properties
connection.subscribe("/topic/mqtt.py.*", id="m")
connection.send("/topic/mqtt.py.ready", "ready")
assert inbox.next().body == "ready"
mqtt.publish("mqtt/py/a", "mqtt to stomp", qos=1)
frame = inbox.next()
assert (frame.body, frame.headers["destination"]) == ("mqtt to stomp", "/topic/mqtt.py.a"), frame
mqtt.loop_stop()
mqtt.disconnect()
connection.disconnect(receipt="end")
ok("stomp.py to MQTT and back")
sys.exit(0)
