# SPDX-License-Identifier: LGPL-2.1-or-later
"""What happens when the broker is gone, full or unkind, and when a server ends; one case each."""
import os
import subprocess
import threading
import time

from programs import MIB, Skipped, expect, wait_until


def record(bench, bucket, key):
    with bench.nats() as nats:
        return nats.value(bucket, key)


def tasks(bench):
    with bench.nats() as nats:
        return nats.stream("ANIME_TASKS")["messages"]


def painted(worker):
    return worker.metrics().get('anime_cache_requests_total{result="miss"}', 0)


def refused_at_once(bench, front, photo, code, seconds):
    """The last of five refusals of a photo with this code. Each comes without waiting for anything, so the quickest is
    quick also where the machine has others to serve."""
    times = []
    for _ in range(5):
        begin = time.monotonic()
        status, problem = front.submit(photo)
        times.append(time.monotonic() - begin)
        expect(status == 503 and problem["code"] == code, f"{status} {problem}")
    expect(min(times) <= seconds, f"refused after {min(times):.3f} s")
    bench.figures["refused: " + code] = f"{min(times) * 1000:.0f} to {max(times) * 1000:.0f} ms"
    return problem


def a_broker_that_is_not_there_yet(bench):
    broker = bench.broker()
    broker.kill()
    front = bench.front(ready=False)
    worker = bench.worker(ready=False)
    front.await_log("can't be reached")
    wait_until("the models", lambda: front.request("GET", "/v1/limits")[2].find(b'"ready":true') > 0)
    for port in (front.port, front.metrics_port):
        status, problem = front.json("GET", "/readyz", port=port)
        expect(status == 503 and problem["code"] == "broker-gone", f"not ready: {status} {problem}")
    refused_at_once(bench, front, bench.photo(), "broker-gone", 0.2)
    expect(front.request("GET", "/livez")[0] == 200, "it is alive all the same")
    broker.start()
    begin = time.monotonic()
    front.await_ready()
    bench.figures["front ready after the broker is there"] = f"{time.monotonic() - begin:.2f} s"
    worker.await_ready()
    expect(front.finished(front.job(bench.photo()))["state"] == "succeeded", "done")


def a_broker_that_goes_and_comes_back(bench):
    broker = bench.broker()
    front = bench.front()
    worker = bench.worker()
    waiting = front.job(bench.photo(seconds=3), "slow")
    wait_until("the job to run", lambda: front.state(waiting) == "running")
    broker.kill()
    front.await_log("the broker is gone")
    refused_at_once(bench, front, bench.photo(), "broker-gone", 0.2)
    expect(not front.ready(), "the front is not ready")
    wait_until("the worker to know", lambda: not worker.ready())
    time.sleep(3)
    broker.start()
    begin = time.monotonic()
    wait_until("a photo to be taken", lambda: front.submit(bench.photo())[0] in (200, 202))
    took = time.monotonic() - begin
    expect(took <= 5, f"usable {took:.2f} s after the broker is back")
    expect(front.finished(waiting)["state"] == "succeeded", "what ran when it went is done")
    bench.figures["usable after it is back"] = f"{took:.2f} s"


def a_full_queue(bench):
    bench.broker()
    front = bench.front("--queue-size=3", "--workers=1")
    jobs = [front.job(bench.photo()) for _ in range(4)]
    photo = bench.photo()
    problem = refused_at_once(bench, front, photo, "queue-full", 0.1)
    expect(problem["retry_after"] > 0 and problem["limit"] == 4, f"with the limit: {problem}")
    expect(tasks(bench) == 4, "nothing of it stays")
    worker = bench.worker()
    expect(all(front.finished(job)["state"] == "succeeded" for job in jobs), "those that were in it are done")
    document = front.finished(front.job(photo))
    expect(document["state"] == "succeeded" and document["cache"] == "miss", f"and now it fits: {document}")
    expect(painted(worker) == 5, f"each once: {painted(worker)}")


