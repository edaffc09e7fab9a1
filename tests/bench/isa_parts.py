# SPDX-License-Identifier: LGPL-2.1-or-later
"""The parts `isa` and `isa-fidelity` of tests/bench/run: what older CPUs than this one get, a column for each set of
instructions that it has. oneDNN is kept to a set by its own DNNL_MAX_CPU_ISA, which our kernels obey too; one that the CPU lacks gives what
the set below it gives, and no column of its own."""
import os
import statistics
import time

import engine

CAPS = ("SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX512_CORE", "AVX512_CORE_VNNI", "AVX512_CORE_BF16",
        "AVX512_CORE_AMX")
THREADS = (1, 2, 4, 8)
MODELS = ("default", "aozora-quick")
# Model, precision, size. What `auto` takes is measured with each number of threads, the others with all of them.
SPEEDS = (("default", "auto", (512, 512)), ("default", "f32", (512, 512)), ("default", "int8", (512, 512)),
          ("default", "auto", (1280, 720)), ("aozora-quick", "auto", (1280, 720)))


def sets_of_this_cpu(build):
    """Caps that make a difference here, by the name that oneDNN gives to what is left."""
    found = {}
    for cap in CAPS:
        painter = engine.Painter(build, "default", "onednn", "f32", 1, (64, 64), DNNL_MAX_CPU_ISA=cap)
        found.setdefault(painter.isa, cap)
        painter.close()
    return found


def times(build, sets, model, precision, threads, size, rounds):
    """For each set the times of its frames and the precision, or why there are none. Frames alternate between the
    sets, so that whatever else the machine does disturbs all alike."""
    painters, cells = {}, {}
    for isa, cap in sets.items():
        try:
            painters[isa] = engine.Painter(build, model, "onednn", precision, threads, size, DNNL_MAX_CPU_ISA=cap)
            cells[isa] = []
        except engine.Refused as why:
            cells[isa] = why
    for done in range(rounds + 1):
        for isa, painter in painters.items():
            milliseconds, _ = painter.paint()
            if done:  # the first frame builds the plan
                cells[isa].append(milliseconds)
            time.sleep(0.05)  # until the threads of its OpenMP have stopped spinning
    for painter in painters.values():
        painter.close()
    return cells, {isa: painter.precision for isa, painter in painters.items()}


def speed_rows(build, sets, counts, rounds):
    rows, reasons = [], {}
    for model, wanted, size in SPEEDS:
        one = {}
        for threads in counts if wanted == "auto" else counts[-1:]:
            cells, precisions = times(build, sets, model, wanted, threads, size, rounds)
            row = [f"`{model}` {size[0]}×{size[1]}, {wanted}, {threads} thread{'s' if threads > 1 else ''}"]
            for isa, frames in cells.items():
                if isinstance(frames, engine.Refused):
                    reasons.setdefault(str(frames), []).append(isa)
                    row.append("refused")
                    continue
                best = min(frames)
                text = f"{best:.1f} ({statistics.median(frames):.1f})"
                if wanted == "auto":
                    text += f" {precisions[isa]}"
                    if threads > 1:
                        text += f", {one[isa] / best:.2f}×"
                    one.setdefault(isa, best)
                row.append(text)
            rows.append(row)
    return rows, reasons


def isa(options):
    sets = sets_of_this_cpu(options.build)
    counts = [count for count in THREADS if count <= len(os.sched_getaffinity(0))]
    rows, reasons = speed_rows(options.build, sets, counts, options.rounds)
    engine.table(f"Sets of instructions: best ms (median) of {options.rounds} frames, times as fast as one thread",
                 ["", *sets], rows)
    for reason, of_isa in reasons.items():
        print(f"\n{', '.join(of_isa)}: {reason}")


def isa_fidelity(options):
    sets = sets_of_this_cpu(options.build)
    if not options.photos:
        raise engine.Refused("no photos: name some with --photos, or install python-matplotlib-data")
    found = {}
    for model in MODELS:
        for name, cap in sets.items():
            lines = engine.run_lines(
                [os.path.join(options.build, "tests/bench/anime-bench-fidelity"), model, *options.photos],
                options.build, DNNL_MAX_CPU_ISA=cap)
            for precision, _, _, _, exact, _ in lines:
                found.setdefault((model, precision), {}).setdefault(name, []).append(float(exact))
    rows = [[f"`{model}`, {precision}",
             *(f"{statistics.fmean(of_isa[name]):.1f} ({min(of_isa[name]):.1f})" if name in of_isa else "none"
               for name in sets)] for (model, precision), of_isa in found.items()]
    engine.table(f"Fidelity against exact f32, dB: mean (worst) of {len(options.photos)} photos", ["", *sets], rows)
