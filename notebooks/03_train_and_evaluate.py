# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Train, and find out what was learnt
#
# Here a small network is trained twice in under a minute, on ESC-10, or on the synthetic sounds if ESC-50 is not on
# this machine (`HUBBUB_NOTEBOOK_DATASET` chooses another). The network is a toy; how it is judged is not: a test
# fold that training never sees, an interval beside every figure, mistakes to listen to, and a model file that
# refuses to be tested on what it has heard.

# %%
import os
from pathlib import Path

from IPython.display import Audio, IFrame, Image, display
from rich import print as show

from hubbub.data.esc50 import MissingDatasetError
from hubbub.data.sources import open_dataset
from hubbub.train import recipe_file as recipes

OUT = Path("out")  # what this notebook writes
NAME = os.environ.get("HUBBUB_NOTEBOOK_DATASET", "esc10")
try:
    open_dataset(NAME)
except MissingDatasetError as error:
    print(error, "\nThe synthetic sounds will do.", sep="\n")
    NAME = "synthetic"

# %% [markdown]
# ## A recipe
#
# Everything about a training is in one recipe: front end, network, augmentation, stages. These come with hubbub;
# their results, all by the same protocol, are in `docs/results.md`.

# %%
print(recipes.names())
print(recipes.to_yaml(recipes.load("cnn", budget="quick")))

# %% [markdown]
# An `Experiment` is what `hubbub train` works with: recipe and dataset, loaded, and the log-mels (kept in a cache).
# `overrides` changes keys of the recipe, as `--set` does.

# %%
from hubbub.studies.experiment import Experiment, export

EPOCHS = {"stages.0.epochs": 8, "stages.0.lr": 3e-3}
experiment = Experiment.prepare(recipe="cnn", dataset=NAME, budget="quick", overrides=EPOCHS, log=print)
print("clips, mel bands, frames:", experiment.job.arrays.logmels.shape)

# %% [markdown]
# ## A split
#
# Fold 1 is the test. Of the others, some recordings are kept for **validation**: they choose the epoch whose
# weights are kept. Nothing is chosen by the test clips, or they would be part of training. No recording is on two
# sides.

# %%
split = experiment.split(fold=1)
print(split.name, "-", *(f"{part}: {len(getattr(split, part))} clips" for part in ("train", "validation", "test")))

# %% [markdown]
# ## Train
#
# An epoch shows each training clip once. Watch the two losses: while both fall, it learns; when the training loss
# falls and the validation loss rises, it learns by heart.

# %%
plain = experiment.train(fold=1, runs=OUT, name="plain")

# %%
from hubbub.report import plots

plots.plot_curves(plain, OUT / "curves.png")
Image(filename=OUT / "curves.png", width=700)

# %% [markdown]
# ## How good is it?
#
# The run folder holds every prediction; all figures are made from it. Mind the interval: with a few dozen test
# clips, a difference of some points is luck. It is taken over *recordings*, because clips of one recording succeed
# and fail together.

# %%
from hubbub.report.terminal import overview

show(overview(plain))

# %%
plots.plot_confusion(plain, OUT / "confusion.png")
Image(filename=OUT / "confusion.png", width=700)

# %% [markdown]
# ## Listen to the mistakes
#
# The most confident ones first: these teach the most. Is the clip odd, is the label odd, or did the network take
# the wrong thing for the sound?

# %%
from hubbub.runs.analysis import RunAnalysis

paths = {clip.id: clip.path for clip in experiment.dataset.clips}
evidence = RunAnalysis.of(plain)
for row in evidence.ranked[: min(evidence.wrong, 3)]:
    kept = evidence.predictions
    name, true, named = kept.clips[row], kept.classes[kept.targets[row]], kept.classes[kept.predicted[row]]
    print(f"{name}: {true}, named {named}, {evidence.confidence[row]:.0%} sure")
    display(Audio(filename=paths[name]))

# %% [markdown]
# ## Does it know how sure it is?
#
# Of all clips that it is 80 % sure of, 80 % should be right. The calibration error is how far it is from that, on
# average; a temperature, read off validation clips, is what the model file will carry to mend it.

