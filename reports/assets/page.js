"use strict";
// Filters and links only: without this script every word of the page is still there.
(() => {
  const results = [...document.querySelectorAll(".result")];
  const cases = [...document.querySelectorAll("details.case")];
  const groups = [...document.querySelectorAll("section.group")];
  const buttons = [...document.querySelectorAll(".filters button[data-state]")];
  const rig = document.querySelector("#filter-rig");
  const text = document.querySelector("#filter-text");
  const shown = document.querySelector("#shown");
  const words = new Map(cases.map((c) => [c, c.textContent.toLowerCase()]));

  function apply() {
    const states = new Set(buttons.filter((b) => b.getAttribute("aria-pressed") === "true").map((b) => b.dataset.state));
    const wanted = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const r of results) {
      r.hidden = !states.has(r.dataset.state) || (rig.value !== "" && r.dataset.rig !== rig.value);
    }
    let count = 0;
    for (const c of cases) {
      const visible = c.querySelector(".result:not([hidden])") && wanted.every((w) => words.get(c).includes(w));
      c.hidden = !visible;
      count += visible ? 1 : 0;
    }
    for (const g of groups) g.hidden = !g.querySelector("details.case:not([hidden])");
    shown.textContent = `${count} of ${cases.length} cases`;
  }

  function reset() {
    for (const b of buttons) b.setAttribute("aria-pressed", "true");
    rig.value = "";
    text.value = "";
    apply();
  }

  function reveal() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    if (target.closest("[hidden]")) reset();
    for (let e = target; e; e = e.parentElement) if (e.tagName === "DETAILS") e.open = true;
    target.scrollIntoView();
  }

  for (const b of buttons) {
    b.addEventListener("click", () => {
      b.setAttribute("aria-pressed", String(b.getAttribute("aria-pressed") !== "true"));
      apply();
    });
  }
  rig.addEventListener("change", apply);
  text.addEventListener("input", apply);
  document.querySelector("#filter-reset").addEventListener("click", reset);
  document.querySelector("#filter-bad").addEventListener("click", () => {
    for (const b of buttons) b.setAttribute("aria-pressed", String(!["pass", "harmless", "unsupported"].includes(b.dataset.state)));
    apply();
  });
  document.querySelector("#open-all").addEventListener("click", () => {
    const visible = cases.filter((c) => !c.hidden);
    const open = visible.some((c) => !c.open);
    for (const c of visible) c.open = open;
  });
  for (const a of document.querySelectorAll(".matrix a[data-rig]")) {
    a.addEventListener("click", () => {
      reset();
      rig.value = a.dataset.rig;
      apply();
    });
  }
  window.addEventListener("hashchange", reveal);
  apply();
  if (location.hash) reveal();
})();
