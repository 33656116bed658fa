// The page: a session, the time line of what it may see, and one study of it. Nothing of it is kept when the page is left: no
// storage is used, no address names a person, nothing is written to the console.
import * as asking from "./asking.js";
import { one, Refused } from "./asking.js";
import { by, element, mark, walk } from "./parts.js";
import { Picture, presets } from "./picture.js";
import { chinese, day, hospital, images, known, modalities, modality, moment, name, part, speak, t } from "./texts.js";

const PAGE = 50;
const STEP = 12;
const LOOK_MS = 30_000;
const MARK = "00091001";
const PICTURELESS = ["SR", "PR", "KO", "SEG", "RTSTRUCT", "RTPLAN", "DOC"];
const TOKEN = /^#(?:.*&)?token=([\w-]{16,64})(?:&|$)/;
const EMPTY = { records: [], warning: "", more: false, patients: undefined, open: undefined, record: undefined, series: [], current: "", said: undefined };
const state = { ...EMPTY, number: 0, opening: 0 };
let picture;

// --- What is told

// Says a thing by its key; `again` does what failed once more.
function say(said, again) {
  state.said = said && { said, again };
  const bar = by("told");
  bar.hidden = !said;
  bar.classList.toggle("plain", said?.plain === true);
  bar.firstElementChild.textContent = said ? said.text : "";
  bar.lastElementChild.hidden = !again;
}

const plainly = (key) => ({ plain: true, get text() { return t(key); } });

async function guarded(work) {
  try {
    await work();
  } catch (error) {
    failed(error, () => guarded(work));
  }
}

function failed(error, again) {
  const refused = error instanceof Refused ? error : new Refused("undecoded");
  if (refused.key === "ended") return leave(refused);
  return say(refused, ["away", "cell", "hasty", "unreachable", "broken"].includes(refused.key) ? again : undefined);
}

// --- The session

function leave(said) {
  asking.forget();
  close();
  Object.assign(state, EMPTY, { number: state.number + 1 });
  by("session").hidden = false;
  document.querySelector("main").hidden = by("leave").hidden = true;
  for (const selector of ["#line", "#access ul"]) document.querySelector(selector).replaceChildren();
  for (const id of ["token", "from", "to", "modality"]) by(id).value = "";
  say(said);
  by("token").focus();
}

async function begin(token) {
  asking.keep(token);
  by("token").value = "";
  await guarded(async () => {
    await list(true);
    by("session").hidden = true;
    document.querySelector("main").hidden = by("leave").hidden = false;
    by("line").querySelector("button")?.focus();
  });
}

async function end() {
  await asking.rpc("/v1/imaging/sessions:close").catch(() => undefined);
  leave(plainly("left"));
}

// Who may be seen until when. Without an answer the page still says that consent is checked.
async function consent() {
  const number = state.number;
  const told = await asking.rpc("/v1/imaging/sessions:listPatients").catch((error) => {
    if (error.key === "ended") throw error;
  });
  if (number !== state.number) return;
  state.patients = told?.patients ?? (told ? [] : undefined);
  drawConsent();
  const grants = grantsOfOpened();
  if (state.open && grants.length && !grants.some((each) => each.active || each.cellAway)) await withdraw();
}

// What a person takes back goes from the screen too, not from the node alone.
async function withdraw() {
  close();
  await list(true);
  say(plainly("withdrawn"));
}

function grantsOfOpened() {
  const record = opened();
  return record ? (state.patients ?? []).filter((each) => each.patientId === one(record, "00100020")) : [];
}

// --- The time line

async function list(fresh) {
  const number = ++state.number;
  const offset = fresh ? 0 : state.records.length;
  const query = { limit: PAGE, offset, includefield: `StudyDescription,BodyPartExamined,InstitutionName,${MARK}` };
  const [from, to] = ["from", "to"].map((id) => by(id).value.replaceAll("-", ""));
  if (from || to) query.StudyDate = from === to ? from : `${from}-${to}`;
  if (by("modality").value) query.ModalitiesInStudy = by("modality").value;
  const { records, warning } = await asking.search("studies", query);
  if (number !== state.number) return;
  state.records = fresh ? records : [...state.records, ...records];
  state.more = /additional results/.test(warning);
  state.warning = warning;
  draw();
  say(state.records.length ? undefined : plainly("none"));
  await consent();
}

