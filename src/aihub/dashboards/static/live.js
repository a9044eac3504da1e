// Tiles that move by themselves, from the stream of what happens now. Where there is no stream (too many viewers) the
// page is asked for them.

const board = document.querySelector("[data-stream]");
const state = document.querySelector("[data-stream-state]");
const POLL_MS = 5_000;
const RETRY_MS = 2_000;
const SILENCE_MS = 25_000; // the stream says something every ten seconds

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

const FORMATS = {
  number: (value) => (value < 10_000 ? whole.format(value) : short.format(value).replace("K", "k")),
  share: (value) => {
    const percent = value * 100;
    if (percent === 0) return "0%";
    return percent < 0.1 ? "<0.1%" : `${percent.toFixed(percent < 10 ? 1 : 0)}%`;
  },
  duration: (value) => (value < 1000 ? `${Math.round(value)} ms` : `${(Math.floor(value / 100) / 10).toFixed(1)} s`),
};

function show(numbers) {
  for (const part of board.querySelectorAll("[data-field]")) {
    const value = numbers[part.dataset.field];
    const known = value !== null && value !== undefined;
    const text = known ? FORMATS[part.dataset.format](Number(value)) : "–";
    put(part, text, known ? String(value) : "No call in this time");
  }
}

function put(part, text, title) {
  part.title = title;
  if (part.textContent === text) return;
  part.textContent = text;
  const tile = part.closest(".tile");
  tile.classList.remove("has-moved");
  void tile.offsetWidth; // begins the animation anew
  tile.classList.add("has-moved");
}

function tell(words, isLive) {
  if (state.textContent !== words) state.textContent = words;
  state.classList.toggle("is-live", isLive);
}

async function poll() {
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fields = [...page.querySelectorAll("[data-field]")];
    if (!fields.length) return location.reload(); // signed out, say: the page itself tells
    for (const field of fields) put(board.querySelector(`[data-field="${field.dataset.field}"]`), field.textContent, field.title);
    tell("Every 5 seconds", true);
  } catch {
    tell("Connecting again …", false);
  }
  setTimeout(poll, POLL_MS);
}

// An EventSource cannot say which organization it is about: one who operates the hub sees any.
const whose = board?.dataset.organization ? { "X-Organization-Id": board.dataset.organization } : {};

async function listen() {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  try {
    const answer = await fetch(board.dataset.stream, {
      headers: { Accept: "text/event-stream", ...whose },
      cache: "no-store",
      signal: silence.signal,
    });
    if (!answer.ok) return poll(); // too many viewers, or signed out: the page itself tells
    tell("Live", true);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
      const events = (text + value).split("\n\n");
      text = events.pop();
      events.forEach(take);
    }
  } catch {
    // away for a moment
  }
  clearTimeout(timer);
  tell("Connecting again …", false);
  setTimeout(listen, RETRY_MS);
}

function take(event) {
  const fields = Object.fromEntries(event.split("\n").map((line) => [line.split(":", 1)[0], line.slice(line.indexOf(":") + 1).trim()]));
  if (fields.event === board.dataset.event) show(JSON.parse(fields.data));
}

if (board) listen();
addEventListener("pageshow", (event) => event.persisted && location.reload());
