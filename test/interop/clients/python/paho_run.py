"""paho-mqtt: 3.1.1 and 5.0, every QoS, a will, retained messages, a session that lasts, a shared subscription."""
import os
import queue
from urllib.parse import urlparse

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

address = urlparse(os.environ["MQTT_URL"])


def check(truth, what):
    if not truth:
        raise AssertionError(what)
    print("ok", what, flush=True)


def connected(client_id, protocol, will=None):
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=client_id, protocol=protocol)
    client.username_pw_set("guest", "guest")
    if will is not None:
        client.will_set(*will)
    inbox, subscribed = queue.Queue(), queue.Queue()
    client.on_message = lambda _client, _data, message: inbox.put(message)
    client.on_subscribe = lambda *_: subscribed.put(True)
    client.connect(address.hostname, address.port)
    client.loop_start()
    return client, inbox, subscribed


for name, protocol in (("3.1.1", mqtt.MQTTv311), ("5.0", mqtt.MQTTv5)):
    client, inbox, subscribed = connected(f"paho-{name}", protocol)
    # A dot in a topic comes back as a slash: the name of the version stays out of it.
    prefix = f"paho/{int(protocol)}"
    client.subscribe(f"{prefix}/#", 2)
    subscribed.get(timeout=10)
    for qos in (0, 1, 2):
        client.publish(f"{prefix}/{qos}", f"hello {qos}", qos).wait_for_publish(10)
    got = [inbox.get(timeout=10) for _ in range(3)]
    check([(m.topic, m.qos) for m in got] == [(f"{prefix}/{q}", q) for q in (0, 1, 2)], f"paho {name}: every QoS")
    client.disconnect()
    client.loop_stop()

listener, inbox, subscribed = connected("paho-listener", mqtt.MQTTv5)
listener.subscribe("paho-will", 1)
subscribed.get(timeout=10)
rude, _, _ = connected("paho-rude", mqtt.MQTTv5, ("paho-will", "bye", 1))
rude.subscribe("nothing")
properties = Properties(PacketTypes.PUBLISH)
properties.UserProperty = ("a", "b")
rude.publish("paho-kept", "kept", 1, retain=True, properties=properties).wait_for_publish(10)
rude.loop_stop()
rude.socket().close()
check(inbox.get(timeout=10).payload == b"bye", "paho: a will")
listener.subscribe("paho-kept/#", 1)
kept = inbox.get(timeout=10)
check(kept.retain and kept.properties.UserProperty == [("a", "b")], "paho: a retained message by wildcard")
listener.publish("paho-kept", b"", 1, retain=True).wait_for_publish(10)
listener.disconnect()
listener.loop_stop()


def lasting(client_id):
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5)
    client.username_pw_set("guest", "guest")
    inbox, subscribed, present = queue.Queue(), queue.Queue(), queue.Queue()
    client.on_message = lambda _client, _data, message: inbox.put(message)
    client.on_subscribe = lambda *_: subscribed.put(True)
    client.on_connect = lambda _client, _data, flags, *_: present.put(flags.session_present)
    session = Properties(PacketTypes.CONNECT)
    session.SessionExpiryInterval = 60
    client.connect(address.hostname, address.port, clean_start=False, properties=session)
    client.loop_start()
    return client, inbox, subscribed, present.get(timeout=10)


client, _, subscribed, present = lasting("paho-lasting")
client.subscribe("$share/paho/lasting/#", 2)
subscribed.get(timeout=10)
client.subscribe("own/#", 2)
subscribed.get(timeout=10)
client.disconnect()
client.loop_stop()
publisher, _, _ = connected("paho-publisher", mqtt.MQTTv5)
expiring = Properties(PacketTypes.PUBLISH)
expiring.MessageExpiryInterval = 100
for i in range(5):
    publisher.publish(f"own/{i}", f"{i}", 2, properties=expiring).wait_for_publish(10)
    publisher.publish(f"lasting/{i}", f"{i}", 2).wait_for_publish(10)
publisher.disconnect()
publisher.loop_stop()
client, inbox, _, present = lasting("paho-lasting")
got = [inbox.get(timeout=10) for _ in range(10)]
own = [m for m in got if m.topic.startswith("own/")]
check(present and [m.topic for m in own] == [f"own/{i}" for i in range(5)], "paho: a session that lasts")
check(len(got) - len(own) == 5 and all(m.properties.MessageExpiryInterval <= 100 for m in own), "paho: shared, expiry")
client.unsubscribe("$share/paho/lasting/#")
client.disconnect()
client.loop_stop()
