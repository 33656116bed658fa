// What the page says, in Chinese and English, and the plain names of what DICOM and the platform write as codes.

const TEXTS = {
  heading: ["影像调阅", "Images"],
  recorded: ["您的每次查询与调阅都会记录，患者本人可查", "Your access is recorded; the patient can see it"],
  leave: ["结束会话", "End session"],
  again: ["重试", "Try again"],
  begin: ["打开会话", "Open a session"],
  tokenHelp: ["粘贴您所在系统开立会话时得到的令牌。令牌只留在本页，关闭页面即清除。", "Paste the token that your own system got when it opened a session. It stays in this page and is gone when you close it."],
  token: ["会话令牌", "Session token"],
  open: ["打开", "Open"],
  access: ["调阅授权", "Consent"],
  accessUntil: ["{0}：可看至 {1}", "{0}: may be seen until {1}"],
  accessEnded: ["{0}：授权已结束，请患者重新出示医保码", "{0}: consent has ended; ask the patient to show the insurance code again"],
  accessAway: ["{0}：参保地系统暂无应答，暂不能查看", "{0}: the system of the place of insurance does not answer; nothing is shown until it does"],
  accessOwn: ["本机构自己的检查，无需患者授权", "Your institution's own studies need no consent"],
  accessUnknown: ["授权在每次查询和调阅时核验", "Consent is checked at every search and look"],
  modality: ["检查类型", "Modality"],
  all: ["全部", "All"],
  from: ["自", "From"],
  to: ["至", "To"],
  line: ["检查时间线", "Time line of studies"],
  more: ["更早的检查", "Earlier studies"],
  study: ["影像", "Pictures"],
  back: ["‹ 返回列表", "‹ Back to the list"],
  choose: ["从左侧时间线选择一项检查。", "Choose a study from the time line."],
  series: ["序列", "Series"],
  busy: ["正在取图…", "Fetching…"],
  tools: ["拖动用于", "What dragging does"],
  toolWindow: ["调窗", "Window"],
  toolZoom: ["缩放", "Zoom"],
  toolMove: ["移动", "Move"],
  toolPage: ["翻页", "Page"],
  previous: ["上一幅", "Previous image"],
  next: ["下一幅", "Next image"],
  image: ["图像", "Image"],
  closer: ["放大", "Zoom in"],
  farther: ["缩小", "Zoom out"],
  preset: ["窗宽窗位", "Window preset"],
  presetOwn: ["默认窗", "As stored"],
  presetSoft: ["软组织", "Soft tissue"],
  presetLung: ["肺", "Lung"],
  presetBone: ["骨", "Bone"],
  presetBrain: ["脑", "Brain"],
  invert: ["反相", "Invert"],
  reset: ["复原", "Reset"],
  keysTitle: ["键盘操作", "Keyboard"],
  keys: [
    "时间线：↑ ↓ 选择，Enter 打开。图像：↑ ↓ 或滚轮翻页，PageUp PageDown 翻十幅，Home End 首末幅，← → 窗宽，Shift＋↑ ↓ 窗位，＋ － 缩放，Ctrl＋方向键移动，N P 换序列，I 反相，R 复原，Esc 返回时间线。",
    "Time line: ↑ ↓ choose, Enter opens. Picture: ↑ ↓ or wheel turn pages, Page Up and Page Down ten of them, Home and End first and last, ← → window width, Shift with ↑ ↓ window centre, + − zoom, Ctrl with arrows moves, N P change the series, I inverts, R resets, Esc goes back to the time line.",
  ],
  notDiagnostic: ["屏幕未经校准时，不可用于诊断。", "Not for diagnosis on a screen that is not calibrated."],
  images: ["{0} 幅", "{0} images"],
  image1: ["1 幅", "1 image"],
  place: ["{0} / {1}", "{0} / {1}"],
  shown: ["{0}，第 {1} 幅，共 {2} 幅", "{0}, image {1} of {2}"],
  recognised1: ["互认：本市", "Recognised: city"],
  recognised2: ["互认：本省", "Recognised: province"],
  recognised3: ["互认：区域", "Recognised: region"],
  recognised4: ["互认：全国", "Recognised: nation"],
  NEARLINE: ["近线，取图较慢", "Near line: slow to fetch"],
  OFFLINE: ["离线，须向医院申请", "Off line: ask the hospital"],
  UNAVAILABLE: ["暂不可取", "Not available now"],
  none: ["没有可查看的检查。可放宽条件；若应有检查，请确认患者已出示医保码或已授权。", "There is nothing to see. Widen the conditions; if there should be studies, make sure that the patient has shown the insurance code or given consent."],
  noImages: ["该序列没有可显示的图像（如报告、标注），请在工作站中打开。", "This series holds no pictures (a report or marks, say): open it at a workstation."],
  noSeries: ["该检查没有序列。", "This study has no series."],
  ended: ["会话无效或已结束，请从您的系统重新打开。", "The session is not valid or has ended: open a new one from your system."],
  left: ["会话已在本页清除。", "The session is gone from this page."],
  away: ["保存该检查的节点现在无应答，请稍后重试。", "The node that holds this study does not answer now: try again later."],
  withdrawn: ["授权已结束，影像已从本页清除。", "Consent has ended; the pictures are gone from this page."],
  gone: ["无法打开：没有该检查，或您现在无权查看。", "It cannot be opened: there is no such study, or you may not see it now."],
  cell: ["核验授权的系统暂无应答，因此暂不显示，请稍后重试。", "The system that checks consent does not answer, so nothing is shown: try again later."],
  broad: ["检查太多，请缩小日期范围或选择检查类型。", "Too many studies: narrow the dates or choose a modality."],
  hasty: ["请求过于频繁，请稍后重试。", "Too many requests: try again in a moment."],
  unreachable: ["连不上平台，请检查网络后重试。", "The platform cannot be reached: check the network and try again."],
  undecoded: ["该图像无法在此显示，请在工作站中打开。", "This picture cannot be shown here: open it at a workstation."],
  broken: ["出错：{0}", "Something failed: {0}"],
  nodesAway: ["节点 {0} 无应答：其检查可列出，暂不能打开。", "Nodes that do not answer: {0}. Their studies are listed and cannot be opened now."],
  nodesBehind: ["节点 {0} 上传滞后：最近的检查可能缺失。", "Nodes that are behind: {0}. What they took lately may be missing."],
  cellsAway: ["单元 {0} 无应答：在其参保的患者，检查暂不显示。", "Cells that do not answer: {0}. Studies of their patients are not shown now."],
};

