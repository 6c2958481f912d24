"""Runs a real Celery worker on 1,000 tasks with results, retries and an ETA task."""
import os
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from celery_app import add, app, flaky, now


def check(truth, what):
    if not truth:
        raise AssertionError(what)
    print("ok", what, flush=True)


worker = subprocess.Popen(
    [sys.executable, "-m", "celery", "-A", "celery_app", "worker", "--loglevel=warning", "--concurrency=2", "--pool=threads"],
    cwd=os.path.dirname(os.path.abspath(__file__)))
try:
    results = [add.delay(i, i) for i in range(1000)]
    check([r.get(timeout=60) for r in results] == [2 * i for i in range(1000)], "1,000 tasks with results")
    check(flaky.delay(2).get(timeout=20) == 2, "a task that retries twice")
    eta = datetime.now(timezone.utc) + timedelta(seconds=1.5)
    check(now.apply_async(eta=eta).get(timeout=20) >= eta.timestamp(), "an ETA task runs no earlier than asked")
    pong = app.control.ping(timeout=3)
    check(len(pong) == 1, "remote control by fanout answers")
finally:
    worker.terminate()
    worker.wait(20)
