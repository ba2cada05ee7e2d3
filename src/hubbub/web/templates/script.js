"use strict";
// What all pages share. Foreign text enters through textContent only.
const hubbub = { data: JSON.parse(document.getElementById("data").textContent) };

hubbub.element = (name, attributes = {}, ...children) => {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
};
hubbub.svg = (name, attributes = {}, text = null) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== null) node.textContent = text;
  return node;
};

// Sounds: one player; what plays is marked, and a second press stops it.
{
  let parsed = null,
    marked = null;
  const player = new Audio();
  hubbub.player = player;
  const sounds = () => (parsed ??= new Map(Object.entries(JSON.parse(document.getElementById("sounds").textContent))));
  const stop = () => {
    player.pause();
    marked?.classList.remove("on");
    marked = null;
  };
  hubbub.plays = (key) => sounds().has(key);
  hubbub.play = (key, node) => {
    const again = marked === node;
    stop();
    if (again || !sounds().has(key)) return;
    player.src = `data:audio/mpeg;base64,${sounds().get(key)}`;
    marked = node;
    node.classList.add("on");
    player.play().catch((error) => {
      if (error.name !== "AbortError") {
        stop();
        throw error;
      }
    });
  };
  player.addEventListener("ended", stop);
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button.play");
    if (button) hubbub.play(button.dataset.sound, button);
  });
}

// A play button, or plain text where the page lacks the sound.
hubbub.button = (key, text) => {
  if (!hubbub.plays(key)) return hubbub.element("span", { class: "mute" }, text);
  return hubbub.element("button", { class: "play", type: "button", "data-sound": key }, text);
};

// Seconds and kilohertz beside a picture of a sound: marks are [text, place from 0 to 1].
hubbub.axes = (picture, axes = JSON.parse(picture.dataset.axes)) => {
  const box = hubbub.element("span", { class: "axes" });
  if (picture.parentNode) picture.replaceWith(box);
  const mark = (kind, side, [text, place]) =>
    hubbub.element("i", { class: kind, style: `${side}: ${(100 * place).toFixed(2)}%`, "aria-hidden": "true" }, text);
  const field = hubbub.element("span", { class: "field" }, picture);
  field.append(...axes.kilohertz.map((tick) => mark("kilohertz", "bottom", tick)));
  const last = axes.seconds.length - 1;
  const seconds = axes.seconds.map(([text, place], i) => [i < last ? text : `${text} s`, place]);
  field.append(...seconds.map((tick) => mark("seconds", "left", tick)));
  box.append(hubbub.element("i", { class: "unit", "aria-hidden": "true" }, "kHz"), field);
  return box;
};
for (const picture of document.querySelectorAll("img[data-axes]")) hubbub.axes(picture);

