// Forms into which somebody types or chooses something.
goaltrack = (on, of, fire) =>
  on(
    document,
    "input",
    (event) => event.isTrusted && event.composedPath().map((at) => of("f", (rule) => at.matches?.(rule.s) && fire(rule, at, 1))),
  );
