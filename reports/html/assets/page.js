"use strict";
// Filters, links and keys only: without this script every word of the page is still there.
(() => {
  const $ = (selector) => document.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];

  // A page of thousands of cases opens at once because what is in a closed box stays text until the box is opened:
  // where scripts run, `noscript` is text to a browser; where none runs, it is a part of the page like any other.
  function fill(box) {
    const later = box.querySelector(":scope > noscript");
    if (!later) return;
    const made = document.createElement("div");
    made.innerHTML = later.textContent;
    later.replaceWith(...made.childNodes);
    if (box.matches(".case")) showResults(box);
  }
  document.addEventListener("toggle", (event) => { if (event.target.open) fill(event.target); }, true);

  if (!$("#filter-text")) return;
  const GREEN = new Set(["pass", "harmless", "unsupported"]);
  const rigs = [...$("#filter-rig").options].slice(1).map((option) => option.value);
  const cases = all("details.case").map((node) => ({
    node, id: node.id.slice(5), section: node.closest("section").dataset.section,
    results: node.dataset.results.split(" ").filter(Boolean).map((r) => {
      const [state, place] = r.split(".");
      return { state, rig: rigs[place] };
    }),
    words: null,
  }));
  const groups = all("section.group").map((node) => ({ node, cases: cases.filter((c) => c.section === node.dataset.section) }));
  const buttons = all(".filters button[data-state]");
  const rig = $("#filter-rig"), section = $("#filter-section"), text = $("#filter-text"), shown = $("#shown");
  let current = null;

  const pressed = () => buttons.filter((b) => b.getAttribute("aria-pressed") === "true").map((b) => b.dataset.state);
  const press = (wanted) => { for (const b of buttons) b.setAttribute("aria-pressed", String(wanted(b.dataset.state))); };

  // the results of a box that is open, as the filter has them
  function showResults(box) {
    const states = new Set(pressed());
    for (const r of box.querySelectorAll(".result")) {
      const seen = states.has(r.dataset.state) && (rig.value === "" || r.dataset.rig === rig.value);
      if (r.hidden === seen) r.hidden = !seen;
    }
  }

  function wordsOf(node) {
    const later = node.querySelector(":scope > noscript");
    if (!later) return node.textContent.toLowerCase();
    const inside = later.textContent.replace(/<[^>]*>/g, " ").replace(/&(lt|gt|amp|#34|#39);/g, (_, name) =>
      ({ lt: "<", gt: ">", amp: "&", "#34": '"', "#39": "'" })[name]);
    return (node.querySelector("summary").textContent + " " + inside).toLowerCase();
  }

  function apply(remember = true) {
    const states = new Set(pressed());
    const wanted = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const c of cases) {
      let visible = section.value === "" || c.section === section.value;
      if (visible && wanted.length) {
        c.words ??= wordsOf(c.node);
        visible = wanted.every((w) => c.words.includes(w));
      }
      visible &&= c.results.some((r) => states.has(r.state) && (rig.value === "" || r.rig === rig.value));
      if (c.node.open) { fill(c.node); showResults(c.node); }
      if (c.node.hidden === visible) c.node.hidden = !visible;
      count += visible ? 1 : 0;
    }
    for (const g of groups) g.node.hidden = g.cases.every((c) => c.node.hidden);
    shown.textContent = `${count} of ${cases.length} cases`;
    if (remember) keep();
  }

  // The address: #rig=...&section=...&verdict=fail,known&q=words&case=ID. Anything else in it is the id of an element.
  function keep() {
    const put = new URLSearchParams();
    if (rig.value) put.set("rig", rig.value);
    if (section.value) put.set("section", section.value);
    if (pressed().length !== buttons.length) put.set("verdict", pressed().join(","));
    if (text.value) put.set("q", text.value);
    if (current && current.node.open) put.set("case", current.id);
    history.replaceState(null, "", "#" + (put.toString() || "cases"));
  }

  function reset() {
    press(() => true);
    rig.value = section.value = text.value = "";
  }

  function find(id) { return cases.find((c) => c.id === id); }

  function go(c, open) {
    if (!c) return;
    if (c.node.hidden) { reset(); apply(false); }
    current = c;
    if (open) c.node.open = true;
    if (c.node.open) fill(c.node);
    c.node.scrollIntoView({ block: "start" });
    c.node.querySelector("summary").focus({ preventScroll: true });
  }

  function reveal() {
    const hash = location.hash.slice(1);
    if (!hash) return;
    if (/^(rig|section|verdict|q|case)=/.test(hash)) {
      const put = new URLSearchParams(hash);
      reset();
      rig.value = put.get("rig") ?? "";
      section.value = put.get("section") ?? "";
      text.value = put.get("q") ?? "";
      const states = put.get("verdict");
      if (states !== null) { const wanted = new Set(states.split(",")); press((s) => wanted.has(s)); }
      apply(false);
      if (put.get("case")) go(find(put.get("case")), true); else $("#cases").scrollIntoView();
      return;
    }
    let target = null;
    try { target = document.getElementById(decodeURIComponent(hash)); } catch { return; }
    if (!target) return;
    if (target.closest("[hidden]")) { reset(); apply(false); }
    for (let e = target; e; e = e.parentElement) if (e.tagName === "DETAILS") { e.open = true; fill(e); }
    if (target.matches("details.case")) { go(find(target.id.slice(5)), true); return; }
    target.scrollIntoView();
    // what lies on the way has its true size only now that it was drawn
    requestAnimationFrame(() => requestAnimationFrame(() => target.scrollIntoView()));
  }

  function bad() { press((s) => !GREEN.has(s)); apply(); }
  function everything() { reset(); apply(); }

  for (const b of buttons) {
    b.addEventListener("click", () => {
      b.setAttribute("aria-pressed", String(b.getAttribute("aria-pressed") !== "true"));
      apply();
    });
  }
  rig.addEventListener("change", () => apply());
  section.addEventListener("change", () => apply());
  text.addEventListener("input", () => apply());
  $("#filter-reset").addEventListener("click", everything);
  $("#filter-bad").addEventListener("click", bad);
  $("#open-all").addEventListener("click", () => {
    const visible = cases.filter((c) => !c.node.hidden);
    const open = visible.some((c) => !c.node.open);
    for (const c of visible) c.node.open = open;
  });
  for (const c of cases) {
    c.node.querySelector("summary").addEventListener("click", () => { current = c; setTimeout(keep); });
  }
  for (const a of all(".matrix a[data-rig]")) {
    a.addEventListener("click", (event) => {
      event.preventDefault();
      reset();
      rig.value = a.dataset.rig;
      section.value = a.dataset.section;
      apply();
      $("#cases").scrollIntoView();
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.matches("input, select, textarea");
    if (event.key === "Escape" && typing) { event.target.blur(); return; }
    if (typing) return;
    const step = { j: 1, k: -1 }[event.key];
    if (step) {
      const visible = cases.filter((c) => !c.node.hidden);
      const place = visible.indexOf(current);
      go(visible[place < 0 ? 0 : Math.min(visible.length - 1, Math.max(0, place + step))], false);
    } else if (event.key === "/") {
      event.preventDefault();
      text.focus();
      $("#cases").scrollIntoView();
    } else if (event.key === "w") bad();
    else if (event.key === "a") everything();
    else if (event.key === "m") $("#matrix")?.scrollIntoView();
  });
  window.addEventListener("hashchange", reveal);
  apply(false);
  reveal();
})();
