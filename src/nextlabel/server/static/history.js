// What was said, line by line; any of it can be taken back.

import { refresh } from "./live.js";
import { act, guarded } from "./one.js";
import "./times.js";

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button.take-back");
  if (button) {
    guarded(button, async () => {
      await act({ kind: "retract", id: button.dataset.id });
      document.getElementById("spoken").textContent = "Taken back.";
      button.blur();
      await refresh();
    });
  }
});
