// The list by keyboard: / to the words, j and k from line to line, Enter opens.

import { isElsewhere } from "./keys.js";
import "./times.js";

const links = [...document.querySelectorAll("#list a.open")];
const field = document.getElementById("search");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || isElsewhere(event, null)) {
    return;
  }
  if (event.key === "/") {
    event.preventDefault();
    field.select();
  } else if (event.key === "j" || event.key === "k") {
    const here = links.indexOf(document.activeElement);
    const next = event.key === "j" ? here + 1 : Math.max(here, 1) - 1;
    links[Math.min(next, links.length - 1)]?.focus();
  }
});
