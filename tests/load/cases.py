# SPDX-License-Identifier: LGPL-2.1-or-later
"""The cases: what is sent, and what has to come of it. Each takes a Bench and returns a line of figures."""
import http.client
import os
import random
import signal
import subprocess
import tempfile
import threading
import time

from abuse import (disconnects, large_progressive, malformed, many_events, oversize, slow_clients, slow_readers,
                   split_forms, wrong_files)
from harness import Prober, Server, parallel, percentile
from photos import refused
from programs import MIB, Skipped, expect, gstreamer_environment, wait_until


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
        return f"{took * 1000:.0f} ms, peak RSS {peak:.0f} MiB (bar 120), {headers.get('x-processed-size')}"


def one_large(bench):
    with bench.server(f"--max-bytes={16 * MIB}") as server:
        start = time.monotonic()
        status, headers, body = server.upload(bench.photos.large)
        took = time.monotonic() - start
        expect(status == 200, f"status {status}: {body[:300]}")
        peak = server.memory("VmHWM")
        expect(peak <= 150, f"peak RSS {peak:.0f} MiB, more than 150")
        return (f"{len(bench.photos.large) / 1e6:.1f} MB in {took * 1000:.0f} ms, peak RSS {peak:.0f} MiB "
                f"(bar 150), {headers.get('x-source-size')} to {headers.get('x-processed-size')}")


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
    environment = dict(os.environ, **gstreamer_environment(bench.build),
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


def limits_per_client(bench):
    with Server(bench.build, bench.root, "--rate=1", "--burst=5", "--max-connections-per-client=8",
                pipelines=bench.pipelines) as server:
        statuses = [server.upload(bench.photos.tiny)[0] for _ in range(8)]
        expect(statuses == 5 * [200] + 3 * [429], f"statuses {statuses}")
        expect(server.upload(bench.photos.tiny, client=9)[0] == 200, "another client was refused too")
        sockets = [server.socket(client=7) for _ in range(8)]
        status, _, _ = server.get("/v1/limits", client=7)
        for sock in sockets:
            sock.close()
        expect(status == 429, f"connection 9 of a client: {status}")
        return "429 beyond the burst and beyond the connections, for that client only"


def full_stdout(bench):
    reader, writer = os.pipe()
    # A line for each of one client's requests, which --log-rate would bound.
    with bench.server("--log-rate=1000000", stdout=writer) as server:
        os.close(writer)
        connection = http.client.HTTPConnection(server.host, server.port, timeout=60)
        for _ in range(5000):  # 300 bytes of log each: more than the pipe and the ring hold
            connection.request("GET", "/v1/styles")
            answer = connection.getresponse()
            answer.read()
            expect(answer.status == 200, f"status {answer.status}")
        connection.close()
        expect(server.upload(bench.new(bench.photos.small))[0] == 200, "an upload waited for the log")
        dropped = server.metrics()["anime_log_lines_dropped_total"]
        expect(dropped > 0, "nothing was dropped, so the case proves nothing")
        start = time.monotonic()
        code = server.stop()
        took = time.monotonic() - start
        os.close(reader)
        expect(code == 0, f"exit code {code}")
        return f"5001 requests served, {dropped:.0f} log lines dropped and counted, stopped in {took:.1f} s"


def stop_under_load(bench):
    # All the time that it needs: what is not finished then was lost.
    with bench.server("--drain-timeout=200") as server:
        results = []

        def client(i):
            results.append(server.upload(bench.new(bench.photos.small), client=2 + i)[0])
        threads = [threading.Thread(target=client, args=(i,), daemon=True) for i in range(16)]
        for thread in threads:
            thread.start()
        wait_until("16 jobs in hand", lambda: server.metrics()["anime_jobs"] >= 16)
        server.signal(signal.SIGTERM)
        wait_until("it to know", lambda: server.get("/readyz")[0] != 200)
        status, _, _ = server.upload(bench.new(bench.photos.small))
        expect(status in (0, 503), f"a new upload got {status}")
        start = time.monotonic()
        code = server.process.wait(220)
        took = time.monotonic() - start
        for thread in threads:
            thread.join()
        expect(code == 0, f"exit code {code}")
        expect(results.count(200) == 16, f"answers of what was in hand: {results}")
        expect(took <= 20, f"took {took:.1f} s")
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
                        server.request("DELETE", headers["location"], client=2 + i)
                    else:
                        server.get(headers["location"] + "/events", client=2 + i)
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
    ("forms in pieces", split_forms),
    ("large progressive photos", large_progressive),
    ("slow readers", slow_readers),
    ("many event streams", many_events),
    ("files that are no photos", wrong_files),
    ("clients that leave", disconnects),
    ("limits of one client", limits_per_client),
    ("nobody reads the log", full_stdout),
    ("SIGTERM under load", stop_under_load),
    ("mixed traffic", mixed_traffic),
]
