// The shop's one script: a greeting, a pack that lives in this browser, and the trace on /about.
"use strict";

const find = (name, root = document) => root.querySelector(`[data-${name}]`);

// --- greeting: fetched apart, so that the page itself is the same for everybody ---------------

async function greet() {
  const place = find("greeting");
  try {
    const response = await fetch("/api/me", { headers: { Accept: "application/json" } });
    if (!response.ok) return;
    const visitor = await response.json();
    place.textContent = visitor.returning ? `Hello again, ${visitor.name}` : "Hello, stranger";
  } catch {
    place.textContent = "";
  }
}

// --- pack -----------------------------------------------------------------------------------

const PACK = "midmile-pack";

function readPack() {
  try {
    const items = JSON.parse(localStorage.getItem(PACK) ?? "[]");
    return Array.isArray(items) ? items : [];
  } catch {
    return [];
  }
}

function writePack(items) {
  try {
    localStorage.setItem(PACK, JSON.stringify(items));
  } catch {
    // Storage is forbidden: the pack lasts as long as the page.
  }
  showPack(items);
}

function packLine(item, index, items) {
  const line = document.createElement("li");
  const link = document.createElement("a");
  link.href = `/product/${encodeURIComponent(item.slug)}`;
  link.textContent = item.name;
  const remove = document.createElement("button");
  remove.type = "button";
  remove.textContent = "Take out";
  remove.setAttribute("aria-label", `Take out ${item.name}`);
  remove.addEventListener("click", () => writePack(items.filter((_, at) => at !== index)));
  line.append(link, remove);
  return line;
}

function showPack(items) {
  find("pack-count").textContent = String(items.length);
  find("pack-items").replaceChildren(...items.map(packLine));
  find("pack-empty").hidden = items.length > 0;
  const total = items.reduce((sum, item) => sum + (Number(item.cents) || 0), 0);
  find("pack-total").hidden = items.length === 0;
  find("pack-total").textContent = `Together €${(total / 100).toFixed(2)}`;
}

function startPack() {
  const dialog = find("pack");
  const open = find("pack-open");
  open.hidden = false;
  open.addEventListener("click", () => dialog.showModal());
  showPack(readPack());
  const add = find("pack-add");
  add?.addEventListener("click", () => {
    const { packAdd: slug, name, cents } = add.dataset;
    writePack([...readPack(), { slug, name, cents: Number(cents) }].slice(-50));
    add.textContent = "In the pack. One more?";
  });
}

// --- trace: what an edge did to this page -----------------------------------------------------

const FIELDS = {
  "cache-status": "what each cache on the way did",
  age: "seconds since the shop made it",
  via: "who passed it on",
  "cache-control": "who may keep it, and how long",
  etag: "the name of exactly these bytes",
  "server-timing": "where the time went",
  server: "who made it",
  date: "when it was made",
};

function verdict(status, age) {
  if (!status) return "No edge was on the way: you are speaking with the shop itself.";
  if (/;\s*hit\b/.test(status)) {
    return `An edge had this page ready${age ? `, ${age} seconds old` : ""}. The shop was not asked.`;
  }
  return "The edge asked further up the road for this one. Ask again, and it may remember.";
}

function row(name, value) {
  const line = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = name;
  const shown = document.createElement("td");
  const code = document.createElement("code");
  code.textContent = value;
  shown.append(code);
  const meaning = document.createElement("td");
  meaning.textContent = FIELDS[name];
  line.append(head, shown, meaning);
  return line;
}

async function trace() {
  const place = find("trace-verdict");
  const began = performance.now();
  try {
    const response = await fetch(location.pathname, { method: "HEAD" });
    const took = Math.round(performance.now() - began);
    await response.text(); // Chromium counts a response whose body nobody reads as aborted
    const { headers } = response;
    place.textContent = `${verdict(headers.get("cache-status"), headers.get("age"))} (${took} ms)`;
    const present = Object.keys(FIELDS).filter((name) => headers.has(name));
    find("trace-rows").replaceChildren(...present.map((name) => row(name, headers.get(name))));
  } catch {
    place.textContent = "The road is closed just now. Please try again.";
  }
}

greet();
startPack();
if (find("trace")) {
  trace();
  find("trace-again").addEventListener("click", trace);
}
