"""The Celery application that celery_run.py drives: results by RPC, retries, an ETA task."""
import os
import time
from celery import Celery

app = Celery("interop", broker=os.environ["AMQP_URL"], backend="rpc://")
app.conf.update(
    task_default_queue="py-celery",
    result_expires=60,
    worker_prefetch_multiplier=4,
    task_acks_late=True,
    broker_connection_retry_on_startup=True,
)


@app.task
def add(a, b):
    return a + b


@app.task(bind=True, max_retries=3)
def flaky(self, fail_times):
    if self.request.retries < fail_times:
        raise self.retry(countdown=0.05)
    return self.request.retries


@app.task
def now():
    return time.time()