// What a search says beside its answer, by the keys of our texts, each with the nodes or cells that it names.
const WARNINGS = [
  ["nodesAway", /"Nodes that do not answer now: ([^;"]+)/],
  ["nodesBehind", /"Nodes that are behind: ([^;"]+)/],
  ["cellsAway", /"Cells that do not answer now: ([^;"]+)/],
];

function warnings(text) {
  const found = WARNINGS.map(([key, form]) => [key, form.exec(text)]).filter(([, match]) => match);
  // Behind a node's number stands in brackets since when.
  const others = chinese() ? " 等" : " and $1 more";
  return found.map(([key, [, named]]) => [key, named.replaceAll(/ \([^)]*\)/g, "").replace(/ and (\d+) more$/, others)]);
}

function draw() {
  const focused = document.activeElement?.closest?.("#line button")?.dataset.uid;
  const days = [];
  for (const record of state.records) {
    const date = one(record, "00080020");
    if (days.at(-1)?.date !== date) {
      const section = element("section", {}, [element("h3", {}, [date ? day(date) : "—"])]);
      days.push({ date, section });
    }
    days.at(-1).section.append(entry(record));
  }
  by("line").replaceChildren(...days.map((each) => each.section));
  by("more").hidden = !state.more;
  by("warned").textContent = warnings(state.warning).map((each) => t(...each)).join(chinese() ? "" : " ");
  by("warned").hidden = by("warned").textContent === "";
  mark("#line", state.open);
  if (focused) by("line").querySelector(`[data-uid="${focused}"]`)?.focus();
}

function entry(record) {
  const uid = one(record, "0020000D");
  const time = one(record, "00080030");
  const first = [time && `${time.slice(0, 2)}:${time.slice(2, 4)}`, one(record, "00081030") || part(one(record, "00180015"))].filter(Boolean).join(" ");
  const who = name(record["00100010"]?.Value?.[0]) || one(record, "00100020");
  const marks = [[`recognised${["", "CITY", "PROVINCE", "REGION", "NATION"].indexOf(one(record, MARK))}`, ""]];
  const availability = one(record, "00080056");
  marks.push([availability, availability === "UNAVAILABLE" ? "away" : "slow"]);
  const button = element("button", { type: "button" }, [
    element("b", {}, [kinds(record)]), first,
    element("span", {}, [[part(one(record, "00180015")), images(one(record, "00201208") || 0), who].filter(Boolean).join(" · ")]),
    element("span", {}, [hospital(one(record, "00080080"))]),
    ...marks.filter(([key]) => known(key)).map(([key, kind]) => element("i", kind ? { class: kind } : {}, [t(key)])),
  ]);
  button.dataset.uid = uid;
  button.addEventListener("click", () => guarded(() => open(uid)));
  return button;
}

const kinds = (record) => (record["00080061"]?.Value ?? []).map(modality).join(" / ");

function drawConsent() {
  const told = state.patients;
  const lines = told?.map((each) => {
    const who = named(each.patientId);
    if (each.cellAway) return ["accessAway", who, true];
    return each.active && each.toTime ? ["accessUntil", who, false, moment(each.toTime)] : ["accessEnded", who, true];
  }) ?? [["accessUnknown", "", false]];
  if (!lines.length) lines.push(["accessOwn", "", false]);
  document.querySelector("#access ul").replaceChildren(...lines.map(([key, who, ended, until]) => element("li", ended ? { class: "ended" } : {}, [t(key, who, until)])));
  drawUntil();
}

// The name that a study of the list gives a person, else the pseudonym.
function named(patientId) {
  const record = [state.record, ...state.records].find((each) => each && one(each, "00100020") === patientId);
  return name(record?.["00100010"]?.Value?.[0]) || patientId;
}

function drawUntil() {
  const record = opened();
  const ends = grantsOfOpened().filter((each) => each.active && each.toTime).map((each) => each.toTime).sort();
  by("until").textContent = ends.length ? t("accessUntil", named(one(record, "00100020")), moment(ends.at(-1))) : record ? t("accessUnknown") : "";
}

// --- One study

// Also where a condition left its entry out of the list since.
const opened = () => state.record;

