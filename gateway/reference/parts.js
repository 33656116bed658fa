// Small parts of the page: nodes, tables, texts in two languages, code that can be copied.
export const parts = {
  language: "zh",

  make(tag, text, kind) {
    const node = document.createElement(tag);
    if (text !== undefined && text !== "") node.textContent = text;
    if (kind) node.className = kind;
    return node;
  },

  add(parent, ...children) { parent.append(...children.filter(Boolean)); return parent; },

  name(text, required) {
    const shown = parts.add(parts.make("span"), parts.make("code", text, "name"));
    return required ? parts.add(shown, parts.make("span", " *", "must")) : shown;
  },

  tags: (words) => parts.add(parts.make("p"), ...words.filter(Boolean).map((word) => parts.make("span", word, "tag"))),

  table(heads, rows) {
    const shown = parts.add(parts.make("table"), parts.add(parts.make("tr"), ...heads.map((head) => parts.make("th", head))));
    for (const row of rows) {
      const cells = row.map((cell) => (cell instanceof Node ? parts.add(parts.make("td"), cell) : parts.make("td", cell)));
      shown.append(parts.add(parts.make("tr"), ...cells));
    }
    return shown;
  },

  refName: (schema) => (schema && schema.$ref ? schema.$ref.split("/").pop() : ""),

  // A block of code under a bar with its title and a button for each text that can be copied.
  code(title, text, copies = [[t("复制", "Copy"), text]]) {
    const buttons = copies.map(([label, what]) => {
      const button = parts.make("button", label);
      button.type = "button";
      button.addEventListener("click", async () => {
        button.textContent = (await copied(what)) ? t("已复制", "Copied") : t("请手工复制", "Copy it by hand");
        setTimeout(() => { button.textContent = label; }, 1500);
      });
      return button;
    });
    const bar = parts.add(parts.make("div", "", "bar"), parts.make("b", title), parts.add(parts.make("span"), ...buttons));
    const block = parts.make("pre", text);
    block.tabIndex = 0;
    return parts.add(parts.make("div", "", "shown"), bar, block);
  },
};

export const t = (zh, en) => (parts.language === "zh" ? zh : en);

// The clipboard is for pages of this machine or behind TLS; elsewhere a selection is copied as of old.
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = parts.make("textarea");
    area.value = text;
    area.style.position = "fixed";
    area.style.opacity = "0";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
