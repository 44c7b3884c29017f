// The theme, kept in the browser; and the page of a run at work, asked for again each second.
"use strict";
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const kept = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const keep = (theme) => { try { localStorage.setItem("theme", theme); } catch { /* not kept, then */ } };
  if (kept()) root.dataset.theme = kept();

  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);

  const theme = () => {
    const button = document.getElementById("theme");
    const name = () => { button.textContent = dark() ? "Light" : "Dark"; };
    button.hidden = false;
    name();
    system.addEventListener("change", name);
    button.addEventListener("click", () => {
      root.dataset.theme = dark() ? "light" : "dark";
      keep(root.dataset.theme);
      name();
    });
  };

  const follow = () => {
    const live = document.getElementById("live");
    if (!live || live.dataset.state !== "working") return;
    const look = async () => {
      let state = "working";
      if (!document.hidden) {
        try {
          const answer = await fetch(live.dataset.part, { credentials: "same-origin" });
          if (answer.ok) {
            const page = new DOMParser().parseFromString(await answer.text(), "text/html");
            const part = page.querySelector(".part");
            const open = live.querySelector("details")?.open;
            if (open) part.querySelector("details")?.setAttribute("open", "");
            state = part.dataset.state;
            live.replaceChildren(part);
          }
        } catch { /* the server is away; it is asked again */ }
      }
      if (state === "working") setTimeout(look, 1000);
      else document.getElementById("stopping")?.remove();
    };
    setTimeout(look, 1000);
  };

  document.addEventListener("DOMContentLoaded", () => { theme(); follow(); });
})();
