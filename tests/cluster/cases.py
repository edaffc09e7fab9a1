# SPDX-License-Identifier: LGPL-2.1-or-later
"""What happens to jobs when a machine of the cluster dies, hangs or is cut off, one case each."""
import signal
import threading
import time

from programs import MIB, expect, wait_until
from more_cases import MORE


def key_of(bench, job):
    """A job's cache key, as its record has it."""
    with bench.nats() as nats:
        return nats.value("anime-jobs", job)["key"]


def work_of(bench, job):
    key = key_of(bench, job)
    with bench.nats() as nats:
        return nats.value("anime-state", key)


def queue_is_empty(bench):
    def empty():
        with bench.nats() as nats:
            return nats.stream("ANIME_TASKS")["messages"] == 0
    wait_until("the queue to be empty", empty)


def painted(worker):
    """Pictures that it began to paint."""
    return worker.metrics().get('anime_cache_requests_total{result="miss"}', 0)


def holding(subject, words=b""):
    """For a proxy: stands still at the first message to `subject` with `words` in it; an event tells of it."""
    held = threading.Event()

    def decide(to, data):
        if to.startswith(subject) and words in data:
            held.set()
            return False
        return True
    return decide, held


def any_front_knows_every_job(bench):
    bench.broker()
    first, second = bench.front(), bench.front()
    worker = bench.worker()
    photo = bench.photo(seconds=3)
    job = first.job(photo, "slow", key="once")
    expect(second.state(job) in ("queued", "running"), "the other front knows the job")
    status, again = second.submit(photo, "slow", key="once")
    expect(again.get("id") == job, f"the same Idempotency-Key at another front: {status} {again}")
    status, other = second.submit(bench.photo(seconds=1.5), "slow", key="once")
    expect(status == 422 and other["code"] == "idempotency-mismatch", f"another photo with it: {status} {other}")
    shared = second.job(photo, "slow")
    document = second.finished(shared)
    expect(document["state"] == "succeeded" and document["cache"] == "shared", f"joined: {document}")
    expect(second.finished(job)["state"] == "succeeded", "the first job is done")
    answers = [front.request("GET", f"/v1/jobs/{job}/result") for front in (first, second)]
    expect(answers[0][0] == answers[1][0] == 200 and answers[0][2] == answers[1][2], f"both have it: {answers}")
    expect(painted(worker) == 1, f"painted once: {painted(worker)}")
    document = first.finished(first.job(photo, "slow"))
    expect(document["cache"] == "hit" and painted(worker) == 1, f"known: {document}")
    request_id = second.json("GET", f"/v1/jobs/{job}")[1]["request_id"]
    first.await_log("handed to the broker", request_id=request_id)
    expect(first.metrics()["anime_broker_connected"] == 1, "a metric says that the broker is there")


def events_come_from_any_front(bench):
    bench.broker()
    first, second = bench.front(), bench.front()
    bench.worker()
    job = first.job(bench.photo(seconds=3), "slow")
    status, headers, body = second.request("GET", f"/v1/jobs/{job}/events")
    text = body.decode()
    expect(status == 200 and headers["content-type"] == "text/event-stream", f"{status} {headers}")
    expect('"state":"running"' in text and "event: done" in text and '"state":"succeeded"' in text, text)


def a_worker_dies_before_the_result(bench):
    bench.broker()
    front = bench.front()
    workers = [bench.worker(), bench.worker()]
    job = front.job(bench.photo(seconds=3), "slow")
    wait_until("the job to run", lambda: front.state(job) == "running")
    working = work_of(bench, job)["worker"]
    doomed, other = sorted(workers, key=lambda worker: not working.endswith(f"-{worker.pid}"))
    doomed.kill()
    killed = time.monotonic()
    wait_until("another worker to take it", lambda: painted(other) == 1)
    took = time.monotonic() - killed
    # As quick as that on a machine of its own; ten times as long would be another way to find out.
    expect(took <= 10 * bench.ack_wait, f"redelivered after {took:.2f} s, ack-wait is {bench.ack_wait} s")
    expect(front.finished(job)["state"] == "succeeded", "done")
    expect(other.metrics()["anime_worker_redelivered_total"] == 1, "the worker counts it")
    queue_is_empty(bench)
    bench.figures["redelivery"] = f"{took:.2f} s"


def a_worker_dies_between_result_and_state(bench):
    broker = bench.broker()
    front = bench.front()
    decide, held = holding("$KV.anime-state.", b'"succeeded"')
    doomed = bench.worker(url=broker.url("worker", port=bench.proxy(decide).port))
    job = front.job(bench.photo())
    expect(held.wait(60), "the worker came to the final state")
    doomed.kill()
    other = bench.worker()
    document = front.finished(job)
    expect(document["state"] == "succeeded", f"done: {document}")
    expect(painted(other) == 0, "the picture that was there is used")
    other.await_log("no need to paint")
    queue_is_empty(bench)


def a_worker_dies_between_state_and_ack(bench):
    broker = bench.broker()
    front = bench.front()
    decide, held = holding("$JS.ACK.", b"+ACK")
    doomed = bench.worker(url=broker.url("worker", port=bench.proxy(decide).port))
    job = front.job(bench.photo())
    expect(held.wait(60), "the worker came to the acknowledgement")
    doomed.kill()
    expect(front.finished(job)["state"] == "succeeded", "done")
    before = work_of(bench, job)
    other = bench.worker()
    queue_is_empty(bench)
    expect(work_of(bench, job) == before and painted(other) == 0, "acknowledged, and nothing else")


