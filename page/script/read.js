// How far the page was read, in percent of its height: what is in sight a second after it was
// scrolled there, or made. Until the page is loaded ("complete" has 8 letters), nobody knows
// how high it is. Of one whose body fills the window, as an application's, the rest may be
// scrolled inside.
goaltrack = (on, of, fire) => {
  let planned;
  const plan = () => {
    clearTimeout(planned);
    planned = setTimeout(
      () =>
        document.hidden || document.readyState.length != 8 || document.body.offsetHeight == innerHeight
          ? plan()
          : of("r", (rule) => (scrollY + innerHeight + 1) * 100 > document.documentElement.scrollHeight * rule.a && fire(rule, 0, 1)),
      1000,
    );
  };
  addEventListener("scroll", plan); // not of what scrolls in the page
  return plan;
};
