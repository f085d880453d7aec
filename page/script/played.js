// How much of a video was played, in percent: what was skipped is not played.
goaltrack = (on, of, fire) =>
  on(document, "timeupdate", ({ target }) => {
    const { played } = target;
    let seconds = 0;
    for (let i = played.length; i--; ) seconds += played.end(i) - played.start(i);
    of("v", (rule) => target.matches(rule.s) && (rule.a < 100 ? seconds * 100 >= target.duration * rule.a : target.ended) && fire(rule, target, 1));
  });