// A tooltip beside the pointer.
{
  const tip = document.getElementById("tip");
  hubbub.tip = (text, event) => {
    tip.textContent = text;
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(event.clientX + 12, innerWidth - box.width - 8))}px`;
    const above = event.clientY + 18 + box.height > innerHeight;
    tip.style.top = `${above ? event.clientY - box.height - 10 : event.clientY + 18}px`;
  };
  hubbub.untip = () => {
    tip.hidden = true;
  };
}

// Tables that sort: by data-value where a cell has one, else by its text; cells without a value come last.
hubbub.sortable = (table) => {
  const value = (row, column) => {
    const cell = row.cells[column],
      text = cell.dataset.value ?? cell.textContent.trim();
    if (text === "" || text === "–") return null;
    return Number.isNaN(Number(text)) ? text : Number(text);
  };
  const order = (a, b) =>
    typeof a === typeof b ? (typeof a === "number" ? a - b : a.localeCompare(b)) : typeof a === "number" ? -1 : 1;
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = hubbub.element("button", { type: "button" });
    button.append(...head.childNodes);
    head.append(button);
    head.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") !== (head.classList.contains("num") ? "descending" : "ascending");
      const sign = (head.classList.contains("num") ? -1 : 1) * (down ? 1 : -1);
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      const keyed = [...table.tBodies[0].rows].map((row) => [value(row, column), row]);
      keyed.sort(([a], [b]) => (a === null || b === null ? (a === null) - (b === null) : sign * order(a, b)));
      table.tBodies[0].append(...keyed.map(([, row]) => row));
    });
  });
};
document.querySelectorAll("table.sortable").forEach(hubbub.sortable);

// A map of points: coloured by hue, one group may be picked out, a point plays when clicked.
hubbub.scatter = (figure) => {
  const map = hubbub.data.scatters[figure.dataset.name];
  const narrow = innerWidth < 600;
  const width = narrow ? 420 : 1100,
    height = narrow ? 420 : 560,
    left = map.ylabel ? 64 : 12,
    bottom = map.xlabel ? 46 : 12,
    edge = 12;
  const drawn = hubbub.svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
  const scale = (values, from, to) => {
    let low = Infinity,
      high = -Infinity;
    for (const value of values) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    const room = (high - low || 1) * 0.03;
    return (value) => from + ((value - low + room) / (high - low + 2 * room || 1)) * (to - from);
  };
  const x = scale(map.x, left, width - edge),
    y = scale(map.y, height - bottom, edge);
  for (const [at, text] of map.xticks ?? []) {
    if (x(at) < left || x(at) > width - edge) continue;
    drawn.append(hubbub.svg("line", { class: "axis", x1: x(at), x2: x(at), y1: edge, y2: height - bottom }));
    drawn.append(hubbub.svg("text", { x: x(at), y: height - bottom + 16, "text-anchor": "middle" }, text));
  }
  for (const [at, text] of map.yticks ?? []) {
    if (y(at) < edge || y(at) > height - bottom) continue;
    drawn.append(hubbub.svg("line", { class: "axis", x1: left, x2: width - edge, y1: y(at), y2: y(at) }));
    drawn.append(hubbub.svg("text", { x: left - 6, y: y(at) + 4, "text-anchor": "end" }, text));
  }
  if (map.xlabel)
    drawn.append(hubbub.svg("text", { x: (left + width) / 2, y: height - 8, "text-anchor": "middle" }, map.xlabel));
  if (map.ylabel)
    drawn.append(
      hubbub.svg(
        "text",
        { transform: `translate(14 ${(height - bottom) / 2}) rotate(-90)`, "text-anchor": "middle" },
        map.ylabel,
      ),
    );
  const points = map.x.map((_, i) => {
    const sounds = map.sound[i] !== null && hubbub.plays(map.sound[i]);
    const colour = `var(--h${map.hue[map.group[i]]})`;
    const look = sounds ? { fill: colour } : { fill: "none", stroke: colour, "stroke-width": 1.4 };
    const dot = hubbub.svg("circle", {
      cx: x(map.x[i]).toFixed(1),
      cy: y(map.y[i]).toFixed(1),
      r: map.x.length > 800 ? 4 : 5,
      ...look,
    });
    dot.dataset.index = i;
    return dot;
  });
  drawn.append(...points);
  const words = (i) =>
    map.groups[map.group[i]] +
    "\n" +
    map.title[i] +
    (hubbub.plays(map.sound[i]) ? "" : "\n(its sound is not in this page)");
  drawn.addEventListener("pointermove", (event) => {
    const i = event.target.dataset?.index;
    if (i === undefined) hubbub.untip();
    else hubbub.tip(words(i), event);
  });
  drawn.addEventListener("pointerleave", hubbub.untip);
  drawn.addEventListener("click", (event) => {
    const i = event.target.dataset?.index;
    if (i !== undefined) {
      hubbub.tip(words(i), event);
      hubbub.play(map.sound[i], event.target);
    }
  });
  const pick = hubbub.element(
    "select",
    { "aria-label": "Show one class" },
    hubbub.element("option", { value: "" }, "all classes"),
  );
  const groups = map.groups.map((name, i) => [name, i]).sort(([a], [b]) => a.localeCompare(b));
  pick.append(...groups.map(([name, i]) => hubbub.element("option", { value: i }, name)));
  pick.addEventListener("change", () => {
    const faded = (i) => pick.value !== "" && map.group[i] !== Number(pick.value);
    for (const [i, dot] of points.entries()) dot.classList.toggle("faded", faded(i));
    drawn.append(...points.filter((dot) => !dot.classList.contains("faded")));
  });
  const key = (name, i) => {
    const dot = hubbub.element("i", { style: `background: var(--h${i})` });
    return hubbub.element("span", { class: "key" }, dot, name);
  };
  const controls = hubbub.element("div", { class: "controls" }, pick, ...map.hues.map(key));
  figure.append(controls, drawn);
};
document.querySelectorAll("figure.scatter").forEach(hubbub.scatter);
