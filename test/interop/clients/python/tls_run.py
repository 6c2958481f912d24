"""pika over TLS: the broker's certificate is verified, the user comes from ours, and who shows none is refused."""
import os
import ssl
import pika

FOLDER = os.environ["TLS_FOLDER"]
PORT = int(os.environ["AMQPS_PORT"])


def check(truth, what):
    if not truth:
        raise AssertionError(what)
    print("ok", what, flush=True)


def context(with_certificate=True, version=None):
    made = ssl.create_default_context(cafile=f"{FOLDER}/ca.pem")
    if with_certificate:
        made.load_cert_chain(f"{FOLDER}/client.pem", f"{FOLDER}/client-key.pem")
    if version is not None:
        made.minimum_version = made.maximum_version = version
    return made


def connect(tls, credentials):
    return pika.BlockingConnection(pika.ConnectionParameters(
        host="localhost", port=PORT, credentials=credentials,
        ssl_options=pika.SSLOptions(tls, "localhost"),
    ))


def refused(tls, credentials):
    try:
        connect(tls, credentials).close()
    except Exception:  # what exactly differs by version of TLS
        return True
    return False


external = pika.credentials.ExternalCredentials()
for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
    connection = connect(context(version=version), external)
    channel = connection.channel()
    channel.confirm_delivery()
    channel.queue_declare(queue="py-tls")
    body = os.urandom(300_000)
    channel.basic_publish(exchange="", routing_key="py-tls", body=body)
    _method, _properties, got = channel.basic_get("py-tls", auto_ack=True)
    check(got == body, f"EXTERNAL, publish and get over {version.name}")
    channel.queue_delete("py-tls")
    connection.close()

guest = pika.PlainCredentials("guest", "guest")
connection = connect(context(), guest)
check(connection.is_open, "PLAIN with a client certificate")
connection.close()
check(refused(context(with_certificate=False), guest), "no client certificate, no connection")
untrusting = ssl.create_default_context()
check(refused(untrusting, guest), "the client does not trust an authority it does not know")
