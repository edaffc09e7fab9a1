# SPDX-License-Identifier: LGPL-2.1-or-later
"""The cases: what is sent, and what has to come of it. Each takes a Bench and returns a line of figures."""
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from harness import MIB, Prober, Server, closed_after, parallel, percentile
from photos import refused, variant

OPEN = ["--rate=100000", "--burst=100000", "--queue-size=128"]  # rates have cases of their own


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


def expect(condition, text):
    if not condition:
        raise Failed(text)


class Bench:
    def __init__(self, build, root, photos, long, pipelines):
        self.build, self.root, self.photos, self.long, self.pipelines = build, root, photos, long, pipelines
        self.number = random.getrandbits(48)
        self.lock = threading.Lock()

    def server(self, *options, **more):
        return Server(self.build, self.root, *OPEN, *options, pipelines=self.pipelines, **more)

    def new(self, jpeg):
        with self.lock:
            self.number += 1
            return variant(jpeg, self.number)


def only(server, *allowed):
    bad = {status: n for status, n in server.statuses.items() if status not in allowed}
    expect(not bad, f"answers that should not be: {bad}")


def one_small(bench):
    with bench.server() as server:
        start = time.monotonic()
        status, headers, _ = server.upload(bench.photos.small)
        took = time.monotonic() - start
        expect(status == 200, f"status {status}")
        peak = server.memory("VmHWM")
        expect(peak <= 120, f"peak RSS {peak:.0f} MiB, more than 120")
        return f"{took * 1000:.0f} ms, peak RSS {peak:.0f} MiB (bar 120), {headers.get('X-Processed-Size')}"


def one_large(bench):
    with bench.server(f"--max-bytes={16 * MIB}") as server:
        start = time.monotonic()
        status, headers, body = server.upload(bench.photos.large)
        took = time.monotonic() - start
        expect(status == 200, f"status {status}: {body[:300]}")
        peak = server.memory("VmHWM")
        expect(peak <= 150, f"peak RSS {peak:.0f} MiB, more than 150")
        return (f"{len(bench.photos.large) / 1e6:.1f} MB in {took * 1000:.0f} ms, peak RSS {peak:.0f} MiB "
                f"(bar 150), {headers.get('X-Source-Size')} to {headers.get('X-Processed-Size')}")


def burst_of_five(bench):
    with Server(bench.build, bench.root, pipelines=bench.pipelines) as server:  # the limits as they ship
        def one(i):
            time.sleep(0.5 * i)
            start = time.monotonic()
            return server.upload(bench.new(bench.photos.megabyte))[0], time.monotonic() - start
        results = parallel(5, one)
        expect(all(status == 200 for status, _ in results), f"statuses {[r[0] for r in results]}")
        return (f"5 of 5, slowest {max(t for _, t in results) * 1000:.0f} ms, "
                f"peak RSS {server.memory('VmHWM'):.0f} MiB")


def at_once(count, bar):
    def case(bench):
        with bench.server() as server:
            def one(i):
                start = time.monotonic()
                return server.upload(bench.new(bench.photos.small), client=2 + i % 200)[0], time.monotonic() - start
            results = parallel(count, one)
            good = sum(status == 200 for status, _ in results)
            expect(good == count, f"{good} of {count} succeeded: {server.statuses}")
            peak = server.memory("VmHWM")
            expect(peak <= bar, f"peak RSS {peak:.0f} MiB, more than {bar}")
            times = [t for _, t in results]
            return (f"{good} of {count}, p50 {percentile(times, .5):.2f} s, p95 {percentile(times, .95):.2f} s, "
                    f"peak RSS {peak:.0f} MiB (bar {bar})")
    return case


def alone_per_second(bench):
    """Pictures per second of the pipeline in a loop in one process, without the first ones."""
    runner = os.path.join(bench.build, "pipelines", "anime-run")
    environment = dict(os.environ, GST_PLUGIN_PATH=os.path.join(bench.build, "plugins", "anime"),
                       GST_REGISTRY=os.path.join(bench.build, "load-registry.bin"),
                       ANIME_PIPELINE_PATH=bench.pipelines or os.path.join(bench.root, "pipelines"))

    def seconds(count):
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(f"{folder}/in")
            for i in range(count):
                with open(f"{folder}/in/{i:03}.jpg", "wb") as file:
                    file.write(bench.photos.small)
            start = time.monotonic()
            subprocess.run([runner, "--pipeline", "photo-jpeg", f"{folder}/in", f"{folder}/out"], env=environment,
                           check=True, stdout=subprocess.DEVNULL, timeout=120)
            return time.monotonic() - start
    few, many = 3, 23
    return (many - few) / (seconds(many) - seconds(few))


