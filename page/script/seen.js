// Elements seen: half of one, or half of the window filled by it, for a second.
goaltrack = (on, of, fire) => {
  const waits = new Map(); // from elements to timers
  let planned;
  const watch = new IntersectionObserver(
    (entries) =>
      entries.map((entry) => {
        const at = entry.target;
        if (document.hidden || (entry.intersectionRatio < 0.5 && entry.intersectionRect.height < innerHeight / 2)) {
          clearTimeout(waits.get(at));
          waits.delete(at);
        } else if (!waits.has(at)) waits.set(at, setTimeout(() => of("s", (rule) => at.matches(rule.s) && fire(rule, at, 1)), 1000));
      }),
    { threshold: [...Array(51)].map((_, i) => i / 50) },
  );
  // look finds elements that are new.
  const look = () => {
    planned = 0;
    of("s", (rule) => document.querySelectorAll(rule.s).forEach((element) => watch.observe(element)));
  };
  // again begins anew: to observe an element once more tells where it is.
  const again = () => {
    watch.disconnect();
    waits.forEach(clearTimeout);
    waits.clear();
    look();
  };
  on(document, "visibilitychange", again);
  new MutationObserver(() => (planned ||= setTimeout(look, 300))).observe(document, { childList: true, subtree: true, attributeFilter: ["class"] });
  return again;
};
