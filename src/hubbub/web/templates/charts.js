// Charts as SVG, drawn as wide as there is room, and again when that changes.
hubbub.chart = (figure, draw) => {
  let width = 0;
  const holder = hubbub.element("div");
  figure.append(holder);
  const show = () => {
    const room = Math.floor(figure.getBoundingClientRect().width);
    if (room < 50 || room === width) return;
    width = room;
    holder.replaceChildren(draw(room));
  };
  new ResizeObserver(show).observe(figure);
  show();
  return {
    again: () => {
      width = 0;
      show();
    },
  };
};

// Round numbers between two ends, some `count` of them.
hubbub.ticks = (low, high, count) => {
  const rough = (high - low || 1) / count,
    unit = 10 ** Math.floor(Math.log10(rough));
  const step = unit * [1, 2, 5, 10].find((factor) => factor * unit >= rough);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++)
    ticks.push(Number((i * step).toPrecision(12)));
  return ticks;
};

// Of a logarithmic axis: 1, 2 and 5 times powers of ten, or its two ends if these are few.
hubbub.logTicks = (low, high) => {
  const ticks = [],
    first = Math.floor(Math.log10(low)),
    last = Math.ceil(Math.log10(high));
  for (let power = first; power <= last; power++)
    for (const factor of last - first > 3 ? [1] : [1, 2, 5]) ticks.push(Number(`${factor}e${power}`));
  const shown = ticks.filter((tick) => low * 0.999 <= tick && tick <= high * 1.001);
  return shown.length > 1 ? shown : [...new Set([low, high])];
};

hubbub.percent = (share, digits = 0) => (share === null ? "–" : `${(100 * share).toFixed(digits)} %`);
hubbub.digits = (value) =>
  value === null || value === undefined
    ? "–"
    : Math.abs(value) < 0.001 && value
      ? value.toExponential(1)
      : String(Number(value.toPrecision(3)));

// Panels of lines over epochs, one under another.
// panels: [{title, height, percent, log, lines: [{name, values, colour, faint, dash}]}], marks: epochs whose checkpoints were kept.
hubbub.lines = (figure, given) =>
  hubbub.chart(figure, (width) => {
    const { panels, dividers, marks } = given();
    const left = 52,
      edge = 14,
      gap = 34,
      bottom = 40;
    const height = panels.reduce((sum, panel) => sum + panel.height + gap, 0) + bottom;
    const epochs = Math.max(1, ...panels.flatMap((panel) => panel.lines.map((line) => line.values.length)));
    const x = (epoch) =>
      epochs === 1 ? (left + width - edge) / 2 : left + ((epoch - 1) / (epochs - 1)) * (width - left - edge);
    const drawn = hubbub.svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
    let top = gap - 8;
    for (const panel of panels) {
      drawn.append(...hubbub.panel(panel, x, top, left, width - edge));
      top += panel.height + gap;
    }
    const foot = top - gap + 16;
    for (const tick of hubbub
      .ticks(1, epochs, Math.min(10, width / 60))
      .filter((epoch) => Number.isInteger(epoch) && epoch >= 1))
      drawn.append(hubbub.svg("text", { x: x(tick), y: foot, "text-anchor": "middle" }, tick));
    drawn.append(hubbub.svg("text", { x: (left + width - edge) / 2, y: foot + 18, "text-anchor": "middle" }, "epoch"));
    for (const [at, text] of dividers) {
      if (at > 1)
        drawn.append(
          hubbub.svg("line", { class: "axis", x1: x(at - 0.5), x2: x(at - 0.5), y1: gap - 8, y2: foot - 14 }),
        );
      drawn.append(hubbub.svg("text", { x: at > 1 ? x(at - 0.5) + 4 : left + 4, y: gap + 4 }, text));
    }
    for (const at of marks)
      drawn.append(
        hubbub.svg("line", {
          x1: x(at),
          x2: x(at),
          y1: gap - 8,
          y2: foot - 14,
          stroke: "var(--ink)",
          "stroke-dasharray": "4 3",
          opacity: marks.length > 1 ? 0.35 : 0.8,
        }),
      );
    drawn.addEventListener("pointermove", (event) => {
      const box = drawn.getBoundingClientRect();
      const epoch = Math.round(1 + ((event.clientX - box.left - left) / (width - left - edge)) * (epochs - 1)) || 1;
      if (epoch < 1 || epoch > epochs) return hubbub.untip();
      const said = panels.flatMap((panel) =>
        panel.lines
          .filter((line) => !line.faint && line.values[epoch - 1] !== undefined)
          .map(
            (line) =>
              `${line.name}: ${panel.percent ? hubbub.percent(line.values[epoch - 1], 1) : hubbub.digits(line.values[epoch - 1])}`,
          ),
      );
      hubbub.tip([`epoch ${epoch}`, ...said].join("\n"), event);
    });
    drawn.addEventListener("pointerleave", hubbub.untip);
    return drawn;
  });

