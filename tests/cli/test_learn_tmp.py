import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import tinylearning
from hubbub.data.dataset import Clip, Dataset
from hubbub.data.synth import synthetic
from hubbub.errors import UsageError
from hubbub.runs.predictions import Predictions
from hubbub.runs.run import Run
from hubbub.storage import read_csv
from hubbub.studies import experiment, training_data
from hubbub.train import callbacks, recipe_file
from hubbub.train.networks.registry import NETWORKS

LABELS = ("siren", "sea_waves", "door_wood_knock")
HEAD = "{first_trainable_block: 17, epochs: 2, lr: 0.003, variants: 1}"
WHOLE = "{first_trainable_block: 0, epochs: 1, lr: 0.0001}"
QUICK = (
    *("--set", "network.width=0.1", "--set", "network.hidden=16", "--set", "batch_size=8"),
    *("--set", f"stages=[{HEAD}, {WHOLE}]"),
)


SMALL = (None, LABELS, 4, 2)  #: what `synthetic.dataset` makes if nothing is said: four clips of a class in each fold


@pytest.fixture(autouse=True)
def small_world(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three kinds of made sounds in two folds, a thin random trunk, and an empty folder to work in.

    What is made of the sounds is kept for all tests.
    """
    monkeypatch.setattr(synthetic.dataset, "__defaults__", SMALL)
    monkeypatch.setitem(NETWORKS, "mobilenet", replace(NETWORKS["mobilenet"], published=tinylearning.PUBLISHED))
    monkeypatch.setenv("HUBBUB_CACHE", str(tmp_path_factory.getbasetemp() / "learn-cache"))
    monkeypatch.setenv("HUBBUB_DATA", str(tmp_path / "no-data"))
    monkeypatch.delenv("HUBBUB_ESC50", raising=False)
    monkeypatch.setattr(experiment, "_COMPARED", 4)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lets other processes live in the small world as well, with one thread each; so does this one."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    code = f"from hubbub.data.synth import synthetic\nsynthetic.dataset.__defaults__ = {SMALL}\n"
    (folder / "sitecustomize.py").write_text(code)  # Python imports it at its start
    monkeypatch.setenv("PYTHONPATH", str(folder) + ":/work/wt/train/src")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return folder


@pytest.fixture
def one_thread() -> Iterator[None]:
    """As many as another process has, so that sums are rounded alike."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


BY_NAME = (
    *("--set", "split.kind=filename-regex"),
    *("--set", r"split.patterns=['-00[0-3]\.', '-004\.', '-00[5-7]\.']"),
)


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
    assert Run.open(Path("runs/probe-synthetic-seed1")).record.seed == 1
    probe(hubbub, "--no-final")
    sets = ("--set", "network.width=0.1", "--set", "c_grid=[0.2]")
    code, _, err = hubbub("cv", "probe", "--dataset", "synthetic", "--no-final", *sets)
    assert code == 3 and "differs in recipe (c_grid.0: 0.1, now 0.2)" in err


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

    def interrupted(path: Path, columns: tuple[str, ...], row: dict[str, str], key: tuple[str, ...]) -> None:
        if row["epoch"] == "2":
            raise KeyboardInterrupt
        add_row(path, columns, row, key)

    add_row, before = callbacks.add_row, signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        patch.setattr(callbacks, "add_row", interrupted)
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
        (["cv", "probe", "--budget", "cheap"], 2, "recipe probe has no budget 'cheap'; it has: quick"),
        (["cv", "probe", "--split", "lucky"], 2, "split.kind: "),
        (["cv", "probe", "--split", "filename-regex"], 2, "filename-regex and patterns"),
        (["cv", "probe", *BY_NAME], 2, "no folds to cross-validate over: use `hubbub train`"),
        (["train", "probe", *BY_NAME, "--fold", "1"], 2, "has no folds: leave the fold out"),
        (["train", "probe", "--fold", "9"], 2, "has no fold 9"),
        (
            ["train", "cnn", "--budget", "quick", "--split", "random"],
            3,
            "give --i-know-it-leaks to see it all the same",
        ),
        (["cv", "cnn", "--budget", "quick", "--split", "random"], 3, "give --i-know-it-leaks to see it all the same"),
        (
            ["train", "cnn", "--budget", "quick", "--split", "random-expanded", "--i-know-it-leaks"],
            2,
            "has no copies for a random-expanded",
        ),
        (["train", "resnet18", "--budget", "quick", "--weights", "gone"], 3, "no weights at gone: check the path"),
        (["train", "cnn", "--budget", "quick", "--set", "stages.0.lr=1e30"], 3, "stage 1 of cnn diverged"),
        (["export", "nowhere"], 3, "no run at nowhere"),
        (["report", "nowhere"], 3, "no run at nowhere"),
    ],
)
def test_what_goes_wrong_is_told_in_one_line(hubbub: Callable, arguments: list[str], code: int, said: str) -> None:
    learning = ["--dataset", "synthetic"] if arguments[0] in ("cv", "train") else []
    ended, _, err = hubbub(*arguments, *learning)
    lines = [line for line in err.splitlines() if line.startswith("hubbub: ")]
    assert ended == code and len(lines) == 1 and said in lines[0]


