// Elements seen: half of one, or half of the window filled by it, for a second. What is
// there and cannot be seen (visibility, opacity, another tab in front) is looked at again each
// second.
goaltrack = (on, of, fire) => {
  const waits = new Map(); // from elements to timers
  let planned;
  // was: it was visible a second ago.
  const wait = (at, was) =>
    waits.set(
      at,
      setTimeout(() => {
        const is = !document.hidden && at.checkVisibility?.({ checkOpacity: 1, checkVisibilityCSS: 1 }) != 0;
        was && is ? of("s", (rule) => at.matches(rule.s) && fire(rule, at, 1)) : wait(at, is);
      }, 1000),
    );
  const watch = new IntersectionObserver(
    (entries) =>
      entries.map(({ target, intersectionRatio, intersectionRect }) => {
        if (intersectionRatio < 0.5 && intersectionRect.height < innerHeight / 2) {
          clearTimeout(waits.get(target));
          waits.delete(target);
        } else waits.has(target) || wait(target, 1);
      }),
    { threshold: [...Array(51)].map((_, i) => i / 50) },
  );
  // look finds elements that are new.
  const look = () => {
    planned = 0;
    of("s", (rule) => document.querySelectorAll(rule.s).forEach((at) => watch.observe(at)));
  };
  new MutationObserver(() => (planned ||= setTimeout(look, 300))).observe(document, { childList: 1, subtree: 1, attributeFilter: ["class"] });
  // Another page begins anew: to observe an element once more tells where it is.
  return () => {
    watch.disconnect();
    waits.forEach(clearTimeout);
    waits.clear();
    look();
  };
};
