// Chinese glyphs for a browser that has none, under a name that the page asks for: its widths are those that people see.
import { readFileSync } from "node:fs";

const FOLDER = new URL("./node_modules/@fontsource-variable/noto-sans-sc/", import.meta.url);
const embedded = (_, file) => `url(data:font/woff2;base64,${readFileSync(new URL(file, FOLDER), "base64")})`;
const RULES = readFileSync(new URL("index.css", FOLDER), "utf8").replaceAll("'Noto Sans SC Variable'", "'Noto Sans CJK SC'").match(/@font-face \{[^}]*\}/g);

// Whether a part of the font holds a character of a text; the first and last code point of each range are hexadecimal.
function holds(rule, text) {
  const ranges = [...rule.matchAll(/U\+([0-9a-f]+)(?:-([0-9a-f]+))?/gi)].map(([, first, last]) => [parseInt(first, 16), parseInt(last ?? first, 16)]);
  return [...text].some((each) => ranges.some(([first, last]) => first <= each.codePointAt(0) && each.codePointAt(0) <= last));
}

// Gives them to a page that stands, which has to be done again after it was loaded again, and waits until all are there: those of a
// text where one is told, else every one. Returns how many parts of the font are.
export async function chinese(page, text) {
  const rules = text === undefined ? RULES : RULES.filter((each) => holds(each, [...new Set(text)].join("")));
  await page.addStyleTag({ content: rules.join("\n").replaceAll(/url\(\.\/(files\/[^)]+)\)/g, embedded) });
  return page.evaluate(async () => {
    const parts = await Promise.all([...document.fonts].map((each) => each.load()));
    return parts.filter((each) => each.status === "loaded").length;
  });
}
