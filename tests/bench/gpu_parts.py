# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests/bench/gpu and tests/bench/run --device measure on a GPU, each part in processes of its own with a time
limit: a part that fails or hangs loses only itself."""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BARS = {"ms": 10.0, "times_published": 100.0, "times_compiled": 2.9, "fps": 90.0, "default_fps": 300.0,
        "f16_db": 60.0, "f32_db": 75.0, "memory_mb": 1500.0}


# Of gpu_torch.py, the quick ones first.
TORCH_PARTS = ("published", "norm", "convolutions", "compiled")
PARTS = (*TORCH_PARTS, "device", "frames", "kernels", "fidelity", "limits")


def verdict(met):
    return "met" if met else "**missed**"


class Report:
    """Text for people and JSON for programs; both are written anew after each part."""

    def __init__(self, folder):
        self.folder = folder
        self.text = []
        self.values = []
        os.makedirs(folder, exist_ok=True)

    def say(self, line=""):
        print(line, flush=True)
        self.text.append(line)
        self.write()

    def add(self, **values):
        self.values.append(values)
        self.write()

    def write(self):
        with open(os.path.join(self.folder, "report.txt"), "w", encoding="utf-8") as out:
            out.write("\n".join(self.text) + "\n")
        with open(os.path.join(self.folder, "report.json"), "w", encoding="utf-8") as out:
            json.dump(self.values, out, indent=1)

    def table(self, title, columns, rows):
        self.say(f"\n### {title}\n\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
        for row in rows:
            self.say(f"| {' | '.join(str(cell) for cell in row)} |")


class Bench:
    """The programs, and the time that is left for all of them."""

    def __init__(self, report, programs, environment, device, deadline):
        self.report = report
        self.programs = programs
        self.environment = environment
        self.device = device
        self.deadline = deadline
        self.width, self.height = 1920, 1080

    def command(self, *arguments):
        return [os.path.join(self.programs, "anime-bench-gpu"), *map(str, arguments)]

    def start(self, command, environment=None):
        # Into files: nobody reads what runs beside something else, and a full pipe would stop it.
        out, err = tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")
        process = subprocess.Popen(command, stdout=out, stderr=err, text=True, env=environment or self.environment)
        process.wrote = out, err
        return process

    def finish(self, name, process, limit, wanted=0):
        """Its lines, as far as it came; says what went wrong."""
        left = max(min(limit, self.deadline - time.monotonic()), 1)
        try:
            process.wait(timeout=left)
            why = f"ended with {process.returncode}" if process.returncode != wanted else ""
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            why = f"was stopped after {left:.0f} s"
        texts = []
        for written in process.wrote:
            written.seek(0)
            texts.append(written.read())
            written.close()
        out, err = texts
        if why:
            self.report.say(f"\n{name} {why}: {err.strip()[-900:]}")
            self.report.add(part="failed", name=name, why=why, stderr=err[-3000:], stdout=out[-3000:])
        return [line.split("\t") for line in out.splitlines()]

    def run(self, name, command, limit, wanted=0):
        if time.monotonic() > self.deadline - 2:
            self.report.say(f"\n{name}: no time was left.")
            return []
        return self.finish(name, self.start(command), limit, wanted)


def about(report):
    try:
        done = subprocess.run(["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"],
                              capture_output=True, text=True, timeout=20, check=False)
        report.say(f"Measured on {done.stdout.strip() or done.stderr.strip()}, {os.cpu_count()} cores.")
    except (OSError, subprocess.TimeoutExpired) as why:
        report.say(f"Measured on {os.cpu_count()} cores; no GPU is known of: {why}")


def torch_values(lines):
    """The JSON lines of gpu_torch.py."""
    return [json.loads(line[0]) for line in lines if line and line[0].startswith("{")]


def show_torch(bench, values):
    rows = [[v["name"], f"{v['ms']:.1f}", f"{v['peak_mb']:.0f}"] for v in values if v["part"] == "torch" and "ms" in v]
    bench.report.table("AnimeGANv2 by PyTorch, 1920×1088", ["", "ms", "peak memory of its tensors, MB"], rows)
    rows = [[v["name"], f"{v['ms']:.3f}", f"{v['tflops']:.0f}"] for v in values if v["part"] == "convolution"]
    bench.report.table("cuDNN's convolutions, f16 channels_last", ["", "ms", "TFLOP/s"], rows)
    for value in values:
        if value["part"] in ("machine", "ceiling", "failed") or "seconds" in value:
            bench.report.say("- " + ", ".join(f"{key} {v}" for key, v in value.items()))
        bench.report.add(**{**value, "group": "torch"})


def profile(bench, library, models, references, brief=False):
    """Steps, and the device's time for a frame of 1920×1088."""
    rows = []
    for name, model, precision, tuned in models:
        lines = bench.run(f"profile of {name} {precision}",
                          bench.command("profile", library, model, precision, 1920, 1088, int(tuned)), 45)
        frames = [line for line in lines if line[0] == "frame"]
        steps = [line[1:] for line in lines if line[0] == "step"]
        for step in steps:
            bench.report.add(part="step", model=name, precision=precision, tuned=tuned, name=step[0],
                             ms=float(step[1]), gb_s=float(step[2]), tflops=float(step[3]))
        if not frames:
            continue
        median, best, started, arena, weights = map(float, frames[0][1:])
        bench.report.add(part="frame", model=name, precision=precision, tuned=tuned, ms=median, best_ms=best,
                         started_ms=started, arena=arena, weights=weights)
        verdicts = ""
        if name == "AnimeGANv2" and precision == "f16" and tuned:
            verdicts = f"≤ {BARS['ms']:.0f} ms: {verdict(median <= BARS['ms'])}"
            for reference, bar in (("as published, f32", "times_published"),
                                   ("var_mean, f16 channels_last, torch.compile", "times_compiled")):
                ms = references.get(reference)
                if ms:
                    verdicts += f"; {ms / median:.1f} × {reference} (≥ {BARS[bar]}: {verdict(ms / median >= BARS[bar])})"
        rows.append([f"{name} {precision}{' tuned' if tuned else ''}", f"{median:.3f}", f"{best:.3f}", f"{started:.3f}",
                     f"{arena / 1e6:.0f}", verdicts])
        if not brief or tuned:
            bench.report.table(f"Steps of {name} {precision}{' tuned' if tuned else ''}",
                               ["step", "ms", "GB/s", "TFLOP/s"], [step for step in steps if float(step[1]) >= 0.02])
            by_kind = {}
            for step in steps:
                kind = step[0].split()[0]
                by_kind[kind] = by_kind.get(kind, 0.0) + float(step[1])
            bench.report.say("sums: " + ", ".join(f"{kind} {ms:.2f}" for kind, ms in by_kind.items()))
    bench.report.table("Device time of a frame, 1920×1088",
                       ["", "CUDA graph, median, ms", "least", "steps started by the host", "arena, MB", "bars"], rows)


