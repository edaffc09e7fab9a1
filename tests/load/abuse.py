# SPDX-License-Identifier: LGPL-2.1-or-later
"""The cases in which clients do harm, or what looks like it. Each takes a Bench and returns a line of figures."""
import json
import random
import select
import socket
import threading
import time

from harness import Prober, closed_after, parallel, percentile
from photos import progressive, refused
from programs import MIB, Failed, expect, wait_until


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
        trickler = threading.Thread(target=trickle, daemon=True)
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
        wait_until("the last connections to end", lambda: not server.metrics()["anime_http_connections"],
                   start + 30 - time.monotonic())
        took = time.monotonic() - start
        for _, sock in sockets:
            sock.close()
        return (f"200 gone after {took:.0f} s (bar 30); {len(served)} normal requests served meanwhile, "
                f"p95 {percentile(served, .95) * 1000:.0f} ms")


def oversize(bench):
    part_head = b"--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jpg\"\r\n\r\n"

    def send(server, kind, head, body_bytes, chunked):
        """The first line of the answer."""
        form = kind.startswith(b"multipart")
        start = part_head if form else b""
        sock = server.socket()
        sock.sendall(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: " + kind + b"\r\n" + head + b"\r\n")
        sock.sendall(b"%x\r\n%s\r\n" % (len(start), start) if chunked and form else start)
        part = b"\xff" * 16384
        piece = b"4000\r\n" + part + b"\r\n" if chunked else part
        sock.setblocking(False)
        pending, sent, answer = b"", 0, b""
        # Like a browser: listens while it sends, because a server that reads no more never lets it finish.
        while True:
            if not pending and sent < body_bytes:
                pending, sent = piece, sent + len(part)
            readable, writable, _ = select.select([sock], [sock] if pending else [], [], 30)
            expect(readable or writable, f"no answer after {sent} bytes")
            try:
                if readable:
                    answer = sock.recv(4096)
                    break
                pending = pending[sock.send(pending):]
            except ConnectionError:
                break
        sock.close()
        return answer.split(b"\r\n")[0].decode()
    with bench.server() as server:
        limit = 5 * MIB
        report = []
        photo, form = b"image/jpeg", b"multipart/form-data; boundary=edge"
        for name, kind, head, size, chunked in [
                ("declared", photo, b"Content-Length: 50000000\r\n", 50_000_000, False),
                ("chunked", photo, b"Transfer-Encoding: chunked\r\n", 50_000_000, True),
                ("a form", form, b"Content-Length: 6000000\r\n", 6_000_000, False),
                ("a form chunked", form, b"Transfer-Encoding: chunked\r\n", 50_000_000, True)]:
            line = send(server, kind, head, size, chunked)
            expect(" 413 " in line, f"{name}: {line!r}")
            lines = wait_until(f"the log of '{name}'",
                               lambda: [entry for entry in server.log() if entry.get("status") == 413])
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
    form = b"--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jpg\"\r\n\r\n"
    bodies = [
        (b"multipart/form-data; boundary=edge", form + b"abc"),
        (b"multipart/form-data; boundary=edge", b""),
        (b"multipart/form-data; boundary=edge", b"no boundary anywhere"),
        (b"multipart/form-data; boundary=edge", b"--edge\r\n" + b"X: " + b"y" * 100000),
        (b"multipart/form-data; boundary=edge", form + bench.photos.tiny + b"\r\n" + form + bench.photos.tiny +
         b"\r\n--edge--\r\n"),
        (b"multipart/form-data; boundary=" + b"b" * 5000, b"x" * 100),
        (b"multipart/form-data", form),
        (b"multipart/form-data; boundary=edge", b"--edge\r\n\r\n" * 1000 + b"--edge--\r\n"),
    ]
    bodies += [(b"multipart/form-data; boundary=edge", bytes(random.Random(i).randbytes(2000))) for i in range(20)]
    with bench.server("--header-timeout=2", "--body-timeout=2") as server:
        for i, (kind, body) in enumerate(bodies):
            status, headers, answer = server.request("POST", "/upload", body, {"Content-Type": kind.decode()})
            expect(status in (400, 413, 431), f"form {i}: status {status}")
            if headers.get("content-type") == "application/problem+json":
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


def split_forms(bench):
    head = b"--edge\r\nContent-Disposition: form-data; name=\"%s\"%s\r\n\r\n"
    parts = [head % (b"strength", b""), b"0.5", b"\r\n", head % (b"faces", b""), b"0", b"\r\n",
             head % (b"file", b"; filename=\"a.jpg\""), bench.photos.tiny, b"\r\n--edge--\r\n"]
    form = b"".join(parts)
    photo_at = form.index(bench.photos.tiny)
    ways = [parts]
    ways += [[form[:cut], form[cut:]] for cut in range(photo_at - 8, photo_at + 9)]
    ways += [[form[i:i + size] for i in range(0, photo_at + 16, size)] + [form[(photo_at + 16 + size - 1) // size * size:]]
             for size in (1, 2, 3, 5, 7)]
    with bench.server() as server:
        def one(i):
            pieces = ways[i]
            sock = server.socket(client=2 + i)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.sendall(b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=edge\r\n"
                         b"Content-Length: %d\r\n\r\n" % sum(map(len, pieces)))
            for piece in pieces:
                sock.sendall(piece)
                time.sleep(0.005)  # so that the network does not put them together again
            answer = sock.recv(65536)
            sock.close()
            return answer
        for i, answer in enumerate(parallel(len(ways), one)):
            expect(answer.startswith(b"HTTP/1.1 20"), f"pieces of {[len(p) for p in ways[i]][:8]}: {answer[:600]}")
    return f"one form cut in {len(ways)} ways was always taken"


def large_progressive(bench):
    photo = progressive(7000)
    with bench.server() as server:
        def one(i):
            return server.upload(bench.new(photo), client=2 + i)[0]
        statuses = parallel(4, one)
        peak = server.memory("VmHWM")
        expect(peak <= 450, f"peak RSS {peak:.0f} MiB, more than 450; statuses {statuses}")
        expect(all(status in (200, 413, 422, 503) for status in statuses), f"statuses {statuses}")
        expect(server.upload(bench.new(bench.photos.small))[0] == 200, "not well afterwards")
        return f"4 of 7000×7000 at once: statuses {statuses}, peak RSS {peak:.0f} MiB (bar 450)"


def slow_readers(bench):
    """Clients that fetch large pictures and don't read them."""
    most = 4 * MIB  # a quarter for each client, and each of these pictures is larger than that
    with bench.server(f"--max-sending-bytes={most}") as server:
        idle = server.memory("VmRSS")
        sockets = []
        refused = 0
        for i in range(8):
            _, headers, _ = server.request(
                "POST", "/v1/jobs?format=png&faces=false&strength=0", bench.new(bench.photos.megabyte),
                {"Content-Type": "image/jpeg", "Prefer": "wait=60"}, 2 + i)
            sock = socket.socket()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.bind((f"127.0.0.{2 + i}", 0))
            sock.connect(("127.0.0.1", server.port))
            # Several times, as the socket's buffer takes more than one.
            sock.sendall(4 * (b"GET " + headers["location"].encode() + b"/result HTTP/1.1\r\nHost: x\r\n\r\n"))
            refused += sock.recv(64).startswith(b"HTTP/1.1 503")
            sockets.append(sock)
        held = server.metrics()["anime_sending_bytes"]
        peak = server.memory("VmHWM")
        expect(refused > 0, "nobody was refused")
        expect(0 < held <= most, f"{held:.0f} bytes were being sent, not up to {most}")
        expect(peak <= 200, f"peak RSS {peak:.0f} MiB, more than 200")
        for sock in sockets:
            sock.close()
        wait_until("the bytes of clients that left", lambda: not server.metrics()["anime_sending_bytes"])
        expect(server.upload(bench.new(bench.photos.small))[0] == 200, "not well afterwards")
        return (f"{8 - refused} of 8 held {held / MIB:.1f} MiB (bar {most // MIB}), the others got 503; "
                f"RSS idle {idle:.0f}, peak {peak:.0f} MiB (bar 200)")


def many_events(bench):
    with bench.server() as server:
        jobs = [server.upload(bench.new(bench.photos.small), path="/v1/jobs")[1]["location"] for _ in range(20)]
        prober = Prober(server)

        def watch(i):
            return server.get(jobs[i % len(jobs)] + "/events", client=2 + i % 40)
        results = parallel(400, watch)
        live = prober.stop()
        done = sum(status == 200 and b"event: done" in body for status, _, body in results)
        expect(done == 400, f"{done} of 400 streams saw the end: {server.statuses}")
        expect(live <= 0.25, f"p95 of /livez {live * 1000:.0f} ms, more than 250")
        return (f"400 streams of 20 jobs saw the end, p95 of /livez {live * 1000:.0f} ms (bar 250), "
                f"peak RSS {server.memory('VmHWM'):.0f} MiB")


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
                location = server.upload(bench.new(photo), path="/v1/jobs")[1]["location"].encode()
                leave(b"GET " + location + b"/events HTTP/1.1\r\nHost: x\r\n\r\n", wait=0.01, reset=reset)
                leave(b"GET " + location + b" HTTP/1.1\r\nHost: x\r\nPrefer: wait=30\r\n\r\n", reset=reset)
                leave(b"GET " + location + b"/result HTTP/1.1\r\nHost: x\r\n\r\n", reset=reset)
                server.request("DELETE", location.decode())
        end = time.monotonic() + 60
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