def duplicates_are_painted_once(bench):
    bench.broker()
    fronts = [bench.front(), bench.front()]
    workers = [bench.worker(), bench.worker()]
    photo = bench.photo(seconds=0.5)
    jobs, lock = [], threading.Lock()

    def send(front):
        job = front.job(photo, "slow")
        with lock:
            jobs.append((front, job))
    senders = [threading.Thread(target=send, args=(fronts[i % 2],)) for i in range(10)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    documents = [front.finished(job) for front, job in jobs]
    expect(len(jobs) == 10 and all(d["state"] == "succeeded" for d in documents), f"{documents}")
    expect(sum(painted(worker) for worker in workers) == 1, "painted once for all")


def a_photo_sent_again_after_a_cancel(bench):
    bench.broker()
    fronts = [bench.front(), bench.front()]
    photo = bench.photo(seconds=4)
    waiting = fronts[0].job(photo, "slow")
    expect(tasks(bench) == 1, "it waits")
    status, document = fronts[1].json("DELETE", f"/v1/jobs/{waiting}")
    expect(status == 200 and document["state"] == "cancelled", f"another front cancels it: {status} {document}")
    wait_until("it to leave the queue", lambda: tasks(bench) == 0)
    wait_until("the first front to know", lambda: fronts[0].state(waiting) == "cancelled")
    again = fronts[0].job(photo, "slow")
    worker = bench.worker()
    wait_until("the job to run", lambda: fronts[0].state(again) == "running")
    begin = time.monotonic()
    fronts[0].json("DELETE", f"/v1/jobs/{again}")
    wait_until("the worker to stop", lambda: worker.metrics()["anime_workers_busy"] == 0)
    expect(time.monotonic() - begin < 3, "it did not paint to the end")
    wait_until("the queue to be empty", lambda: tasks(bench) == 0)
    last = fronts[1].job(photo, "slow")
    expect(fronts[1].finished(last)["state"] == "succeeded", "a third time, it is painted")
    expect(fronts[0].state(again) == "cancelled" and fronts[0].state(waiting) == "cancelled", "the others stay so")


def one_of_two_cancels(bench):
    bench.broker()
    fronts = [bench.front(), bench.front()]
    photo = bench.photo(seconds=0.5)
    first, second = fronts[0].job(photo, "slow"), fronts[1].job(photo, "slow")
    fronts[0].json("DELETE", f"/v1/jobs/{first}")
    bench.worker()
    expect(fronts[1].finished(second)["state"] == "succeeded", "the other one is painted")
    expect(fronts[1].state(first) == "cancelled", "and every front knows that this one was cancelled")


def results_and_jobs_expire(bench):
    bench.broker()
    front = bench.front("--job-ttl=5", "--cache-age=3")
    other = bench.front("--job-ttl=5", "--cache-age=3")
    worker = bench.worker()
    photo = bench.photo()
    job = front.job(photo)
    expect(front.finished(job)["state"] == "succeeded", "done")
    expect(other.request("GET", f"/v1/jobs/{job}/result")[0] == 200, "fetched from the other front")
    wait_until("the job to be forgotten", lambda: front.request("GET", f"/v1/jobs/{job}")[0] == 404)
    wait_until("the other to forget it", lambda: other.request("GET", f"/v1/jobs/{job}/result")[0] in (404, 410))
    expect(other.finished(other.job(photo))["state"] == "succeeded", "painted anew")
    expect(painted(worker) == 2, "as nobody had it any more")


def a_disk_that_is_full(bench):
    folder = os.path.join(bench.folder, "small")
    os.makedirs(folder)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", folder], capture_output=True,
                      check=False).returncode:
        raise Skipped("a file system of 24 MiB can only be made by root")
    try:
        broker = bench.broker(store=os.path.join(folder, "store"))
        front = bench.front("--max-pending-bytes=268435456")
        jobs, refused = [], None
        for _ in range(10):
            status, answer = front.submit(bench.photo(5 * MIB))
            if status != 202:
                refused = status, answer
                break
            jobs.append(answer["id"])
        expect(refused and refused[0] == 503, f"refused: {refused}, after {len(jobs)}")
        expect(refused[1]["code"] in ("broker-full", "broker-gone"), f"and why: {refused}")
        expect(len(jobs) >= 2, "those before were taken")
        expect(front.request("GET", "/livez")[0] == 200, "it goes on")
        # Room again: the operator gives it.
        subprocess.run(["mount", "-o", "remount,size=512m", folder], check=True)
        broker.kill()  # with a full disk it does not end by itself
        broker.start()
        bench.worker()
        front.await_ready()
        expect(all(front.finished(job)["state"] == "succeeded" for job in jobs), "what was taken is done")
        expect(front.finished(front.job(bench.photo(5 * MIB)))["state"] == "succeeded", "and new ones too")
    finally:
        for broker in bench.brokers:
            broker.kill()
        subprocess.run(["umount", folder], check=False)