hubbub.panel = (panel, x, top, left, right) => {
  const known = panel.lines
    .flatMap((line) => line.values)
    .filter((value) => value !== null && (!panel.log || value > 0));
  const bend = panel.log ? Math.log10 : (value) => value;
  let low = bend(Math.min(...known)),
    high = bend(Math.max(...known));
  if (!known.length) {
    low = 0;
    high = 1;
  }
  const room = (high - low || Math.abs(high) || 1) * 0.06;
  low -= room;
  high += room;
  if (panel.percent) {
    low = Math.max(0, low);
    high = Math.min(1, high);
  }
  const y = (value) => top + panel.height - ((bend(value) - low) / (high - low)) * panel.height;
  const nodes = [hubbub.svg("text", { x: left, y: top - 8, style: "fill: var(--ink)" }, panel.title)];
  const ticks =
    panel.log && known.length ? hubbub.logTicks(Math.min(...known), Math.max(...known)) : hubbub.ticks(low, high, 4);
  for (const tick of ticks) {
    nodes.push(hubbub.svg("line", { class: "axis", x1: left, x2: right, y1: y(tick), y2: y(tick) }));
    nodes.push(
      hubbub.svg(
        "text",
        { x: left - 6, y: y(tick) + 4, "text-anchor": "end" },
        panel.percent ? hubbub.percent(tick) : panel.log ? Number(tick.toPrecision(2)).toExponential() : tick,
      ),
    );
  }
  for (const line of panel.lines) {
    let path = "",
      pen = "M";
    line.values.forEach((value, i) => {
      if (value === null || (panel.log && value <= 0)) {
        pen = "M";
        return;
      }
      path += `${pen}${x(i + 1).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = "L";
    });
    const look = {
      fill: "none",
      stroke: line.colour,
      "stroke-width": line.faint ? 1 : 2,
      opacity: line.faint ? 0.35 : 1,
      "stroke-linejoin": "round",
    };
    if (line.dash) look["stroke-dasharray"] = "5 3";
    if (path) nodes.push(hubbub.svg("path", { d: path, ...look }));
    if (line.values.length === 1 && line.values[0] !== null)
      nodes.push(hubbub.svg("circle", { cx: x(1), cy: y(line.values[0]), r: 4, fill: line.colour }));
  }
  return nodes;
};

// A key to the colours of a chart.
hubbub.keys = (pairs) =>
  hubbub.element(
    "div",
    { class: "controls" },
    ...pairs.map(([name, colour]) =>
      hubbub.element("span", { class: "key" }, hubbub.element("i", { style: `background: ${colour}` }), name),
    ),
  );

// Reliability diagram: accuracy against confidence; bins: [{clips, confidence, accuracy, low, high}] of each named set.
hubbub.reliability = (figure, sets) => {
  if (sets.length > 1) figure.append(hubbub.keys(sets.map((set) => [set.name, set.colour])));
  hubbub.chart(figure, (width) => {
    const left = 62,
      edge = 24,
      bottom = 44,
      side = width - left - edge,
      height = side + edge + bottom;
    const x = (share) => left + share * side,
      y = (share) => edge + (1 - share) * side;
    const drawn = hubbub.svg("svg", {
      viewBox: `0 0 ${width} ${height}`,
      role: "img",
      "aria-label": "reliability diagram",
    });
    for (const tick of [0, 0.2, 0.4, 0.6, 0.8, 1]) {
      drawn.append(
        hubbub.svg("line", { class: "axis", x1: x(0), x2: x(1), y1: y(tick), y2: y(tick) }),
        hubbub.svg("line", { class: "axis", x1: x(tick), x2: x(tick), y1: y(0), y2: y(1) }),
      );
      drawn.append(hubbub.svg("text", { x: left - 6, y: y(tick) + 4, "text-anchor": "end" }, hubbub.percent(tick)));
      if (tick)
        drawn.append(hubbub.svg("text", { x: x(tick), y: y(0) + 16, "text-anchor": "middle" }, hubbub.percent(tick)));
    }
    drawn.append(
      hubbub.svg("line", { x1: x(0), x2: x(1), y1: y(0), y2: y(1), stroke: "var(--muted)", "stroke-dasharray": "5 4" }),
    );
    drawn.append(hubbub.svg("text", { x: left + side / 2, y: height - 8, "text-anchor": "middle" }, "confidence"));
    drawn.append(
      hubbub.svg(
        "text",
        { transform: `translate(14 ${edge + side / 2}) rotate(-90)`, "text-anchor": "middle" },
        "accuracy",
      ),
    );
    for (const set of sets) {
      drawn.append(
        hubbub.svg("path", {
          d: `M${set.bins.map((bin) => `${x(bin.confidence).toFixed(1)} ${y(bin.accuracy).toFixed(1)}`).join("L")}`,
          fill: "none",
          stroke: set.colour,
          opacity: 0.5,
        }),
      );
      for (const bin of set.bins) {
        const dot = hubbub.svg("circle", { cx: x(bin.confidence), cy: y(bin.accuracy), r: 4.5, fill: set.colour });
        if (sets.length === 1)
          drawn.append(
            hubbub.svg("line", {
              x1: x(bin.confidence),
              x2: x(bin.confidence),
              y1: y(bin.low),
              y2: y(bin.high),
              stroke: set.colour,
              "stroke-width": 1.5,
            }),
          );
        const interval = `${hubbub.percent(bin.low, 1)} to ${hubbub.percent(bin.high, 1)}`;
        const words = [
          `${set.name}${bin.clips.toLocaleString("en")} clips`,
          `confidence ${hubbub.percent(bin.confidence, 1)}`,
          `accuracy ${hubbub.percent(bin.accuracy, 1)} (${interval})`,
        ].join("\n");
        for (const kind of ["pointermove", "click"]) dot.addEventListener(kind, (event) => hubbub.tip(words, event));
        dot.addEventListener("pointerleave", hubbub.untip);
        drawn.append(dot);
      }
    }
    return drawn;
  });
};

// Strength of each class in each epoch; rows in order of the last epoch, 1 in the middle of the colours.
hubbub.heat = (figure, given) =>
  hubbub.chart(figure, (width) => {
    const { labels, values } = given(),
      rows = labels.map((_, i) => i),
      epochs = values[0].length;
    rows.sort((a, b) => values[b][epochs - 1] - values[a][epochs - 1]);
    const left = width < 500 ? 110 : 140,
      right = 44,
      row = 15,
      top = 8,
      side = (width - left - right) / epochs;
    const most = Math.max(0.1, ...values.flat().map((value) => Math.abs(value - 1)));
    const drawn = hubbub.svg("svg", { viewBox: `0 0 ${width} ${top + rows.length * row + 44}`, role: "img" });
    const colour = (value) =>
      `color-mix(in srgb, var(${value > 1 ? "--h1" : "--h0"}) ${((100 * Math.abs(value - 1)) / most).toFixed(0)}%, var(--soft))`;
    rows.forEach((number, place) => {
      const y = top + place * row;
      drawn.append(
        hubbub.svg("text", { x: left - 6, y: y + 11, "text-anchor": "end", style: "font-size: 11px" }, labels[number]),
      );
      drawn.append(
        hubbub.svg(
          "text",
          { x: width - right + 6, y: y + 11, style: "font-size: 11px" },
          values[number][epochs - 1].toFixed(2),
        ),
      );
      values[number].forEach((value, epoch) => {
        const box = hubbub.svg("rect", {
          x: (left + epoch * side).toFixed(2),
          y,
          width: (side + 0.3).toFixed(2),
          height: row - 1,
          style: `fill: ${colour(value)}`,
        });
        box.dataset.words = `${labels[number]}, epoch ${epoch + 1}: ${value.toFixed(2)}`;
        drawn.append(box);
      });
    });
    const foot = top + rows.length * row + 16;
    for (const tick of hubbub
      .ticks(1, epochs, Math.min(10, width / 60))
      .filter((epoch) => Number.isInteger(epoch) && epoch >= 1))
      drawn.append(hubbub.svg("text", { x: left + (tick - 0.5) * side, y: foot, "text-anchor": "middle" }, tick));
    drawn.append(
      hubbub.svg("text", { x: left + (width - left - right) / 2, y: foot + 18, "text-anchor": "middle" }, "epoch"),
    );
    drawn.addEventListener("pointermove", (event) =>
      event.target.dataset?.words ? hubbub.tip(event.target.dataset.words, event) : hubbub.untip(),
    );
    drawn.addEventListener("pointerleave", hubbub.untip);
    return drawn;
  });

// A select of names, with what it does.
hubbub.choice = (label, names, change) => {
  const pick = hubbub.element("select", {}, ...names.map((name, i) => hubbub.element("option", { value: i }, name)));
  pick.addEventListener("change", () => change(Number(pick.value)));
  return hubbub.element("label", {}, `${label} `, pick);
};
