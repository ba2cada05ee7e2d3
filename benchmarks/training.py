"""Clips per second of training, recipe by recipe, and the share of the time that training waits for data.

    python benchmarks/training.py [RECIPE ...] [--clips 320] [--precision 32]

Needs ESC-50 (`hubbub data fetch esc50`). Log-mel, waveforms and the outputs of frozen blocks are computed into the
cache first and not counted. Two epochs of a recipe's last stage are trained on some clips, with random weights; the
second counts. The ratio is to the first row.
"""

import argparse
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from hubbub.runs.record import SplitRecord
from hubbub.runs.run import Run
from hubbub.storage import read_csv
from hubbub.studies.experiment import Experiment
from hubbub.train import fit
from hubbub.train import recipe_file as recipes
from hubbub.train.arrays import RowSplit
from hubbub.train.stages import in_bf16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*")
    parser.add_argument("--clips", type=int, default=320)
    parser.add_argument("--precision", choices=("auto", "32", "bf16"), help="of all recipes, instead of their own")
    wanted = parser.parse_args()
    names = wanted.recipes or [name for name in recipes.names() if recipes.load(name).kind == "gradient"]
    print(f"{'recipe':<22} {'trained from':<12} {'bits':>4} {'clips/s':>8} {'ratio':>6} {'waiting':>8}  augmented")
    first = None
    for name in names:
        speed, waiting, what = measure(name, wanted.clips, wanted.precision)
        first = first or speed
        print(f"{name:<22} {what[0]:<12} {what[1]:>4} {speed:>8.1f} {speed / first:>6.2f} {waiting:>8.1%}  {what[2]}")


def measure(name: str, clips: int, precision: str | None) -> tuple[float, float, tuple[str, str, str]]:
    recipe = recipes.load(name)
    stage = asdict(recipe.stages[-1]) | {"epochs": 2, "patience": 0}
    overrides = {"stages": [stage], "network.weights": None, "split": {"kind": "official"}}
    if precision:
        overrides["precision"] = precision
    job = Experiment.prepare(recipe=name, dataset="esc50", overrides=overrides, log=lambda line: None).job
    rows = np.random.default_rng(0).permutation(len(job.arrays.ids))
    split = RowSplit(SplitRecord("benchmark"), rows[:clips], rows[clips : clips + 50], rows[clips + 50 : clips + 100])
    with tempfile.TemporaryDirectory() as folder:
        job = replace(job, cache=Path(folder))
        if stage["first_trainable_block"]:  # fills the cache of what the frozen blocks make
            fit.run(job, split, Run(Path(folder) / "first"))
        run = fit.run(job, split, Run(Path(folder) / "run"))
        row = read_csv(run.folder / "epochs.csv")[-1]
    first = job.recipe.stages[0]
    how = "waveform, on the fly" if recipe.of_waveform else "spectrogram"
    what = (f"block {first.first_trainable_block}", "16" if in_bf16(job.recipe.precision) else "32", how)
    return clips / float(row["seconds"]), float(row["waiting"]), what


if __name__ == "__main__":
    main()
