// The name of the person at the page: asked once, kept in a cookie by the server, changed by a click.

import { post } from "./api.js";

const dialog = document.getElementById("name-dialog");
const field = document.getElementById("name-field");
const trouble = document.getElementById("name-trouble");
const button = document.getElementById("who");
const person = document.body.dataset.person;

function ask() {
  field.value = person;
  trouble.textContent = "";
  dialog.showModal();
  field.select();
}

button.addEventListener("click", ask);
dialog.addEventListener("cancel", (event) => {
  if (!person) {
    event.preventDefault(); // without a name there is nobody to keep the labels for
  }
});
dialog.addEventListener("close", () => {
  if (!person) {
    dialog.showModal(); // a second Esc closes it without asking
  }
});
document.getElementById("name-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const name = field.value.trim();
  if (!name) {
    trouble.textContent = "A name has at least one letter.";
    return;
  }
  try {
    await post("/api/name", { name });
    location.reload();
  } catch (cause) {
    trouble.textContent = cause.message;
  }
});
if (!person) {
  ask();
}
