"""Training steps of all nets of the zoo on this machine's GPU, or its CPU.

    python benchmarks/gpu.py --out results

See README.md beside this file.
"""

import dataclasses
import fnmatch
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

import click
import dense_vae_step
import gpu_cases
import interleaving
from gpu_cases import Case

WORKER = pathlib.Path(gpu_cases.__file__)
QUICK = {"batch_size": 4, "steps": 2}
BLOCK_FACTORS = (0.125, 8.0, 1e6)  # 1 is measured with the nets
TOGETHER = 20  # steps of an execution, where that many are compiled as a loop
HEADS = ["net", "backend", "XLA", "batch", "steps a call"]
HEADS += ["ms/step", "peak MB", "loss"]
MESSAGE_LINES = 5


@click.command()
@click.option(
    "--python",
    "interpreters",
    multiple=True,
    metavar="ENVIRONMENT=PATH",
    callback=dense_vae_step.parse_interpreters,
    help="Interpreter with tensorflow, jax or torch; this one by default.",
)
@click.option("--minutes", default=8.0, show_default=True, help="In all.")
@click.option("--net", default="*", metavar="PATTERN", help="Nets to measure.")
@click.option(
    "--backend",
    "backends",
    multiple=True,
    type=click.Choice(dense_vae_step.ENVIRONMENTS),
    help="All that are installed by default.",
)
@click.option(
    "--quick",
    is_flag=True,
    help="Batches of 4 and 2 steps, to try the script, also on a CPU.",
)
@click.option("--out", default="gpu", show_default=True, help="Folder.")
def main(interpreters, minutes, net, backends, quick, out):
    """Writes gpu.md, tables for README.md, and gpu.json into a folder."""
    ends = time.monotonic() + 60 * minutes
    chosen = [
        name
        for name in backends or dense_vae_step.ENVIRONMENTS
        if interpreters[name] != sys.executable
        or importlib.util.find_spec(name)
    ]
    folder = pathlib.Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    runs = []
    for done, backend in enumerate(chosen):
        left = ends - time.monotonic()
        share = left / (len(chosen) - done)
        runs.append(run(backend, interpreters[backend], net, quick, share))
        (folder / "gpu.json").write_text(json.dumps(runs, indent=2) + "\n")
        (folder / "gpu.md").write_text(report(runs))
    click.echo(report(runs))


def cases_of(backend, nets, pattern, quick):
    """What matters most first: nets as they come, XLA, blocks, peers."""
    size = QUICK if quick else {}
    names = fnmatch.filter(nets, pattern)
    together = [1] if backend == "torch" else [1, TOGETHER]
    found = [
        Case(name, steps_per_execution=steps, **size)
        for name in names
        for steps in together
    ]
    if backend == "tensorflow":  # XLA is always on with JAX, never with PyTorch
        found += [
            Case(name, jit_compile=is_on, **size)
            for name in names
            for is_on in (True, False)
        ]
    found += [
        Case(name, blocks=factor, **size)
        for name in names
        if name in gpu_cases.BLOCKS
        for factor in BLOCK_FACTORS
    ]
    if backend == "torch" and "dense_vae" in names:
        found += [Case(name, **size) for name in gpu_cases.PEERS]
    return found


def run(backend, interpreter, pattern, quick, seconds):
    """Ask a worker case after case until its time is up."""
    ends = time.monotonic() + seconds
    log = tempfile.TemporaryFile("w+")
    worker = subprocess.Popen(
        [interpreter, str(WORKER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": interleaving.path_with_root(),
            "KERAS_BACKEND": backend,
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "TF_FORCE_GPU_ALLOW_GROWTH": "true",
            "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        },
    )
    alarm = threading.Timer(seconds, worker.kill)  # a step cannot be asked
    alarm.start()
    about, cases, rows = {"backend": backend, "nets": []}, [], []
    try:
        about |= json.loads(worker.stdout.readline() or "{}")
        cases = cases_of(backend, about.pop("nets"), pattern, quick)
        click.echo(f"{backend}: {len(cases)} cases, {seconds:.0f} s", err=True)
        for case in cases:
            if time.monotonic() >= ends:
                break
            answer = ask(worker, case)
            if answer is None:
                break
            rows.append({**dataclasses.asdict(case), **answer})
            said = answer.get("trouble") or f"{answer['ms']:.2f} ms"
            click.echo(f"  {described(rows[-1])}: {said}", err=True)
    finally:
        alarm.cancel()
        worker.kill()
        worker.wait()
    trouble = ""
    if (len(rows) < len(cases) or not cases) and time.monotonic() < ends:
        log.seek(0)
        trouble = "".join(log.readlines()[-MESSAGE_LINES:])
    return {
        **about,
        "rows": rows,
        "left_out": [
            described(dataclasses.asdict(case)) for case in cases[len(rows) :]
        ],
        "trouble": trouble,
    }


def ask(worker, case):
    """What a worker answers, `None` once it has ended."""
    try:
        worker.stdin.write(json.dumps(dataclasses.asdict(case)) + "\n")
        worker.stdin.flush()
    except BrokenPipeError:
        return None
    line = worker.stdout.readline()
    return json.loads(line) if line else None


def described(row):
    parts = [row["net"]]
    if row["jit_compile"] is not None:
        parts.append(f"jit_compile={row['jit_compile']}")
    if row["steps_per_execution"] > 1:
        parts.append(f"{row['steps_per_execution']} steps a call")
    if row["blocks"] is not None:
        parts.append(f"blocks × {row['blocks']:g}")
    return ", ".join(parts)


def report(runs):
    """Markdown: a table, where it was measured, and what was left out."""
    lines = [HEADS, ["---"] * 3 + ["---:"] * 5]
    for one in runs:
        lines += [cells(one["backend"], row) for row in one["rows"]]
    text = "\n".join(map(dense_vae_step.row, lines)) + "\n"
    for one in runs:
        versions = one.get("versions", {})
        packages = ", ".join(f"{key} {one}" for key, one in versions.items())
        text += f"\n{one['backend']}: {one.get('device', 'no answer')}. "
        text += f"{packages}.\n"
        if one["left_out"]:
            text += f"Left out: {'; '.join(one['left_out'])}.\n"
        if one["trouble"]:
            text += f"Ended with:\n{one['trouble']}\n"
    return text


def cells(backend, row):
    xla = {True: "on", False: "off", None: "default"}[row["jit_compile"]]
    name = row["net"]
    if row["blocks"] is not None:
        values = row.get("block_values", "?")
        name = f"{name}, blocks of {values} votes"
    if "trouble" in row:
        return [name, backend, xla, "", "", row["trouble"], "", ""]
    return [
        name,
        backend,
        xla,
        str(row["batch_size"]),
        str(row["steps_per_execution"]),
        f"{row['ms']:.2f}",
        f"{row['peak_mb']:.0f}",
        f"{row['loss']:.4g}",
    ]


if __name__ == "__main__":
    main()
