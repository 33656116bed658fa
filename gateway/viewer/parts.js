// Parts of a page: found, made, marked, and walked along by keys.

export const by = (id) => document.getElementById(id);

export function element(tag, attributes, children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export function mark(group, uid) {
  for (const each of document.querySelectorAll(`${group} button`)) each.setAttribute("aria-current", String(each.dataset.uid === uid));
}

// Up, down, home and end walk along a list of buttons.
export function walk(event) {
  const all = [...event.currentTarget.querySelectorAll("button")];
  const at = all.indexOf(document.activeElement);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  all[next]?.focus();
}