def a_front_that_dies_before_it_publishes(bench):
    broker = bench.broker()
    held = threading.Event()

    def decide(subject, _):
        if subject.startswith("anime.task."):
            held.set()
            return False
        return True
    doomed = bench.front(url=broker.url("front", port=bench.proxy(decide).port))
    other = bench.front()
    photo = bench.photo(seconds=0.3)
    sender = threading.Thread(target=doomed.submit, args=(photo, "slow"))
    sender.start()
    expect(held.wait(60), "the task is about to be published")
    with bench.nats() as nats:
        key = nats.ask("STREAM.INFO.KV_anime-state", subjects_filter=">")["state"]["subjects"]
    job = record(bench, "anime-state", list(key)[0].split(".")[-1])["jobs"][0]
    doomed.kill()
    sender.join()
    expect(other.state(job) == "queued", "another front knows the job")
    bench.worker()
    again = other.job(photo, "slow")
    expect(other.finished(again)["state"] == "succeeded", "sent again there, it is painted")
    expect(other.finished(job)["state"] == "succeeded", "and the first is done with it")


def what_the_broker_forgot_is_told_again(bench):
    broker = bench.broker()
    front = bench.front()
    job = front.job(bench.photo())
    key = record(bench, "anime-jobs", job)["key"]
    with bench.nats() as nats:
        nats.ask("STREAM.PURGE.ANIME_TASKS")
        nats.forget("anime-state", key)
        nats.forget("anime-jobs", job)
    broker.kill()
    broker.start()
    front.await_ready()
    other = bench.front()
    bench.worker()
    expect(front.finished(job)["state"] == "succeeded", "painted all the same")
    expect(other.finished(job)["state"] == "succeeded", "and known to others again")


def a_worker_with_other_models_takes_nothing(bench):
    bench.broker()
    changed = os.path.join(bench.folder, "changed")
    os.makedirs(changed)
    for name in os.listdir(bench.pipelines):
        with open(os.path.join(bench.pipelines, name), encoding="utf-8") as file:
            text = file.read()
        with open(os.path.join(changed, name), "w", encoding="utf-8") as file:
            file.write(text.replace("jpegenc", "jpegenc quality=50"))
    front = bench.front()
    stranger = bench.worker(pipelines=changed)
    job = front.job(bench.photo())
    time.sleep(1.5)
    expect(front.state(job) == "queued" and painted(stranger) == 0, "it waits for its own")
    upgraded = bench.front(pipelines=changed)
    expect(upgraded.finished(upgraded.job(bench.photo()))["state"] == "succeeded", "the new front has a worker")
    bench.worker()
    expect(front.finished(job)["state"] == "succeeded", "and the old one, once one of its is there")


