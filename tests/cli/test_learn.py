import json
import re
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tinylearning
from hubbub.cli import learn
from hubbub.data import registry, synthetic
from hubbub.data.dataset import Dataset
from hubbub.runs import Predictions, Run, read_csv
from hubbub.train import weights

LABELS = ("siren", "sea_waves", "door_wood_knock")
QUICK = (
    *("--set", "network.width=0.1", "--set", "network.hidden=16", "--set", "batch=8"),
    *("--set", "stages=[{train_from: 17, epochs: 2, lr: 0.003, variants: 1}, {train_from: 0, epochs: 1, lr: 0.0001}]"),
)


@pytest.fixture(autouse=True)
def small_world(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three kinds of made sounds in two folds, a thin random trunk, and an empty folder to work in."""
    made = synthetic.dataset(tmp_path_factory.getbasetemp() / "made", LABELS, per_fold=4, folds=2)

    def open_dataset(name: str) -> Dataset:
        assert name == "synthetic"
        return made

    monkeypatch.setattr(registry, "open_dataset", open_dataset)
    monkeypatch.setattr(weights, "locate", lambda name, path=None: path)
    monkeypatch.setattr(weights, "load_trunk", lambda path, pool_from, width: tinylearning.trunk(width=0.1))
    monkeypatch.setenv("HUBBUB_CACHE", str(tmp_path_factory.getbasetemp() / "learn-cache"))
    monkeypatch.setenv("HUBBUB_DATA", str(tmp_path / "no-data"))
    monkeypatch.delenv("HUBBUB_ESC50", raising=False)
    monkeypatch.chdir(tmp_path)


def probe(hubbub: Callable, *more: str) -> tuple[int, str, str]:
    sets = ("--set", "network.width=0.1", "--set", "c_grid=[0.1]")
    return hubbub("cv", "probe", "--dataset", "synthetic", *sets, *more)


def test_cross_validating_a_probe_then_exporting_it(hubbub: Callable, tmp_path: Path) -> None:
    code, out, _ = probe(hubbub)
    assert code == 0
    last = re.fullmatch(r"2-fold accuracy: (\d+\.\d\d) %", out.splitlines()[-1])
    run = Run.open(Path("runs/probe-synthetic"))
    kept = run.predictions
    assert last and float(last[1]) == pytest.approx(100 * kept.right.mean(), abs=0.01)
    assert len(kept.clips) == 24 and kept.right.mean() > 0.6
    for fold in (1, 2):
        tested = {row["clip"] for row in run.child(f"fold{fold}").clips if row["part"] == "test"}
        trained = {row["clip"] for row in run.child(f"fold{fold}").clips if row["part"] == "train"}
        assert len(tested) == 12 and len(trained) == 12 and not tested & trained

    code, out, _ = hubbub("export", "runs/probe-synthetic", "-o", "model.onnx", "--name", "tiny")
    assert code == 0 and "agree" in out
    clip = next(iter(synthetic.dataset(tmp_path / "x", ("siren",), 1, 1).clips)).path
    code, out, _ = hubbub("classify", "--model", "model.onnx", "--json", clip)
    assert code == 0 and json.loads(out)["predictions"][0]["label"] == "siren"


def test_a_second_start_goes_on_and_changes_nothing(hubbub: Callable) -> None:
    probe(hubbub, "--no-final")
    before = Path("runs/probe-synthetic/predictions.csv").read_bytes()
    done = Path("runs/probe-synthetic/fold1/model.pt").stat().st_mtime_ns
    assert probe(hubbub, "--no-final")[0] == 0
    assert Path("runs/probe-synthetic/predictions.csv").read_bytes() == before
    assert Path("runs/probe-synthetic/fold1/model.pt").stat().st_mtime_ns == done


def test_another_seed_has_its_own_folder_and_another_recipe_is_refused(hubbub: Callable) -> None:
    probe(hubbub, "--no-final", "--seed", "1")
    assert Run.open(Path("runs/probe-synthetic-seed1")).about["seed"] == 1
    probe(hubbub, "--no-final")
    sets = ("--set", "network.width=0.1", "--set", "c_grid=[0.2]")
    code, _, err = hubbub("cv", "probe", "--dataset", "synthetic", "--no-final", *sets)
    assert code == 3 and "another recipe" in err


def test_fine_tuning_a_fold(hubbub: Callable) -> None:
    code, out, err = hubbub("train", "finetune", "--fold", "1", "--dataset", "synthetic", *QUICK)
    assert code == 0, err
    run = Run.open(Path("runs/finetune-synthetic-fold1"))
    assert out.splitlines()[-1] == f"fold 1 accuracy: {100 * run.predictions.right.mean():.2f} %"
    assert len(read_csv(run.folder / "epochs.csv")) == 3
    assert not (run.folder / "checkpoints").exists()
    groups = {part: {row["recording"] for row in run.clips if row["part"] == part} for part in ("train", "validation")}
    assert groups["validation"] and not groups["train"] & groups["validation"]
    validated = Predictions.read(run.folder / "validation.csv")
    metrics = run.metrics
    assert metrics["validation"]["accuracy"] == pytest.approx(float(np.mean(validated.right)))
    assert hubbub("export", run.folder)[0] == 0


def test_ctrl_c_in_an_epoch_and_the_same_command_again(hubbub: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ("train", "finetune", "--fold", "1", "--dataset", "synthetic", *QUICK)

    def interrupted(line: str) -> None:
        if "epoch 2" in line:
            raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        patch.setattr(learn, "_say", interrupted)
        code, out, err = hubbub(*command)
    signal.signal(signal.SIGINT, before)  # Lightning has switched it off, for the process is about to end
    assert (code, out) == (1, "") and err.splitlines()[-1].startswith("hubbub: interrupted; what was finished is kept")
    code, out, err = hubbub(*command)
    assert code == 0 and "stage 1, epoch 1" not in err and "stage 1, epoch 2" in err and "fold 1 accuracy" in out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["cv", "prob"], 2, "unknown recipe 'prob'"),
        (["cv", "probe", "--set", "c_grid"], 2, "KEY=VALUE"),
        (["cv", "probe", "--set", "colour=red"], 2, "unknown key colour"),
        (["cv", "finetune", "--set", "validation=0"], 2, "validation must be above 0"),
        (["cv", "probe", "--set", "network.hidden=9"], 2, "network.hidden must be 0"),
        (["cv", "probe", "--name", "a/b"], 2, "not a folder name"),
        (["train", "probe", "--fold", "9"], 2, "has no fold 9"),
        (["export", "nowhere"], 3, "no run at nowhere"),
        (["report", "nowhere"], 3, "no run at nowhere"),
    ],
)
def test_what_goes_wrong_is_told_in_one_line(hubbub: Callable, arguments: list[str], code: int, said: str) -> None:
    learning = ["--dataset", "synthetic"] if arguments[0] in ("cv", "train") else []
    ended, _, err = hubbub(*arguments, *learning)
    lines = [line for line in err.splitlines() if line.startswith("hubbub: ")]
    assert ended == code and len(lines) == 1 and said in lines[0]


def test_exporting_a_cross_validation_without_a_final_model(hubbub: Callable) -> None:
    probe(hubbub, "--no-final")
    code, _, err = hubbub("export", "runs/probe-synthetic", "-o", "model.onnx")
    assert code == 3 and "no finished final model" in err and not Path("model.onnx").exists()


def test_reporting_and_comparing(hubbub: Callable) -> None:
    probe(hubbub, "--no-final")
    probe(hubbub, "--no-final", "--seed", "1")
    code, out, _ = hubbub("report", "runs/probe-synthetic", "runs/probe-synthetic-seed1")
    accuracy = Run.open(Path("runs/probe-synthetic")).predictions.right.mean()
    assert code == 0 and f"accuracy {100 * accuracy:.2f} % (95 % interval" in out
    assert "+0.00 points" in out and "no difference is shown" in out
