// Keeps the status page current: asks for the status each second and fills in what changed.
// Texts are only ever set as text, never as HTML: names and anomalies may come from outside.

const EVERY_MS = 1000;
const GIVE_UP_MS = 5000;
const STALE_AFTER_MS = 3500;

const byId = (id) => document.getElementById(id);
const rows = new Map();
let answeredAt = performance.now();

function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function span(seconds) {
  if (seconds < 10) return `${Math.max(seconds, 0).toFixed(1)} s`;
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

function clock(moment, now) {
  if (!moment) return "-";
  const time = moment.slice(11, 19);
  return moment.slice(0, 10) === now?.slice(0, 10) ? time : `${moment.slice(5, 10)} ${time}`;
}

function percent(share) {
  return share === null ? "-" : `${(Math.floor(share * 10000) / 100).toFixed(2)} %`;
}

function cells(feed, game, now) {
  const age = game.last_message_age_seconds;
  const timer = game.betting_timer_seconds;
  const last = game.last_anomalies[0];
  return {
    state: [game.state, ""],
    game: [game.game, `${feed.name} · type ${game.game_type}`],
    since: [clock(game.since, now), `for ${span(game.for_seconds)}`],
    whose: [game.state === "fresh" ? "" : game.whose, game.why],
    anomaly: last ? [`${clock(last.at, now)} ${last.words}`, last.particulars] : ["", ""],
    update: [age === null ? "none yet" : `${span(age)} ago`, ""],
    timer: [timer === null ? "-" : `${timer.toFixed(1)} s`, game.betting_timer_stale ? "stale" : ""],
    round: [game.round.state ?? "-", game.round.id === null ? "" : `${game.round.id}`],
    sequence: [game.sequence_id === null ? "-" : `${game.sequence_id}`, game.missed ? `${game.missed} missed` : ""],
    freshness: [percent(game.freshness), ""],
    attempts: [`${game.connection_attempts}`, ""],
  };
}

function rowOf(key) {
  if (!rows.has(key)) rows.set(key, byId("row").content.firstElementChild.cloneNode(true));
  return rows.get(key);
}

function fill(row, feed, game, now) {
  row.dataset.state = game.state;
  for (const [name, [main, below]] of Object.entries(cells(feed, game, now))) {
    const cell = row.querySelector(`.${name}`);
    say(cell.querySelector("b"), main);
    say(cell.querySelector("small"), below);
  }
}

function list(id, items) {
  const element = byId(id);
  while (element.children.length > items.length) element.lastElementChild.remove();
  while (element.children.length < items.length) element.append(document.createElement("li"));
  items.forEach(([text, ok], index) => {
    say(element.children[index], text);
    element.children[index].dataset.ok = `${ok}`;
  });
}

function show(status) {
  const games = status.feeds.flatMap((feed) => feed.games.map((game) => [feed, game]));
  const steady = (game) => (game.state === "fresh" ? 0 : -game.for_seconds);
  games.sort(([, a], [, b]) => a.severity - b.severity || steady(a) - steady(b));

  const ordered = games.map(([feed, game]) => {
    const row = rowOf(JSON.stringify([feed.name, game.game_type]));
    fill(row, feed, game, status.taken_at);
    return row;
  });
  const body = byId("games");
  if (ordered.length !== body.children.length || ordered.some((row, index) => row !== body.children[index])) {
    body.replaceChildren(...ordered);
  }

  say(byId("verdict"), status.verdict);
  byId("verdict").dataset.state = games.length ? games[0][1].state : "fresh";
  document.title = status.verdict;
  const known = status.feeds.filter((feed) => feed.token);
  list("tokens", known.map((feed) => [`${feed.name}: token ${feed.token.words}`, feed.token.valid]));
  list("notes", status.notes.map((note) => [note, true]));
  say(byId("as-of"), clock(status.taken_at, status.taken_at));
}

function watchTheWatchdog() {
  const silentMs = performance.now() - answeredAt;
  const stale = silentMs > STALE_AFTER_MS;
  const alarm = byId("alarm");
  alarm.hidden = !stale;
  document.body.classList.toggle("stale", stale);
  if (!stale) return;
  const since = byId("as-of").textContent;
  say(alarm, `The watchdog itself has not answered for ${span(silentMs / 1000)}. All below is as of ${since} UTC.`);
  document.title = "The watchdog does not answer";
}

async function refresh() {
  try {
    const response = await fetch("api/v1/status", { cache: "no-store", signal: AbortSignal.timeout(GIVE_UP_MS) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    show(await response.json());
    answeredAt = performance.now();
  } catch (error) {
    console.warn("no status:", error.message);
  }
  watchTheWatchdog();
  setTimeout(refresh, EVERY_MS);
}

setInterval(watchTheWatchdog, EVERY_MS);
refresh();