# --- every recipe, in a hurry -----------------------------------------------------------------------------------------

EXPORTED = ("attention", "cnn", "efficientnet-imagenet", "resnet18", "resnet50-imagenet")


@pytest.mark.parametrize("name", recipe_file.names())
def test_every_recipe_runs_in_its_quick_budget(hubbub: Callable, name: str) -> None:
    code, out, err = hubbub("train", name, "--budget", "quick")
    assert code == 0, err
    run = Run.open(Path("runs") / f"{name}-quick-synthetic-fold1")
    assert out.splitlines()[-1] == f"fold 1 accuracy: {100 * run.predictions.right.mean():.2f} %"
    assert recipe_file.load(str(run.folder / "recipe.yaml")) == recipe_file.load(name, budget="quick")
    clips = synthetic.dataset().clips
    assert set(run.predictions.clips) == {clip.id for clip in clips if clip.fold == 1}
    stages = recipe_file.load(name, budget="quick").stages
    if stages:
        assert len(read_csv(run.folder / "epochs.csv")) == sum(stage.epochs for stage in stages)
    assert (run.folder / "strengths.csv").is_file() is (name == "resnet34-classaware")
    if name not in EXPORTED:
        return
    code, out, err = hubbub("export", run.folder)
    assert code == 0 and "torch and the listening stack agree" in out, err
    heard = [clip for clip in clips if clip.fold == 1][:3]
    kept = dict(zip(run.predictions.clips, run.predictions.probabilities, strict=True))
    answers = without_torch(run.folder / "model.onnx", [clip.path for clip in heard])
    for clip, answer in zip(heard, answers, strict=True):
        assert answer == pytest.approx(kept[clip.id].tolist(), abs=5e-3)


