// Moments as the reader's own clock and language say them; the server writes them in UTC.

const formats = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export function localTimes() {
  for (const time of document.querySelectorAll("time[datetime]")) {
    time.textContent = formats.format(new Date(time.dateTime));
    time.title = time.dateTime;
  }
}

localTimes();
document.addEventListener("nextlabel:fresh", localTimes);
