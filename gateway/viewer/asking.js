// Questions to the index and the way to a study's node. The token stays in this module: it is in no address that is sent, in no
// storage, in no message. Pictures are fetched under a ticket, which is in the path and of one study; it is asked for anew when it
// has run out.
import { chinese, t } from "./texts.js";

const TICKET_MS = 240_000;
const REASONS = {
  SESSION_UNKNOWN: "ended", SESSION_ENDED: "ended", STUDY_NOT_FOUND: "gone", NO_ACCESS: "gone", NODE_AWAY: "away", CELL_UNAVAILABLE: "cell",
  SEARCH_TOO_BROAD: "broad",
};
const STATUSES = { 401: "ended", 403: "gone", 404: "gone", 410: "gone", 413: "broad", 429: "hasty", 502: "away", 503: "away", 504: "away" };

let token = "";
let ticket = { study: "", root: "", at: 0 };

// What did not work, by the key of its text; `said` is what the platform said itself.
export class Refused extends Error {
  constructor(key, said = "") {
    super(key);
    this.key = key;
    this.said = said;
  }

  get text() { return t(this.key, this.said); }
}

export function keep(given) { token = given; }

export function forget() {
  token = "";
  ticket = { study: "", root: "", at: 0 };
}

export const has = () => token !== "";

// One record's first value of an attribute.
export const one = (record, tag) => record[tag]?.Value?.[0] ?? "";

async function sent(path, options, lost) {
  let answer;
  try {
    answer = await fetch(path, { cache: "no-store", credentials: "omit", referrerPolicy: "no-referrer", ...options });
  } catch {
    throw new Refused(lost);
  }
  if (answer.ok) return answer;
  throw refusal(answer.status, await answer.json().catch(() => ({})));
}

function refusal(status, problem) {
  const details = problem.error?.details ?? [];
  const reason = details.find((each) => each.reason)?.reason;
  const key = REASONS[reason] ?? STATUSES[status];
  if (key) return new Refused(key);
  const texts = details.filter((each) => each.locale);
  const own = texts.find((each) => each.locale.startsWith("zh") === chinese()) ?? texts[0];
  return new Refused("broken", own?.message ?? String(status));
}

const asDicom = () => ({ headers: { accept: "application/dicom+json", authorization: `Bearer ${token}` } });

// Records of a search, and the warnings that come with them.
export async function search(path, query) {
  const answer = await sent(`/dicom-web/${path}?${new URLSearchParams(query)}`, asDicom(), "unreachable");
  const records = answer.status === 204 ? [] : await answer.json();
  return { records, warning: answer.headers.get("warning") ?? "" };
}

// Calls an RPC of the session. The token is in the body.
export async function rpc(path, told = {}) {
  const body = JSON.stringify({ sessionToken: token, ...told });
  return (await sent(path, { method: "POST", headers: { "content-type": "application/json" }, body }, "unreachable")).json();
}

// Metadata of a series, from the node. The address behind the redirect holds the ticket for all of the study.
export async function metadata(study, series) {
  const path = `/series/${series}/metadata`;
  const answer = await sent(`/dicom-web/studies/${study}${path}`, asDicom(), "away");
  ticket = { study, root: answer.url.slice(0, answer.url.lastIndexOf(path)), at: Date.now() };
  return answer.json();
}

// Sees to it that a ticket for the study lasts a while; `anew` where the node refused the one there is.
export async function admitted(study, series, anew = false) {
  if (anew || ticket.study !== study || Date.now() - ticket.at > TICKET_MS) await metadata(study, series);
}

// Where a path of the study is fetched now.
export const addressOf = (path) => `${ticket.root}${path}`;

// What went wrong with a picture.
export function lostPicture(error) {
  if (error instanceof Refused) return error;
  if (typeof error?.status === "number" && "readyState" in error) {
    // A 401 of the node is about the ticket, and a new one was refused as well.
    return new Refused(error.status === 0 ? "away" : error.status === 401 ? "gone" : STATUSES[error.status] ?? "undecoded");
  }
  return new Refused("undecoded");
}