async function open(uid) {
  const number = ++state.opening;
  state.open = uid;
  state.record = state.records.find((each) => one(each, "0020000D") === uid);
  state.series = [];
  state.current = "";
  picture.clear();
  mark("#line", uid);
  document.querySelector("main").classList.add("one");
  by("opened").hidden = by("choose").hidden = true;
  by("title").textContent = "";
  say(undefined);
  by("study").setAttribute("aria-busy", "true");
  try {
    const { records } = await asking.search(`studies/${uid}/series`, { limit: 200, includefield: "SeriesDescription,BodyPartExamined" });
    if (number !== state.opening) return;
    state.series = records;
    by("opened").hidden = false;
    drawStudy();
    by("controls").hidden = by("frame").hidden = !records.length;
    if (!records.length) return say(plainly("noSeries"));
    const pictured = records.filter((each) => !PICTURELESS.includes(one(each, "00080060")));
    // A single picture is as a rule the one by which the others were planned.
    const first = pictured.find((each) => one(each, "00201209") > 1) ?? pictured[0] ?? records[0];
    await load(one(first, "0020000E"));
    if (number === state.opening) by("picture").focus({ preventScroll: true });
  } finally {
    by("study").removeAttribute("aria-busy");
  }
  await consent();
}

function drawStudy() {
  const record = opened();
  if (!record) return;
  const who = name(record["00100010"]?.Value?.[0]) || one(record, "00100020");
  by("title").textContent = [who, day(one(record, "00080020")), kinds(record), one(record, "00081030") || part(one(record, "00180015")), hospital(one(record, "00080080"))].filter(Boolean).join(" · ");
  by("series").replaceChildren(...state.series.map((series) => {
    const count = one(series, "00201209");
    const button = element("button", { type: "button" }, [
      [one(series, "00200011"), one(series, "0008103E") || modality(one(series, "00080060")), count && `(${images(count)})`].filter(Boolean).join(" "),
    ]);
    button.dataset.uid = one(series, "0020000E");
    button.addEventListener("click", () => guarded(() => load(button.dataset.uid)));
    return button;
  }));
  mark("#series", state.current);
  drawUntil();
}

async function load(uid) {
  state.current = uid;
  mark("#series", uid);
  by("busy").hidden = false;
  const series = state.series.find((each) => one(each, "0020000E") === uid);
  by("preset").hidden = one(series, "00080060") !== "CT";
  by("preset").value = "presetOwn";
  by("controls").hidden = by("frame").hidden = false;
  let any = false;
  try {
    any = await picture.take(state.open, uid);
    say(any ? undefined : plainly("noImages"));
  } finally {
    by("busy").hidden = true;
    by("controls").hidden = by("frame").hidden = !any;
  }
}

function told(now) {
  by("busy").hidden = !now.busy;
  by("slice").max = Math.max(1, now.of);
  by("slice").value = now.at;
  by("place").textContent = now.of ? t("place", now.at, now.of) : "";
  by("window").textContent = now.width === undefined ? "" : `W ${Math.round(now.width)} L ${Math.round(now.centre)} · ${Math.round(now.scale * 100)} %`;
  by("invert").setAttribute("aria-pressed", String(now.inverted === true));
  const said = t("shown", by("title").textContent, now.at, now.of);
  by("picture").setAttribute("aria-label", said);
  by("slice").setAttribute("aria-valuetext", t("place", now.at, now.of));
}

// A picture that failed, or, without an error, one that came after it.
function lost(error) {
  if (error) failed(error, () => picture.to(picture.at));
  else if (state.lost) say(undefined);
  state.lost = Boolean(error);
  // A node that shows nothing any more may have heard that consent has ended.
  if (error?.key === "gone") guarded(consent);
}

function close() {
  picture.clear();
  Object.assign(state, { open: undefined, record: undefined, series: [], current: "", opening: state.opening + 1 });
  document.querySelector("main").classList.remove("one");
  by("opened").hidden = true;
  by("choose").hidden = false;
  for (const id of ["series", "title", "until"]) by(id).replaceChildren();
}

function back() {
  document.querySelector("main").classList.remove("one");
  by("line").querySelector('[aria-current="true"]')?.focus();
}

function step(by_) {
  const at = state.series.findIndex((each) => one(each, "0020000E") === state.current) + by_;
  if (state.series[at]) guarded(() => load(one(state.series[at], "0020000E")));
}

// --- Keys

