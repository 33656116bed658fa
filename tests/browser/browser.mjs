// The browser of the tests, and what it reports of a page.
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import chromium, { inflate, setupLambdaEnvironment } from "@sparticuz/chromium";
import puppeteer from "puppeteer-core";

export const WIDE = { width: 1280, height: 900 };
// The package's own arguments switch off what keeps pages of different hosts apart; people's browsers do not.
const LOOSE = ["--disable-web-security", "--allow-running-insecure-content"];

export async function launched() {
  const args = chromium.args.filter((each) => !LOOSE.includes(each));
  const options = { args, executablePath: await chromium.executablePath(), headless: "shell", defaultViewport: WIDE };
  try {
    return await begun(options);
  } catch (error) {
    if (!/error while loading shared libraries/.test(error.message)) throw error;
    // A machine without a desktop lacks NSS and its kin; the package brings its own, which it unpacks on Lambda alone.
    const libraries = new URL("../bin/al2023.tar.br", import.meta.resolve("@sparticuz/chromium"));
    setupLambdaEnvironment(join(await inflate(fileURLToPath(libraries)), "lib"));
    return await begun({ ...options, env: process.env });
  }
}

// Two tests that begin at once unpack the browser into one place: who finds it half written waits until it is whole.
async function begun(options) {
  for (let left = 100; ; left -= 1) {
    try {
      return await puppeteer.launch(options);
    } catch (error) {
      if (error.code !== "ETXTBSY" || left === 0) throw error;
      await new Promise((done) => setTimeout(done, 100));
    }
  }
}

// A page whose errors, and requests to other hosts than those that are meant, are noted in what was seen.
export async function watched(browser, seen, ...hosts) {
  const page = await browser.newPage();
  page.on("console", (said) => { if (["error", "warn"].includes(said.type())) seen.errors.push(said.text()); });
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("requestfailed", (request) => seen.errors.push(request.url()));
  page.on("request", (request) => { if (!/^(data:|blob:)/.test(request.url()) && !hosts.some((each) => request.url().startsWith(each))) seen.strangers.push(request.url()); });
  return page;
}
