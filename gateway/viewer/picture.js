// One picture of a series: fetched, decoded, shown, and changed by pointer, wheel, keys and buttons.
import * as asking from "./asking.js";
import { one } from "./asking.js";

const CACHE_BYTES = 256 * 1024 * 1024;
const AHEAD = 3;
const PIXELS_A_PAGE = 14;
const SCHEME = "wadors:";
const PRESETS = { presetSoft: [400, 40], presetLung: [1500, -600], presetBone: [2000, 500], presetBrain: [80, 40] };
export const presets = Object.keys(PRESETS);

// A picture area. `told` is called with what to show beside the picture, `lost` with what went wrong, or
// nothing where the next one came.
export class Picture {
  constructor(element, told, lost) {
    this.element = element;
    this.told = told;
    this.lost = lost;
    this.tool = matchMedia("(pointer: coarse)").matches ? "page" : "window";
    this.clear();
    begin();
    cornerstone.enable(element);
    new ResizeObserver(() => cornerstone.resize(element)).observe(element);
    this.listen();
  }

  // Forgets the series, and all pictures that were fetched.
  clear() {
    this.images = [];
    this.at = 0;
    this.study = this.series = "";
    this.turn_ = (this.turn_ ?? 0) + 1;
    this.blank();
    if (this.element.querySelector("canvas")) cornerstone.imageCache.purgeCache();
  }

  blank() {
    const canvas = this.element.querySelector("canvas");
    if (canvas) canvas.hidden = true;
    delete this.element.dataset.shown;
    this.fresh = true;
    this.tell(false);
  }

  // Takes a series; false where it holds no pictures.
  async take(study, series) {
    this.images = [];
    this.at = 0;
    this.blank();
    const turn = ++this.turn_;
    const found = await asking.metadata(study, series);
    if (turn !== this.turn_) return true;
    const loader = cornerstoneWADOImageLoader.wadors;
    this.study = study;
    this.series = series;
    this.images = found
      .filter((each) => one(each, "00280010"))
      .sort((a, b) => one(a, "00200013") - one(b, "00200013"))
      .flatMap((each) => Array.from({ length: Number(one(each, "00280008")) || 1 }, (_, frame) => {
        const id = `${SCHEME}/series/${series}/instances/${one(each, "00080018")}/frames/${frame + 1}`;
        loader.metaDataManager.add(id, each);
        return id;
      }));
    if (!this.images.length) return false;
    await this.show(0);
    return true;
  }

  async show(index) {
    if (!this.images.length) return;
    this.at = Math.max(0, Math.min(index, this.images.length - 1));
    const wanted = this.images[this.at];
    this.tell(true);
    const image = await this.fetched(wanted);
    if (wanted !== this.images[this.at]) return;
    const canvas = this.element.querySelector("canvas");
    if (canvas) canvas.hidden = false;
    const view = this.fresh ? cornerstone.getDefaultViewportForImage(this.element, image) : cornerstone.getViewport(this.element);
    cornerstone.displayImage(this.element, image, view);
    this.fresh = false;
    this.element.dataset.shown = wanted.slice(SCHEME.length);
    this.tell(false);
    for (const next of this.images.slice(this.at + 1, this.at + 1 + AHEAD)) this.fetched(next).catch(() => undefined);
  }

  // A picture that is decoded; a ticket that ran out is asked for anew, once.
  async fetched(id) {
    const { study, series } = this;
    await asking.admitted(study, series);
    try {
      return await cornerstone.loadAndCacheImage(id);
    } catch (error) {
      if (error?.status !== 401) throw asking.lostPicture(error);
    }
    await asking.admitted(study, series, true);
    try {
      return await cornerstone.loadAndCacheImage(id);
    } catch (error) {
      throw asking.lostPicture(error);
    }
  }

  tell(busy) {
    const view = this.fresh ? undefined : cornerstone.getViewport(this.element);
    this.told({ at: this.at + 1, of: this.images.length, busy, width: view?.voi.windowWidth, centre: view?.voi.windowCenter, scale: view?.scale, inverted: view?.invert });
  }

  async turn(pages) {
    await this.to(this.at + pages);
  }

  async to(index) {
    try {
      await this.show(index);
      this.lost(undefined);
    } catch (error) {
      this.tell(false);
      this.lost(error);
    }
  }

  change(how) {
    const view = this.fresh ? undefined : cornerstone.getViewport(this.element);
    if (!view) return;
    how(view);
    cornerstone.setViewport(this.element, view);
    this.tell(false);
  }

  invert() { this.change((view) => { view.invert = !view.invert; }); }

  zoom(times) { this.change((view) => { view.scale = Math.min(20, Math.max(0.05, view.scale * times)); }); }

  move(x, y) {
    this.change((view) => {
      view.translation.x += x / view.scale;
      view.translation.y += y / view.scale;
    });
  }

  // Steps are 250ths of the window, at least one value: half the width of a usual picture doubles it.
  window(width, centre) {
    this.change((view) => {
      const step = Math.max(1, view.voi.windowWidth / 250);
      view.voi.windowWidth = Math.max(1, view.voi.windowWidth + width * step);
      view.voi.windowCenter += centre * step;
    });
  }

  preset(name) {
    if (!(name in PRESETS)) return this.reset();
    const [width, centre] = PRESETS[name];
    return this.change((view) => { Object.assign(view.voi, { windowWidth: width, windowCenter: centre }); });
  }

  reset() {
    if (this.fresh) return;
    cornerstone.reset(this.element);
    this.tell(false);
  }

  listen() {
    const pointers = new Map();
    let kept = 0;
    const element = this.element;
    element.addEventListener("wheel", (event) => {
      event.preventDefault();
      if (event.deltaY) this.turn(Math.sign(event.deltaY));
    }, { passive: false });
    element.addEventListener("pointerdown", (event) => {
      element.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, [event.clientX, event.clientY]);
      kept = 0;
    });
    for (const end of ["pointerup", "pointercancel"]) element.addEventListener(end, (event) => pointers.delete(event.pointerId));
    element.addEventListener("pointermove", (event) => {
      const before = pointers.get(event.pointerId);
      if (!before) return;
      const [x, y] = [event.clientX - before[0], event.clientY - before[1]];
      const [other] = [...pointers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
      pointers.set(event.pointerId, [event.clientX, event.clientY]);
      if (other) {
        // Two fingers: both move the picture, and their distance is its size.
        this.zoom(distance(other, [event.clientX, event.clientY]) / Math.max(1, distance(other, before)));
        this.move(x / 2, y / 2);
      } else if (this.tool === "page") {
        kept += y;
        const pages = Math.trunc(kept / PIXELS_A_PAGE);
        kept -= pages * PIXELS_A_PAGE;
        if (pages) this.turn(pages);
      } else if (this.tool === "zoom") this.zoom(1.01 ** -y);
      else if (this.tool === "move") this.move(x, y);
      else this.window(x, y);
    });
  }
}

const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);

// The libraries, once: pictures go by their place in the study, and get the address of the moment when they are fetched.
let begun = false;
function begin() {
  if (begun) return;
  begun = true;
  const loader = cornerstoneWADOImageLoader;
  loader.external.cornerstone = cornerstone;
  loader.external.dicomParser = dicomParser;
  loader.configure({ open: (xhr, path) => xhr.open("get", asking.addressOf(path), true) });
  loader.webWorkerManager.initialize({ maxWebWorkers: 2, startWebWorkersOnDemand: true, taskConfiguration: { decodeTask: { initializeCodecsOnStartup: false } } });
  cornerstone.imageCache.setMaximumSizeBytes(CACHE_BYTES);
}