const MODALITIES = {
  CT: ["CT", "CT"], MR: ["磁共振", "MR"], DX: ["数字X线", "X-ray (DX)"], CR: ["X线", "X-ray (CR)"], MG: ["乳腺X线", "Mammography"],
  US: ["超声", "Ultrasound"], XA: ["血管造影", "Angiography"], NM: ["核医学", "Nuclear medicine"], PT: ["PET", "PET"], RF: ["透视", "Fluoroscopy"],
  SR: ["结构化报告", "Report"], PR: ["显示状态", "Presentation"], KO: ["关键图像", "Key images"], ES: ["内镜", "Endoscopy"], OT: ["其他", "Other"],
};

const PARTS = {
  CHEST: ["胸部", "chest"], HEAD: ["头部", "head"], BRAIN: ["脑", "brain"], ABDOMEN: ["腹部", "abdomen"], PELVIS: ["盆腔", "pelvis"], NECK: ["颈部", "neck"],
  SPINE: ["脊柱", "spine"], CSPINE: ["颈椎", "cervical spine"], TSPINE: ["胸椎", "thoracic spine"], LSPINE: ["腰椎", "lumbar spine"], HEART: ["心脏", "heart"],
  BREAST: ["乳腺", "breast"], KNEE: ["膝", "knee"], HIP: ["髋", "hip"], SHOULDER: ["肩", "shoulder"], HAND: ["手", "hand"], FOOT: ["足", "foot"],
  ANKLE: ["踝", "ankle"], WRIST: ["腕", "wrist"], ELBOW: ["肘", "elbow"], EXTREMITY: ["四肢", "extremity"], WHOLEBODY: ["全身", "whole body"],
};

