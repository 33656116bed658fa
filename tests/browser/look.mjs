// Looks at the reference as people do: on a wide and a narrow screen, in both languages; taps, searches and copies.
// `node look.mjs URL [FOLDER]` prints what it saw as one JSON object, and leaves pictures in FOLDER.
import { WIDE, launched, watched } from "./browser.mjs";
import { chinese } from "./fonts.mjs";

const [, , url, folder] = process.argv;
const NARROW = { width: 390, height: 844, isMobile: true, hasTouch: true };
// Each width in one language, and in both for pictures.
const LANGUAGES = folder ? ["one", "other"] : ["one"];
const seen = { errors: [], strangers: [], pages: 0, overflow: [], broken: [], tapped: {}, found: {}, copied: "", languages: [], fonts: [], gaps: [], glyph: 0 };

// Runs in the page: shows every entry in its turn and measures it.
async function measure(width) {
  const overflow = [], broken = [], gaps = [];
  const entries = [...document.querySelectorAll("#list a")].map((each) => each.hash);
  for (const hash of entries) {
    history.replaceState(null, "", hash);
    dispatchEvent(new HashChangeEvent("hashchange"));
    if (document.documentElement.scrollWidth > width) overflow.push(`${width}: ${hash} ${document.documentElement.scrollWidth}`);
    for (const name of document.querySelectorAll("#shown code")) {
      const text = document.createRange();
      text.selectNodeContents(name);
      const boxes = text.getClientRects();
      if (boxes.length !== 1 || boxes[0].right > width) broken.push(`${width}: ${hash} ${name.textContent}`);
    }
    if (document.documentElement.lang !== "zh-CN") continue;
    for (const said of document.querySelectorAll("#shown p, #shown li")) {
      // A space behind Chinese punctuation, or between two Chinese characters, is the end of a line in the source.
      const gap = /.{0,6}(?:[，。；：、]\s+\S|[\u4e00-\u9fff]\s+[\u4e00-\u9fff]).{0,6}/.exec(said.textContent.trim());
      if (gap) gaps.push(`${hash} ${gap[0]}`);
    }
  }
  return { overflow, broken, gaps, pages: entries.length };
}

async function look(page, label) {
  for (const language of LANGUAGES) {
    const { overflow, broken, gaps, pages } = await page.evaluate(measure, page.viewport().width);
    seen.overflow.push(...overflow);
    seen.broken.push(...broken);
    seen.gaps.push(...gaps);
    seen.pages += pages;
    seen.languages.push(await page.$eval("html", (each) => each.lang));
    for (const hash of folder ? ["#t-2207", "#envelope", "#signing", "#r-post-%2Fv1%2Fsettlements"] : []) {
      await page.evaluate((to) => { location.hash = to; }, hash);
      await new Promise((done) => setTimeout(done, 100));
      const path = `${folder}/${label}-${language}-${hash.replace(/[^a-z0-9]/gi, "")}`;
      await page.screenshot({ path: `${path}.png` });
      await page.evaluate(() => document.querySelector("#shown table, #shown h3:last-of-type").scrollIntoView());
      await page.screenshot({ path: `${path}-table.png` });
    }
    await page.$eval("#language", (each) => each.click());
  }
}

async function search(page, words) {
  await page.$eval("#search", (box, text) => { box.value = text; box.dispatchEvent(new Event("input")); }, words);
  return page.$$eval("#list a", (links) => links.map((each) => decodeURIComponent(each.hash.slice(1))));
}

// Whether it comes true within some seconds; what did not is told by what was seen afterwards.
const until = (page, check, ...given) => page.waitForFunction(check, { timeout: 3000 }, ...given).then(() => true, () => false);
const pressed = (error) => seen.errors.push(String(error));
const titled = (number) => document.querySelector("#shown h2").textContent.startsWith(number);

const browser = await launched();
try {
  const page = await watched(browser, seen, url);
  await browser.defaultBrowserContext().overridePermissions(url, ["clipboard-read", "clipboard-write"]);
  await page.goto(`${url}/docs`);
  await page.waitForSelector("body[data-ready]");
  seen.fonts.push(await chinese(page));
  seen.glyph = await page.evaluate(() => {
    const text = document.createElement("span");
    text.style.fontSize = "20px";
    text.append("医保结算门诊住院");
    document.body.append(text);
    const { width } = text.getBoundingClientRect();
    text.remove();
    return width / 20;
  });
  await look(page, "wide");

  await page.evaluate(() => { location.hash = "#t-2207"; });
  await until(page, titled, "2207");
  await page.click("#shown .shown button").catch(pressed);
  seen.copied = await page.evaluate(() => navigator.clipboard.readText());
  for (const words of ["medfee_sumamt 2207", "医疗费总额", "SPLIT_CHANGED", "psnCashPayFen", "qwertz"]) seen.found[words] = await search(page, words);

  await page.setViewport(NARROW);
  seen.fonts.push(await chinese(page));
  await search(page, "2304");
  await page.evaluate(() => scrollTo(0, 0));
  await page.tap("#list a").catch(pressed);
  await until(page, titled, "2304");
  await until(page, () => scrollY > 0);
  seen.tapped = await page.$eval("#shown h2", (each) => ({ title: each.textContent, top: each.getBoundingClientRect().top }));
  await page.tap("#back").catch(pressed);
  seen.back = await until(page, () => document.querySelector("#search").getBoundingClientRect().top >= 0);
  await search(page, "");
  await look(page, "narrow");
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));
