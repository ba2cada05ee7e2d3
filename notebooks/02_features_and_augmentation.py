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
# # What a network sees, and how one sound becomes many
#
# A network for sounds is a network for pictures: it is shown a log-mel spectrogram. What that picture leaves out,
# no network can find again; what it keeps but does not matter, the network has to learn to ignore. **Augmentation**
# teaches that: it changes each clip a little every time it is shown, in ways that leave its name as it is.
#
# This notebook does both by ear and by eye. It takes a clip of ESC-10, or of the synthetic sounds if ESC-50 is not
# on this machine; `HUBBUB_NOTEBOOK_DATASET` and `LABEL` choose others.

# %%
import os
from pathlib import Path

import numpy as np
from IPython.display import Audio, Image, display

from hubbub import audio
from hubbub.data import esc50
from hubbub.data.sources import open_dataset
from hubbub.logmel import logmel
from hubbub.report import spectrograms

OUT = Path("out")  # what this notebook writes
NAME = os.environ.get("HUBBUB_NOTEBOOK_DATASET", "esc10")
try:
    dataset = open_dataset(NAME)
except esc50.MissingDatasetError as error:
    print(error, "\nThe synthetic sounds will do.", sep="\n")
    dataset = open_dataset("synthetic")

LABEL = next(label for label in ("rooster", "chirping_birds", *dataset.labels) if label in dataset.labels)
clip, other = (next(one for one in dataset.clips if (one.label == LABEL) == wanted) for wanted in (True, False))
sound, rate = audio.read(clip.path)
print(f"{clip.id}: {clip.label}, {len(sound) / rate:g} s at {rate} Hz")
Audio(sound, rate=rate)

# %% [markdown]
# ## Sampling rate: what is gone is gone
#
# At a rate of r samples a second nothing above r / 2 Hz can be kept. Most of what makes a sound known survives 22
# kHz; at 4 kHz a rooster still is one, and breaking glass is no longer glass.

# %%
for lower in (22_050, 4_000):
    print(f"{lower} Hz")
    display(Audio(audio.resample(sound, rate, lower), rate=lower))

# %% [markdown]
# ## Front ends
#
# A recipe states how its network is shown a sound: the rate, the length of the window over which a spectrum is
# taken (long: fine in frequency, blurred in time), the hop from one to the next, the number of mel bands, the unit
# and the normalisation. The same clip, as three recipes see it:

# %%
from hubbub.train import recipe_file as recipes

for name in ("cnn", "finetune", "resnet18"):
    recipe = recipes.load(name)
    spec = recipe.frontend
    heard = audio.resample(sound, rate, spec.sample_rate)
    title = f"{name}: {spectrograms.describe(spec, recipe.seconds)}"
    spectrograms.draw_views(OUT / f"{name}.png", [("as it is", logmel(heard, spec))], heard, spec, title)
    display(Image(filename=OUT / f"{name}.png", width=480))

# %% [markdown]
# They are all settings of one class. Change some and look again; with fewer mel bands the harmonics of a voice melt
# into each other, with a window four times as long a click becomes a smear.

# %%
from dataclasses import replace

spec = recipes.load("cnn").frontend
heard = audio.resample(sound, rate, spec.sample_rate)
for title, changed in (
    ("16 mel bands", replace(spec, n_mels=16)),
    ("a window of 4,096 samples, 186 ms", replace(spec, n_fft=4096, win_length=4096)),
):
    spectrograms.draw_views(OUT / "changed.png", [("as it is", logmel(heard, changed))], heard, changed, title)
    display(Image(filename=OUT / "changed.png", width=480))

# %% [markdown]
# ## Augmentation, one step at a time
#
# Each kind of step has a range, and each application draws from it. A transform has two parts: `draw` decides (and
# its result can be printed), `apply` does it; the same draw always does the same. Here the range is a single value,
# so that you know what you hear. Ask of each one: *would I still give it the same name?* If not, it is too strong,
# and the network would be taught something wrong.

# %%
from hubbub.augment.steps import Step

rng = np.random.default_rng(0)
pictures = [("as it is", logmel(heard, spec))]
for kind, value in (
    ("pitch", 4),
    ("stretch", 0.75),
    ("reverb", 1.0),
    ("background", 10),
    ("noise", 10),
    ("low_pass", 2000),
):
    step = Step(kind, value, value)
    transform = step.transform(spec.sample_rate)
    changed = transform.apply(heard, transform.draw(rng))
    pictures.append((kind, logmel(changed, spec)))
    print(f"{kind}: {value} {step.unit}")
    display(Audio(changed, rate=spec.sample_rate))

