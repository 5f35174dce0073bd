// One action from a page that is read: sent at once, repeated with the same request where no answer came.

import { Away, post, uuid } from "./api.js";

const TRIES = 3;
const PAUSE = 700;

/** Done when the server has stored it; otherwise an error that says why not. */
export async function act(action) {
  const request = uuid();
  for (let tried = 1; ; tried += 1) {
    try {
      const { results } = await post("/api/actions", { actions: [{ ...action, request }], want: 0, have: [] });
      if (!results[0].ok) {
        throw new Error(results[0].message);
      }
      return results[0];
    } catch (cause) {
      if (!(cause instanceof Away) || tried === TRIES) {
        throw cause;
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE * tried));
    }
  }
}

/** Runs what a button does, with the button out of reach meanwhile and trouble said beside it. */
export async function guarded(button, does) {
  const trouble = document.getElementById("trouble");
  trouble.textContent = "";
  button.disabled = true;
  try {
    await does();
  } catch (cause) {
    trouble.textContent = cause.message;
  } finally {
    button.disabled = false;
  }
}
