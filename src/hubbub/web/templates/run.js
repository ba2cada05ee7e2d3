// The page of one run.
{
  const { matrix, clips, pictures } = hubbub.data;
  const { id: ids, fold: folds, is: truths, named: predictions, p: confidences, q: trueProbabilities } = clips;
  const label = (number) => matrix.labels[number];
  const folded = new Set(folds).size > 1;
  const said = (truth, predicted) => (truth === predicted ? "predicted right" : `predicted as ${label(predicted)}`);

  // --- the confusion matrix -------------------------------------------------------------------------------------------
  const MOST = 120; // classes that are shown at once: more are neither read nor drawn in good time
  const place = document.querySelector("[data-matrix]");
  const panel = hubbub.element("div", { class: "matrix-cell", role: "region", "aria-live": "polite", hidden: "" });
  const sizes = matrix.counts.map((row) => row.reduce((sum, count) => sum + count, 0));

  const unmark = () => place.querySelector("button.on")?.classList.remove("on");
  const open = (truth, predicted) => {
    const rows = ids.map((_, i) => i).filter((i) => truths[i] === truth && predictions[i] === predicted);
    const count = matrix.counts[truth][predicted];
    const heading = hubbub.element(
      "h3",
      {},
      `${count} of ${sizes[truth]} clips of ${label(truth)}, ${said(truth, predicted)}`,
    );
    const close = hubbub.element("button", { class: "close", type: "button", "aria-label": "close" }, "×");
    close.addEventListener("click", () => {
      panel.hidden = true;
      unmark();
    });
    const list = hubbub.element("ul", { class: "heard" });
    for (const i of rows) {
      const confidence = hubbub.percent(confidences[i]);
      const text =
        truth === predicted
          ? `confidence ${confidence}`
          : `${label(predicted)} ${confidence}, ${label(truth)} ${hubbub.percent(trueProbabilities[i])}`;
      list.append(hubbub.element("li", {}, hubbub.button(ids[i], ids[i]), hubbub.element("small", {}, text)));
    }
    const why = hubbub.element("p", { class: "why" }, rows.every((i) => hubbub.plays(ids[i])) ? "" : hubbub.data.mute);
    panel.replaceChildren(heading, close, why, list);
    if (rows.length < count)
      panel.append(hubbub.element("small", {}, `${count - rows.length} more are not listed in this page.`));
    panel.hidden = false;
    unmark();
    place.querySelector(`button[data-true="${truth}"][data-predicted="${predicted}"]`)?.classList.add("on");
  };

  const look = (truth, predicted) => {
    const share = matrix.counts[truth][predicted] / sizes[truth];
    const right = truth === predicted;
    const depth = right ? share : Math.min(1, 0.22 + share / 0.25); // a quarter of a class gone wrong is as red as it gets
    const colour = `color-mix(in srgb, var(${right ? "--blue" : "--red"}) ${(100 * depth).toFixed(0)}%, var(--card))`;
    return `background: ${colour}; color: var(${depth > 0.62 ? "--paper" : "--ink"})`;
  };

  const cell = (truth, predicted) => {
    const box = hubbub.element("td");
    const count = matrix.counts[truth][predicted];
    if (!count) return box;
    const name = `${label(truth)} predicted as ${label(predicted)}: ${count}`;
    const style = look(truth, predicted);
    const attributes = { type: "button", "data-true": truth, "data-predicted": predicted, style, "aria-label": name };
    box.append(hubbub.element("button", attributes, count));
    return box;
  };

  const draw = (order) => {
    const shown = order.order.slice(0, MOST),
      grouped = order.name === "by category";
    const first = (i) => grouped && i > 0 && matrix.category[shown[i]] !== matrix.category[shown[i - 1]];
    const hue = (number) => (matrix.category.length ? `border-color: var(--h${matrix.category[number]})` : "");
    const head = hubbub.element("tr", {}, hubbub.element("th", {}, "true ↓  predicted →"));
    shown.forEach((number, i) => {
      const attributes = { scope: "col", title: label(number), class: first(i) ? "left" : "" };
      head.append(hubbub.element("th", attributes, hubbub.element("span", {}, label(number))));
    });
    const body = hubbub.element("tbody");
    shown.forEach((truth, i) => {
      const attributes = { scope: "row", title: label(truth), style: hue(truth), class: first(i) ? "first" : "" };
      const row = hubbub.element("tr", {}, hubbub.element("th", attributes, label(truth)));
      shown.forEach((predicted, j) => {
        const box = cell(truth, predicted);
        if (first(i)) box.classList.add("first");
        if (first(j)) box.classList.add("left");
        row.append(box);
      });
      body.append(row);
    });
    const least = innerWidth < 700 || Math.max(...sizes) > 99 ? 26 : 19;
    const side = Math.max(least, Math.min(52, Math.floor(900 / shown.length)));
    const table = hubbub.element("table", { style: `--side: ${side}px` }, hubbub.element("thead", {}, head), body);
    return hubbub.element(
      "div",
      { class: "matrix", tabindex: "0", role: "group", "aria-label": "confusion matrix" },
      table,
    );
  };

  if (place) {
    let drawn = draw(matrix.orders[0]);
    const change = (i) => {
      const next = draw(matrix.orders[i]);
      drawn.replaceWith(next);
      drawn = next;
      panel.hidden = true;
    };
    const controls = hubbub.element(
      "div",
      { class: "controls" },
      hubbub.choice(
        "sorted",
        matrix.orders.map((order) => order.name),
        change,
      ),
    );
    controls.append(...hubbub.keys(matrix.categories.map((name, i) => [name, `var(--h${i})`])).childNodes);
    if (matrix.labels.length > MOST)
      controls.append(hubbub.element("span", {}, `the first ${MOST} of ${matrix.labels.length} classes in that order`));
    place.append(controls, drawn, panel);

    const unlight = () => {
      for (const head of place.querySelectorAll("th.on")) head.classList.remove("on");
    };
    place.addEventListener("pointermove", (event) => {
      unlight();
      const box = event.target.closest?.(".matrix td");
      if (!box) return hubbub.untip();
      box.parentNode.cells[0].classList.add("on");
      box.closest("table").tHead.rows[0].cells[box.cellIndex].classList.add("on");
      const button = box.querySelector("button");
      if (!button) return hubbub.untip();
      const truth = Number(button.dataset.true),
        predicted = Number(button.dataset.predicted);
      const count = matrix.counts[truth][predicted];
      const share = hubbub.percent(count / sizes[truth]);
      hubbub.tip(`${label(truth)}, ${said(truth, predicted)}\n${count} of ${sizes[truth]} clips (${share})`, event);
    });
    place.addEventListener("pointerleave", () => {
      unlight();
      hubbub.untip();
    });
    document.addEventListener("click", (event) => {
      const button = event.target.closest?.("button[data-true]");
      if (!button) return;
      open(Number(button.dataset.true), Number(button.dataset.predicted));
      if (!place.contains(button)) place.scrollIntoView({ block: "end" });
    });
  }

  // --- mistakes -------------------------------------------------------------------------------------------------------
  const mistakes = document.querySelector("[data-mistakes]");
  if (mistakes) {
    const PAGE = innerWidth < 700 ? 8 : 24;
    const wrong = ids.map((_, i) => i).filter((i) => truths[i] !== predictions[i]);
    const grid = hubbub.element("div", { class: "clips" });
    const more = hubbub.element("button", { class: "more", type: "button" });
    const count = hubbub.element("span", { class: "muted" });
    let chosen = wrong,
      shown = 0,
      only = null,
      order = 0;

    const probability = (name, share, colour) => {
      const bar = hubbub.element("i", { style: `width: ${(100 * share).toFixed(1)}%; background: ${colour}` });
      const track = hubbub.element("span", { class: "track" }, bar);
      return [hubbub.element("span", {}, name), track, hubbub.element("span", { class: "num" }, hubbub.percent(share))];
    };
    const card = (i) => {
      const box = hubbub.element("figure", { class: "clip" });
      const alt = `log-mel spectrogram of ${ids[i]}`;
      if (pictures[ids[i]]) {
        const picture = hubbub.element("img", { src: pictures[ids[i]], width: 240, height: 96, alt });
        box.append(hubbub.axes(picture, hubbub.data.axes));
      }
      const predicted = probability(`predicted ${label(predictions[i])}`, confidences[i], "var(--red)");
      const truth = probability(`true ${label(truths[i])}`, trueProbabilities[i], "var(--blue)");
      box.append(hubbub.element("div", { class: "probabilities" }, ...predicted, ...truth));
      const caption = hubbub.element("figcaption", {}, hubbub.button(ids[i], ids[i]));
      if (folded && folds[i]) caption.append(hubbub.element("small", {}, `fold ${folds[i]}`));
      box.append(caption);
      return box;
    };
    const add = () => {
      const next = chosen.slice(shown, shown + PAGE);
      grid.append(...next.map(card));
      shown += next.length;
      more.hidden = shown >= chosen.length;
      more.textContent = `show ${Math.min(PAGE, chosen.length - shown)} more of ${chosen.length - shown}`;
      count.textContent = `${chosen.length} ${chosen.length === 1 ? "clip" : "clips"}`;
    };
    const byClass = (a, b) => label(truths[a]).localeCompare(label(truths[b])) || confidences[b] - confidences[a];
    const ORDERS = [
      ["most confident first", () => 0],
      ["least confident first", (a, b) => confidences[a] - confidences[b]],
      ["by true class", byClass],
    ];
    const start = () => {
      chosen = wrong
        .filter((i) => only === null || truths[i] === only || predictions[i] === only)
        .sort(ORDERS[order][1]);
      grid.replaceChildren();
      shown = 0;
      add();
    };
    const touched = [...new Set(wrong.flatMap((i) => [truths[i], predictions[i]]))];
    touched.sort((a, b) => label(a).localeCompare(label(b)));
    const filter = hubbub.choice("true or predicted class", ["any class", ...touched.map(label)], (i) => {
      only = i ? touched[i - 1] : null;
      start();
    });
    const sort = hubbub.choice(
      "order",
      ORDERS.map(([name]) => name),
      (i) => {
        order = i;
        start();
      },
    );
    more.addEventListener("click", add);
    mistakes.append(hubbub.element("div", { class: "controls" }, filter, sort, count), grid, more);
    start();
  }

  // --- diagrams -------------------------------------------------------------------------------------------------------
  const diagram = document.querySelector("[data-reliability]");
  if (diagram) hubbub.reliability(diagram, [{ name: "", colour: "var(--blue)", bins: hubbub.data.reliability }]);

  const heat = document.querySelector("[data-strengths]");
  if (heat) {
    let part = 0;
    const parts = hubbub.data.strengths;
    const controls = hubbub.keys([
      ["weaker than the rules", "var(--h0)"],
      ["as stated", "var(--soft)"],
      ["stronger", "var(--h1)"],
    ]);
    if (parts.length > 1)
      controls.prepend(
        hubbub.choice(
          "of",
          parts.map((run) => run.name),
          (i) => {
            part = i;
            drawn.again();
          },
        ),
      );
    heat.append(controls);
    const drawn = hubbub.heat(heat, () => parts[part]);
  }
}
