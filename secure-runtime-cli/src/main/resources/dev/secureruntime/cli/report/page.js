/* Puts the page together and starts the check. */

(() => {
  const { element, number, untrusted } = Show;
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const at = (id) => document.getElementById(id);
  const facts = read("facts");
  const excerpt = read("excerpt");
  const records = at("lines").textContent;
  const SHOWN = 50;
  let data = null;
  let badRecord = null;
  let run = 0;

  const utc = (text) => (text === "" ? "" : text.replace("T", " ").replace(/(\.\d+)?Z$/, " UTC"));
  const term = (name, ...content) => [element("dt", {}, name), element("dd", {}, ...content)];
  const item = (...content) => element("li", {}, ...content);
  const say = (id, text) => at(id).append(element("p", { class: "quiet" }, text));
  const note = (id, table) => {
    if (table.folded || table.others.some((sum) => sum > 0)) {
      say(id, "Not every name has a row of its own. Those beyond the largest are in the row \u201call others\u201d"
        + (table.folded ? "; single rows are lower bounds." : "."));
    }
  };
  const rowsOf = (table, columns) => {
    const rows = table.rows.map(([names, sums]) => [...names, ...columns.map((i) => sums[i])]);
    if (table.others.some((sum) => sum > 0)) {
      const names = table.rows[0][0].map((_, i) => (i === 0 ? element("em", {}, "all others") : element("span", {}, "")));
      rows.push([...names, ...columns.map((i) => table.others[i])]);
    }
    return rows;
  };

  function header() {
    const origin = (facts.keys[0] || "").split("+")[0];
    at("title").append(untrusted(origin.replace(/\/[0-9a-f]{32}$/, "") || "audit log"));
    at("subtitle").append(facts.first === "" ? "no records" : utc(facts.first) + " to " + utc(facts.last) + " by the log\u2019s clock");
    at("made").append("Made " + utc(facts.made) + " of ", untrusted(facts.log), ". Log ", untrusted(origin), ".");
    document.title = "Audit report: " + facts.verdict.word;
  }

  function toolVerdict() {
    const verdict = facts.verdict;
    at("tool").classList.add(verdict.word.toLowerCase());
    at("tool-verdict").append(verdict.word);
    verdict.reasons.forEach((reason) => at("tool-reasons").append(item(untrusted(reason))));
    const list = at("tool-facts");
    if (verdict.word === "TAMPERED") {
      list.append(...term("First bad record", element("strong", {}, verdict.badRecord === "" ? "unknown" : verdict.badRecord),
        " in ", untrusted(verdict.badFile), " at byte " + number(verdict.badOffset)));
    }
    list.append(...term("Records", number(verdict.size) + " read, " + number(verdict.signed) + " signed"));
    list.append(...term("Completeness", verdict.provedUpTo === ""
      ? "unknown: no anchored checkpoint was given, so a log that was cut back would look the same"
      : "proved up to record " + number(verdict.provedUpTo)));
    list.append(...term("Forward security", verdict.forwardSecurity === "CHECKED"
      ? "checked from the pinned first epoch key" : facts.keys.length > 1 ? "not checked" : "not checked: only the log key was given"));
  }

  function figures() {
    const total = [0, 1, 2, 3].map((i) => facts.components.rows.reduce((sum, row) => sum + row[1][i], facts.components.others[i]));
    const tokens = [1, 2].map((i) => facts.tokens.rows.reduce((sum, row) => sum + row[1][i], facts.tokens.others[i]));
    const list = [
      ["Records", number(facts.records)], ["Calls", number(total[1])], ["Denied", number(total[2])], ["Failed", number(total[3])],
      ["Input tokens", Show.compact(tokens[0])], ["Output tokens", Show.compact(tokens[1])],
      ["Checkpoints", number(facts.checkpoints)], ["Epoch keys", number(facts.epochCount)],
    ];
    if (facts.malformed > 0) list.push(["Lines that are no records", number(facts.malformed)]);
    list.forEach(([name, value]) => at("figures").append(element("div", {}, element("dt", {}, name), element("dd", {}, value))));
    if (facts.gaps.length > 0) {
      at("figures").after(element("ul", { class: "reasons" }, ...facts.gaps.map((gap) => item(untrusted(gap)))));
    }
  }

  const CALLS = [
    { name: "allowed", index: 0, class: "allowed" }, { name: "failed", index: 1, class: "failed" },
    { name: "denied", index: 2, class: "denied" },
  ];
  const TOKENS = [{ name: "input tokens", index: 4, class: "input" }, { name: "output tokens", index: 5, class: "output" }];

  /* Draws again when the width changes, so that text keeps its size. */
  function chart(id, draw) {
    const figure = element("figure", {});
    at(id).append(figure);
    const redraw = () => figure.replaceChildren(draw(Math.max(280, Math.floor(figure.clientWidth))));
    redraw();
    let width = figure.clientWidth;
    new ResizeObserver(() => {
      if (figure.clientWidth !== width) {
        width = figure.clientWidth;
        redraw();
      }
    }).observe(figure);
  }

  function overTime(id, series, what) {
    const { seconds, slots } = facts.timeline;
    const used = slots.filter((slot) => series.some((one) => slot[1][one.index] > 0));
    if (used.length === 0) {
      say(id, "None.");
      return;
    }
    at(id).append(Show.legend(series));
    chart(id, (width) => Show.columns(used, seconds, series, what + " over time, stacked; the table below has the numbers", width));
    const rows = used.map((slot) => [Show.time(slot[0], seconds), ...series.map((one) => slot[1][one.index])]);
    at(id).append(element("details", {}, element("summary", {}, "As a table"),
      Show.table(what + " per " + span(seconds), ["From (UTC)", ...series.map((one) => [one.name])], rows, [], [])));
  }

  function span(seconds) {
    for (const [size, name] of [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]]) {
      if (seconds >= size) return seconds === size ? name : Math.round(seconds / size) + " " + name + "s";
    }
    return seconds + " s";
  }

  function tally(id, table, caption, heads, columns, parts, classes, none) {
    if (table.rows.length === 0) {
      say(id, none);
      return;
    }
    at(id).append(Show.table(caption, heads, rowsOf(table, columns), parts, classes));
    note(id, table);
  }

  function sections() {
    tally("alarms", facts.alarms, "What somebody should have a look at",
      ["Event", "Component", "Action", "What", ["Times"]], [0], [4], ["denied"], "None was recorded.");
    overTime("calls", CALLS, "Calls");
    overTime("tokens", TOKENS, "Tokens");
    tally("tokens", facts.tokens, "Tokens by component and model",
      ["Component", "Model", ["Calls"], ["Input"], ["Output"]], [0, 1, 2], [3, 4], ["input", "output"], "No call to a model was recorded.");
    tally("denials", facts.denials, "What was refused, and by what",
      ["Component", "Destination", "Rule or reason", ["Denied"]], [0], [3], ["denied"], "Nothing was denied.");
    tally("errors", facts.errors, "Calls that were allowed and failed",
      ["Component", "Destination", "Error", ["Failed"]], [0], [3], ["failed"], "Nothing failed.");
    tally("components", facts.components, "By component",
      ["Component", ["Records"], ["Calls"], ["Denied"], ["Failed"]], [0, 1, 2, 3], [2], ["allowed"], "No component was named.");
    tally("components", facts.destinations, "Allowed calls by destination and rule",
      ["Destination", "Rule", ["Calls"]], [0], [2], ["allowed"], "No call was allowed.");
    tally("secrets", facts.secrets, "Uses of secrets and credentials",
      ["Event", "Component", "Secret or scope", ["Times"]], [0], [3], ["other"], "None was recorded.");
  }

  function signing() {
    if (facts.growth.length > 0) {
      chart("signing", (width) => Show.steps(facts.growth, "Signed records over time, step by step with each checkpoint", width));
      say("signing", "Signed records over time: " + number(facts.checkpoints) + " checkpoints, the last over "
        + number(facts.growth[facts.growth.length - 1][1]) + " records.");
    }
    const rows = facts.epochs.map((epoch, i) => [number(facts.epochCount - facts.epochs.length + i + 1), utc(epoch.announced), epoch.record,
      epoch.checkpoints, epoch.size, epoch.key]);
    if (rows.length > 0) {
      at("signing").append(Show.table("Epoch keys, as the log announces them", ["Epoch", "Announced", ["By record"], ["Checkpoints"], ["Up to size"], "Key"], rows, [], []));
    }
    if (facts.anchored.length > 0) {
      at("signing").append(Show.table("Anchors that the log recorded; their evidence is not checked here", ["Time", ["Record"], "What it says"],
        facts.anchored.map(([when, seq, text]) => [utc(when), seq, text]), [], []));
    }
    at("signing").append(element("h3", {}, "Checkpoints that the command compared the log with"),
      facts.anchors.length === 0 ? element("p", { class: "quiet" }, "None was given (--anchor).")
        : element("ul", {}, ...facts.anchors.map((file) => item(untrusted(file)))));
  }

  /* The check */

  function showReport(report, keys) {
    const fault = report.fault;
    const isElsewhere = !fault && facts.verdict.word === "TAMPERED";
    const isOpen = isElsewhere || report.checkpoints === 0 || report.disagreements > 0;
    const word = fault ? "TAMPERED" : isOpen ? "INCONCLUSIVE" : "INTACT";
    const bad = fault ? " at record " + fault.seq : "";
    at("browser").className = "card verdict " + word.toLowerCase();
    at("check-verdict").replaceChildren(word + bad);
    const start = data.start;
    const reasons = [];
    if (fault) reasons.push(untrusted(fault.message));
    if (isElsewhere) reasons.push("Nothing wrong was found in what this page holds; what the command found lies outside of it.");
    if (!fault && report.checkpoints === 0) reasons.push("no checkpoint covers the records in this page");
    if (report.disagreements > 0) reasons.push("the browser\u2019s own verification of signatures disagrees with this page\u2019s");
    if (start > 0) {
      reasons.push("This page holds the newest " + number(report.total) + " records, from record " + number(start)
        + " on. The records before were checked by the command alone"
        + (data.edge ? "; their hashes enter the signed roots that were computed here." : "."));
    }
    if (!data.edge) reasons.push("The log doesn\u2019t begin with record 0: no Merkle root was computed here.");
    if (report.forward === "TOLD") reasons.push("The epoch key at record " + number(start) + " is the command\u2019s word: the records that announce it are not in this page.");
    if (report.forward === "NO_KEY") reasons.push("No first epoch key was given: forward security was not checked here.");
    if (report.epochsSkipped > 0) reasons.push(number(report.epochsSkipped) + " signatures of epoch keys were not checked: the key is unknown.");
    const unsigned = start + report.total - report.signedTo;
    if (!fault && unsigned > 0) reasons.push(number(unsigned) + " records above the newest checkpoint are not yet signed");
    if (keys.mlDsa) reasons.push("Signatures of the ML-DSA key were checked by the command alone.");
    if (keys.fromReport) reasons.push("The keys are those that came with the report. Paste your own to be sure of them.");
    at("check-reasons").replaceChildren(...reasons.map((reason) => item(reason)));
    const of = (done, total) => number(done) + (done === total ? "" : " of " + number(total));
    at("check-facts").replaceChildren(
      ...term("Records and their chain", of(report.records, report.total)),
      ...term("Merkle roots recomputed", number(report.roots)),
      ...term("Checkpoints", of(report.checkpoints, report.notes)),
      ...term("Signatures of the log key", number(report.logSignatures)),
      ...term("Signatures of epoch keys", number(report.epochSignatures) + ", through " + number(report.epochChanges) + " changes of key"));
    badRecord = fault ? fault.seq : null;
    list();
  }

  function showRefusal(reason) {
    at("browser").className = "card verdict inconclusive";
    at("check-verdict").replaceChildren("INCONCLUSIVE");
    at("check-reasons").replaceChildren(item(reason));
    at("check-facts").replaceChildren();
  }

  const breathe = () => new Promise((resolve) => { setTimeout(resolve, 0); });

  async function check(texts, fromReport) {
    const mine = ++run;
    const progress = at("progress");
    document.documentElement.dataset.check = "running";
    at("check-verdict").replaceChildren("checking");
    progress.hidden = false;
    let since = performance.now();
    const pause = async (report) => {
      if (performance.now() - since < 30) return;
      progress.value = report.total === 0 ? 0 : report.records / report.total;
      await breathe();
      since = performance.now();
      if (mine !== run) throw new Error("superseded");
    };
    try {
      await breathe();
      data = data || AuditLog.decode(excerpt, records);
      /* The command alone checks ML-DSA; its key is known by its name, and passed over. */
      const mlDsa = texts.length === 3 && texts[2].startsWith(texts[0].split("+")[0] + "/ml-dsa+");
      const keys = (mlDsa ? texts.slice(0, 2) : texts).map(AuditLog.verifierKey);
      if (keys.length < 1 || keys.length > 2 || keys.some((key) => key === null)
          || (keys[1] && keys[1].name !== keys[0].name + "/epoch")) {
        showRefusal("expected one or two verifier keys: the log key, then the first epoch key of the same log; behind them its ML-DSA key, if any");
      } else {
        showReport(await AuditLog.check(data, keys, pause), { fromReport, mlDsa });
      }
    } catch (e) {
      if (mine !== run) return;
      showRefusal("the check stopped: " + e.message);
    }
    progress.hidden = true;
    document.documentElement.dataset.check = "done";
  }

  /* The records themselves */

  function card(index, line) {
    const value = AuditLog.record(line);
    const summary = element("summary", {}, element("span", { class: "seq" }, "#" + index));
    if (value === null) {
      summary.append(element("span", { class: "denied-text" }, "not a record"));
    } else {
      const verdict = value.attributes && value.attributes["secure_runtime.verdict"];
      summary.append(element("span", { class: "quiet" }, untrusted(String(value.time).slice(0, 19).replace("T", " "))),
        element("span", {}, untrusted(value.type)), element("span", {}, untrusted(value.component || "")));
      if (verdict === "deny") summary.append(element("span", { class: "denied-text" }, "denied"));
    }
    const made = element("details", { class: index === badRecord ? "record bad" : "record" }, summary);
    if (index === badRecord) summary.append(element("span", { class: "denied-text" }, "first bad record"));
    made.addEventListener("toggle", () => {
      if (made.open && made.children.length === 1) made.append(fields(value, line));
    });
    return made;
  }

  function fields(value, line) {
    if (value === null) return element("p", {}, untrusted(new TextDecoder().decode(line)));
    const list = element("dl", { class: "fields" });
    Object.entries(value.attributes || {}).forEach(([name, text]) => list.append(element("dt", {}, untrusted(name)), element("dd", {}, untrusted(text))));
    Object.entries(value.commitments || {}).forEach(([name, text]) => list.append(element("dt", {}, untrusted(name)),
      element("dd", {}, number(text.bytes) + " bytes, committed as ", untrusted(text.sha256))));
    list.append(element("dt", {}, "prev"), element("dd", {}, untrusted(value.prev)));
    return list;
  }

  const decoder = new TextDecoder();

  function list() {
    if (data === null) return;
    const wanted = at("filter").value;
    const found = [];
    if (badRecord !== null && data.lines[badRecord - data.start]) found.push(card(badRecord, data.lines[badRecord - data.start]));
    for (let i = data.lines.length - 1; i >= 0 && found.length < SHOWN; i--) {
      const index = data.start + i;
      const isWanted = wanted === "" || (wanted.startsWith("#") ? "#" + index === wanted : decoder.decode(data.lines[i]).includes(wanted));
      if (isWanted && index !== badRecord) found.push(card(index, data.lines[i]));
    }
    at("list").replaceChildren(...found);
    at("shown").replaceChildren(number(found.length) + " shown, newest first, of " + number(data.lines.length) + " in this page");
  }

  function listing() {
    const filter = element("input", { id: "filter", type: "search", autocomplete: "off", spellcheck: "false" });
    filter.addEventListener("input", list);
    at("records").append(
      element("div", { class: "actions" }, element("label", { for: "filter" }, "Records that hold this text, or #number"), filter),
      element("p", { id: "shown", class: "quiet", role: "status" }), element("div", { id: "list" }));
  }

  header();
  toolVerdict();
  figures();
  sections();
  signing();
  listing();
  at("vkeys").value = facts.keys.join("\n");
  at("keys-origin").append("Shown are the keys that the command was given.");
  at("keys").addEventListener("submit", (event) => {
    event.preventDefault();
    const texts = at("vkeys").value.split("\n").map((text) => text.trim()).filter((text) => text !== "");
    at("keys-origin").replaceChildren("Checked against what stands in the field.");
    check(texts, false);
  });
  check(facts.keys, true);
})();
