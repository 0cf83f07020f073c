// Finds products while somebody types, in the index that catalogue.js brings. Enter asks the shop.
"use strict";

(() => {
  const MOST_SHOWN = 8;
  const SHORTEST = 2;

  const form = document.querySelector(".find");
  const input = form?.querySelector("[data-search]");
  const list = form?.querySelector("[data-search-found]");
  if (!input || !list || !window.midmileCatalogue) return;

  const products = window.midmileCatalogue.map((row) => {
    const [name, slug, category, shelf, cents, rating, line, material, details] = row;
    const [, categoryName, glyph] = window.midmileCategories[category];
    return {
      name,
      slug,
      shelf,
      cents,
      rating,
      glyph,
      fields: [
        [8, words(name)],
        [5, words(shelf)],
        [3, words(`${categoryName} ${material}`)],
        [1, words(`${line} ${details}`)],
      ],
    };
  });

  let chosen = -1;

  function words(text) {
    return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  }

  // A whole word counts twice as much as a beginning, as it does in the shop's own search.
  function points(product, word) {
    let best = 0;
    for (const [weight, known] of product.fields) {
      if (weight * 2 <= best) break;
      for (const each of known) {
        if (each === word) best = Math.max(best, weight * 2);
        else if (each.startsWith(word)) best = Math.max(best, weight);
      }
    }
    return best;
  }

  function ranked(asked) {
    const found = [];
    for (const product of products) {
      let sum = 0;
      for (const word of asked) {
        const scored = points(product, word);
        if (!scored) {
          sum = 0;
          break;
        }
        sum += scored;
      }
      if (sum) found.push([sum, product]);
    }
    found.sort((one, other) => other[0] - one[0] || other[1].rating - one[1].rating);
    return found.map(([, product]) => product);
  }

  function element(tag, text, className) {
    const made = document.createElement(tag);
    if (text) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  function drawing(name) {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    svg.setAttribute("class", "glyph");
    svg.setAttribute("aria-hidden", "true");
    const use = document.createElementNS(space, "use");
    use.setAttribute("href", `#g-${name}`);
    svg.append(use);
    return svg;
  }

  function entry(product, at) {
    const link = element("a");
    link.href = `/product/${product.slug}`;
    link.id = `found-${at}`;
    link.setAttribute("role", "option");
    link.setAttribute("aria-selected", "false");
    link.tabIndex = -1;
    const price = new Intl.NumberFormat("en-IE", { style: "currency", currency: "EUR" });
    link.append(
      drawing(product.glyph),
      element("b", product.name),
      element("span", price.format(product.cents / 100), "price"),
      element("span", product.shelf, "small"),
    );
    return link;
  }

  function close() {
    list.hidden = true;
    chosen = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function show() {
    const asked = words(input.value);
    if (input.value.trim().length < SHORTEST || !asked.length) {
      close();
      return;
    }
    const found = ranked(asked);
    const shown = found.slice(0, MOST_SHOWN).map(entry);
    const more = found.length - shown.length;
    const note = found.length
      ? more > 0 && `and ${more} more; press Enter to see them`
      : "Nothing of that name; press Enter to ask the shop";
    list.replaceChildren(...shown, ...(note ? [element("p", note)] : []));
    chosen = -1;
    input.removeAttribute("aria-activedescendant");
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
  }

  function choose(step) {
    const links = [...list.querySelectorAll("a")];
    if (!links.length) return;
    links[chosen]?.setAttribute("aria-selected", "false");
    chosen = (chosen + step + links.length + (chosen < 0 && step < 0 ? 1 : 0)) % links.length;
    links[chosen].setAttribute("aria-selected", "true");
    links[chosen].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", links[chosen].id);
  }

  function press(event) {
    if (list.hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      choose(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Escape") {
      close();
    } else if (event.key === "Enter" && chosen >= 0) {
      event.preventDefault();
      list.querySelectorAll("a")[chosen].click();
    }
  }

  list.id = "search-found";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Products found");
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", list.id);
  input.setAttribute("aria-expanded", "false");
  input.addEventListener("input", show);
  input.addEventListener("keydown", press);
  form.addEventListener("focusout", (event) => {
    if (!form.contains(event.relatedTarget)) setTimeout(close, 150); // after the click on an entry
  });
})();