# %%
from hubbub.evaluate.calibration import fit_temperature
from hubbub.runs.predictions import Predictions
from hubbub.runs.run import Run

kept = Predictions.read(plain.folder / "validation.csv")
print(f"calibration error: {evidence.calibration_error:.1%}")
temperature = fit_temperature(kept.targets, kept.probabilities)
print(f"temperature: {temperature:.2f} (above 1: too sure of itself, below 1: not sure enough)")

# %% [markdown]
# ## Does augmentation help?
#
# The same again, but each time a clip is shown it is rotated in time, with some other microphone, and partly
# covered (see `02_features_and_augmentation.py`).

# %%
AUGMENTED = {"augment.roll": True, "augment.gain_db": 8, "augment.tilt_db": 4, "augment.mask_bands": 8}
changed = Experiment.prepare(recipe="cnn", dataset=NAME, budget="quick", overrides=EPOCHS | AUGMENTED, log=print)
augmented = changed.train(fold=1, runs=OUT, name="augmented")

# %% [markdown]
# Both were tested on the same clips, so they are compared clip by clip. If the interval holds 0, nothing is shown,
# either way; that is what an honest answer to a small experiment mostly looks like. More folds (`hubbub cv`), more
# epochs and more seeds make it narrower.

# %%
from hubbub.report.terminal import comparison

show(comparison(plain, augmented))

# %% [markdown]
# ## The whole story as a page
#
# With every misclassified clip behind its cell of the confusion matrix. `hubbub report RUN --html report.html` does
# the same. (If your editor does not show it here, open `out/report.html` in a browser.)

# %%
from hubbub.report import run_page

run_page.write(OUT / "report.html", augmented, NAME)
IFrame(OUT / "report.html", width="100%", height=700)

# %% [markdown]
# ## A model file
#
# `export` writes the network as one small file that runs without torch; it checks that both give the same answers.

# %%
import hubbub

export(augmented, OUT / "model.onnx", name="my first model")
model = hubbub.load(OUT / "model.onnx")
clip = experiment.dataset.clips[0]
display(Audio(filename=clip.path))
model.classify(clip.path)

# %% [markdown]
# ## It remembers what it has heard
#
# That clip may have been a training clip, in which case the answer proves nothing. The file carries hashes of all
# that training and validation heard, and `hubbub evaluate` refuses to score on those.

# %%
from hubbub.errors import RefusedError
from hubbub.studies import evaluation

try:
    evaluation.evaluate(OUT / "model.onnx", experiment.dataset, Run(OUT / "all"))
except RefusedError as error:
    print(error)
scored = evaluation.evaluate(OUT / "model.onnx", experiment.dataset, Run(OUT / "unseen"), unseen_only=True)
figures = scored.to_dict()
print(f"{figures['clips']} clips that it has not heard: {figures['accuracy']:.1%} right")

# %% [markdown]
# ## Why that name?
#
# Cover a part of the picture and see how much less likely the name becomes. Orange is what speaks for it, blue what
# speaks against it. Does it listen to the sound, or to something beside it?

# %%
from hubbub import audio
from hubbub.report import explanations
from hubbub.studies.occlusion import occlude

samples, rate = audio.read(clip.path)
why = occlude(model, samples, rate)
print(f"{why.label}, {why.score:.0%}")
for picture in explanations.pictures(why):
    display(Image(url=picture, width=480))

# %% [markdown]
# ## The built-in model
#
# What comes with the package began from a network that had heard AudioSet's millions of clips, and was then tuned
# on ESC-50: pretraining is worth more than any trick above. For that reason ESC-50 cannot test it; its own figure
# comes from five networks that never heard their test fold (`docs/model-card.md`).

# %%
hubbub.classify(clip.path)

# %% [markdown]
# ## Try it
#
# - Give it a fair chance: `hubbub cv cnn --dataset esc10` trains 30 epochs on each of five folds.
# - Which of the changes in `AUGMENTED` matters? Leave them out one by one, and look at the interval each time.
# - `hubbub audit esc50 --run RUN` uses a run's predictions to find labels that may be wrong. Listen, and judge.
