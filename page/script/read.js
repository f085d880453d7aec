// How far the page was read, in percent of its height.
goaltrack = (on, of, fire) => {
  let planned;
  const plan = () => (planned ||= setTimeout(look, 300));
  const look = () => {
    planned = 0;
    if (document.readyState == "complete")
      of("r", (rule) => (scrollY + innerHeight + 1) * 100 > document.documentElement.scrollHeight * rule.a && fire(rule, 0, 1));
  };
  on(self, "scroll", plan);
  on(self, "load", plan);
  return plan;
};
