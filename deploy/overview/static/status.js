// Keeps the page live: server-sent events carry new HTML for parts of it, which is worked into the
// old one node by node, so that selections, scrolling and focus stay where they are.
"use strict";

const notice = document.getElementById("connection");
const SILENCE_MS = 5000; // events come each second
const AGAIN_MS = 5000;

let watchdog = 0;

function morph(now, wanted) {
  if (now.nodeType !== wanted.nodeType || now.nodeName !== wanted.nodeName) {
    now.replaceWith(wanted);
    return;
  }
  if (now.nodeType !== Node.ELEMENT_NODE) {
    if (now.nodeValue !== wanted.nodeValue) now.nodeValue = wanted.nodeValue;
    return;
  }
  for (const { name } of [...now.attributes]) {
    if (!wanted.hasAttribute(name)) now.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) {
    if (now.getAttribute(name) !== value) now.setAttribute(name, value);
  }
  morphChildren(now, wanted);
}

function morphChildren(now, wanted) {
  const fresh = [...wanted.childNodes];
  fresh.forEach((child, index) => {
    if (index < now.childNodes.length) morph(now.childNodes[index], child);
    else now.append(child);
  });
  while (now.childNodes.length > fresh.length) now.lastChild.remove();
}

function alive(yes) {
  notice.hidden = yes;
  document.body.classList.toggle("old", !yes);
  clearTimeout(watchdog);
  if (yes) watchdog = setTimeout(() => alive(false), SILENCE_MS);
}

function watch() {
  const events = new EventSource("/events");
  events.onmessage = (event) => {
    for (const [id, html] of Object.entries(JSON.parse(event.data))) {
      const parsed = document.createElement("template");
      parsed.innerHTML = html;
      morphChildren(document.getElementById(id), parsed.content);
    }
    alive(true);
  };
  events.onerror = () => {
    alive(false);
    // A browser gives up on its own where it got another answer than events.
    if (events.readyState === EventSource.CLOSED) setTimeout(watch, AGAIN_MS);
  };
}

watch();
