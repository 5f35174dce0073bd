// A few words asked for in a dialog: a note, or why an item was skipped.

const dialog = document.getElementById("text-dialog");
const field = document.getElementById("text-field");
let answer = null;

document.getElementById("text-form").addEventListener("submit", () => close(field.value.trim()));
document.getElementById("text-close").addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => close(null));
field.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    document.getElementById("text-form").requestSubmit();
  }
});

function close(words) {
  const tell = answer;
  answer = null;
  tell?.(words);
}

/** The words that were typed, or null where one left. */
export function askWords(title, label) {
  document.getElementById("text-title").textContent = title;
  document.getElementById("text-label").textContent = label;
  field.value = "";
  dialog.showModal();
  field.focus();
  return new Promise((resolve) => {
    answer = resolve;
  });
}
