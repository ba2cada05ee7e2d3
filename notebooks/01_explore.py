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
# # Look at the data first
#
# A classifier learns whatever tells the classes apart in the files that it is given. That may be the sound of a
# dog; it may also be a microphone, a fade-out, or the zeros that fill a short recording. So before anything is
# trained, listen to the files, look at them, and ask what in them has nothing to do with the sound.
#
# This notebook takes ESC-10, the ten easiest classes of ESC-50 (Piczak, 2015), or, if ESC-50 is not on this
# machine, a set of everyday sounds that hubbub makes by code. Set `HUBBUB_NOTEBOOK_DATASET` to `esc50`, or to a
# folder with sounds of your own (one subfolder a class), to look at something else. All 2,000 clips of ESC-50 take
# a few minutes the first time; what was heard is kept in a cache.

# %%
import os
from pathlib import Path

from IPython.display import Audio, IFrame, Image, display
from rich import print as show

from hubbub.data.esc50 import MissingDatasetError
from hubbub.data.sources import open_dataset

OUT = Path("out")  # what this notebook writes
NAME = os.environ.get("HUBBUB_NOTEBOOK_DATASET", "esc10")
try:
    dataset = open_dataset(NAME)
except MissingDatasetError as error:
    print(error, "\nThe synthetic sounds will do.", sep="\n")
    dataset = open_dataset("synthetic")

print(f"{dataset.title}: {len(dataset.clips)} clips in {len(dataset.labels)} classes")
print(f"licence: {dataset.licence}\ncitation: {dataset.citation}")

# %% [markdown]
# ## What a clip is
#
# A clip is a file, its label, the **recording** that it was cut from, and the **fold** that the dataset's author
# put it into. The last two matter as much as the label: two clips of one recording sound alike because they *are*
# alike, and a test that has one of them while training has the other tests nothing but memory.

# %%
dataset.clips[0]

# %% [markdown]
# ## Listen
#
# One clip of each of some classes. Close your eyes for one of them: could you name it? People get about 96 % of
# ESC-10 right, and about 81 % of ESC-50 (Piczak, 2015).

# %%
first = {clip.label: clip for clip in reversed(dataset.clips)}
for label in dataset.labels[:4]:
    print(label)
    display(Audio(filename=first[label].path))

# %% [markdown]
# ## Look
#
# The same clips as log-mel spectrograms: time runs to the right, frequency upwards (mel: fine steps where the ear
# has fine steps), and what is bright is loud. Look for harmonics (stacked lines) in voices and animals, for
# vertical strokes in knocks and clicks, for a carpet in rain and wind, and for black at the end of a clip: that is
# digital silence, put there because the recording was too short.

# %%
from hubbub.web import images

for label in dataset.labels[:4]:
    print(label)
    display(Image(url=images.logmel_png(*images.beginning(first[label].path)), width=480))

# %% [markdown]
# ## What all files hold
#
# Nobody listens to everything. `explore` does: for each clip it measures level, peak, clipping, digital silence,
# zero crossings, spectral centroid ("brightness"), and the highest frequency that there is anything at. It also has
# the built-in model listen, for a map of what sounds alike.

# %%
from hubbub.studies import explore, explore_tables
from hubbub.workers import cores

found = explore.explore(dataset, cores())
for line in explore_tables.remarks(found):
    print("-", line)

# %% [markdown]
# The classes, from the darkest to the brightest. Which pairs do you expect a model to confuse? And could you name
# some of them from `silence` alone?

# %%
print(f"{'class':<20} {'clips':>5} {'recordings':>10} {'level':>8} {'brightness':>10} {'bandwidth':>9} {'silence':>7}")
for row in sorted(explore_tables.class_table(found), key=lambda row: row["centroid"]):
    print(
        f"{row['class']:<20} {row['clips']:>5} {row['recordings']:>10} {row['level']:>5.0f} dB"
        f" {row['centroid']:>7,.0f} Hz {row['bandwidth'] / 1000:>5.1f} kHz {row['silence']:>7.0%}"
    )

# %% [markdown]
# ## Typical, and not
#
# `typical` sorts the clips of a class by how near they are to its mean in the model's eyes. The last ones are worth
# an ear: a rare kind of the sound, a bad recording, or a wrong label.

# %%
label = dataset.labels[0]
for place, words in ((0, "most typical"), (-1, "least typical")):
    clip = dataset.clips[found.typical[label][place]]
    print(f"{label}: {words} is {clip.id}")
    display(Audio(filename=clip.path))

# %% [markdown]
# ## All of it on one page
#
# The page has the tables, and two maps whose points play when clicked: energy against brightness, and what sounds
# alike. It is one file without any link to elsewhere: if your editor does not show it here, open `out/explore.html`
# in a browser, or mail it to someone. `hubbub explore esc10 --html explore.html` makes the same page.

# %%
from hubbub.report import explore_page

explore_page.write(OUT / "explore.html", found, cores())
IFrame(OUT / "explore.html", width="100%", height=700)

# %% [markdown]
# ## Is the split honest?
#
# `audit` takes a split and looks for what lies on both sides of it: a recording, the very same samples, or a near
# copy (shifted, cut, filtered, encoded again). First the folds that come with the dataset. Below the verdict: how
# far one gets *without listening*, from bandwidth and digital silence alone. Where that is far above chance, a part
# of any accuracy is owed to how the files were made.

# %%
from hubbub.report.audit_terminal import overview
from hubbub.studies import audit
from hubbub.studies.split_table import assign

official = audit.run(dataset, assign(dataset), jobs=cores())
show(overview(official))

# %% [markdown]
# If it found a near copy, listen to both clips. They have different recording numbers: only an ear, or a
# fingerprint, can tell.

# %%
near = [overlap for overlap in official.overlaps if overlap.kind == "near"]
for overlap in sorted(near, key=lambda overlap: not overlap.is_leak)[:1]:
    for split_clip in overlap.clips:
        print(split_clip.clip.id, "in", " and ".join(split_clip.parts))
        display(Audio(filename=split_clip.clip.path))

# %% [markdown]
# And now a split by chance, clip by clip, as many a published script has it. Where clips share recordings (in
# ESC-50 they do, in the synthetic set they do not), this is how an accuracy comes to be too good to be true.

# %%
from hubbub.report.audit_terminal import verdict

by_chance = audit.run(dataset, assign(dataset, "random"), jobs=cores())
print(verdict(by_chance))

# %% [markdown]
# ## Try it
#
# - Set `HUBBUB_NOTEBOOK_DATASET` to a folder of your own. What do its remarks say?
# - Find a clip on the map whose colour does not fit its neighbours. Listen. Who is right?
# - `hubbub audit esc50 --split official` ends with exit code 1. Which recordings does it name, and why does that matter
#   little for a figure over 2,000 clips?
#
# Next: `02_features_and_augmentation.py`, what a network sees of a sound.
