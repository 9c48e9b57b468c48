"use strict";
(async () => {
  const table = document.getElementById("features");
  if (!table) return;
  const packed = Uint8Array.from(atob(document.getElementById("data").textContent), c => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const { rows, examples } = JSON.parse(await new Response(stream).text());
  const colours = JSON.parse(document.getElementById("colours").textContent);
  const body = table.tBodies[0];
  const search = document.getElementById("search"), labels = document.getElementById("label");
  const count = document.getElementById("count"), PAGE = 40;
  let sort = { key: "rate", down: true }, page = 0, shown = [];

  const text = i => examples.strings[i];
  const exampleOf = row => examples ? examples.features[row.feature] : { contexts: [], promoted: [] };
  const visible = s => s.replace(/\n/g, "⏎").replace(/\t/g, "→");
  const show = v => v === null || v === undefined ? "–" : Math.abs(v) < 0.001 && v !== 0 ? v.toExponential(1) : String(+v.toPrecision(3));
  const withInterval = v => v && v[0] !== null ? `${show(v[0])} <span class="ci-low-high">[${show(v[1])}, ${show(v[2])}]</span>` : "–";
  const nearStart = row => row.label === "content" && row.explained.no_sink[1] >= 0.05 ? ' <span class="warn" title="Labelled content, yet position explains it without the sink: it acts near the start of a text, which the causal design does not reach.">near the start</span>' : "";
  const escape = s => s.replace(/[&<>"]/g, c => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" }[c]));
  const badge = l => `<span class="badge${["too rare", "not labelled"].includes(l) ? " light" : ""}" style="background:${colours[l] || "#9aa5b1"}">${l}</span>`;

  const highlighted = context => context.tokens.map((t, i) => {
    const level = +context.levels[i], token = escape(visible(text(t)));
    return level ? `<mark style="background:rgba(var(--hot),${(0.12 + 0.078 * level).toFixed(2)})" title="${level}/9 of this feature's peak">${token}</mark>` : token;
  }).join("");

  const haystack = rows.map(row => {
    const example = exampleOf(row);
    const words = [...example.promoted.map(x => text(x[0])), ...example.contexts.map(c => c.tokens.map(text).join(""))];
    return (row.feature + " " + row.label + " " + words.join(" ")).toLowerCase();
  });
  const keys = {
    feature: r => r.feature, rate: r => r.rate, documents: r => r.documents, label: r => r.label,
    explained: r => r.explained.no_sink[0], t_pos: r => r.causal && r.causal.t_pos[0],
  };

  function peek(context) {
    const peak = Math.min(14, context.position), from = Math.max(0, peak - 4), to = peak + 4;
    return highlighted({ tokens: context.tokens.slice(from, to), levels: context.levels.slice(from, to) });
  }

  function draw() {
    const part = shown.slice(page * PAGE, (page + 1) * PAGE);
    body.innerHTML = part.map(i => {
      const row = rows[i], example = exampleOf(row);
      return `<tr class="row" tabindex="0" data-i="${i}" aria-expanded="false"><td>${row.feature}</td><td>${badge(row.label)}</td><td>${show(row.rate)}</td><td>${row.documents}</td>` +
        `<td>${withInterval(row.explained.no_sink)}${nearStart(row)}</td><td>${row.causal ? withInterval(row.causal.t_pos) : "–"}</td>` +
        (examples ? `<td class="example">${example.contexts.length ? peek(example.contexts[0]) : "–"}</td><td class="tokens">${example.promoted.slice(0, 3).map(x => escape(visible(text(x[0])))).join(" · ")}</td>` : "") + "</tr>";
    }).join("");
    count.textContent = `${shown.length.toLocaleString()} of ${rows.length.toLocaleString()} features · page ${page + 1} of ${Math.max(1, Math.ceil(shown.length / PAGE))}`;
    document.getElementById("previous").disabled = page === 0;
    document.getElementById("next").disabled = (page + 1) * PAGE >= shown.length;
  }

  function select() {
    const words = search.value.toLowerCase().trim(), label = labels.value;
    shown = rows.map((_, i) => i).filter(i => (!label || rows[i].label === label) && (!words || haystack[i].includes(words)));
    const key = keys[sort.key], sign = sort.down ? -1 : 1;
    shown.sort((a, b) => {
      const x = key(rows[a]), y = key(rows[b]);
      if (x === null || x === undefined) return 1;
      if (y === null || y === undefined) return -1;
      return x < y ? -sign : x > y ? sign : rows[a].feature - rows[b].feature;
    });
    page = 0;
    draw();
  }

  function detail(row) {
    const example = exampleOf(row);
    const levels = [["all", "all positions"], ["no_sink", "without the sink"], ["no_first_8", "without positions 0–7"]];
    const observational = `<table><tr><th>level</th><th>split-half η² [95 %]</th><th>η² expected by chance</th></tr>${levels.map(([k, n]) => `<tr><td>${n}</td><td>${withInterval(row.explained[k])}</td><td>${show(row.chance[k])}</td></tr>`).join("")}</table>` +
      `<p class="muted">q = ${show(row.q)} · firing explained ${show(row.indicator)} · magnitude explained ${row.magnitude === null ? "too rare" : show(row.magnitude)} · positional selectivity ${show(row.selectivity)}</p>`;
    const names = { s_pos: "S_pos, position alone", s_ctx: "S_ctx, content alone", s_int: "S_int, both mixed", t_pos: "T_pos, position in all" };
    const causal = row.causal ? `<table><tr><th>causal share</th><th>estimate [95 %]</th></tr>${Object.keys(names).map(k => `<tr><td>${names[k]}</td><td>${withInterval(row.causal[k])}</td></tr>`).join("")}</table>` : `<p class="muted">No causal shares: the feature fired too rarely in the crossed design, or the design was not run.</p>`;
    const contexts = example.contexts.length ? `<h3>Where it fires most (held-out text)</h3>` + example.contexts.map(c => `<div class="context"><span>${highlighted(c)}</span><span class="where">${show(c.activation)} at position ${c.position}<br>${escape(text(c.document))}</span></div>`).join("") : "";
    const promoted = example.promoted.length ? `<h3>Tokens it promotes (logit lens)</h3>${example.promoted.map(x => `<span class="chip" title="${x[1]}">${escape(visible(text(x[0])))}</span>`).join("")}` : "";
    return `<tr class="opened"><td colspan="8" style="padding:0"><div class="detail"><div class="grid"><div><h3>Observational</h3>${observational}</div><div><h3>Causal</h3>${causal}</div></div>${contexts}${promoted}</div></td></tr>`;
  }

  function toggle(line) {
    const open = line.nextElementSibling && line.nextElementSibling.classList.contains("opened");
    if (open) line.nextElementSibling.remove();
    else line.insertAdjacentHTML("afterend", detail(rows[+line.dataset.i]));
    line.setAttribute("aria-expanded", String(!open));
  }

  body.addEventListener("click", event => { const line = event.target.closest("tr.row"); if (line) toggle(line); });
  body.addEventListener("keydown", event => { if (event.key === "Enter" && event.target.matches("tr.row")) toggle(event.target); });
  table.tHead.addEventListener("click", event => {
    const key = event.target.dataset.sort;
    if (!key) return;
    sort = { key, down: sort.key === key ? !sort.down : key !== "feature" };
    for (const th of table.tHead.querySelectorAll("th")) th.removeAttribute("aria-sort");
    event.target.setAttribute("aria-sort", sort.down ? "descending" : "ascending");
    select();
  });
  search.addEventListener("input", select);
  labels.addEventListener("change", select);
  document.getElementById("previous").addEventListener("click", () => { page--; draw(); });
  document.getElementById("next").addEventListener("click", () => { page++; draw(); });
  select();
  document.body.dataset.ready = "true";
})();
