// Keeps the list of decisions up to date. Without this script the page is reloaded by a link.
"use strict";
(() => {
  const rows = document.getElementById("decisions");
  const button = document.getElementById("pause");
  const state = document.getElementById("state");
  if (!rows || !window.EventSource) return;
  const most = 100;
  let waiting = [];
  let paused = false;
  const show = () => {
    for (const html of waiting) rows.insertAdjacentHTML("afterbegin", html); // the server escapes what is in it
    waiting = [];
    while (rows.rows.length > most) rows.deleteRow(-1);
    if (rows.rows.length > 0) document.getElementById("none").hidden = true;
  };
  const source = new EventSource(rows.dataset.events);
  source.addEventListener("decisions", (event) => {
    waiting = waiting.slice(1 - most).concat(event.data);
    if (!paused) show();
  });
  source.addEventListener("open", () => { state.textContent = state.dataset.open; });
  source.addEventListener("error", () => { state.textContent = state.dataset.lost; });
  button.hidden = false;
  button.addEventListener("click", () => {
    paused = !paused;
    button.setAttribute("aria-pressed", String(paused));
    if (!paused) show();
  });
  window.addEventListener("pagehide", () => source.close());
})();