# %% [markdown]
# And by eye. Pitch moves the lines up, stretch moves them apart in time, reverberation smears to the right, noise
# fills what was dark (and so hides what was soft), the low pass cuts the top off.

# %%
for row in (pictures[:4], pictures[:1] + pictures[4:]):
    spectrograms.draw_views(OUT / "steps.png", row, heard, spec, f"{clip.id}, changed")
    display(Image(filename=OUT / "steps.png", width=1000))

# %% [markdown]
# ## Rules by kind of sound
#
# How a source can vary depends on what it is: a siren is heard from any distance and round corners, a dog is not
# heard at three quarters of its speed. The recipe `resnet34-acoustic` has rules for each of ESC-50's five
# categories.

# %%
from hubbub.augment import rules

category = esc50.category(clip.label)
print(f"{clip.label} belongs to {category}; its rules:")
for step in rules.ACOUSTIC[category]:
    print(f"- {step.kind}: {step.low:g} to {step.high:g} {step.unit}, {step.probability:.0%} of the time")

# %% [markdown]
# Three epochs of training, as they would be shown to the network. The draws derive from the seed, the epoch and the
# clip's id: run the cell again, and it shows the same three. So a training can be repeated, or go on where it was.

# %%
from hubbub.augment.plan import Augment, waveform_chain
from hubbub.augment.transform import apply_all, generator

plan = Augment(rules="acoustic")
seen = [("as it is", logmel(heard, spec))]
for epoch in range(3):
    changed = apply_all(waveform_chain(plan, spec.sample_rate, category), heard, generator(0, epoch, clip.id))
    seen.append((f"epoch {epoch}", logmel(changed, spec)))
    display(Audio(changed, rate=spec.sample_rate))
spectrograms.draw_views(OUT / "epochs.png", seen, heard, spec, f"{clip.id} by the rules for {category}")
Image(filename=OUT / "epochs.png", width=1000)

# %% [markdown]
# ## Changes of the picture
#
# Some changes are cheaper, or only possible, on the spectrogram: rotate it in time, tilt it as another microphone
# would, cover a band and some time (SpecAugment), fill digital silence with repetitions of what was heard, so that
# its length gives nothing away. `view` does all that a plan says, waveform first.

# %%
from hubbub.augment.plan import view

plans = {
    "roll": Augment(roll=True),
    "microphone": Augment(gain_db=8, tilt_db=8),
    "masks": Augment(mask_bands=16, mask_frames=60),
    "silence filled": Augment(repeat_over_silence=1.0),
}
seen = [(name, view(heard, spec, plan, generator(0, 0, clip.id))) for name, plan in plans.items()]
spectrograms.draw_views(OUT / "plans.png", seen, heard, spec, f"{clip.id}: changes of the picture")
Image(filename=OUT / "plans.png", width=1000)

# %% [markdown]
# ## Two sounds at once
#
# Between-class learning mixes two clips and asks the network for the *shares*: here 70 % of one, 30 % of the other,
# as loud as they seem to the ear. The label changes with the sound.

# %%
from hubbub.augment.waveform import between_class

second = audio.resample(*audio.read(other.path), spec.sample_rate)[: len(heard)]
second = np.pad(second, (0, len(heard) - len(second)))
print(f"70 % {clip.label}, 30 % {other.label}")
Audio(between_class(heard, second, 0.7, spec.sample_rate), rate=spec.sample_rate)

# %% [markdown]
# ## As strong as a class can bear
#
# With `class_aware`, the strength of the rules follows how well each class is recognised on validation clips (never
# test clips): what is nearly always named right gets weaker rules, what is missed gets stronger ones.

# %%
from hubbub.augment.class_aware import ClassAware

aware = ClassAware()
strengths = aware.start(3)
for epoch in range(4):
    strengths = aware.update(strengths, recall=[1.0, 0.6, 0.1])
    print(f"epoch {epoch}: strength at recall 100 %, 60 %, 10 %:", strengths.round(2))
print("\n".join(f"pitch at strength {s}: {Step('pitch', -2, 2).scaled(s)}" for s in (0.3, 1, 1.5)))

# %% [markdown]
# ## Try it
#
# - Set `LABEL` to `rain`. Which steps can you hear now, and which not?
# - How strong may `pitch` be until a rooster is a hen? Until it is no bird at all?
# - `hubbub features show FILE --recipe scratch` draws what any recipe's network is shown of any file.
#
# Next: `03_train_and_evaluate.py`, where it shows whether it helps.