def certificates(folder):
    """A small authority: ca, a server's certificate for 127.0.0.1, a client's; one of a stranger's authority."""
    def run(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
    for ca in ("ca", "stranger"):
        run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{ca}.key", "-out", f"{ca}.pem", "-days", "2",
            "-subj", f"/CN={ca}")
    with open(os.path.join(folder, "names"), "w", encoding="ascii") as file:
        file.write("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    for name, ca in (("broker", "ca"), ("client", "ca"), ("intruder", "stranger")):
        run("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj",
            f"/CN={name}")
        run("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial", "-out",
            f"{name}.pem", "-days", "2", "-extfile", "names")


def says_no(program, *words):
    """It ended with 1, and said why."""
    code = program.process.wait(60)
    for reader in program.readers:
        reader.join()
    said = "".join(program.errors)
    expect(code == 1, f"{program.name} ended with {code}: {said}")
    expect(all(word in said for word in words), f"it said: {said}")
    expect("secret" not in said and not any("secret" in line for line in program.lines), "and no password")


def a_wrong_password_or_certificate_is_said_at_start(bench):
    folder = os.path.join(bench.folder, "tls")
    os.makedirs(folder)
    certificates(folder)
    broker = bench.broker()
    for start, user in ((bench.front, "front"), (bench.worker, "worker")):
        says_no(start(url=broker.url(user, "secret-but-wrong"), ready=False), "refuses this user or password",
                "--broker")
    tls = bench.broker(tls=f"""tls {{ cert_file: "{folder}/broker.pem", key_file: "{folder}/broker.key"
        ca_file: "{folder}/ca.pem", verify: true, timeout: 5 }}""")
    ca = f"--broker-ca={folder}/ca.pem"
    mine = [f"--broker-certificate={folder}/client.pem", f"--broker-key={folder}/client.key"]
    says_no(bench.front(ca, url=tls.url("front"), ready=False), "TLS with the broker")
    says_no(bench.worker(f"--broker-ca={folder}/stranger.pem", *mine, url=tls.url("worker"), ready=False),
            "TLS with the broker", "--broker-ca")
    says_no(bench.front(ca, f"--broker-certificate={folder}/intruder.pem", f"--broker-key={folder}/intruder.key",
                        url=tls.url("front"), ready=False), "TLS with the broker")
    says_no(bench.front(f"--broker-ca={folder}/none.pem", url=tls.url("front"), ready=False), "none.pem")
    front = bench.front(ca, *mine, url=tls.url("front"))
    bench.worker(ca, *mine, url=tls.url("worker"))
    expect(front.finished(front.job(bench.photo()))["state"] == "succeeded", "with the right ones it works")


def a_right_that_is_missing_is_said_at_start(bench):
    broker = bench.broker(extra="""
accounts { SMALL { jetstream: enabled, users: [ { user: small, password: small-secret, permissions {
    publish { allow: ["$JS.API.STREAM.CREATE.ANIME_TASKS", "$JS.API.STREAM.UPDATE.ANIME_TASKS"] }
    subscribe { allow: ["_INBOX_front.>"] } } } ] } }""")
    url = f"nats://small:small-secret@127.0.0.1:{broker.port}"
    says_no(bench.front(url=url, ready=False), "$JS.API.STREAM.CREATE.ANIME_DEAD", "packaging/nats")


def a_worker_that_is_told_to_end_finishes_or_gives_back(bench):
    bench.broker()
    front = bench.front()
    first = bench.worker()
    short = front.job(bench.photo(seconds=1), "slow")
    wait_until("the job to run", lambda: front.state(short) == "running")
    expect(first.stop() == 0, "it ends in order")
    expect(front.finished(short)["state"] == "succeeded", "and has finished what it had")
    hasty = bench.worker("--drain-timeout=1")
    long = front.job(bench.photo(seconds=8), "slow")
    wait_until("the job to run", lambda: front.state(long) == "running")
    begin = time.monotonic()
    expect(hasty.stop() == 0 and time.monotonic() - begin < 6, "it ends when its time is over")
    hasty.await_log("given back to the queue")
    other = bench.worker()
    expect(front.finished(long)["state"] == "succeeded", "another has done it")
    expect(painted(other) == 1, "from the start")
    key = record(bench, "anime-jobs", long)["key"]
    expect(record(bench, "anime-state", key)["attempts"] == 1, "and giving back is no failed attempt")


def a_front_that_is_told_to_end_leaves_its_jobs(bench):
    bench.broker()
    leaving, staying = bench.front(), bench.front()
    bench.worker()
    jobs = [leaving.job(bench.photo(seconds=2), "slow") for _ in range(4)]
    begin = time.monotonic()
    expect(leaving.stop() == 0 and time.monotonic() - begin < 6, "it ends at once and in order")
    expect(all(staying.finished(job)["state"] == "succeeded" for job in jobs), "the others know its jobs")


def the_same_request_id_on_every_host(bench):
    bench.broker()
    front = bench.front()
    worker = bench.worker()
    status, job = front.json("POST", "/v1/jobs", b"no photo at all",
                             {"Content-Type": "image/jpeg", "X-Request-Id": "follow-me-42"})
    expect(status in (200, 202), f"{status} {job}")  # 200 where it has failed already
    document = front.finished(job["id"])
    expect(document["state"] == "failed" and document["error"]["request_id"] == "follow-me-42", f"{document}")
    expect(document["error"]["status"] in (422, 415), f"{document}")
    front.await_log("handed to the broker", request_id="follow-me-42")
    failure = worker.await_log("", request_id="follow-me-42", layer="failure")
    expect(failure["code"] == document["error"]["code"], f"{failure}")


MORE = [
    a_broker_that_is_not_there_yet,
    a_broker_that_goes_and_comes_back,
    a_full_queue,
    duplicates_are_painted_once,
    a_photo_sent_again_after_a_cancel,
    one_of_two_cancels,
    results_and_jobs_expire,
    a_disk_that_is_full,
    a_front_that_dies_before_it_publishes,
    what_the_broker_forgot_is_told_again,
    a_worker_with_other_models_takes_nothing,
    a_wrong_password_or_certificate_is_said_at_start,
    a_right_that_is_missing_is_said_at_start,
    a_worker_that_is_told_to_end_finishes_or_gives_back,
    a_front_that_is_told_to_end_leaves_its_jobs,
    the_same_request_id_on_every_host,
]

