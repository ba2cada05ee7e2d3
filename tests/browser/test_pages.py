"""The pages that `hubbub` writes, opened: whatever a clip or a class is called, they show it and play it."""

from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import browsing
import tinyconditions
import tinymodel
import tinypages
import tinyruns
from browsing import PHONE, WIDE, Visit
from hubbub import audio, modelfile
from hubbub.data import esc50
from hubbub.data.sources import open_dataset
from hubbub.storage import write_csv

pytestmark = pytest.mark.usefixtures("browser")  # first of all: without one, no page need be made
RATE = 16_000
#: Classes and clips that would be markup, or end a script, or push the page wide, if anything let them.
RAIN, DOG = "rain & <b>wind<b>", "\N{DOG FACE} \"dog\" 'x'" + "g" * 190
SCRIPT = '"><script>alert(1)</script>.wav'
LONG = "long" * 40 + ".wav"
LOOKS = [pytest.param(width, dark, id=f"{width}{'dark' if dark else ''}") for width in (WIDE, PHONE) for dark in (0, 1)]
looks = pytest.mark.parametrize(("width", "dark"), LOOKS)
wide_and_phone = pytest.mark.parametrize("width", [WIDE, PHONE])


def hiss(seed: int, seconds: float = 0.8) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of hostile names and a broken file; one clip is there twice, and once more, shifted and softer."""
    root = tmp_path_factory.mktemp("mine")
    rolled = np.pad(hiss(0, 3), (RATE // 4, 0))[: 3 * RATE]
    for number, name in enumerate(["<b>.wav", SCRIPT, LONG, "'&amp;.wav"]):
        audio.write_wav(root / RAIN / name, hiss(number, 3), RATE)
        audio.write_wav(root / DOG / name, np.sin(np.arange(RATE) * (number + 3) / 40) / 4, RATE)
    audio.write_wav(root / RAIN / "twice.wav", hiss(1, 3), RATE)
    audio.write_wav(root / RAIN / "shifted.wav", 0.5 * rolled, RATE)
    (root / DOG / "<i>broken</i>.wav").parent.mkdir(parents=True)
    (root / DOG / "<i>broken</i>.wav").write_bytes(b"no sound")
    return root


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUBBUB_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def every_button(page: Any, place: str) -> None:
    """The first and the last play button of a place play; there are some."""
    buttons = page.locator(f"{place} .play")
    assert buttons.count() > 1
    browsing.plays(page, buttons.first)
    browsing.plays(page, buttons.last)


# --- hubbub explore ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def explored(sounds: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import sklearn.manifold  # noqa: F401  (so that its threads are there to be limited)

    from hubbub.report import explore_page
    from hubbub.studies.explore import explore

    path = tmp_path_factory.mktemp("explore") / "page.html"
    with threadpool_limits(
        1
    ):  # t-SNE's threads wait for each other, 20 s and more where other tests keep the cores busy
        explore_page.write(path, explore(open_dataset(str(sounds))))
    return path


class TestExplore:
    @looks
    def test_looks_and_plays(self, explored: Path, visit: Visit, width: int, dark: bool) -> None:
        opened = visit(explored, width, dark)
        every_button(opened, ".clips")
        assert opened.locator("table.narrow tbody tr").count() == 2
        for name in (RAIN, DOG):
            assert opened.get_by_text(name.replace("_", " "), exact=True).count()

    @wide_and_phone
    def test_the_points_of_both_maps_play(self, explored: Path, visit: Visit, width: int) -> None:
        opened = visit(explored, width)
        for name in ("energy", "alike"):
            points = opened.locator(f'figure[data-name="{name}"] circle')
            assert points.count() == 10
            points.last.click()  # the last one drawn lies above all others
            browsing.hears(opened)

    def test_the_last_column_is_not_cut(self, tmp_path: Path, visit: Visit) -> None:
        from hubbub.report import explore_page
        from hubbub.studies.explore import explore

        clips = {"1.wav": "drinking_sipping", "2.wav": "washing_machine", "3.wav": "washing_machine"}
        dataset = replace(tinypages.sounding(tmp_path, clips), categories=esc50.categories(set(clips.values())))
        explore_page.write(tmp_path / "page.html", explore(dataset))
        opened = visit(tmp_path / "page.html")
        table, room = opened.locator("table.narrow").evaluate("(t) => [t.offsetWidth, t.parentElement.clientWidth]")
        assert opened.locator("table.narrow th").last.inner_text() == "bandwidth [kHz]"
        assert table <= room

    def test_what_is_broken_or_double_is_named(self, explored: Path, visit: Visit) -> None:
        opened = visit(explored, PHONE)
        for summary in opened.locator("summary").all():
            summary.click()
        words = opened.locator("details").all_inner_texts()
        assert any("<i>broken</i>.wav" in text for text in words)
        assert any(SCRIPT in text and "twice.wav" in text for text in words)
        every_button(opened, "details")


# --- hubbub audit -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def audited(sounds: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from hubbub.report import audit_page
    from hubbub.studies import audit
    from hubbub.studies.split_table import assign

    folder, dataset = tmp_path_factory.mktemp("audit"), open_dataset(str(sounds))
    parts = [[clip.id, "test" if clip.id.endswith(("e.wav", "d.wav")) else "train"] for clip in dataset.clips]
    write_csv(folder / "split.csv", ["clip", "part"], parts)
    audit_page.write(folder / "page.html", audit.run(dataset, assign(dataset, str(folder / "split.csv"))))
    return folder / "page.html"


class TestAudit:
    @looks
    def test_looks_and_plays_a_leak(self, audited: Path, visit: Visit, width: int, dark: bool) -> None:
        opened = visit(audited, width, dark)
        assert opened.locator(".verdict").inner_text().startswith("LEAKS")
        leak = opened.locator(".finding").filter(has_text="twice.wav").first
        assert SCRIPT in leak.inner_text()
        for button in leak.locator(".play").all():
            browsing.plays(opened, button)

    def test_a_near_copy_plays_beside_its_like(self, audited: Path, visit: Visit) -> None:
        opened = visit(audited, PHONE)
        near = opened.locator(".finding").filter(has_text="shifted.wav").first
        assert "<b>.wav" in near.inner_text()
        for button in near.locator(".play").all():
            browsing.plays(opened, button)

    def test_what_cannot_be_heard_is_named(self, audited: Path, visit: Visit) -> None:
        assert visit(audited).get_by_text(f"{DOG}/<i>broken</i>.wav", exact=True).count()


# --- hubbub report ----------------------------------------------------------------------------------------------------

LABELS = (RAIN, DOG, "cow")
PLANTED = {(RAIN, DOG): 2, ("cow", RAIN): 1}


def a_run(folder: Path, planted: dict[tuple[str, str], int]) -> tuple[Any, str]:
    """A run that took some clips for others, and the folder in which they lie."""
    run = tinyruns.planted(folder / "run", LABELS, planted)
    rows = [[row["clip"], row["label"]] for row in run.clips]
    for number, (clip, _) in enumerate(rows):
        audio.write_wav(folder / "sounds" / clip, hiss(number), RATE)
    write_csv(folder / "sounds" / "metadata.csv", ["file_name", "label"], rows)
    return run, str(folder / "sounds")


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from hubbub.report import run_page

    folder = tmp_path_factory.mktemp("report")
    modelfile.write(folder / "model.onnx", tinymodel.graph(), tinymodel.meta(name="<b>mine<b>", labels=LABELS))
    run, sounds = a_run(folder, PLANTED)
    run_page.write(folder / "page.html", run, sounds, folder / "model.onnx")
    return folder / "page.html"


class TestRun:
    @looks
    def test_looks_and_plays_a_mistake(self, reported: Path, visit: Visit, width: int, dark: bool) -> None:
        opened = visit(reported, width, dark)
        assert opened.locator("[data-mistakes] .clip").count() == 3
        every_button(opened, "[data-mistakes]")

    def test_what_a_model_goes_by_plays(self, reported: Path, visit: Visit) -> None:
        opened = visit(reported, PHONE)
        assert "What <b>mine<b> goes by" in opened.locator("#why + p").inner_text()
        names = opened.locator(".reason .play").all_inner_texts()
        assert sorted(names) == ["cow-00.wav", f"{RAIN}-00.wav", f"{RAIN}-01.wav"]
        every_button(opened, ".reason")

    @wide_and_phone
    def test_a_cell_of_the_matrix_opens_and_plays(self, reported: Path, visit: Visit, width: int) -> None:
        opened = visit(reported, width)
        cell = opened.get_by_role("button", name=f"{RAIN} predicted as {DOG}: 2", exact=True)
        cell.click()
        heard = opened.locator(".matrix-cell .play")
        assert heard.all_inner_texts() == [f"{RAIN}-00.wav", f"{RAIN}-01.wav"]
        browsing.plays(opened, heard.first)
        opened.get_by_role("button", name="close").click()
        assert not opened.locator(".matrix-cell").is_visible()

    def test_the_matrix_sorts(self, reported: Path, visit: Visit) -> None:
        opened = visit(reported)
        heads = lambda: opened.locator(".matrix tbody th").all_inner_texts()  # noqa: E731
        orders = opened.locator("[data-matrix] select")
        found = set()
        for name in orders.locator("option").all_inner_texts():
            orders.select_option(label=name)
            found.add(tuple(heads()))
            assert sorted(heads()) == sorted(LABELS)
        assert len(found) > 1

    def test_a_clip_without_a_player_says_why(
        self, tmp_path: Path, visit: Visit, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from hubbub.report import playlist, run_page

        monkeypatch.setattr(playlist, "RIGHT_ONES", 0)
        run, sounds = a_run(tmp_path, PLANTED)
        run_page.write(tmp_path / "page.html", run, sounds)
        opened = visit(tmp_path / "page.html")
        opened.get_by_role("button", name="cow predicted as cow: 5", exact=True).click()
        assert opened.locator(".matrix-cell .play").count() == 0
        assert "Without a player" in opened.locator(".matrix-cell .why").inner_text()

    def test_learning_curves_have_training_accuracy_and_marks_of_the_rate(self, tmp_path: Path, visit: Visit) -> None:
        from hubbub.report import run_page

        run, sounds = a_run(tmp_path, PLANTED)
        columns = ["stage", "epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "lr"]
        rows = [[1, epoch, 2 / epoch, 0.3 * epoch, 1 / epoch, 0.2 * epoch, 0.0009 / epoch] for epoch in (1, 2, 3)]
        write_csv(run.folder / "epochs.csv", columns, rows)
        run_page.write(tmp_path / "page.html", run, sounds)
        chart = visit(tmp_path / "page.html").locator("[data-curves] svg")
        assert {"accuracy", "learning rate", "3e-4", "9e-4"} <= set(chart.locator("text").all_text_contents())
        assert chart.locator("path").count() == 5

    def test_mistakes_of_one_class_alone(self, reported: Path, visit: Visit) -> None:
        opened = visit(reported, PHONE)
        opened.locator("[data-mistakes] select").first.select_option(label="cow")
        assert opened.locator("[data-mistakes] .play").all_inner_texts() == ["cow-00.wav"]


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from hubbub.report import runs_page

    folder = tmp_path_factory.mktemp("runs")
    first, sounds = a_run(folder / "<b>first", PLANTED)
    second, _ = a_run(folder / "second", {(RAIN, DOG): 1})
    runs_page.write(folder / "page.html", [first, second], sounds)
    return folder / "page.html"


class TestRuns:
    @looks
    def test_looks_and_plays_what_tells_them_apart(self, compared: Path, visit: Visit, width: int, dark: bool) -> None:
        opened = visit(compared, width, dark)
        every_button(opened, "[data-differing]")
        names = opened.locator("[data-differing] .play").all_inner_texts()
        assert sorted(names) == ["cow-00.wav", f"{RAIN}-01.wav"]


def test_no_page_is_forgotten() -> None:
    shipped = {entry.name for entry in files("hubbub.web.templates").iterdir() if entry.name.endswith(".html")}
    blocks = {"base.html", "macros.html", "run_macros.html"}
    assert shipped - blocks == {"explore.html", "audit.html", "run.html", "runs.html", "robustness.html"}


# --- hubbub robustness ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def corrupted(sounds: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from hubbub.report import robustness_page
    from hubbub.runs.robustness import Robustness

    kept = tinyconditions.predictions(model=RAIN)
    known = replace(kept, clips=(f"{DOG}/{LONG}", *kept.clips[1:]))
    other = replace(known, measured=tinyconditions.measured(model=SCRIPT + LONG))
    path = tmp_path_factory.mktemp("robustness") / "page.html"
    robustness_page.write(path, [Robustness(known), Robustness(other)], str(sounds))
    return path


@looks
def test_a_page_of_robustness_looks_and_plays(corrupted: Path, visit: Visit, width: int, dark: bool) -> None:
    opened = visit(corrupted, width, dark)
    every_button(opened, ".panels")
    assert opened.locator(".panel").count() == 2 and opened.locator("polyline").count() == 4
    assert opened.get_by_text(RAIN).count()
