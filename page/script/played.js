// How much of a video was played, in percent: what was skipped is not played.
goaltrack = (on, of, fire) =>
  on(document, "timeupdate", (event) => {
    const media = event.composedPath()[0];
    const { played, duration, ended } = media;
    let seconds = 0;
    for (let i = played.length; i--; ) seconds += played.end(i) - played.start(i);
    of("v", (rule) => media.matches(rule.s) && (rule.a < 100 ? seconds * 100 >= duration * rule.a : ended) && fire(rule, media, 1));
  });
