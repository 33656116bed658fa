// Chinese glyphs for a browser that has none, under a name that the page asks for: its widths are those that people see.
import { readFileSync } from "node:fs";

const FOLDER = new URL("./node_modules/@fontsource-variable/noto-sans-sc/", import.meta.url);
const embedded = (_, file) => `url(data:font/woff2;base64,${readFileSync(new URL(file, FOLDER), "base64")})`;
const RULES = readFileSync(new URL("index.css", FOLDER), "utf8")
  .replaceAll("'Noto Sans SC Variable'", "'Noto Sans CJK SC'")
  .replaceAll(/url\(\.\/(files\/[^)]+)\)/g, embedded);

// Gives them to a page that stands, which has to be done again after it was loaded again, and waits until all are there.
// Returns how many parts of the font are.
export async function chinese(page) {
  await page.addStyleTag({ content: RULES });
  return page.evaluate(async () => {
    const parts = await Promise.all([...document.fonts].map((each) => each.load()));
    return parts.filter((each) => each.status === "loaded").length;
  });
}