def without_torch(model: Path, sounds: list[Path]) -> list[list[float]]:
    """What another process without torch answers: a probability for each class, at temperature 1; of 2 s if need be."""
    code = (
        "import json, sys; sys.modules['torch'] = None\n"
        "from hubbub import audio; from hubbub.evaluate.calibration import softmax\n"
        "from hubbub.listen.classifier import Classifier; import numpy as np\n"
        "model, *sounds = sys.argv[1:]; listener = Classifier(model, threads=1); spec = listener.meta.frontend\n"
        "length = round(spec.sample_rate * listener.meta.window_seconds)\n"
        "from pathlib import Path\n"
        "windows = np.stack([audio.read(Path(path), spec.sample_rate)[0][:length] for path in sounds])\n"
        "print(json.dumps(softmax(listener.run(windows)[0]).tolist()))"
    )
    done = subprocess.run([sys.executable, "-c", code, model, *sounds], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# --- splits -----------------------------------------------------------------------------------------------------------


def test_a_leaky_split_is_shouted_about(hubbub: Callable) -> None:
    command = ("train", "cnn", "--budget", "quick", "--set", "stages.0.epochs=1", "--split", "random")
    code, out, err = hubbub(*command, "--i-know-it-leaks", "--fold", "2")
    assert code == 0, err
    run = Run.open(Path("runs/LEAKY-random-cnn-quick-synthetic-fold2"))
    assert str(run.record.split) == "LEAKY random fold 2"
    assert out.splitlines()[-1].startswith("LEAKY fold 2 accuracy: ") and out.count("LEAKY") > 1
    assert len(run.predictions.clips) in (4, 5)  # a fifth of 24 clips, whatever their fold
    assert len(set(run.predictions.folds.tolist())) == 2


def test_a_leaky_cross_validation_makes_no_model_for_use(hubbub: Callable) -> None:
    sets = ("--set", "c_grid=[0.1]", "--set", "split.folds=2")
    code, out, err = hubbub("cv", "probe", "--budget", "quick", "--split", "random", "--i-know-it-leaks", *sets)
    assert code == 0, err
    run = Run.open(Path("runs/LEAKY-random-probe-quick-synthetic"))
    assert str(run.record.split) == "LEAKY random folds 1 2" and not (run.folder / "final").exists()
    assert out.splitlines()[-1].startswith("LEAKY 2-fold accuracy: ") and len(run.predictions.clips) == 24


def test_grouped_folds_and_parts_by_name(hubbub: Callable) -> None:
    probed = ("train", "probe", "--budget", "quick")
    code, out, err = hubbub(*probed, "--split", "grouped", "--set", "split.folds=3", "--fold", "3")
    assert code == 0 and out.splitlines()[-1].startswith("fold 3 accuracy: "), err
    assert 6 <= len(Run.open(Path("runs/probe-quick-synthetic-grouped-fold3")).predictions.clips) <= 10
    code, out, err = hubbub(*probed, *BY_NAME)
    assert code == 0 and out.splitlines()[-1].startswith("test accuracy: "), err
    run = Run.open(Path("runs/probe-quick-synthetic"))
    assert str(run.record.split) == "filename-regex"
    for part, numbers in (("train", "0123"), ("validation", "4"), ("test", "567")):
        clips = {row["clip"] for row in run.clips if row["part"] == part}
        assert clips == {f"{label}-00{number}.wav" for label in LABELS for number in numbers}


def test_acoustic_rules_need_the_classes_of_esc50(tmp_path: Path) -> None:
    """Which is said before a clip is read."""
    unread = Clip("x.wav", tmp_path / "gone.wav", "applause", "1", 1)
    mine = Dataset("mine", "Mine", ("applause",), (unread,), "CC0", "", "")
    with pytest.raises(
        UsageError, match="acoustic rules know the classes of ESC-50 only, not all of mine: use balanced"
    ):
        training_data.clip_arrays(mine, recipe_file.load("resnet34-acoustic"))


# --- side by side, and killed -----------------------------------------------------------------------------------------


def test_folds_side_by_side_say_the_same_as_one_by_one(
    hubbub: Callable, elsewhere: Path, one_thread: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hubbub.studies.experiment.cores", lambda: 2)  # so that each of two processes has one thread
    command = ("cv", "cnn", "--budget", "quick", "--set", "stages.0.epochs=1", "--no-final")
    code, _, err = hubbub(*command, "--jobs", "2", "--name", "two")
    assert code == 0, err
    assert {"fold 1", "fold 2"} <= {line.partition(": stage 1, epoch 1")[0] for line in err.splitlines()}
    assert hubbub(*command, "--name", "one")[0] == 0
    for name in ("predictions.csv", "fold1/predictions.csv", "fold2/validation.csv", "fold2/clips.csv"):
        assert Path("runs/two", name).read_bytes() == Path("runs/one", name).read_bytes(), name


def test_a_fold_that_fails_side_by_side(hubbub: Callable, elsewhere: Path) -> None:
    broken = "import os, sys\nif 'spawn_main' in ' '.join(sys.orig_argv):\n    os._exit(7)\n"
    (elsewhere / "sitecustomize.py").write_text(broken)
    code, out, err = hubbub("cv", "probe", "--budget", "quick", "--jobs", "2")
    assert (code, out) == (3, "") and err.splitlines()[
        -1
    ] == "hubbub: fold 1 failed (exit code 7); its last lines say why"
    assert not Run(Path("runs/probe-quick-synthetic")).finished


def test_a_run_that_was_killed_ends_as_one_that_was_not(hubbub: Callable, elsewhere: Path, one_thread: None) -> None:
    command = ("train", "resnet18", "--budget", "quick", "--set", "batch_size=4")
    process = subprocess.Popen(
        [sys.executable, "-m", "hubbub", *command, "--name", "killed"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    killed, whole = Path("runs/killed"), Path("runs/whole")
    ends = time.monotonic() + 120
    while process.poll() is None and not (
        (killed / "epochs.csv").is_file() and (killed / "checkpoints/stage1/last.ckpt").is_file()
    ):
        assert time.monotonic() < ends
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    said = process.communicate()[1].decode()
    assert process.returncode == -signal.SIGKILL, said
    assert not Run(killed).finished and len(read_csv(killed / "epochs.csv")) in (1, 2)

    code, _, err = hubbub(*command, "--name", "killed")
    assert code == 0 and "epoch 1 of 3" not in err and "epoch 3 of 3" in err
    assert hubbub(*command, "--name", "whole")[0] == 0
    for name in ("predictions.csv", "validation.csv", "metrics.json"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name
    clock = {"seconds": "", "waiting": ""}
    epochs = [[row | clock for row in read_csv(folder / "epochs.csv")] for folder in (killed, whole)]
    assert epochs[0] == epochs[1] and len(epochs[0]) == 3


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