def frames(bench, models):
    """Frames a second through Painter::paint(), bytes in host memory, 1920×1080."""
    rows = []
    for name, model, precision, count in models:
        for at_once in (1, 2):
            lines = bench.run(f"frames of {name} {precision}, {at_once} at once",
                              bench.command("frames", model, bench.device, precision, bench.width, bench.height, count,
                                            at_once), 60)
            if not lines:
                continue
            chosen, *numbers = lines[0][1:]
            fps, median, best, first, second, warm, untuned, tuned = map(float, numbers)
            bench.report.add(part="frames", model=name, precision=chosen, at_once=at_once, fps=fps, latency_ms=median,
                             best_ms=best, first_ms=first, second_ms=second, warm_ms=warm, untuned_mb=untuned,
                             memory_mb=tuned)
            verdicts = ""
            if chosen == "f16" and at_once == 2:
                bar = BARS["default_fps" if name == "default" else "fps"]
                verdicts = f"≥ {bar:.0f}: {verdict(fps >= bar)}"
                if name != "default":
                    verdicts += f"; ≤ {BARS['memory_mb']:.0f} MB: {verdict(tuned <= BARS['memory_mb'])}"
            rows.append([f"{name} {chosen}", at_once, f"{fps:.1f}", f"{median:.2f}", f"{first:.0f}", f"{second:.0f}",
                         f"{untuned:.0f}", f"{tuned:.0f}", verdicts])
    bench.report.table(f"Through Painter::paint(), {bench.width}×{bench.height}",
                       ["", "at once", "frames a second", "latency, ms", "first frame, ms", "second",
                        "GPU memory untuned, MB", "tuned, MB", "bars"], rows)


def fidelity(bench, models):
    """All at once: nothing here is timed."""
    started = [(name, precision, bench.start(bench.command("fidelity", model, bench.device, precision, width, height)),
                f"{width}×{height}") for name, model, precision, width, height in models]
    rows = []
    for name, precision, process, size in started:
        lines = bench.finish(f"fidelity of {name} {precision} {size}", process, 100)
        if not lines:
            continue
        largest, exact, as_bytes = map(float, lines[0][1:])
        bar = BARS[f"{precision}_db"]
        bench.report.add(part="fidelity", model=name, precision=precision, size=size, largest=largest, db=exact,
                         bytes_db=as_bytes)
        rows.append([f"{name} {precision}", size, f"{largest:.1e}", f"{exact:.1f} dB", f"{as_bytes:.1f} dB",
                     f"≥ {bar:.0f} dB: {verdict(exact >= bar)}"])
    bench.report.table("Fidelity, against the oneDNN executor in f32 on the CPU",
                       ["", "size", "largest difference in [-1, 1]", "PSNR", "as bytes", "bar"], rows)


