// What is shown of each entry: a transaction, an operation of REST, the guides, the tables.
import { parts, t } from "/docs/parts.js";

const { add, code, make, name, refName, table, tags } = parts;
const CALL = "/fsi/api/rsfComIfsService/callService";
const TYPES = {
  "yuan, 2 decimals": "元，两位小数", number: "数字", integer: "整数", text: "文本", '"1" or "0"': "“1”或“0”", code: "代码", row: "一行",
  "list of rows": "多行", null: "空值",
};
const EFFECTS = { READ: ["查询", "read"], IDEMPOTENT: ["可重发", "may be sent again"], ONCE: ["不可重发", "not to be sent again"] };
const LIMITS = {
  minLength: ["至少{}字", "at least {} characters"], maxLength: ["至多{}字", "at most {} characters"], pattern: ["格式{}", "pattern {}"],
  minItems: ["至少{}行", "at least {} rows"], maxItems: ["至多{}行", "at most {} rows"],
};
const json = (value) => JSON.stringify(value, null, 2);
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
const example = (content) => content["application/json"].example;
const snake = (key) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function curl(api, path, verb, body, key) {
  const day = (JSON.stringify(body || "").match(/"(?:inf_time)":"(\d{4}-\d{2}-\d{2})/) || [])[1];
  return [
    `curl -s -X ${verb.toUpperCase()} ${quoted(location.origin + path)}`,
    key ? "-H 'Authorization: Bearer KEY'" : "", day ? `-H 'X-Yibao-Business-Date: ${day}'` : "",
    body === undefined ? "" : `-H 'Content-Type: application/json' -d ${quoted(JSON.stringify(body))}`,
  ].filter(Boolean).join(" \\\n  ");
}

// One played question and its answer; each can be copied, the question also as a command.
function played(api, path, verb, asked, answer, key) {
  const command = curl(api, path, verb, asked, key), copies = [[t("复制为curl", "Copy as curl"), command]];
  const question = asked === undefined ? code(t("请求", "Request"), `${verb.toUpperCase()} ${path}`, copies)
    : code(t("请求", "Request"), json(asked), [[t("复制", "Copy"), json(asked)], ...copies]);
  return [
    make("h3", t("示例（沙箱里真实往来的一次）", "Example, as a sandbox was asked and answered")),
    add(make("div", "", "pair"), question, code(t("应答", "Answer"), json(answer))),
  ];
}

function errorRows(api, reasons) {
  return reasons.map((reason) => {
    const known = api["x-error-reasons"][reason] || {};
    return [name(reason), t(known.zh, known.en) || "", known.meaning || ""];
  });
}

function errors(api, reasons) {
  if (!reasons.length) return [];
  return [make("h3", t("可能的拒绝", "Refusals")), errorTable(api, reasons)];
}

const errorTable = (api, reasons) => table([t("原因", "Reason"), t("文本", "Text"), t("含义（英文）", "Meaning")], errorRows(api, reasons));

function nodeTable(node, empty) {
  const also = node.also.length ? t(`（也作${node.also.join("、")}）`, ` (also ${node.also.join(", ")})`) : "";
  const rows = node.fields.map((field) => {
    const codes = Object.entries(field.codes || {}).map(([each, text]) => `${each} ${text}`).join("；");
    const digits = field.decimals ? t(`，至多${field.decimals}位小数`, `, at most ${field.decimals} decimals`) : "";
    const place = { envelope: t("，在信封里", ", in the envelope"), "node, else envelope": t("，节点里没有则取信封", ", node, else envelope") };
    const names = field.also ? t(`也作${field.also.join("、")}`, `also ${field.also.join(", ")}`) : "";
    const type = t(TYPES[field.type] || field.type, field.type);
    return [name(field.name, field.required), make("span", field.zh, "zh"), type + digits + (place[field.from] || ""),
      [field.description, codes, names].filter(Boolean).join(" · ")];
  });
  const heads = [t("字段", "Field"), t("名称", "Chinese name"), t("类型", "Type"), t("说明", "Meaning")];
  return add(make("div"), make("h4", node.node ? `${node.node}${node.list ? "[]" : ""}${also}` : empty), table(heads, rows));
}

function transaction(api, one) {
  const path = one.wrapper === "INFNO" ? CALL : Object.keys(api.paths).find((each) => api.paths[each].post && api.paths[each].post["x-infno"].includes(one.infno)
    && !each.startsWith("/v1/"));
  const call = api.paths[path].post, asked = call.requestBody.content["application/json"].examples[one.infno];
  const answered = call.responses["200"].content["application/json"].examples[one.infno];
  const shown = add(make("div"), make("h2", `${one.infno} ${one.title}`), make("p", one.description),
    tags([`POST ${path}`, t(...EFFECTS[one.effect.toUpperCase()] || [one.effect, one.effect]), one.rpc]));
  if (asked) add(shown, ...played(api, path, "post", asked.value, answered.value, false));
  add(shown, make("h3", t("输入", "Input")), ...one.input.map((node) => nodeTable(node, t("信封或各行里", "In the envelope or in each row"))));
  add(shown, make("h3", t("输出", "Output")));
  add(shown, ...(one.output.length ? one.output.map((node) => nodeTable(node, "output")) : [make("p", "{}", "soft")]));
  return add(shown, ...errors(api, one.errors));
}

function typeOf(schema) {
  if (!schema) return "";
  if (schema.$ref) return refName(schema);
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(" | ");
  if (schema.type === "array") return `${typeOf(schema.items)}[]`;
  return [[schema.type].flat().join(" | "), schema.format].filter(Boolean).join(" ");
}

const chinese = (api, key) => {
  const names = api["x-field-names-zh"], known = snake(key);
  return names[known] || names[known.replace(/_fen$/, "")] || "";
};

function schemaRows(api, schema) {
  return Object.entries(schema.properties || {}).map(([key, field]) => {
    // That a required text is not empty goes without saying.
    const limits = Object.keys(LIMITS).filter((rule) => field[rule] !== undefined && !(rule.startsWith("min") && field[rule] === 1))
      .map((rule) => t(...LIMITS[rule]).replace("{}", field[rule]));
    const meanings = field["x-meanings"] || {}, national = field["x-national-codes"] || {};
    const codes = (field.enum || []).map((each) => [each, national[each] && `(${national[each]})`, meanings[each]].filter(Boolean).join(" "));
    return [name(key, (schema.required || []).includes(key)), make("span", chinese(api, key), "zh"), typeOf(field),
      [field.description, codes.join("；"), limits.join(t("，", ", "))].filter(Boolean).join(" · ")];
  });
}

function schemaTable(api, key, seen = new Set()) {
  const schema = api.components.schemas[key];
  if (!schema || seen.has(key)) return [];
  seen.add(key);
  const inner = Object.values(schema.properties || {}).flatMap((field) => [field, field.items, ...(field.anyOf || [])].map(refName));
  const heads = [t("字段", "Field"), t("名称", "Chinese name"), t("类型", "Type"), t("说明", "Meaning")];
  const part = add(make("div"), make("h4", key), schema.description && make("p", schema.description, "soft"),
    table(heads, schemaRows(api, schema)));
  return [part, ...inner.filter(Boolean).flatMap((each) => schemaTable(api, each, seen))];
}

function operation(api, path, verb, one) {
  const body = one.requestBody && one.requestBody.content, answer = one.responses["200"].content;
  const shown = add(make("div"), make("h2", `${verb.toUpperCase()} ${path}`), make("p", one.description),
    tags([...one["x-roles"], t(...EFFECTS[one["x-effect"].toUpperCase()] || [one["x-effect"], one["x-effect"]]), ...one["x-infno"],
      one["x-sandbox-only"] && t("仅限沙箱", "sandbox only")]));
  const given = one.parameters.filter((each) => each.name), asked = body && example(body);
  const filled = given.filter((each) => each.in === "path").reduce((text, each) => text.replace(`{${each.name}}`, each.example || ""), path);
  const query = given.filter((each) => each.in === "query" && each.example !== undefined)
    .map((each) => `${each.name}=${encodeURIComponent(each.example)}`).join("&");
  add(shown, ...played(api, query ? `${filled}?${query}` : filled, verb, asked, example(answer), (one.security || []).some((each) => each.key)));
  if (given.length) {
    add(shown, make("h3", t("参数", "Parameters")), table([t("名称", "Name"), t("位置", "In"), t("类型", "Type"), t("说明", "Meaning")],
      given.map((each) => [name(each.name, each.required), each.in, typeOf(each.schema), each.schema.description || ""])));
  }
  const seen = new Set();
  if (body) add(shown, make("h3", t("请求", "Request")), ...schemaTable(api, refName(body["application/json"].schema), seen));
  add(shown, make("h3", t("应答", "Answer")), ...schemaTable(api, refName(answer["application/json"].schema), seen));
  return add(shown, ...errors(api, one["x-errors"]));
}

const template = (id) => document.getElementById(id).content.cloneNode(true);

function envelope(api) {
  const call = api.paths[CALL].post.requestBody.content["application/json"].examples["1101"];
  return add(make("div"), make("h2", t("报文信封", "The envelope")), add(make("div"), template(`envelope-${parts.language}`)),
    call && code(t("示例：1101", "Example: 1101"), json(call.value)),
    make("h3", t("请求", "Request")), ...schemaTable(api, "gateway.v1.Envelope"),
    make("h3", t("应答", "Answer")), ...schemaTable(api, "gateway.v1.EnvelopeAnswer"));
}

function signing() {
  const shown = add(make("div"), make("h2", t("认证与签名", "Authentication and signing")), add(make("div"), template(`signing-${parts.language}`)));
  for (const each of document.querySelectorAll("template[id^=recipe-]")) {
    const recipe = each.content.cloneNode(true);
    add(shown, make("h3", each.id.slice("recipe-".length)), recipe.querySelector(`p[lang=${parts.language}]`),
      code(t("命令", "Command"), recipe.querySelector("pre").textContent));
  }
  return shown;
}

const notServed = (rows) => add(make("div"), make("h2", t("未开通的交易", "Known, not served")),
  table([t("编号", "Number"), t("名称", "Chinese name")], rows.map(([infno, title]) => [name(infno), title])));
const reasons = (api, all) => add(make("div"), make("h2", t("拒绝原因", "Reasons of refusals")), errorTable(api, all));

export const views = { chinese, envelope, notServed, operation, reasons, signing, transaction };
