
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const SVG = "http://www.w3.org/2000/svg";
  const map = document.getElementById("treemap");
  const crumbs = document.getElementById("crumbs");
  const tip = document.getElementById("tip");
  const search = document.getElementById("search");
  const found = document.getElementById("found");
  let measure = 1;
  let needle = "";

  // The tree: everything knows what it weighs and what it is in.
  function node(raw, parent, owner) {
    const isFile = Array.isArray(raw);
    const self = { name: isFile ? raw[0] : raw.n, parent, size: [0, 0, 0], files: 0, children: null, owner: owner };
    if (isFile) {
      self.size = [0, raw[1], raw[2]];
      self.files = 1;
      self.reason = data.reasons[raw[3]];
      return self;
    }
    if (raw.p) { self.part = raw.p; self.owner = self; self.hue = hue(self.name); }
    self.children = raw.c.map((child) => node(child, self, self.owner));
    for (const child of self.children) {
      self.size[1] += child.size[1];
      self.size[2] += child.size[2];
      self.files += child.files;
    }
    return self;
  }

  function hue(name) {
    let hash = 7;
    for (const c of name.replace(/ [0-9].*$/, "")) hash = (hash * 31 + c.codePointAt(0)) % 3607;
    return (hash * 47) % 360;
  }

  const whole = { n: "bundle", c: data.tree };
  const root = node(data.tree.length === 1 ? data.tree[0] : whole, null, null);
  if (data.tree.length === 1) root.name = "bundle";
  let here = root;

  const all = [];
  (function collect(from) {
    if (from !== root) all.push(from);
    if (from.children) from.children.forEach(collect);
  })(root);

  function trail(of) {
    const up = [];
    for (let at = of; at; at = at.parent) up.unshift(at);
    return up;
  }

  const path = (of) => trail(of).slice(1).map((at) => at.name).join("/");
  const address = (of) => "#" + trail(of).slice(1).map((at) => encodeURIComponent(at.name)).join("/");
  const plain = (name) => name.replace(/ [0-9].*$/, "").toLowerCase();

  /** What an address names: a way from the top, or a distribution by its bare name and a way from there. */
  function resolve(hash) {
    let names;
    try { names = hash.replace(/^#/, "").split("/").filter(Boolean).map(decodeURIComponent); } catch { return root; }
    let at = root;
    for (const [index, name] of names.entries()) {
      const same = (child) => child.name === name || plain(child.name) === name.toLowerCase();
      const inside = (at.children || []).find((child) => child.name === name) || (at.children || []).find(same);
      const anywhere = index === 0 ? all.find((one) => one.part && same(one)) : null;
      at = inside || anywhere;
      if (!at) return root;
    }
    return at.children ? at : at.parent || root;
  }

  function bytes(count) {
    for (const [unit, name] of [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]]) {
      if (count >= unit) return (count / unit).toFixed(1) + " " + name;
    }
    return count + " bytes";
  }

  function files(count) { return count === 1 ? "1 file" : count.toLocaleString("en").replace(/,/g, "\u202f") + " files"; }

  function make(name, attributes, parent) {
    const element = document.createElementNS(SVG, name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    if (parent) parent.append(element);
    return element;
  }

  /** How many levels are shown at once; an archive by itself is one more. */
  const DEEPEST = data.tree.length === 1 ? 4 : 5;
  const HEAD = 18;
  const GAP = 2;
  /** Smaller than this, in square pixels, nobody sees it: it goes into what stands for the rest. */
  const LEAST = 20;

  function draw() {
    tip.hidden = true;
    const width = Math.max(map.clientWidth, 280);
    const height = Math.max(Math.min(Math.round(width * 0.56), 620), 320);
    const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": "Treemap of " + (path(here) || "the bundle") });
    inside(svg, here, { x: 0, y: 0, w: width, h: height }, 1);
    map.replaceChildren(svg);
    const first = svg.querySelector("[data-tile]");
    if (first) first.setAttribute("tabindex", "0");
    const trailTo = trail(here);
    crumbs.replaceChildren(...trailTo.map((at, index) => {
      const item = document.createElement("li");
      const isLast = index === trailTo.length - 1;
      const link = document.createElement(isLast ? "span" : "a");
      link.textContent = at.name;
      if (isLast) link.setAttribute("aria-current", "location");
      else link.href = at === root ? "#" : address(at);
      item.append(link);
      if (isLast) item.append(" " + bytes(at.size[measure]));
      return item;
    }));
  }

  function inside(parent, of, box, depth) {
    const children = of.children.filter((child) => child.size[measure] > 0).sort((a, b) => b.size[measure] - a.size[measure]);
    const scale = (box.w * box.h) / Math.max(of.size[measure], 1);
    const shown = children.filter((child) => child.size[measure] * scale >= LEAST);
    const items = shown.map((child) => ({ child, value: child.size[measure] }));
    const rest = children.slice(shown.length);
    if (rest.length) {
      const value = rest.reduce((sum, child) => sum + child.size[measure], 0);
      items.push({ rest, value });
      items.sort((a, b) => b.value - a.value);
    }
    squarify(items, box, (item, x, y, w, h) => {
      const tight = { x: x + GAP / 2, y: y + GAP / 2, w: Math.max(w - GAP, 0.5), h: Math.max(h - GAP, 0.5) };
      if (item.child) tile(parent, item.child, tight, depth);
      else remainder(parent, item, tight, depth);
    });
  }

  function tile(parent, of, box, depth) {
    const opens = of.children && depth < DEEPEST && box.w > 46 && box.h > HEAD + 16;
    const group = make("g", { class: "tile" + (opens ? " open" : ""), "data-path": path(of), "data-size": of.size[measure] }, parent);
    if (depth === 1) {
      group.setAttribute("data-tile", "");
      group.setAttribute("tabindex", "-1");
      group.setAttribute("role", of.children ? "link" : "img");
      group.setAttribute("aria-label", `${of.name}: ${bytes(of.size[1])} unpacked, ${bytes(of.size[2])} packed, ${files(of.files)}`);
    }
    if (needle && !matches(of)) group.classList.add("dim");
    const hueOf = of.owner ? of.owner.hue : 220;
    make("rect", { x: box.x, y: box.y, width: box.w, height: box.h, rx: Math.min(4, box.w / 4, box.h / 4), style: `--h:${hueOf};--d:${depth}` }, group);
    label(group, of, box, opens);
    group.node = of;
    if (opens) inside(group, of, { x: box.x + 2, y: box.y + HEAD, w: box.w - 4, h: box.h - HEAD - 2 }, depth + 1);
  }

  function remainder(parent, item, box, depth) {
    const group = make("g", { class: "tile rest" }, parent);
    make("rect", { x: box.x, y: box.y, width: box.w, height: box.h, rx: 2, style: `--d:${depth}` }, group);
    const title = item.rest.length + " more";
    label(group, { name: title, size: [0, item.value, item.value] }, box, false);
    group.note = `${title}, ${bytes(item.value)} together`;
  }

  const pen = document.createElement("canvas").getContext("2d");
  const FONT = '11px ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

  /** As much of the text as there is room for; nothing where that says nothing. */
  function fitted(text, room, weight) {
    pen.font = `${weight} ${FONT}`;
    if (pen.measureText(text).width <= room) return text;
    let length = Math.min(text.length, Math.ceil(room / 5));
    while (length > 1 && pen.measureText(text.slice(0, length) + "…").width > room) length -= 1;
    return length > 1 ? text.slice(0, length) + "…" : "";
  }

  function label(group, of, box, opens) {
    const room = box.w - 9;
    if (room < 16 || box.h < 15) return;
    const write = (text, y, kind) => {
      if (text) make("text", { x: box.x + 5, y, class: kind }, group).textContent = text;
    };
    const size = bytes(of.size[measure]);
    const weight = opens ? 600 : 400;
    const both = `${of.name}  ${size}`;
    if (opens && fitted(both, room, weight) === both) write(both, box.y + 13, "name");
    else write(fitted(of.name, room, weight), box.y + 13, "name");
    if (!opens && box.h >= 32 && fitted(size, room, 400) === size) write(size, box.y + 27, "size");
  }

  function matches(of) {
    if (path(of).toLowerCase().includes(needle)) return true;
    return Boolean(of.children && of.children.some(matches));
  }

  // Where the map is, is the page's address: what is found can be passed on, and the browser goes back.
  function go(to) {
    if (to === here) return;
    location.hash = to === root ? "" : address(to);
  }

  function follow() {
    here = resolve(location.hash);
    draw();
  }

  function nearest(event) { return event.target instanceof Element ? event.target.closest(".tile") : null; }

  function nodeBelow(event) {
    const group = nearest(event);
    return group ? group.node : null;
  }

  map.addEventListener("click", (event) => {
    const of = nodeBelow(event);
    if (!of) return;
    // One step at a time: what is in what is shown, then what is in that.
    let step = of;
    while (step.parent && step.parent !== here) step = step.parent;
    if (step.children) go(step);
  });

  map.addEventListener("keydown", (event) => {
    const tiles = [...map.querySelectorAll("[data-tile]")];
    const at = tiles.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: tiles.length - 1 }[event.key];
    if (to !== undefined && tiles[to]) {
      tiles.forEach((tile, index) => tile.setAttribute("tabindex", index === to ? "0" : "-1"));
      tiles[to].focus();
    } else if (event.key === "Enter" && at >= 0 && tiles[at].node.children) {
      refocus = true;
      go(tiles[at].node);
    } else if (["Escape", "Backspace"].includes(event.key) && here.parent) {
      refocus = true;
      go(here.parent);
    } else return;
    event.preventDefault();
  });
  let refocus = false;

  function explain(group, x, y) {
    tip.replaceChildren();
    const line = (text, kind) => {
      const element = document.createElement("div");
      element.className = kind;
      element.textContent = text;
      tip.append(element);
    };
    if (group.note) line(group.note, "path");
    else {
      const of = group.node;
      line(path(of), "path");
      line(`${bytes(of.size[1])} unpacked · ${bytes(of.size[2])} packed · ${((100 * of.size[measure]) / root.size[measure]).toFixed(1)} %`, "size");
      line(of.reason ? of.reason : files(of.files), "reason");
    }
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = Math.max(8, Math.min(x + 14, innerWidth - box.width - 8)) + "px";
    tip.style.top = (y + 18 + box.height > innerHeight ? Math.max(8, y - box.height - 12) : y + 18) + "px";
  }

  map.addEventListener("pointermove", (event) => {
    const group = nearest(event);
    if (group) explain(group, event.clientX, event.clientY);
    else tip.hidden = true;
  });
  map.addEventListener("pointerleave", () => { tip.hidden = true; });
  map.addEventListener("focusin", (event) => {
    const group = nearest(event);
    if (!group || !group.matches(":focus-visible")) return;
    const box = group.getBoundingClientRect();
    explain(group, box.left, box.top + Math.min(box.height, 60));
  });
  map.addEventListener("focusout", () => { tip.hidden = true; });

  // Search: the heaviest first.
  let options = [];
  let chosen = -1;
  function look() {
    needle = search.value.trim().toLowerCase();
    const hits = needle ? all.filter((one) => path(one).toLowerCase().includes(needle)) : [];
    // What is in something that is found goes without saying.
    const named = hits.filter((one) => one.name.toLowerCase().includes(needle) || needle.includes("/"));
    options = named.sort((a, b) => b.size[1] - a.size[1]).slice(0, 12);
    chosen = -1;
    found.replaceChildren(...options.map((one, index) => {
      const item = document.createElement("li");
      item.id = "found-" + index;
      item.setAttribute("role", "option");
      const name = document.createElement("span");
      name.textContent = path(one);
      const size = document.createElement("span");
      size.textContent = bytes(one.size[1]);
      item.append(name, size);
      item.addEventListener("mousedown", (event) => { event.preventDefault(); take(one); });
      return item;
    }));
    if (needle && !options.length) {
      const none = document.createElement("li");
      none.textContent = "Nothing of that name";
      found.append(none);
    }
    open(Boolean(needle));
    draw();
  }

  function open(isOpen) {
    found.hidden = !isOpen;
    search.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) search.removeAttribute("aria-activedescendant");
  }

  function take(one) {
    open(false);
    go(one.children ? one : one.parent);
  }

  search.addEventListener("input", look);
  search.addEventListener("blur", () => open(false));
  search.addEventListener("focus", () => { if (needle) open(true); });
  search.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      chosen = Math.max(0, Math.min(options.length - 1, chosen + (event.key === "ArrowDown" ? 1 : -1)));
      [...found.children].forEach((item, index) => item.setAttribute("aria-selected", String(index === chosen)));
      if (options.length) search.setAttribute("aria-activedescendant", "found-" + chosen);
    } else if (event.key === "Enter" && options.length) take(options[Math.max(chosen, 0)]);
    else if (event.key === "Escape") { search.value = ""; look(); } else return;
    event.preventDefault();
  });

  document.querySelectorAll("[name=measure]").forEach((choice) => choice.addEventListener("change", () => {
    measure = Number(choice.value);
    draw();
  }));

  addEventListener("hashchange", () => {
    follow();
    const first = refocus && map.querySelector("[data-tile]");
    if (first) first.focus();
    refocus = false;
  });
  let last = 0;
  new ResizeObserver(() => {
    if (map.clientWidth !== last) { last = map.clientWidth; draw(); }
  }).observe(map);
  document.querySelector("#heaviest").addEventListener("click", (event) => {
    if (event.target.closest("a")) document.getElementById("map").scrollIntoView({ block: "start" });
  });
  last = map.clientWidth;
  follow();
})();
