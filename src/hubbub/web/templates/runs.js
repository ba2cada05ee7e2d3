// The page of several runs.
{
  const { labels, pairings, runs } = hubbub.data;
  const differing = document.querySelector("[data-differing]"),
    PAGE = innerWidth < 700 ? 12 : 30;
  const KINDS = ["only_second", "only_first", "neither"];
  const list = hubbub.element("ul", { class: "heard" }),
    more = hubbub.element("button", { class: "more", type: "button" });
  const kinds = hubbub.element("span", {}),
    classes = hubbub.element("span", {}),
    note = hubbub.element("p", { class: "why" });
  let at = 0,
    kind = KINDS[0],
    only = null,
    rows = [],
    shown = 0;

  const item = ([clip, is, first, p, second, q]) => {
    const pair = pairings[at];
    const said = (run, named, share) =>
      hubbub.element(
        "small",
        {},
        `${run}: `,
        hubbub.element("b", { class: named === is ? "up" : "down" }, labels[named]),
        ` ${hubbub.percent(share)}`,
      );
    return hubbub.element(
      "li",
      {},
      hubbub.button(clip, clip),
      " ",
      hubbub.element("span", {}, labels[is]),
      said(pair.second, second, q),
      said(pair.first, first, p),
    );
  };
  const add = () => {
    const next = rows.slice(shown, shown + PAGE);
    list.append(...next.map(item));
    shown += next.length;
    more.hidden = shown >= rows.length;
    more.textContent = `show ${Math.min(PAGE, rows.length - shown)} more of ${rows.length - shown}`;
  };
  const start = () => {
    rows = pairings[at][kind].filter((row) => only === null || row[1] === only);
    shown = 0;
    list.replaceChildren();
    if (!rows.length) list.append(hubbub.element("li", { class: "muted" }, "none"));
    add();
  };
  const choose = () => {
    const present = [...new Set(pairings[at][kind].map((row) => row[1]))].sort((a, b) =>
      labels[a].localeCompare(labels[b]),
    );
    only = null;
    classes.replaceChildren(
      hubbub.choice("of", ["any class", ...present.map((number) => labels[number])], (i) => {
        only = i ? present[i - 1] : null;
        start();
      }),
    );
    start();
  };
  const pair = () => {
    const { first, second, counts } = pairings[at];
    const names = [
      `${second} (${counts.only_second})`,
      `${first} (${counts.only_first})`,
      `neither (${counts.neither})`,
    ];
    kind = KINDS[0];
    kinds.replaceChildren(
      hubbub.choice("right only in", names, (i) => {
        kind = KINDS[i];
        choose();
      }),
    );
    note.replaceChildren(
      `Of the clips that both tested, both predict ${counts.both} right, ${second} alone ${counts.only_second}, `,
      `${first} alone ${counts.only_first}, and neither ${counts.neither}. The most confident mistakes come first.`,
    );
    choose();
  };
  const controls = hubbub.element("div", { class: "controls" });
  if (pairings.length > 1)
    controls.append(
      hubbub.choice(
        "baseline against",
        pairings.map((pairing) => pairing.second),
        (i) => {
          at = i;
          pair();
        },
      ),
    );
  controls.append(kinds, classes);
  more.addEventListener("click", add);
  differing.append(note, controls, list, more);
  pair();

  hubbub.reliability(
    document.querySelector("[data-reliabilities]"),
    runs.map((run) => ({ name: `${run.name}\n`, colour: run.colour, bins: run.reliability })),
  );
}
