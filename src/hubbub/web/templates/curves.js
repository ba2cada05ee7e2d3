// Learning curves: of a run or its folds, or of several runs over each other.
{
  // The mean over parts, as far as all of them go.
  const mean = (rows) =>
    Array.from({ length: Math.min(...rows.map((row) => row.length)) }, (_, i) => {
      const known = rows.map((row) => row[i]).filter((value) => value !== null);
      return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
    });
  const line = (name, parts, key, colour, dash) => {
    const rows = parts.map((part) => part[key]);
    if (rows.length === 1) return [{ name, values: rows[0], colour, dash }];
    return [
      ...rows.map((values) => ({ name, values, colour, dash, faint: true })),
      { name: `${name}, mean`, values: mean(rows), colour, dash },
    ];
  };
  const stages = (part) => {
    const starts = part.stages
      .map((stage, i) => [i + 1, i ? stage : `stage ${stage}`])
      .filter(([at]) => at === 1 || part.stages[at - 1] !== part.stages[at - 2]);
    return starts.length > 1 ? starts : [];
  };

  const single = document.querySelector("[data-curves]");
  if (single) {
    const all = hubbub.data.curves,
      folds = all.filter((part) => part.name !== "final");
    const views =
      folds.length > 1
        ? [["all folds", folds], ...all.map((part) => [part.name, [part]])]
        : all.map((part) => [part.name, [part]]);
    let view = 0;
    const note = hubbub.element("figcaption");
    const describe = () => {
      const [, parts] = views[view];
      const { chosen, epochs, val_loss: losses, val_accuracy: accuracies } = parts[0];
      note.textContent = "";
      if (parts.length > 1)
        note.append(
          "A thin line is a fold, a thick one the mean of all folds as far as the shortest goes; ",
          "dashed: the epochs whose checkpoints were kept, by validation.",
        );
      else if (chosen !== null)
        note.append(
          `Dashed: the checkpoint that was kept, epoch ${epochs[chosen]} (validation `,
          `loss ${hubbub.digits(losses[chosen])}, accuracy ${hubbub.percent(accuracies[chosen], 1)}).`,
        );
    };
    const controls = hubbub.keys([
      ["training", "var(--muted)"],
      ["validation", "var(--blue)"],
    ]);
    if (views.length > 1)
      controls.prepend(
        hubbub.choice(
          "of",
          views.map(([name]) => name),
          (i) => {
            view = i;
            describe();
            drawn.again();
          },
        ),
      );
    single.append(controls);
    const drawn = hubbub.lines(single, () => {
      const [, parts] = views[view];
      const panels = [
        {
          title: "loss",
          height: 180,
          lines: [
            ...line("training loss", parts, "train_loss", "var(--muted)"),
            ...line("validation loss", parts, "val_loss", "var(--blue)"),
          ],
        },
        {
          title: parts.every((part) => part.train_accuracy) ? "accuracy" : "validation accuracy",
          height: 140,
          percent: true,
          lines: [
            ...(parts.every((part) => part.train_accuracy)
              ? line("training accuracy", parts, "train_accuracy", "var(--muted)")
              : []),
            ...line("validation accuracy", parts, "val_accuracy", "var(--blue)"),
          ],
        },
      ];
      if (parts.every((part) => part.lr))
        panels.push({
          title: "learning rate",
          height: 70,
          log: true,
          lines: line("learning rate", parts, "lr", "var(--muted)"),
        });
      return {
        panels,
        dividers: stages(parts[0]),
        marks: parts.filter((part) => part.chosen !== null).map((part) => part.chosen + 1),
      };
    });
    single.append(note);
    describe();
  }

  const several = document.querySelector("[data-curves-of-runs]");
  if (several) {
    const runs = hubbub.data.runs.filter((run) => run.curves.length);
    several.append(hubbub.keys(runs.map((run) => [run.name, run.colour])));
    hubbub.lines(several, () => {
      const of = (key, dash) => runs.flatMap((run) => line(run.name, run.curves, key, run.colour, dash));
      return {
        panels: [
          { title: "validation accuracy", height: 200, percent: true, lines: of("val_accuracy") },
          { title: "validation loss", height: 160, lines: of("val_loss") },
          { title: "training loss", height: 160, lines: of("train_loss") },
        ],
        dividers: [],
        marks: [],
      };
    });
  }
}
