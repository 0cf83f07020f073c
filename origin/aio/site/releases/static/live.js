// What changes while a page is open: price and stock, and on /about the trace, events and echo.
"use strict";

(() => {
  const part = (name, root = document) => root.querySelector(`[data-${name}]`);

  // --- offer: asked for again when the minute has turned -------------------------------------------

  const MINUTE_MS = 60_000;
  const LATE_MS = 1_500; // clocks differ a little, and a cache in between may round up
  const FEW = 6;

  function euro(cents) {
    const whole = Math.floor(cents / 100).toLocaleString("en-IE");
    return `€${whole}.${String(cents % 100).padStart(2, "0")}`;
  }

  function stockText(left) {
    if (!left) return "Sold out just now; the next batch is on the bench";
    return left < FEW ? `Only ${left} left` : `${left} in stock`;
  }

  function showOffer(place, offer) {
    const price = part("offer-price", place);
    const changed = price.textContent !== euro(offer.price_cents);
    price.textContent = euro(offer.price_cents);
    part("offer-was", place).hidden = !offer.was_cents;
    const stock = part("offer-stock", place);
    stock.textContent = stockText(offer.stock);
    stock.className = `stock ${!offer.stock ? "out" : offer.stock < FEW ? "few" : "in"}`;
    part("offer-buy", place).disabled = !offer.stock;
    const time = part("offer-time", place);
    const moment = new Date(offer.as_of * 1000).toISOString();
    time.dateTime = `${moment.slice(0, 16)}Z`;
    time.textContent = `${moment.slice(11, 16)} UTC`;
    place.dataset.minute = String(offer.as_of / 60);
    place.classList.toggle("changed", changed);
  }

  async function refresh(place) {
    try {
      const response = await fetch(`/api/stock/${place.dataset.offer}`);
      if (response.ok) showOffer(place, await response.json());
    } catch {
      // The road is closed: the old price stays, with its time beside it.
    }
  }

  function startOffer() {
    const place = part("offer");
    if (!place) return;
    const again = () => {
      const wait = MINUTE_MS - (Date.now() % MINUTE_MS) + LATE_MS;
      setTimeout(async () => {
        if (!document.hidden) await refresh(place);
        again();
      }, wait);
    };
    again();
    document.addEventListener("visibilitychange", () => {
      const minute = Math.floor(Date.now() / MINUTE_MS);
      if (!document.hidden && Number(place.dataset.minute) < minute) refresh(place);
    });
  }

  // --- trace: what an edge did to this page --------------------------------------------------------

  const FIELDS = {
    "cache-status": "what each cache on the way did",
    age: "seconds since the shop made it",
    via: "who passed it on",
    "cache-control": "who may keep it, and how long",
    vary: "what else of a request it depends on",
    etag: "the name of exactly these bytes",
    "server-timing": "where the time went",
    server: "who made it",
    date: "when it was made",
  };

  function verdict(status, age, control) {
    if (!status) return "No edge was on the way: you are speaking with the shop itself.";
    if (/;\s*hit\b/.test(status)) {
      return `An edge had this page ready${age ? `, ${age} seconds old` : ""}. The shop was not asked.`;
    }
    if (/\b(private|no-store)\b/.test(control || "")) {
      return "The edge asked the shop for this one, and always will: with your name at its top it is yours alone.";
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
    const place = part("trace-verdict");
    const began = performance.now();
    try {
      const response = await fetch(location.pathname, { method: "HEAD" });
      const took = Math.round(performance.now() - began);
      await response.text(); // Chromium counts a response whose body nobody reads as aborted
      const { headers } = response;
      place.textContent = `${verdict(headers.get("cache-status"), headers.get("age"), headers.get("cache-control"))} (${took} ms)`;
      const present = Object.keys(FIELDS).filter((name) => headers.has(name));
      part("trace-rows").replaceChildren(...present.map((name) => row(name, headers.get(name))));
    } catch {
      place.textContent = "The road is closed just now. Please try again.";
    }
  }

  // --- events --------------------------------------------------------------------------------------

  function startEvents(state) {
    const toggle = document.getElementById("events-toggle");
    let source = null;

    function stop() {
      source.close();
      source = null;
      toggle.textContent = "Listen";
      state.textContent = "Not listening";
    }

    function listen() {
      source = new EventSource("/events");
      toggle.textContent = "Stop";
      state.textContent = "Listening…";
      source.addEventListener("tick", (event) => {
        const { tick, at } = JSON.parse(event.data);
        state.textContent = `Tick ${tick} at ${at.slice(11, 19)} UTC`;
      });
      source.addEventListener("error", () => {
        state.textContent = "The line is down; trying again…";
      });
    }

    toggle.disabled = false;
    toggle.addEventListener("click", () => (source ? stop() : listen()));
  }

  // --- echo ----------------------------------------------------------------------------------------

  function startEcho(state) {
    const text = document.getElementById("echo-text");
    const form = document.getElementById("echo-form");
    let socket = null;

    function opened() {
      if (socket && socket.readyState <= WebSocket.OPEN) return socket;
      const scheme = location.protocol === "https:" ? "wss" : "ws";
      socket = new WebSocket(`${scheme}://${location.host}/ws/echo`);
      socket.addEventListener("message", (event) => {
        state.textContent = `The shop says: ${event.data}`;
      });
      socket.addEventListener("error", () => {
        state.textContent = "Nobody answers.";
      });
      return socket;
    }

    document.getElementById("echo-send").disabled = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      state.textContent = "…";
      const line = opened();
      if (line.readyState === WebSocket.OPEN) line.send(text.value);
      else line.addEventListener("open", () => line.send(text.value), { once: true });
    });
  }

  startOffer();
  if (part("trace")) {
    trace();
    part("trace-again").addEventListener("click", trace);
  }
  const events = document.getElementById("events-state");
  if (events) startEvents(events);
  const echo = document.getElementById("echo-state");
  if (echo) startEcho(echo);
})();
