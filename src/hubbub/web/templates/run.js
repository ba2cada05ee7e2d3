// The page of one run.
{
  const { matrix, clips, pictures } = hubbub.data;
  const label = (number) => matrix.labels[number];
  const folds = new Set(clips.fold).size > 1;

  // One clip in words: what it is, what it was named, and how sure.
  const verdict = (i) => clips.is[i] === clips.named[i]
    ? `${label(clips.is[i])}, named so at ${hubbub.percent(clips.p[i])}`
    : `${label(clips.is[i])} (${hubbub.percent(clips.q[i])}), named ${label(clips.named[i])} (${hubbub.percent(clips.p[i])})`;

  // --- the matrix -----------------------------------------------------------------------------------------------------
  const MOST = 120;  // classes that are shown at once: more are neither read nor drawn in good time
  const place = document.querySelector("[data-matrix]");
  const panel = hubbub.element("div", { class: "matrix-cell", role: "region", "aria-live": "polite", hidden: "" });
  const sizes = matrix.counts.map((row) => row.reduce((sum, count) => sum + count, 0));

  const open = (is, named) => {
    const rows = clips.id.map((_, i) => i).filter((i) => clips.is[i] === is && clips.named[i] === named);
    const count = matrix.counts[is][named], heading = hubbub.element("h3");
    heading.textContent = `${count} of ${sizes[is]} clips of ${label(is)}, named ${is === named ? "right" : label(named)}`;
    const close = hubbub.element("button", { class: "close", type: "button", "aria-label": "close" }, "×");
    close.addEventListener("click", () => { panel.hidden = true; place.querySelector("button.on")?.classList.remove("on"); });
    const list = hubbub.element("ul", { class: "heard" });
    for (const i of rows) {
      const said = is === named ? `at ${hubbub.percent(clips.p[i])}` : `${label(named)} ${hubbub.percent(clips.p[i])}, ${label(is)} ${hubbub.percent(clips.q[i])}`;
      list.append(hubbub.element("li", {}, hubbub.button(clips.id[i], clips.id[i]), hubbub.element("small", {}, said)));
    }
    panel.replaceChildren(heading, close, list);
    if (rows.length < count) panel.append(hubbub.element("small", {}, `${count - rows.length} more are not listed in this page.`));
    panel.hidden = false;
    place.querySelector("button.on")?.classList.remove("on");
    place.querySelector(`button[data-is="${is}"][data-named="${named}"]`)?.classList.add("on");
  };

  const look = (is, named) => {
    const share = matrix.counts[is][named] / sizes[is];
    const depth = is === named ? share : Math.min(1, .22 + share / .25);  // a quarter of a class gone wrong is as red as it gets
    return `background: color-mix(in srgb, var(${is === named ? "--blue" : "--red"}) ${(100 * depth).toFixed(0)}%, var(--card)); color: var(${depth > .62 ? "--paper" : "--ink"})`;
  };

  const cell = (is, named) => {
    const box = hubbub.element("td");
    if (!matrix.counts[is][named]) return box;
    const button = hubbub.element("button", { type: "button", "data-is": is, "data-named": named, style: look(is, named), "aria-label": `${label(is)} named ${label(named)}: ${matrix.counts[is][named]}` }, matrix.counts[is][named]);
    box.append(button);
    return box;
  };

  const draw = (order) => {
    const shown = order.order.slice(0, MOST), grouped = order.name === "by category";
    const first = (i) => grouped && i > 0 && matrix.category[shown[i]] !== matrix.category[shown[i - 1]];
    const hue = (number) => matrix.category.length ? `border-color: var(--h${matrix.category[number]})` : "";
    const head = hubbub.element("tr", {}, hubbub.element("th", {}, "is ↓  named →"));
    shown.forEach((number, i) => head.append(hubbub.element("th", { scope: "col", title: label(number), class: first(i) ? "left" : "" }, hubbub.element("span", {}, label(number)))));
    const body = hubbub.element("tbody");
    shown.forEach((is, i) => {
      const row = hubbub.element("tr", {}, hubbub.element("th", { scope: "row", title: label(is), style: hue(is), class: first(i) ? "first" : "" }, label(is)));
      shown.forEach((named, j) => {
        const box = cell(is, named);
        if (first(i)) box.classList.add("first");
        if (first(j)) box.classList.add("left");
        row.append(box);
      });
      body.append(row);
    });
    const table = hubbub.element("table", { style: `--side: ${Math.max(innerWidth < 700 || Math.max(...sizes) > 99 ? 26 : 19, Math.min(52, Math.floor(900 / shown.length)))}px` }, hubbub.element("thead", {}, head), body);
    return hubbub.element("div", { class: "matrix", tabindex: "0", role: "group", "aria-label": "confusion matrix" }, table);
  };

  if (place) {
    let drawn = draw(matrix.orders[0]);
    const change = (i) => { const next = draw(matrix.orders[i]); drawn.replaceWith(next); drawn = next; panel.hidden = true; };
    const controls = hubbub.element("div", { class: "controls" }, hubbub.choice("sorted", matrix.orders.map((order) => order.name), change));
    matrix.categories.forEach((name, i) => controls.append(hubbub.element("span", { class: "key" }, hubbub.element("i", { style: `background: var(--h${i})` }), name)));
    if (matrix.labels.length > MOST) controls.append(hubbub.element("span", {}, `the first ${MOST} of ${matrix.labels.length} classes in that order`));
    place.append(controls, drawn, panel);

    const lit = () => place.querySelectorAll("th.on").forEach((head) => head.classList.remove("on"));
    place.addEventListener("pointermove", (event) => {
      lit();
      const box = event.target.closest?.(".matrix td");
      if (!box) return hubbub.untip();
      box.parentNode.cells[0].classList.add("on");
      box.closest("table").tHead.rows[0].cells[box.cellIndex].classList.add("on");
      const button = box.querySelector("button");
      if (!button) return hubbub.untip();
      const is = Number(button.dataset.is), named = Number(button.dataset.named);
      hubbub.tip(`${label(is)}, named ${is === named ? "right" : label(named)}\n${matrix.counts[is][named]} of ${sizes[is]} clips (${hubbub.percent(matrix.counts[is][named] / sizes[is])})`, event);
    });
    place.addEventListener("pointerleave", () => { lit(); hubbub.untip(); });
    document.addEventListener("click", (event) => {
      const button = event.target.closest?.("button[data-is]");
      if (!button) return;
      open(Number(button.dataset.is), Number(button.dataset.named));
      if (!place.contains(button)) place.scrollIntoView({ block: "end" });
    });
  }

  // --- mistakes -------------------------------------------------------------------------------------------------------
  const shelf = document.querySelector("[data-mistakes]");
  if (shelf) {
    const PAGE = innerWidth < 700 ? 8 : 24;
    const wrong = clips.id.map((_, i) => i).filter((i) => clips.is[i] !== clips.named[i]);
    const grid = hubbub.element("div", { class: "clips" }), more = hubbub.element("button", { class: "more", type: "button" });
    const count = hubbub.element("span", { class: "muted" });
    let chosen = wrong, shown = 0, only = null, order = 0;

    const claim = (name, share, colour) => [
      hubbub.element("span", {}, name),
      hubbub.element("span", { class: "track" }, hubbub.element("i", { style: `width: ${(100 * share).toFixed(1)}%; background: ${colour}` })),
      hubbub.element("span", { class: "num" }, hubbub.percent(share)),
    ];
    const card = (i) => {
      const box = hubbub.element("figure", { class: "clip" });
      if (pictures[clips.id[i]]) box.append(hubbub.element("img", { src: pictures[clips.id[i]], width: 240, height: 96, alt: "log-mel spectrogram of " + clips.id[i] }));
      box.append(hubbub.element("div", { class: "claims" }, ...claim("named " + label(clips.named[i]), clips.p[i], "var(--red)"), ...claim("is " + label(clips.is[i]), clips.q[i], "var(--blue)")));
      const words = hubbub.element("figcaption", {}, hubbub.button(clips.id[i], clips.id[i]));
      if (folds && clips.fold[i]) words.append(hubbub.element("small", {}, `fold ${clips.fold[i]}`));
      box.append(words);
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
    const ORDERS = [
      ["most confident first", () => 0], ["least confident first", (a, b) => clips.p[a] - clips.p[b]],
      ["by true class", (a, b) => label(clips.is[a]).localeCompare(label(clips.is[b])) || clips.p[b] - clips.p[a]],
    ];
    const start = () => {
      chosen = wrong.filter((i) => only === null || clips.is[i] === only || clips.named[i] === only).sort(ORDERS[order][1]);
      grid.replaceChildren();
      shown = 0;
      add();
    };
    const touched = [...new Set(wrong.flatMap((i) => [clips.is[i], clips.named[i]]))].sort((a, b) => label(a).localeCompare(label(b)));
    const filter = hubbub.choice("that are or were named", ["any class", ...touched.map(label)], (i) => { only = i ? touched[i - 1] : null; start(); });
    const sort = hubbub.choice("order", ORDERS.map(([name]) => name), (i) => { order = i; start(); });
    more.addEventListener("click", add);
    shelf.append(hubbub.element("div", { class: "controls" }, filter, sort, count), grid, more);
    start();
  }

  // --- diagrams -------------------------------------------------------------------------------------------------------
  const diagram = document.querySelector("[data-reliability]");
  if (diagram) hubbub.reliability(diagram, [{ name: "", colour: "var(--blue)", bins: hubbub.data.reliability }]);

  const heat = document.querySelector("[data-strengths]");
  if (heat) {
    let part = 0;
    const all = hubbub.data.strengths;
    const controls = hubbub.keys([["weaker than the rules", "var(--h0)"], ["as stated", "var(--soft)"], ["stronger", "var(--h1)"]]);
    if (all.length > 1) controls.prepend(hubbub.choice("of", all.map((one) => one.name), (i) => { part = i; drawn.again(); }));
    heat.append(controls);
    const drawn = hubbub.heat(heat, () => all[part]);
  }
}