def limits(bench, library, model):
    """A picture that doesn't fit costs itself alone; a lost device is said on every frame, and nothing crashes."""
    lines = bench.run("limits", bench.command("limits", library, model, bench.device), 60)
    rows = []
    for _, when, what in lines:
        closes = when.endswith("closed")
        wanted = ("out-of-memory:" if when == "too large" else "as wanted:" if when == "LOST" else
                  "device-lost:" if when.startswith("lost") and not closes else "done")
        rows.append([when, what, verdict(what.startswith(wanted))])
    bench.report.table("Out of memory, and a lost device", ["when", "what", ""], rows)
    bench.report.add(part="limits", lines=lines)


def kernels(bench, models, sanitizer):
    """Each kernel against the CPU, plainly and watched; the watched ones at the same time."""
    check = os.path.join(bench.programs, "anime-bench-gpu-check")
    for name, model in models:
        lines = bench.run(f"kernels of {name}", [check, model], 30)
        bench.report.table(f"Kernels of {name} against the CPU, 72×44",
                           ["precision", "kind", "results", "distance", ""], lines)
        bench.report.add(part="kernels", model=name, lines=lines)
    if not sanitizer:
        bench.report.say("\nThere is no compute-sanitizer.")
        return []
    return [(f"{tool} of {name}", bench.start([sanitizer, "--tool", tool, "--error-exitcode", "9", check, model, "48",
                                               "32"])) for name, model in models for tool in ("memcheck", "racecheck")]


def watched(bench, started):
    rows = []
    for name, process in started:
        lines = bench.finish(name, process, 90)
        last = [line[0] for line in lines if line[0].startswith("========= ") and "SUMMARY" in line[0]]
        rows.append([name, "; ".join(last).replace("========= ", "") or "no summary"])
        bench.report.add(part="sanitizer", name=name, summary=last)
    bench.report.table("compute-sanitizer", ["", ""], rows)


def torch_command(model, parts=()):
    return [sys.executable, os.path.join(HERE, "gpu_torch.py"), model, "1920", "1088", *parts]


def start_torch(bench, parts, models):
    """Needs AnimeGANv2's weights as PyTorch saves them."""
    wanted = [part for part in parts if part in TORCH_PARTS]
    model = models[-1][1]
    return bench.start(torch_command(model, wanted), dict(os.environ)) if wanted and model.endswith(".pt") else None


def references_of(bench, torch, seconds):
    """PyTorch's milliseconds by their names."""
    if not torch:
        return {}
    values = torch_values(bench.finish("PyTorch", torch, seconds))
    show_torch(bench, values)
    return {value["name"]: value["ms"] for value in values if "ms" in value}


def find_sanitizer():
    return shutil.which("compute-sanitizer") or next(
        iter(glob.glob("/usr/local/cuda*/compute-sanitizer/compute-sanitizer") +
             glob.glob("/usr/local/cuda*/bin/compute-sanitizer")), None)


def measure(bench, parts, library, references, models):
    """What is timed, so that nothing else may run. `models`: names and what to open."""
    last_first = models[::-1]
    if "device" in parts and library:
        profile(bench, library, [(name, model, "f16", tuned) for name, model in last_first for tuned in (True, False)],
                references, True)
    if "frames" in parts and bench.device == "cpu":
        frames(bench, [(*models[0], "auto", 6)])
    elif "frames" in parts:
        frames(bench, [(name, model, "auto", 200 if name == "AnimeGANv2" else 600) for name, model in last_first])


def verify(bench, parts, library, models):
    on_gpu = bench.device != "cpu"
    started = []
    if "limits" in parts and library:
        limits(bench, library, models[-1][1])
    if "kernels" in parts and on_gpu:
        started = kernels(bench, models, find_sanitizer())
    if "fidelity" in parts:
        sizes = [(1920, 1080), (318, 202)] if on_gpu else [(160, 96)]
        fidelity(bench, [(name, model, precision, *size) for name, model in models for size in sizes
                         for precision in (("f16", "f32") if on_gpu else ("f32",))])
    if started:
        watched(bench, started)


def run_all(bench, parts, library, torch, torch_seconds, models):
    """`torch`: gpu_torch.py, under way."""
    references = {}
    for name, part in (("PyTorch", lambda: references.update(references_of(bench, torch, torch_seconds))),
                       ("Measuring", lambda: measure(bench, parts, library, references, models)),
                       ("Checking", lambda: verify(bench, parts, library, models))):
        try:
            part()
        except Exception as why:  # pylint: disable=broad-except
            bench.report.say(f"\n{name} failed: {type(why).__name__}: {why}")