function keys(event) {
  const shifted = event.shiftKey, moved = event.ctrlKey || event.metaKey;
  if (event.altKey || (moved && !event.key.startsWith("Arrow"))) return;
  const arrows = {
    ArrowDown: () => (moved ? picture.move(0, 20) : shifted ? picture.window(0, -STEP) : picture.turn(1)),
    ArrowUp: () => (moved ? picture.move(0, -20) : shifted ? picture.window(0, STEP) : picture.turn(-1)),
    ArrowLeft: () => (moved ? picture.move(-20, 0) : picture.window(-STEP, 0)),
    ArrowRight: () => (moved ? picture.move(20, 0) : picture.window(STEP, 0)),
  };
  const others = {
    PageDown: () => picture.turn(10), PageUp: () => picture.turn(-10), Home: () => picture.to(0), End: () => picture.to(Infinity),
    "+": () => picture.zoom(1.2), "=": () => picture.zoom(1.2), "-": () => picture.zoom(1 / 1.2), "－": () => picture.zoom(1 / 1.2), "＋": () => picture.zoom(1.2),
    n: () => step(1), p: () => step(-1), i: () => picture.invert(), r: () => picture.reset(), Escape: back,
  };
  const deed = arrows[event.key] ?? others[event.key] ?? others[event.key.toLowerCase()];
  if (!deed) return;
  event.preventDefault();
  deed();
}

function drawAll() {
  by("language").textContent = chinese() ? "English" : "中文";
  by("language").lang = chinese() ? "en" : "zh-CN";
  for (const [id, options] of [["modality", [["", t("all")], ...modalities().map((each) => [each, modality(each)])]], ["preset", ["presetOwn", ...presets].map((each) => [each, t(each)])]]) {
    const { value } = by(id);
    by(id).replaceChildren(...options.map(([code, text]) => new Option(text, code)));
    by(id).value = value || options[0][0];
  }
  if (!asking.has()) return say(state.said?.said, state.said?.again);
  draw();
  drawStudy();
  drawConsent();
  if (picture.images.length) picture.tell(false);
  return say(state.said?.said, state.said?.again);
}

function choose(tool) {
  picture.tool = tool;
  for (const each of document.querySelectorAll("[data-tool]")) each.setAttribute("aria-pressed", String(each.dataset.tool === tool));
}

// A hospital's system opens the page with the token behind the #, which a browser sends to nobody; it is taken out of the address
// at once.
function given() {
  const found = TOKEN.exec(location.hash);
  if (location.hash) history.replaceState(null, "", location.pathname);
  if (found) begin(found[1]);
}

function listen() {
  const on = (id, event, deed) => by(id).addEventListener(event, deed);
  on("language", "click", () => { speak(!chinese()); drawAll(); });
  on("leave", "click", end);
  by("told").lastElementChild.addEventListener("click", () => state.said?.again?.());
  on("session", "submit", (event) => { event.preventDefault(); begin(by("token").value.trim()); });
  on("asked", "submit", (event) => event.preventDefault());
  on("asked", "change", () => guarded(() => list(true)));
  on("more", "click", () => guarded(() => list(false)));
  on("line", "keydown", walk);
  on("back", "click", back);
  on("picture", "keydown", keys);
  on("slice", "input", () => picture.to(Number(by("slice").value) - 1));
  on("previous", "click", () => picture.turn(-1));
  on("next", "click", () => picture.turn(1));
  on("closer", "click", () => picture.zoom(1.2));
  on("farther", "click", () => picture.zoom(1 / 1.2));
  on("preset", "change", () => picture.preset(by("preset").value));
  on("invert", "click", () => picture.invert());
  on("reset", "click", () => { by("preset").value = "presetOwn"; picture.reset(); });
  for (const each of document.querySelectorAll("[data-tool]")) each.addEventListener("click", () => choose(each.dataset.tool));
  setInterval(() => { if (asking.has() && !document.hidden) guarded(consent); }, LOOK_MS);
  addEventListener("hashchange", given);
  addEventListener("pagehide", () => leave(undefined));
}

// The libraries stand before this: it is a module, and runs behind the scripts that are deferred.
picture = new Picture(by("picture"), told, lost);
speak(navigator.language.startsWith("zh"));
choose(picture.tool);
listen();
drawAll();
given();
document.body.dataset.ready = "true";
