// How many seconds the page was in sight.
goaltrack = (on, of, fire) => {
  let seconds;
  setInterval(() => document.hidden || (seconds++, of("t", (rule) => seconds >= rule.a && fire(rule, 0, 1))), 1000);
  return () => (seconds = 0);
};
