// Looks at the index with OHIF, as it was built by its makers: the list, then one study of it. `node ohif.mjs URL GATEWAY NODE TOKEN
// STUDY [FOLDER]` prints what OHIF asked, what it was answered and what it showed as one JSON object, and leaves pictures in FOLDER.
import { launched, watched } from "./browser.mjs";

const [, , url, gateway, node, token, study, folder] = process.argv;
const seen = { errors: [], strangers: [], asked: [], list: "", study: "", light: 0, isolated: false };
const LONG = { timeout: 60_000 };

async function picture(page, name) {
  if (folder) await page.screenshot({ path: `${folder}/ohif-${name}.png` });
}

// How light the largest canvas is, on average, as the browser shows it.
async function light(page) {
  const box = await page.$$eval("canvas", (all) => {
    const { x, y, width, height } = all.map((each) => each.getBoundingClientRect()).sort((a, b) => b.width * b.height - a.width * a.height)[0];
    return { x, y, width, height };
  });
  const shot = await page.screenshot({ clip: box, encoding: "base64" });
  return page.evaluate(async (data) => {
    const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob());
    const copy = new OffscreenCanvas(image.width, image.height).getContext("2d");
    copy.drawImage(image, 0, 0);
    const pixels = copy.getImageData(0, 0, image.width, image.height).data;
    let sum = 0;
    for (let at = 0; at < pixels.length; at += 4) sum += pixels[at];
    return sum / (pixels.length / 4);
  }, shot);
}

const browser = await launched();
try {
  const page = await watched(browser, seen, url, gateway, node);
  page.on("response", (answer) => {
    const asked = new URL(answer.url());
    if (!/^(\/dicom-web|\/t)\//.test(asked.pathname)) return;
    const path = asked.pathname.replace(/^\/t\/[^/]+/, "/t/TICKET").replaceAll(/\d[\d.]{20,}/g, "UID");
    seen.asked.push([answer.request().method(), path, decodeURIComponent(asked.search).replaceAll(/\d[\d.]{20,}/g, "UID"), answer.status()].join(" ").replace("  ", " "));
  });
  await page.evaluateOnNewDocument(() => localStorage.setItem("shownTours", JSON.stringify(["basicViewerTour"])));
  await page.goto(`${url}/#token=${token}`);
  await page.waitForFunction(() => document.body.innerText.includes("09:30"), LONG);
  seen.list = await page.evaluate(() => document.body.innerText);
  seen.address = page.url();
  seen.isolated = await page.evaluate(() => crossOriginIsolated);
  await picture(page, "list");
  // A page that is loaded anew has the token no more, which is behind the # of the first one: OHIF's own router goes on.
  await page.evaluate((uid) => { history.pushState({}, "", `/viewer?StudyInstanceUIDs=${uid}`); dispatchEvent(new PopStateEvent("popstate")); }, study);
  await page.waitForSelector("canvas", LONG);
  await page.waitForFunction(() => /W:\s*\d+/.test(document.body.innerText), LONG);
  for (let look = 0; look < 60 && seen.light < 5; look++) {
    await new Promise((done) => setTimeout(done, 250));
    seen.light = await light(page);
  }
  seen.study = await page.evaluate(() => document.body.innerText);
  await picture(page, "study");
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));
