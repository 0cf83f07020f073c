// What every page of the shop does beyond links and forms. All of it works, more plainly, without.
"use strict";

const RELEASE = 0;

const find = (name, root = document) => root.querySelector(`[data-${name}]`);
const findAll = (name, root = document) => [...root.querySelectorAll(`[data-${name}]`)];

// --- greeting and cart: a surrogate puts the cookies into the page as they are -------------------

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function showVisitor() {
  const name = find("name");
  // Only what a surrogate filled in is still encoded; a name that the shop wrote may hold a "%".
  if (name?.dataset.name === "encoded") name.textContent = decoded(name.textContent);
  const cart = find("cart");
  const count = find("cart-count");
  if (!cart || count?.textContent !== "•") return;
  const lines = cart.dataset.cart.split(".").map((line) => /^\d+x(\d)$/.exec(line));
  count.textContent = String(lines.reduce((sum, line) => sum + (line ? Number(line[1]) : 0), 0));
}

// --- navigation: Escape leaves an open panel, and the menu ----------------------------------------

function startNavigation() {
  const nav = document.querySelector(".nav");
  const check = document.getElementById("menu-check");
  nav?.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const top = event.target.closest(".nav-item")?.querySelector(".nav-top");
    if (top && top !== event.target) top.focus();
    else event.target.blur();
    if (check) check.checked = false;
  });
}

// --- gallery: a small picture becomes the large one -----------------------------------------------

function startGallery() {
  const gallery = find("gallery");
  if (!gallery) return;
  const main = find("gallery-main", gallery);
  const caption = find("gallery-caption", gallery);
  const thumbs = findAll("gallery-thumb", gallery);

  function show(thumb) {
    const small = thumb.querySelector("img");
    main.src = thumb.getAttribute("href");
    main.width = small.width;
    main.height = small.height;
    main.alt = small.alt;
    caption.textContent = small.alt;
    for (const other of thumbs) other.removeAttribute("aria-current");
    thumb.setAttribute("aria-current", "true");
  }

  for (const [at, thumb] of thumbs.entries()) {
    thumb.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return; // into a window of its own
      event.preventDefault();
      show(thumb);
    });
    thumb.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const next = thumbs[(at + step + thumbs.length) % thumbs.length];
      next.focus();
      show(next);
    });
  }
}

// --- quantity: one more, one less ------------------------------------------------------------------

function startStepper(stepper) {
  const input = stepper.querySelector("input");
  const button = (sign, label, step) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = sign;
    made.setAttribute("aria-label", label);
    made.addEventListener("click", () => {
      const wanted = (Number(input.value) || 1) + step;
      input.value = String(Math.min(Math.max(wanted, Number(input.min)), Number(input.max)));
    });
    return made;
  };
  stepper.prepend(button("−", "One less", -1));
  stepper.append(button("+", "One more", 1));
}

// --- category: the page's own products in another order ---------------------------------------------

const ORDERS = {
  price: (one, other) => Number(one.dataset.price) - Number(other.dataset.price),
  rating: (one, other) => Number(other.dataset.rating) - Number(one.dataset.rating),
};

function startSorting() {
  const bar = find("sort");
  const list = find("sorted");
  if (!bar || !list) return;
  const shelved = [...list.children];
  bar.hidden = false;
  for (const button of findAll("sort-by", bar)) {
    button.addEventListener("click", () => {
      const order = ORDERS[button.dataset.sortBy];
      list.replaceChildren(...(order ? [...shelved].sort(order) : shelved));
      for (const other of findAll("sort-by", bar)) {
        other.setAttribute("aria-pressed", String(other === button));
      }
    });
  }
}

function startFilters() {
  const filters = find("filters");
  // Open in the page's text, for who has no script; on a phone it would hide the goods.
  if (filters && matchMedia("(max-width: 61.99rem)").matches) filters.open = false;
}

document.documentElement.dataset.release = String(RELEASE);
showVisitor();
startNavigation();
startGallery();
findAll("stepper").forEach(startStepper);
startSorting();
startFilters();