def throughput(bench):
    if bench.pipelines and not os.path.exists(os.path.join(bench.pipelines, "photo-jpeg.launch")):
        raise Skipped("the other descriptions have no photo-jpeg to compare with")
    alone = alone_per_second(bench)
    seconds = 60 if bench.long else 10
    with bench.server() as server:
        server.upload(bench.new(bench.photos.small))
        prober = Prober(server)
        end = time.monotonic() + seconds
        times = []

        def client(i):
            while time.monotonic() < end:
                start = time.monotonic()
                status, _, _ = server.upload(bench.new(bench.photos.small), client=2 + i)
                expect(status == 200, f"status {status}")
                times.append(time.monotonic() - start)
        start = time.monotonic()
        parallel(16, client)
        served = len(times) / (time.monotonic() - start)
        live = prober.stop()
        only(server, 200)
        expect(served >= 0.9 * alone, f"{served:.1f} a second, less than 90 % of the {alone:.1f} of the loop")
        expect(live <= 0.05, f"p95 of /livez {live * 1000:.0f} ms, more than 50")
        return (f"{served:.1f} pictures/s of 16 clients, the loop alone {alone:.1f}: {served / alone:.0%} (bar 90 %); "
                f"p50 {percentile(times, .5):.2f} s, p95 {percentile(times, .95):.2f} s; "
                f"p95 of /livez {live * 1000:.1f} ms (bar 50)")


