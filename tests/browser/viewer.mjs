// Looks at the viewer as readers do: by keys alone on a wide screen, by taps on a narrow one, in both languages, and where
// something is away. `node viewer.mjs URL NODE TOKEN DESCRIPTION AWAY [FOLDER]` opens the study of the one description, tries that of the
// other, whose node is away, prints what it saw as one JSON object, and leaves pictures in FOLDER.
import { launched, watched } from "./browser.mjs";
import { chinese } from "./fonts.mjs";

const [, , url, node, token, description, elsewhere, folder] = process.argv;
const NARROW = { width: 360, height: 740, isMobile: true, hasTouch: true };
const PATIENTS = /sessions:listPatients$/;
const NODE = /\/t\/[^/]+\/studies\//;
const seen = { errors: [], strangers: [], told: {}, overflow: [], addresses: [] };

const text = (page, selector) => page.$eval(selector, (each) => (each.hidden ? "" : each.innerText.trim()));
const press = async (page, ...keys) => { for (const each of keys) await page.keyboard.press(each); };
// Waits until a picture stands whose frame is another than before, and returns which of them it is and what of it is not black.
async function shown(page, place) {
  await page.waitForFunction((wanted) => document.querySelector("#picture[data-shown]") && document.querySelector("#place").textContent.startsWith(wanted) && document.querySelector("#busy").hidden, {}, place);
  // What was changed is drawn in the next frame.
  await page.evaluate(() => new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(done)); }));
  return page.$eval("#picture canvas", (canvas) => {
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
    let sum = 0;
    for (let at = 0; at < data.length; at += 4) sum += data[at];
    return { place: document.querySelector("#place").textContent, window: document.querySelector("#window").textContent, light: sum / (data.length / 4) };
  });
}
// Every Chinese character that the page may say.
const words = async () => (await fetch(`${url}/viewer/texts.js`)).text();
const measured = (page, what) => page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]).then(([is, may]) => { if (is > may) seen.overflow.push(`${what}: ${is} > ${may}`); });

async function picture(page, name) {
  if (folder) await page.screenshot({ path: `${folder}/viewer-${name}.png` });
}

// A page in a language; with the fonts of people's machines the page's own policy cannot hold, so widths are measured apart.
async function opened(language, { fonts = false } = {}) {
  const page = await watched(browser, seen, url, node);
  page.on("request", (request) => seen.addresses.push(request.url().split("#")[0]));
  await page.evaluateOnNewDocument((said) => Object.defineProperty(navigator, "language", { get: () => said }), language);
  await page.setBypassCSP(fonts);
  return page;
}

// By keys alone, from the token to the picture.
async function byKeys() {
  const page = await opened("zh-CN");
  await page.goto(`${url}/viewer`);
  await page.waitForSelector("body[data-ready]");
  seen.told.begin = await text(page, "#session");
  await page.focus("#token");
  await page.keyboard.sendCharacter(token);
  await press(page, "Enter");
  await page.waitForSelector("#line button");
  await page.waitForSelector("#access li");
  seen.list = await text(page, "#line");
  seen.access = await text(page, "#access");
  seen.warned = await text(page, "#warned");
  seen.recorded = await text(page, "#recorded");
  const at = await page.$$eval("#line button", (all, wanted) => all.findIndex((each) => each.textContent.includes(wanted)), description);
  for (let step = 0; step < at; step++) await press(page, "ArrowDown");
  await press(page, "Enter");
  seen.first = await shown(page, "1 /");
  seen.title = await text(page, "#title");
  seen.until = await text(page, "#until");
  seen.series = await page.$$eval("#series button", (all) => all.map((each) => each.innerText));
  await page.waitForFunction(() => document.activeElement.id === "picture");
  await press(page, "ArrowDown", "ArrowDown", "PageDown");
  seen.last = await shown(page, "12 /");
  await press(page, "Home", "ArrowRight", "ArrowRight", "+");
  seen.changed = await shown(page, "1 /");
  await press(page, "r", "n");
  seen.other = await shown(page, "1 / 8");
  await picture(page, "wide-zh");
  const box = await (await page.$("#picture")).boundingBox();
  await page.mouse.move(box.x + 200, box.y + 200);
  await page.mouse.down();
  await page.mouse.move(box.x + 260, box.y + 180);
  await page.mouse.up();
  await page.mouse.wheel({ deltaY: 100 });
  seen.dragged = await shown(page, "2 / 8");
  await press(page, "Escape");
  seen.back = await page.evaluate(() => document.activeElement.dataset.uid !== undefined);
  await page.click("#language");
  seen.english = await text(page, "#title");
  await picture(page, "wide-en");
  seen.stored = await page.evaluate(async () => [localStorage.length, sessionStorage.length, document.cookie.length, (await indexedDB.databases()).length, (await caches.keys()).length]);
  return page;
}

