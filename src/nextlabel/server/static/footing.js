// The line below the item and the banner above it: how far one is, what is saved, what is wrong.

import { element } from "./views.js";

const saved = document.getElementById("saved");
const banner = document.getElementById("banner");
const refused = document.getElementById("refused");
const count = new Intl.NumberFormat("en");

export function drawProgress(progress, items) {
  const parts = [`${count.format(progress.labelled)} of ${count.format(items)} labelled`];
  if (progress.mine !== progress.labelled) {
    parts.push(`${count.format(progress.mine)} by you`);
  }
  if (progress.skipped) {
    parts.push(`${count.format(progress.skipped)} skipped`);
  }
  if (progress.rate_per_hour) {
    parts.push(`${count.format(Math.round(progress.rate_per_hour))} an hour`);
  }
  if (progress.eta_seconds !== null && progress.eta_seconds !== undefined) {
    parts.push(`about ${duration(progress.eta_seconds)} left`);
  }
  document.getElementById("progress").textContent = parts.join(" · ");
  const line = document.getElementById("done");
  line.max = Math.max(items, 1);
  line.value = progress.labelled;
  drawCertificate(progress.certificate);
  document.getElementById("training").textContent = training(progress.training);
}

function drawCertificate(now) {
  const line = document.getElementById("certificate");
  line.hidden = !now;
  if (now) {
    const done = `${count.format(now.checked)} of ${count.format(now.sample)}`;
    line.textContent = `A certificate is under way: ${done} of its sample answered or skipped; until all are, new items are of it`;
  }
}

export function drawSaved(outbox, ofServer) {
  const { waiting, trouble } = outbox;
  saved.dataset.state = trouble ? "away" : waiting > 0 ? "waiting" : "saved";
  saved.textContent = waiting > 0 ? `${waiting} waiting to be saved` : "All saved";
  const words = bannerWords(outbox) || ofServer || "";
  if (banner.textContent !== words) {
    banner.textContent = words;
  }
  banner.hidden = words === "";
  drawRefused(outbox);
}

function bannerWords({ trouble, message, failure, isLasting, waiting }) {
  const kept = isLasting ? "It outlives a reload." : "Do not close this window: this browser keeps nothing.";
  if (failure && !trouble) {
    const now = waiting > 0 ? "Do not close this window before all is saved." : "You can go on.";
    return `This browser can keep nothing any more (${failure}): what you say is safe once it is saved. ${now}`;
  }
  if (trouble === "away") {
    return `The server is away. You can go on: what you say waits here until it is back. ${kept}`;
  }
  if (trouble === "storage") {
    return `Nothing can be saved now: ${message} What you say waits here. ${kept}`;
  }
  if (trouble === "locked") {
    return `This window is not let in any more: ${message} Open the address that the terminal shows. ${kept}`;
  }
  if (trouble === "elsewhere") {
    return `At this address another campaign is served now. What you say here waits for its own. ${kept}`;
  }
  if (trouble === "fault") {
    return `Something went wrong in this page: ${message} What you say waits here; reload the page. ${kept}`;
  }
  return "";
}

function drawRefused(outbox) {
  refused.hidden = outbox.refused.length === 0;
  refused.querySelector("summary").textContent = `${outbox.refused.length} not accepted`;
  const list = refused.querySelector("ul");
  list.replaceChildren(
    ...outbox.refused.map(({ seq, action, line, message }) => {
      const entry = element("li", `${line}: ${message} `);
      const button = element("button", "Seen", "quiet");
      button.type = "button";
      button.addEventListener("click", () => outbox.forget(seq));
      entry.append(button);
      if (action?.id) {
        const again = element("button", "Send again", "quiet");
        again.type = "button";
        again.addEventListener("click", () => outbox.again(seq));
        entry.append(again);
      }
      return entry;
    }),
  );
}

function training(now) {
  if (!now) {
    return "";
  }
  const knows = now.model_labels ? `the model knows ${count.format(now.model_labels)} labels` : "no model yet";
  return { fitting: `${knows}, learning`, failed: `${knows}; training failed: ${now.message}` }[now.state] ?? knows;
}

export function duration(seconds) {
  const minutes = Math.round(seconds / 60);
  if (minutes < 1) {
    return "a minute";
  }
  if (minutes < 60) {
    return `${minutes} min`;
  }
  const hours = Math.floor(minutes / 60);
  if (hours < 24) {
    return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  }
  return hours < 48 ? "a day" : `${Math.round(hours / 24)} days`;
}
