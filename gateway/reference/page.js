// The page of the reference: what is listed, searched and shown. What it says comes from /openapi.json.
import { parts, t } from "/docs/parts.js";
import { views } from "/docs/views.js";

const NARROW = matchMedia("(max-width: 800px)");
const HINTS = 3;
const STORED = "yibao-reference-language";
const by = (id) => document.getElementById(id);
let api, entries = [];

const fieldsOf = (one) => [...one.input, ...one.output].flatMap((node) => node.fields)
  .flatMap((field) => [field.name, ...(field.also || [])].map((name) => `${name} ${field.zh}`.trim()));

function schemaNames(name, seen = new Set()) {
  const schema = api.components.schemas[name];
  if (!schema || seen.has(name)) return [];
  seen.add(name);
  return Object.entries(schema.properties || {}).flatMap(([key, field]) => {
    const inner = [field, field.items, ...(field.anyOf || [])].map(parts.refName).filter(Boolean);
    return [`${key} ${views.chinese(api, key)}`.trim(), ...inner.flatMap((each) => schemaNames(each, seen))];
  });
}

const reasonWords = (reasons) => reasons.map((reason) => `${reason} ${(api["x-error-reasons"][reason] || {})[t("zh", "en")] || ""}`);

function national() {
  return api["x-national-transactions"].map((one) => ({
    id: `t-${one.infno}`, group: t("国家接口", "National interface"), key: one.infno, label: one.title || one.rpc.split(".").pop(),
    words: [one.description, ...fieldsOf(one), ...reasonWords(one.errors)], show: () => views.transaction(api, one),
  }));
}

function operations() {
  return Object.entries(api.paths).filter(([path]) => path.startsWith("/v1/")).flatMap(([path, verbs]) =>
    Object.entries(verbs).map(([verb, one]) => {
      const answer = one.responses["200"].content["application/json"].schema;
      const body = one.requestBody && one.requestBody.content["application/json"].schema;
      const asked = one.parameters.filter((each) => each.name).map((each) => each.name);
      const names = [...asked, ...schemaNames(parts.refName(body)), ...schemaNames(parts.refName(answer))];
      return {
        id: `r-${verb}-${path}`, group: `REST · ${one.tags[0]}`, key: verb.toUpperCase(), label: path,
        words: [one.description, ...names, ...reasonWords(one["x-errors"])], show: () => views.operation(api, path, verb, one),
      };
    }));
}

function collect() {
  const group = t("指南与总表", "Guides and tables");
  const missing = Object.entries(api["x-national-not-served"]), reasons = Object.keys(api["x-error-reasons"]);
  const envelope = [...schemaNames("gateway.v1.Envelope"), ...schemaNames("gateway.v1.EnvelopeAnswer")];
  const signing = [...document.querySelectorAll("template[id^=recipe-]")].map((each) => each.innerHTML);
  entries = [
    { id: "envelope", group, key: "", label: t("报文信封", "The envelope"), words: envelope, show: () => views.envelope(api) },
    { id: "signing", group, key: "", label: t("认证与签名", "Authentication and signing"), words: signing, show: views.signing },
    ...national(), ...operations(),
    { id: "not-served", group: t("其他", "More"), key: "", label: t(`未开通的交易 (${missing.length})`, `Known, not served (${missing.length})`),
      words: missing.map((row) => row.join(" ")), show: () => views.notServed(missing) },
    { id: "reasons", group: t("其他", "More"), key: "", label: t(`拒绝原因 (${reasons.length})`, `Reasons of refusals (${reasons.length})`),
      words: reasonWords(reasons), show: () => views.reasons(api, reasons) },
  ];
}

// The words of an entry that answer to the terms; null where it does not hold them all.
function found(one, terms) {
  if (!terms.length) return [];
  const head = `${one.key} ${one.label} ${one.group}`.toLowerCase();
  one.whole ??= `${head} ${one.words.join(" ")}`.toLowerCase();
  if (!terms.every((term) => one.whole.includes(term))) return null;
  const inside = terms.filter((term) => !head.includes(term));
  return one.words.filter((word) => inside.some((term) => word.toLowerCase().includes(term)) && word.length < 90);
}

function list() {
  const place = by("list"), terms = by("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  place.replaceChildren();
  let group = "";
  for (const one of entries) {
    const hints = found(one, terms);
    if (hints === null) continue;
    if (one.group !== group) { group = one.group; place.append(parts.make("h2", group)); }
    const link = parts.add(parts.make("a"), one.key && parts.make("b", one.key), document.createTextNode(` ${one.label}`));
    link.href = `#${encodeURIComponent(one.id)}`;
    for (const hint of [...new Set(hints)].slice(0, HINTS)) link.append(parts.make("small", hint));
    place.append(link);
  }
  if (!group) place.append(parts.make("p", t("没有找到", "Nothing found"), "soft"));
  mark();
}

function mark() {
  for (const link of by("list").querySelectorAll("a")) link.classList.toggle("here", link.hash === location.hash);
}

function show() {
  const id = decodeURIComponent(location.hash.slice(1));
  const one = entries.find((each) => each.id === id) || entries[0];
  by("shown").replaceChildren(one.show());
  mark();
}

// What was tapped comes into view; the list is long, and on a narrow screen it stands above.
function go() {
  show();
  if (location.hash.length > 1 && location.hash !== "#nav") (NARROW.matches ? by("shown") : document.body).scrollIntoView();
}

function speak(language) {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const each of document.querySelectorAll("[data-zh]")) each.textContent = each.dataset[language];
  by("language").textContent = t("English", "中文");
  by("search").placeholder = t("编号、名称、路径、字段、原因", "number, name, path, field, reason");
  collect();
  list();
  show();
}

function remembered() {
  try { return localStorage.getItem(STORED); } catch { return null; }
}

function toggle() {
  const language = t("en", "zh");
  try { localStorage.setItem(STORED, language); } catch { /* a browser that keeps nothing starts in its own language */ }
  parts.language = language;
  speak(language);
}

parts.language = remembered() || (navigator.language.startsWith("zh") ? "zh" : "en");
try {
  api = await (await fetch("/openapi.json")).json();
  by("version").textContent = api.info.version;
  speak(parts.language);
  go();
  addEventListener("hashchange", () => { if (location.hash !== "#nav") go(); });
  by("search").addEventListener("input", list);
  by("language").addEventListener("click", toggle);
  // A tap on what is shown already changes no address, and is a tap all the same.
  by("list").addEventListener("click", (event) => { if (event.target.closest("a.here")) go(); });
  document.body.dataset.ready = "yes";
} catch (error) {
  by("shown").textContent = `openapi.json: ${error}`;
}