def a_worker_that_slept_does_no_harm(bench):
    bench.broker()
    front = bench.front()
    sleeper = bench.worker()
    job = front.job(bench.photo(seconds=3), "slow")
    wait_until("the job to run", lambda: front.state(job) == "running")
    sleeper.signal(signal.SIGSTOP)
    other = bench.worker()
    try:
        expect(front.finished(job)["state"] == "succeeded", "another has done it")
        before = work_of(bench, job)
        expect(before["worker"].endswith(f"-{other.pid}"), f"the other: {before}")
    finally:
        sleeper.signal(signal.SIGCONT)
    queue_is_empty(bench)
    wait_until("the rest of its picture", lambda: sleeper.metrics()["anime_workers_busy"] == 0)
    expect(work_of(bench, job) == before, "the first final state stays")
    expect(front.finished(front.job(bench.photo()))["state"] == "succeeded", "and both go on")


def a_photo_that_kills_workers_is_put_aside(bench):
    bench.broker()
    front = bench.front()
    photo = bench.photo(seconds=5)
    job = front.job(photo, "slow")
    for attempt in range(3):
        doomed = bench.worker()
        wait_until(f"attempt {attempt + 1}", lambda: work_of(bench, job)["attempts"] == attempt + 1)
        doomed.kill()
    bench.worker()
    document = front.finished(job)
    expect(document["state"] == "failed" and document["error"]["code"] == "worker-lost", f"{document}")
    with bench.nats() as nats:
        expect(nats.stream("ANIME_DEAD")["messages"] == 1, "it is kept for the operator")
    queue_is_empty(bench)
    wait_until("the metric", lambda: front.metrics()['anime_broker_tasks{state="dead"}'] == 1)
    expect(front.finished(front.job(bench.photo()))["state"] == "succeeded", "others go on")


def a_long_job_is_delivered_once(bench):
    bench.broker()
    front = bench.front()
    workers = [bench.worker(), bench.worker()]
    job = front.job(bench.photo(seconds=11), "slow")
    document = front.finished(job)
    expect(document["state"] == "succeeded", f"done: {document}")
    expect(document["timings"]["total"] > 10 * 1000 * bench.ack_wait, f"it took long: {document['timings']}")
    expect([painted(w) for w in workers] in ([0, 1], [1, 0]), "once")
    expect(all(w.metrics().get("anime_worker_redelivered_total", 0) == 0 for w in workers), "one delivery")


def nothing_is_lost_when_broker_and_workers_die(bench, jobs=100):
    broker = bench.broker()
    front = bench.front("--queue-size=1000", "--deadline=120", "--max-pending-bytes=268435456")
    workers = [bench.worker(), bench.worker()]
    ids, lock = [], threading.Lock()

    def send(count):
        for _ in range(count):
            photo = bench.photo()
            while True:
                status, job = front.submit(photo, "slow")
                if status in (200, 202):
                    break
                time.sleep(0.05)
            with lock:
                ids.append(job["id"])
    senders = [threading.Thread(target=send, args=(jobs // 4,)) for _ in range(4)]
    for sender in senders:
        sender.start()
    for round_ in range(3):
        at = (2 * round_ + 1) * jobs // 7
        wait_until("some jobs", lambda: len(ids) >= at or not any(s.is_alive() for s in senders), 60)
        broker.kill()
        time.sleep(0.2)
        broker.start()
        wait_until("more jobs", lambda: len(ids) >= at + jobs // 7 or not any(s.is_alive() for s in senders), 60)
        workers[0].kill()
        workers = [workers[1], bench.worker(ready=False)]
    for sender in senders:
        sender.join()
    documents = [front.finished(job, 90) for job in ids]
    states = [d["state"] for d in documents]
    expect(len(ids) == len(set(ids)) == jobs // 4 * 4, f"{len(ids)} jobs")
    expect(states.count("succeeded") == len(ids), f"lost: {[d for d in documents if d['state'] != 'succeeded'][:3]}")
    queue_is_empty(bench)
    again = sum(1 for job in ids if work_of(bench, job)["attempts"] > 1)
    bench.figures["broker and workers killed three times"] = f"{len(ids)} of {len(ids)} done, {again} begun twice"
    # Each of the three workers that were killed had one job in hand.
    expect(again <= max(3, len(ids) * 2 // 100), f"{again} of {len(ids)} were begun twice")


def the_broker_dies_while_a_photo_is_sent(bench):
    broker = bench.broker()
    died = threading.Event()

    def decide(subject, _):
        if subject.startswith("anime.task.") and not died.is_set():
            died.set()
            broker.kill()
            threading.Timer(0.5, broker.start).start()
        return True
    front = bench.front(url=broker.url("front", port=bench.proxy(decide).port))
    worker = bench.worker()
    begin = time.monotonic()
    job = front.job(bench.photo(5 * MIB))
    took = time.monotonic() - begin
    expect(died.is_set() and took < 10, f"accepted after {took:.1f} s")
    expect(front.finished(job)["state"] == "succeeded", "done")
    expect(painted(worker) == 1, "once")
    queue_is_empty(bench)


CASES = [
    any_front_knows_every_job,
    events_come_from_any_front,
    a_worker_dies_before_the_result,
    a_worker_dies_between_result_and_state,
    a_worker_dies_between_state_and_ack,
    a_worker_that_slept_does_no_harm,
    a_photo_that_kills_workers_is_put_aside,
    a_long_job_is_delivered_once,
    nothing_is_lost_when_broker_and_workers_die,
    the_broker_dies_while_a_photo_is_sent,
    *MORE,
]
