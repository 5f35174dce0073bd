// The status page keeps itself fresh; owners begin a certificate or end the campaign here.

import { post } from "./api.js";
import { keepFresh, refresh } from "./live.js";
import { guarded } from "./one.js";
import "./times.js";

document.addEventListener("submit", (event) => {
  const form = event.target;
  const does = { certify: () => certify(form), release, stop: () => stop(form) }[form.id];
  if (does) {
    event.preventDefault();
    guarded(form.querySelector("button"), does);
  }
});

async function certify(form) {
  await post("/api/certificate", { size: Number(form.elements.size.value), sided: form.elements.sided.value });
  document.activeElement?.blur();
  await refresh();
}

async function release() {
  await post("/api/release", {});
  document.activeElement?.blur();
  await refresh();
}

async function stop(form) {
  if (window.confirm("End the campaign for good? Nothing is asked afterwards.")) {
    await post("/api/stop", { reason: form.elements.reason.value });
    location.reload();
  }
}

keepFresh();