def steady_memory(bench):
    """Photos of many sizes: what is kept for each size has to be bounded too."""
    total = 1000 if bench.long else 500
    # The cache is to be full after the first hundred: it may grow to its limit, and is no leak.
    with bench.server(f"--cache-bytes={4 * MIB}") as server:
        def some(count):
            def client(i):
                for n in range(count // 4):
                    photo = bench.photos.sizes[(4 * n + i) % len(bench.photos.sizes)]
                    status, _, _ = server.upload(bench.new(photo), client=2 + i)
                    expect(status == 200, f"status {status}")
            parallel(4, client)
            time.sleep(1)  # free memory goes back once nothing is in hand
        some(100)
        early = server.memory("VmRSS")
        some(total - 100)
        late = server.memory("VmRSS")
        expect(server.statuses == {200: total}, f"statuses {server.statuses}")
        expect(late <= 1.1 * early, f"RSS {early:.0f} MiB after 100, {late:.0f} after {total}: more than 10 % up")
        return f"RSS {early:.0f} MiB after 100, {late:.0f} after {total} ({late / early - 1:+.1%}, bar +10 %)"


def slow_clients(bench):
    head = b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: 100000\r\n\r\n"
    with bench.server() as server:
        start = time.monotonic()
        sockets = []
        for i in range(200):
            sock = server.socket(client=10 + i % 20)
            if i % 4 == 1:
                sock.send(b"POST /upload HT")
            elif i % 4 >= 2:
                sock.send(head)
            sockets.append((i % 4, sock))
        stop = threading.Event()

        def trickle():
            while not stop.wait(1):
                for kind, sock in sockets:
                    try:
                        if kind == 1:
                            sock.send(b"X")
                        elif kind == 3:
                            sock.send(b"\xff")
                    except OSError:
                        pass  # cut off by the server, which is the point
        trickler = threading.Thread(target=trickle)
        trickler.start()
        served = []
        while time.monotonic() - start < 8:
            before = time.monotonic()
            expect(server.upload(bench.new(bench.photos.small))[0] == 200, "a normal request was not served")
            served.append(time.monotonic() - before)
        gone = parallel(200, lambda i: closed_after(sockets[i][1], start + 30 - time.monotonic()))
        stop.set()
        trickler.join()
        expect(all(gone), f"{200 - sum(gone)} of 200 slow clients were still there after 30 s")
        # A refused one has had its answer and still a moment to read it.
        while (left := server.metrics()["anime_http_connections"]) and time.monotonic() - start < 30:
            time.sleep(0.2)
        took = time.monotonic() - start
        for _, sock in sockets:
            sock.close()
        expect(left == 0, f"{left:.0f} connections are left")
        return (f"200 gone after {took:.0f} s (bar 30); {len(served)} normal requests served meanwhile, "
                f"p95 {percentile(served, .95) * 1000:.0f} ms")


def oversize(bench):
    def send(server, head, body_bytes, chunked):
        """The first line of the answer."""
        sock = server.socket()
        sock.sendall(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n" + head + b"\r\n")
        part = b"\xff" * 16384
        sent = 0
        answer = b""
        sock.settimeout(5)
        try:
            while sent < body_bytes and not answer:
                sock.sendall(b"4000\r\n" + part + b"\r\n" if chunked else part)
                sent += len(part)
                sock.setblocking(False)
                try:
                    answer = sock.recv(4096)
                except BlockingIOError:
                    pass
                sock.settimeout(5)
            answer = answer or sock.recv(4096)
        except OSError:
            pass
        sock.close()
        return answer.split(b"\r\n")[0].decode()
    with bench.server() as server:
        limit = 5 * MIB
        report = []
        for name, head, size, chunked in [
                ("declared", b"Content-Length: 50000000\r\n", 50_000_000, False),
                ("chunked", b"Transfer-Encoding: chunked\r\n", 50_000_000, True),
                ("a form", b"Content-Length: 6000000\r\n", 6_000_000, False)]:
            line = send(server, head, size, chunked)
            expect(" 413 " in line, f"{name}: {line!r}")
            while not (lines := [entry for entry in server.log() if entry.get("status") == 413]):
                time.sleep(0.05)
            server.lines.clear()
            # What the client's and the kernel's buffers hold besides was sent, but not taken.
            taken = lines[0]["bytes_in"]
            expect(taken <= (limit if chunked else 0) + 400_000, f"{name}: took {taken} bytes")
            report.append(f"{name} {taken / 1e6:.2f} MB")
        # Says 1000 bytes and sends more: the rest is no request.
        sock = server.socket()
        sock.sendall(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: 1000\r\n\r\n" +
                     b"\xff" * 200000)
        expect(closed_after(sock, 15), "a lying client kept its connection")
        sock.close()
        peak = server.memory("VmHWM")
        expect(server.upload(bench.new(bench.photos.small))[0] == 200, "not well afterwards")
        return "413 after " + ", ".join(report) + f"; peak RSS {peak:.0f} MiB"


def malformed(bench):
    form = b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jpg\"\r\n\r\n"
    bodies = [
        (b"multipart/form-data; boundary=b", form + b"abc"),
        (b"multipart/form-data; boundary=b", b""),
        (b"multipart/form-data; boundary=b", b"no boundary anywhere"),
        (b"multipart/form-data; boundary=b", b"--b\r\n" + b"X: " + b"y" * 100000),
        (b"multipart/form-data; boundary=b", form + bench.photos.tiny + b"\r\n" + form + bench.photos.tiny +
         b"\r\n--b--\r\n"),
        (b"multipart/form-data; boundary=" + b"b" * 5000, b"x" * 100),
        (b"multipart/form-data", form),
        (b"multipart/form-data; boundary=b", b"--b\r\n\r\n" * 1000 + b"--b--\r\n"),
    ]
    bodies += [(b"multipart/form-data; boundary=b", bytes(random.Random(i).randbytes(2000))) for i in range(20)]
    with bench.server("--header-timeout=2", "--body-timeout=2") as server:
        for i, (kind, body) in enumerate(bodies):
            status, headers, answer = server.request("POST", "/upload", body, {"Content-Type": kind.decode()})
            expect(status in (400, 413, 431), f"form {i}: status {status}")
            if headers.get("Content-Type") == "application/problem+json":
                expect(json.loads(answer)["remedy"], "a problem without a remedy")
        for text in (b"\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00", b"GET / HTTP/9.9\r\n\r\n",
                     b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
                     b"POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n",
                     b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 20000):
            sock = server.socket()
            try:
                sock.sendall(text)
                expect(closed_after(sock, 15), f"kept the connection after {text[:30]!r}")
            except OSError:
                pass  # cut off while it was still sending: as good
            sock.close()
        expect(server.upload(bench.new(bench.photos.small))[0] == 200, "not well afterwards")
        return f"{len(bodies)} malformed forms and 7 malformed requests refused"


def wrong_files(bench):
    with bench.server() as server:
        cases = refused(bench.photos)
        for name, data, right in cases:
            status, _, body = server.request("POST", "/upload", data, {"Content-Type": "image/jpeg"})
            expect(status == right, f"{name}: {status}, not {right}: {body[:200]}")
            problem = json.loads(body)
            expect(problem["code"] and problem["detail"] and problem["remedy"], f"{name}: {problem}")
        peak = server.memory("VmHWM")
        expect(peak <= 150, f"peak RSS {peak:.0f} MiB")
        return f"{len(cases)} files refused with the right code, peak RSS {peak:.0f} MiB"


def disconnects(bench):
    photo = bench.photos.small
    head = (b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: " +
            str(len(photo) + 12).encode() + b"\r\n\r\n")
    with bench.server() as server:
        def leave(data, wait=0.0, reset=False):
            sock = server.socket()
            sock.sendall(data)
            time.sleep(wait)
            if reset:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            sock.close()
        for reset in (False, True):
            for round_ in range(3):
                upload = head % b"/upload" + bench.new(photo)
                job = head % b"/v1/jobs" + bench.new(photo)
                leave(b"", reset=reset)
                leave(upload[:20], reset=reset)
                leave(upload[:len(upload) // 2], reset=reset)
                leave(upload, reset=reset)
                leave(upload, wait=0.02 * round_, reset=reset)
                leave(job, wait=0.02, reset=reset)
                location = server.upload(bench.new(photo), path="/v1/jobs")[1]["Location"].encode()
                leave(b"GET " + location + b"/events HTTP/1.1\r\nHost: x\r\n\r\n", wait=0.01, reset=reset)
                leave(b"GET " + location + b" HTTP/1.1\r\nHost: x\r\nPrefer: wait=30\r\n\r\n", reset=reset)
                leave(b"GET " + location + b"/result HTTP/1.1\r\nHost: x\r\n\r\n", reset=reset)
                server.request("DELETE", location.decode())
        end = time.monotonic() + 20
        while time.monotonic() < end:
            values = server.metrics()
            if not values["anime_workers_busy"] and not values["anime_queue_depth"] and \
                    not values["anime_http_connections"] and not values["anime_pending_upload_bytes"]:
                break
            time.sleep(0.1)
        else:
            raise Failed("something was left behind: " + str({k: v for k, v in values.items() if v and "{" not in k}))
        expect(server.upload(bench.new(photo))[0] == 200, "not well afterwards")
        return "54 clients left in every phase, and nothing of them stayed"


def limits_per_client(bench):
    with Server(bench.build, bench.root, "--rate=60", "--burst=5", "--max-connections-per-client=8",
                pipelines=bench.pipelines) as server:
        statuses = [server.upload(bench.photos.tiny)[0] for _ in range(8)]
        expect(statuses.count(200) in (5, 6) and statuses[-1] == 429, f"statuses {statuses}")
        expect(server.upload(bench.photos.tiny, client=9)[0] == 200, "another client was refused too")
        sockets = [server.socket(client=7) for _ in range(8)]
        status, _, _ = server.get("/v1/limits", client=7)
        for sock in sockets:
            sock.close()
        expect(status == 429, f"connection 9 of a client: {status}")
        return "429 beyond the burst and beyond the connections, for that client only"


def full_stdout(bench):
    reader, writer = os.pipe()
    with bench.server(stdout=writer) as server:
        os.close(writer)
        connection = server.socket()
        connection.settimeout(10)
        for _ in range(5000):  # 300 bytes of log each: more than the pipe and the ring hold
            connection.sendall(b"GET /v1/styles HTTP/1.1\r\nHost: x\r\n\r\n")
            expect(connection.recv(65536).startswith(b"HTTP/1.1 200"), "no answer")
        connection.close()
        expect(server.upload(bench.new(bench.photos.small))[0] == 200, "an upload waited for the log")
        dropped = server.metrics()["anime_log_lines_dropped_total"]
        expect(dropped > 0, "nothing was dropped, so the case proves nothing")
        code, took = server.stop()
        os.close(reader)
        expect(code == 0, f"exit code {code}")
        return f"5001 requests served, {dropped:.0f} log lines dropped and counted, stopped in {took:.1f} s"


def stop_under_load(bench):
    with bench.server() as server:
        results = []

        def client(i):
            results.append(server.upload(bench.new(bench.photos.small), client=2 + i)[0])
        threads = [threading.Thread(target=client, args=(i,)) for i in range(16)]
        for thread in threads:
            thread.start()
        while server.metrics()["anime_jobs"] < 16:
            time.sleep(0.01)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.05)
        status, headers, _ = server.upload(bench.new(bench.photos.small))
        expect(status in (0, 503), f"a new upload got {status}")
        start = time.monotonic()
        code = server.process.wait(25)
        took = time.monotonic() - start
        for thread in threads:
            thread.join()
        expect(code == 0, f"exit code {code}")
        expect(took <= 20, f"took {took:.1f} s")
        expect(results.count(200) == 16, f"answers of what was in hand: {results}")
        return f"16 of 16 in hand were answered, a new one got {status}, stopped in {took:.1f} s (bar 20)"


def mixed_traffic(bench):
    if not bench.long:
        raise Skipped("10 minutes: only in the long form")
    seconds = float(os.environ.get("LOAD_SECONDS", "600"))
    photos = bench.photos
    wrong = refused(photos)
    with bench.server() as server:
        end = time.monotonic() + seconds
        times, good, bad = [], [0], []
        early = [0.0]

        def client(i):
            chance = random.Random(i)
            while time.monotonic() < end:
                kind = chance.random()
                if kind < 0.6:
                    start = time.monotonic()
                    photo = bench.new(photos.small if chance.random() < 0.8 else photos.megabyte)
                    status, _, _ = server.upload(photo, client=2 + i)
                    times.append(time.monotonic() - start)
                    good[0] += status == 200
                    if status != 200:
                        bad.append(status)
                elif kind < 0.75:
                    name, data, right = chance.choice(wrong)
                    status, _, _ = server.request("POST", "/upload", data, {"Content-Type": "image/jpeg"}, 2 + i)
                    if status != right:
                        bad.append((name, status))
                elif kind < 0.9:
                    status, headers, _ = server.upload(bench.new(photos.tiny), client=2 + i, path="/v1/jobs")
                    if chance.random() < 0.5:
                        server.request("DELETE", headers["Location"], client=2 + i)
                    else:
                        server.get(headers["Location"] + "/events", client=2 + i)
                else:
                    sock = server.socket(client=2 + i)
                    sock.send(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Le")
                    sock.close()
                if not early[0] and time.monotonic() > end - seconds * 0.8:
                    early[0] = server.memory("VmRSS")
        parallel(12, client)
        late = server.memory("VmRSS")
        expect(not bad, f"{len(bad)} wrong answers, the first {bad[:5]}")
        only(server, 200, 202, 409, 415, 422)
        expect(late <= 1.1 * early[0], f"RSS from {early[0]:.0f} to {late:.0f} MiB")
        return (f"{good[0]} pictures, none failed, p50 {percentile(times, .5):.2f} s, p95 {percentile(times, .95):.2f} s, "
                f"p99 {percentile(times, .99):.2f} s, peak RSS {server.memory('VmHWM'):.0f} MiB, final {late:.0f} MiB")


CASES = [
    ("one photo of 800×600", one_small),
    ("one photo of 4000×3000, 12 MB", one_large),
    ("five of 1 MB, half a second apart", burst_of_five),
    ("16 at once", at_once(16, 250)),
    ("100 at once", at_once(100, 300)),
    ("throughput under 16 clients", throughput),
    ("memory over many requests", steady_memory),
    ("200 slow clients", slow_clients),
    ("oversize uploads", oversize),
    ("malformed requests", malformed),
    ("files that are no photos", wrong_files),
    ("clients that leave", disconnects),
    ("limits of one client", limits_per_client),
    ("nobody reads the log", full_stdout),
    ("SIGTERM under load", stop_under_load),
    ("mixed traffic", mixed_traffic),
]