// First two digits of a division (GB/T 2260).
const PROVINCES = {
  11: ["北京", "Beijing"], 12: ["天津", "Tianjin"], 13: ["河北", "Hebei"], 14: ["山西", "Shanxi"], 15: ["内蒙古", "Inner Mongolia"], 21: ["辽宁", "Liaoning"],
  22: ["吉林", "Jilin"], 23: ["黑龙江", "Heilongjiang"], 31: ["上海", "Shanghai"], 32: ["江苏", "Jiangsu"], 33: ["浙江", "Zhejiang"], 34: ["安徽", "Anhui"],
  35: ["福建", "Fujian"], 36: ["江西", "Jiangxi"], 37: ["山东", "Shandong"], 41: ["河南", "Henan"], 42: ["湖北", "Hubei"], 43: ["湖南", "Hunan"],
  44: ["广东", "Guangdong"], 45: ["广西", "Guangxi"], 46: ["海南", "Hainan"], 50: ["重庆", "Chongqing"], 51: ["四川", "Sichuan"], 52: ["贵州", "Guizhou"],
  53: ["云南", "Yunnan"], 54: ["西藏", "Tibet"], 61: ["陕西", "Shaanxi"], 62: ["甘肃", "Gansu"], 63: ["青海", "Qinghai"], 64: ["宁夏", "Ningxia"],
  65: ["新疆", "Xinjiang"], 66: ["兵团", "Xinjiang Corps"],
};

let place = 0;

export const chinese = () => place === 0;

// Takes the language, and writes it to everything that stands in the page.
export function speak(inChinese) {
  place = inChinese ? 0 : 1;
  document.documentElement.lang = inChinese ? "zh-CN" : "en";
  for (const each of document.querySelectorAll("[data-t]")) each.textContent = t(each.dataset.t);
  for (const each of document.querySelectorAll("[data-t-label]")) {
    each.setAttribute("aria-label", t(each.dataset.tLabel));
    if (each.matches("button")) each.title = t(each.dataset.tLabel);
  }
}

export const t = (key, ...values) => TEXTS[key][place].replace(/\{(\d)\}/g, (_, number) => values[number]);
export const images = (count) => (Number(count) === 1 ? t("image1") : t("images", count));
export const known = (key) => key in TEXTS;
export const modality = (code) => MODALITIES[code]?.[place] ?? code;
export const modalities = () => Object.keys(MODALITIES).filter((each) => !["SR", "PR", "KO", "OT"].includes(each));
export const part = (code) => PARTS[code?.toUpperCase()]?.[place] ?? code;

// The institution's code behind its province's name.
export const hospital = (code) => [PROVINCES[code.slice(1, 3)]?.[place], code].filter(Boolean).join(" ");

export function day(text) {
  const date = new Date(Number(text.slice(0, 4)), Number(text.slice(4, 6)) - 1, Number(text.slice(6, 8)));
  return new Intl.DateTimeFormat(place === 0 ? "zh-CN" : "en-GB", { dateStyle: "long" }).format(date);
}

export function moment(text) {
  return new Intl.DateTimeFormat(place === 0 ? "zh-CN" : "en-GB", { dateStyle: "medium", timeStyle: "short", hour12: false }).format(new Date(text));
}

// Of a name's groups the one that is written as the reader writes.
export function name(groups) {
  const chosen = place === 0 ? groups?.Ideographic ?? groups?.Alphabetic : groups?.Alphabetic ?? groups?.Ideographic;
  // The index keeps Latin names in small letters.
  const parts = (chosen ?? "").split("^").filter(Boolean).map((each) => each[0].toUpperCase() + each.slice(1));
  return parts.join(place === 0 && groups?.Ideographic ? "" : " ");
}
