/* What is drawn: elements made one by one, text as text nodes. Nothing that a log says is ever parsed as markup. */

const Show = (() => {
  const LONGEST = 400;
  const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;

  /* Text of a log: isolated in direction, shortened, and what can't be seen is spelled out. */
  function untrusted(text) {
    const box = document.createElement("bdi");
    const whole = String(text);
    const short = whole.length > LONGEST ? whole.slice(0, LONGEST) : whole;
    let at = 0;
    for (const match of short.matchAll(HIDDEN)) {
      box.append(short.slice(at, match.index));
      const code = element("span", { class: "unseen", title: "a character that can't be seen" });
      code.textContent = "U+" + match[0].codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
      box.append(code);
      at = match.index + match[0].length;
    }
    box.append(short.slice(at));
    if (whole.length > LONGEST) {
      box.append(element("span", { class: "unseen" }, "and " + number(whole.length - LONGEST) + " characters more"));
    }
    return box;
  }

  function element(name, attributes, ...content) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
    made.append(...content);
    return made;
  }

  function svg(name, attributes, ...content) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
    made.append(...content);
    return made;
  }

  const number = (value) => Number(value).toLocaleString("en-US");
  const compact = (value) => (value < 1e15
    ? new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 }).format(value) : Number(value).toExponential(1).replace("e+", "e"));
  const percent = (part, whole) => (whole === 0 ? "0" : (100 * part / whole).toFixed(1)) + " %";

  function time(seconds, width) {
    const date = new Date(seconds * 1000);
    if (Number.isNaN(date.getTime())) return String(seconds);
    const text = date.toISOString();
    if (width >= 86400) return text.slice(0, 10);
    return width >= 60 ? text.slice(5, 10) + " " + text.slice(11, 16) : text.slice(11, 19);
  }

  /* A round number at or above the value, and steps up to it. */
  function scale(most) {
    if (most <= 4) return { top: Math.max(1, most), step: 1 };
    const rough = most / 4;
    const unit = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].find((n) => n * unit >= rough) * unit;
    return { top: Math.ceil(most / step) * step, step };
  }

  function frame(width, height, most, label) {
    const { top, step } = scale(most);
    const box = { left: 46, right: width - 8, top: 12, bottom: height - 26 };
    const y = (value) => box.bottom - (box.bottom - box.top) * value / top;
    const root = svg("svg", { width, height, viewBox: "0 0 " + width + " " + height, role: "img", "aria-label": label });
    for (let value = 0; value <= top; value += step) {
      root.append(svg("line", { x1: box.left, x2: box.right, y1: y(value), y2: y(value), class: value === 0 ? "axis" : "rule" }));
      root.append(svg("text", { x: box.left - 8, y: y(value) + 4, class: "tick end" }, compact(value)));
    }
    return { root, box, y };
  }

  function timeTicks(root, box, from, to, width, height) {
    const count = Math.max(2, Math.min(7, Math.floor((box.right - box.left) / 110)));
    for (let i = 0; i < count; i++) {
      const x = box.left + (box.right - box.left) * i / (count - 1);
      const at = from + (to - from) * i / (count - 1);
      const anchor = i === 0 ? "start" : i === count - 1 ? "end" : "middle";
      root.append(svg("text", { x, y: height - 6, class: "tick " + anchor }, time(at, width)));
    }
  }

  /* Stacked columns over time: slots of [start, [value per series]]. */
  function columns(slots, seconds, series, label, available) {
    const height = 232;
    const first = slots[0][0];
    const count = (slots[slots.length - 1][0] - first) / seconds + 1;
    const most = Math.max(1, ...slots.map((slot) => series.reduce((sum, one) => sum + slot[1][one.index], 0)));
    const { root, box, y } = frame(available, height, most, label);
    const slotWidth = (box.right - box.left) / Math.max(count, 12);
    const gap = slotWidth > 6 ? 1.5 : 0.5;
    for (const [start, values] of slots) {
      const x = box.left + slotWidth * (start - first) / seconds;
      const group = svg("g", {}, svg("title", {}, time(start, seconds) + " UTC: "
        + series.map((one) => number(values[one.index]) + " " + one.name).join(", ")));
      let base = 0;
      for (const one of series) {
        const value = values[one.index];
        if (value === 0) continue;
        group.append(svg("rect", {
          x: x + gap / 2, width: Math.max(1, slotWidth - gap), y: y(base + value), height: Math.max(1, y(base) - y(base + value)), class: one.class,
        }));
        base += value;
      }
      root.append(group);
    }
    timeTicks(root, box, first, first + seconds * Math.max(count, 12), seconds, height);
    return root;
  }

  /* Steps over time: points of [milliseconds, value]. */
  function steps(points, label, available) {
    const height = 190;
    const from = Math.min(...points.map((point) => point[0])) / 1000;
    const to = Math.max(...points.map((point) => point[0])) / 1000;
    const { root, box, y } = frame(available, height, Math.max(...points.map((point) => point[1])), label);
    const x = (ms) => box.left + (box.right - box.left) * (to === from ? 1 : (ms / 1000 - from) / (to - from));
    let path = "M" + box.left + " " + y(0);
    for (const [ms, value] of points) path += " H" + x(ms).toFixed(1) + " V" + y(value).toFixed(1);
    root.append(svg("path", { d: path + " V" + y(0) + " Z", class: "area" }));
    root.append(svg("path", { d: path, class: "step" }));
    timeTicks(root, box, from, to, to - from > 10 * 86400 ? 86400 : to - from > 600 ? 60 : 1, height);
    return root;
  }

  function legend(series) {
    const list = element("ul", { class: "legend" });
    for (const one of series) list.append(element("li", {}, element("span", { class: "swatch " + one.class }), one.name));
    return list;
  }

  /* A table whose last columns are numbers, with a bar of `parts` columns beside them. */
  function table(caption, heads, rows, parts, classes) {
    const made = element("table", {}, element("caption", {}, caption));
    const head = element("tr");
    heads.forEach((text) => head.append(element("th", { scope: "col", class: typeof text === "string" ? "" : "number" }, typeof text === "string" ? text : text[0])));
    if (parts.length > 0) head.append(element("th", { scope: "col", class: "bars" }, element("span", { class: "hidden" }, "share")));
    made.append(element("thead", {}, head));
    const body = element("tbody");
    const most = Math.max(1, ...rows.map((row) => parts.reduce((sum, part) => sum + Number(row[part]), 0)));
    for (const row of rows) {
      const line = element("tr");
      row.forEach((cell, i) => {
        const numeric = typeof heads[i] !== "string";
        line.append(element("td", { class: numeric ? "number" : "", "data-head": numeric ? heads[i][0] : heads[i] },
          cell instanceof Node ? cell : numeric ? number(cell) : cell === "" ? element("span", { class: "quiet" }, "none") : untrusted(cell)));
      });
      if (parts.length > 0) line.append(bar(row, parts, classes, most));
      body.append(line);
    }
    made.append(body);
    return element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": caption }, made);
  }

  function bar(row, parts, classes, most) {
    const drawing = svg("svg", { viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true", class: "bar" });
    let x = 0;
    parts.forEach((part, i) => {
      const width = 100 * Number(row[part]) / most;
      if (width > 0) drawing.append(svg("rect", { x, y: 0, width: Math.max(width, 0.6), height: 8, class: classes[i] }));
      x += width;
    });
    return element("td", { class: "bars", "aria-hidden": "true" }, drawing);
  }

  return { columns, compact, element, legend, number, percent, steps, table, time, untrusted };
})();
