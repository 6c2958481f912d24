"""Runs Celery's Flower and `celery events` beside a worker: workers, tasks and queues must be listed, events must come."""
import base64
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
# Flower looks for a virtual host of the name in the address as it stands there.
os.environ["AMQP_URL"] = os.environ["AMQP_URL"].replace("/%2f", "//")
from celery_app import add

HERE = os.path.dirname(os.path.abspath(__file__))
MANAGEMENT = os.environ["MANAGEMENT_URL"].replace("http://", "http://guest:guest@") + "/api/"
WAIT_SECONDS = 60


def check(truth, what):
    if not truth:
        raise AssertionError(what)
    print("ok", what, flush=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(*words, **options):
    return subprocess.Popen([sys.executable, "-m", "celery", "-A", "celery_app", *words], cwd=HERE, **options)


def ask(path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as reply:
        return reply.read().decode()


def until(question, what):
    """Asks until the answer is true; says the last answer when it never is."""
    deadline = time.time() + WAIT_SECONDS
    answer = None
    while time.time() < deadline:
        try:
            answer = question()
            if answer:
                return check(True, what)
        except OSError as error:
            answer = error
        time.sleep(0.2)
    raise AssertionError(f"{what}: {answer}")


port = free_port()
os.environ.update(FLOWER_UNAUTHENTICATED_API="true", PYTHONUNBUFFERED="1")
# Of the pool of threads, some events are lost on their way to the broker.
worker = start("worker", "-E", "--loglevel=warning", "--concurrency=2", "--pool=prefork")
flower = start("flower", f"--port={port}", "--address=127.0.0.1", f"--broker_api={MANAGEMENT}", "--logging=warning")
dump = start("events", "--dump", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
try:
    until(lambda: len(json.loads(ask("/api/workers?refresh=1"))) == 1, "Flower lists the worker")
    results = [add.delay(i, i) for i in range(20)]
    check([result.get(timeout=60) for result in results] == [2 * i for i in range(20)], "tasks run while they are watched")

    def succeeded():
        tasks = json.loads(ask("/api/tasks?limit=100"))
        return sum(task["state"] == "SUCCESS" for task in tasks.values()) == len(results)

    until(succeeded, "Flower saw every task end")

    def depths():
        queues = json.loads(ask("/api/queues/length"))["active_queues"]
        return [(queue["name"], queue["messages"]) for queue in queues] == [("py-celery", 0)]

    until(depths, "Flower reads the depth of the queue from the management API")
    check("py-celery" in ask("/broker"), "its page of the broker shows the queue")
    seen = set()
    for line in dump.stdout:
        seen.update(kind for kind in ("task received", "task started", "task succeeded", "heartbeat") if kind in line)
        if len(seen) == 4:
            break
    check(len(seen) == 4, "celery events dumps the events of tasks and workers")
finally:
    for process in (dump, flower, worker):
        process.terminate()
        process.wait(20)