// A narrow screen, opened with the token behind the #.
async function byTaps() {
  const page = await opened("en-US", { fonts: true });
  await page.setViewport(NARROW);
  await page.goto(`${url}/viewer#token=${token}`);
  await page.waitForSelector("#line button");
  await page.waitForSelector("#access li");
  seen.address = page.url();
  await chinese(page, await page.$eval("body", (each) => each.textContent) + await words());
  await measured(page, "list in English");
  await picture(page, "narrow-list-en");
  const chosen = await page.evaluateHandle((wanted) => [...document.querySelectorAll("#line button")].find((each) => each.textContent.includes(wanted)), description);
  await chosen.tap();
  seen.tapped = await shown(page, "1 /");
  await measured(page, "study in English");
  await picture(page, "narrow-study-en");
  await page.tap("#language");
  await measured(page, "study in Chinese");
  await picture(page, "narrow-study-zh");
  await page.tap("#back");
  await measured(page, "list in Chinese");
  await picture(page, "narrow-list-zh");
}

// Consent that ends, a node of which the index knows that it is away, one that the browser does not reach, a condition that nothing
// answers, a session that has ended.
async function away(page) {
  const before = seen.errors.length;
  let ended, silent = false;
  page.on("response", async (answer) => {
    // What was asked before the page was left has no body.
    const told = PATIENTS.test(answer.url()) && await answer.text().catch(() => "");
    if (told) ended = told.replaceAll(/"active": ?true/g, '"active":false');
  });
  await page.setRequestInterception(true);
  page.on("request", (request) => {
    if (silent && NODE.test(request.url())) return request.abort();
    if (!silent && ended && PATIENTS.test(request.url())) return request.respond({ status: 200, contentType: "application/json", body: ended });
    return request.continue();
  });
  const open = (wanted) => page.$$eval("#line button", (all, said) => all.find((each) => each.textContent.includes(said)).click(), wanted);
  await open(description);
  await shown(page, "1 /");
  await page.waitForFunction((said) => document.querySelector("#access").textContent.includes(said), {}, "may be seen until");
  await open(description);
  await page.waitForFunction(() => !document.querySelector("#told").hidden);
  seen.told.withdrawn = await text(page, "#told");
  seen.closed = await page.evaluate(() => document.querySelector("#opened").hidden && document.querySelector("#title").textContent === "" && !document.querySelector("#picture").dataset.shown);
  seen.accessEnded = await text(page, "#access");
  silent = true;
  for (const [key, wanted] of [["away", elsewhere], ["silent", description]]) {
    await open(wanted);
    await page.waitForFunction((said) => !document.querySelector("#told").hidden && document.querySelector("#told").innerText.includes(said), {}, "does not answer");
    seen.told[key] = await text(page, "#told");
  }
  seen.errors.splice(before);
  await page.$eval("#from", (each) => { each.value = "2001-01-01"; });
  await page.$eval("#to", (each) => { each.value = "2001-01-02"; each.dispatchEvent(new Event("change", { bubbles: true })); });
  await page.waitForFunction(() => !document.querySelector("#line button"));
  seen.told.none = await text(page, "#told");
  await page.click("#leave");
  await page.waitForFunction(() => !document.querySelector("#session").hidden);
  seen.told.left = await text(page, "#told");
  seen.remains = await page.evaluate(() => ["#line", "#access ul", "#title", "#series"].map((each) => document.querySelector(each).textContent).join(""));
  await page.type("#token", token);
  await press(page, "Enter");
  await page.waitForFunction((before) => document.querySelector("#told").innerText.trim() !== before, {}, seen.told.left);
  seen.told.ended = await text(page, "#told");
  seen.errors.splice(before);
}

const browser = await launched();
try {
  const page = await byKeys();
  await byTaps();
  await away(page);
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));
