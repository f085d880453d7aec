// The script of a page: it tells the collector that the page is shown, what is clicked,
// and what its parts see. It never cancels or delays anything, keeps nothing in the
// browser, and sends each event at once, since a page that waits until it is left must
// listen for that and would not be kept for the back button.
//
// parts are functions that listen for more than clicks. They return what begins another
// page, if anything has to. tag has the address of this file, whose fragment is the stamp of
// the process that named it (process.go), and what the server says:
//
//   r  the rules: n name, k kind, s selector, p path (a regular expression), d names of
//      data, a amount, x links to other sites alone
//   c  1: tell that the page is shown; 2: only if it may come from a cache
//   o  the cookie by which visitors say no, as a regular expression
//   p  1: obey the Global Privacy Control
goaltrack = (parts, tag) => {
  const doc = document;
  const conf = JSON.parse(tag.dataset.r);
  const nav = self.navigation;
  let view = 0;
  // Who says that the page is to be silent: another tag, the site's own event; and conf.q, for
  // the consent tools.
  let gone, said;
  let rules, joined, here, turns;

  const on = (target, type, listener) => target.addEventListener(type, listener, true);

  // A page in a sandbox may not read its cookies, and a site may have a fetch of its own: what
  // fails here is no error of the page's. The ID is to be new among those of one visitor within
  // ten minutes. As JSON, a page of another site could not send it without asking; keepalive
  // lets it go on when the page is left.
  const send = async (g, d, s) => {
    try {
      gone || said || conf.q || (conf.p && navigator.globalPrivacyControl) || RegExp(conf.o).test(doc.cookie) ||
        (await fetch(new URL("c", tag.src), {
          method: "POST",
          keepalive: 1,
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ g, i: "" + Math.random(), u: here + location.search, d, s, p: tag.src.split("#")[1] }),
        }));
    } catch {}
  };

  const fire = (rule, element, once) => {
    if (once && rule.v == view) return;
    rule.v = view;
    const data = {};
    rule.d.map((name) => (data[name] = element?.getAttribute("data-goal-" + name)));
    send(rule.n, data);
  };

  // of does something with each rule of a kind.
  const of = (kind, act) => rules.map((rule) => rule.k == kind && act(rule));

  // The path of a click leads out of components (shadow roots). Most elements on it are
  // no rule's, which one look at all selectors tells. A label passes a click on to its
  // field: that is one click.
  const click = (event) => {
    if (event.isTrusted && event.button < 2)
      event.composedPath().map(
        (at) =>
          at.matches?.(joined) &&
          of("c", (rule) => {
            if (at.matches(rule.s) && (!rule.x || (at.host && at.host != location.host)) && !(event.timeStamp - rule.t < 2)) {
              rule.t = event.timeStamp;
              fire(rule, at);
            }
          }),
      );
  };

  // turn begins another page, if it is one. A selector that the browser does not know
  // harms no other rule.
  const turn = (soft) => {
    if (here == (here = location.pathname)) return;
    view++;
    rules = conf.r.filter((rule) => {
      try {
        if (rule.s) doc.head.matches(rule.s);
        return RegExp(rule.p, "iu").test(decodeURI(here));
      } catch {}
    });
    joined = "_"; // which nothing is
    of("c", (rule) => (joined += "," + rule.s));
    turns.map((begin) => begin?.());
    const entry = performance.getEntriesByType("navigation")[0];
    if (conf.c && self == top && (soft || conf.c < 2 || !entry?.transferSize || entry.deliveryType || entry.activationStart)) send("", {}, soft);
  };

  const start = () => {
    // Of two tags, or of one that a script put in place of another, the last one counts.
    if (performance.goaltrack?.() == location.pathname) conf.c = 0;
    on(doc, "click", click);
    on(doc, "auxclick", click);
    on(self, "goaltrack:consent", (event) => (said = !event.detail));
    turns = parts.map((part) => part(on, of, fire, conf));
    turn();
    if (nav) on(nav, "currententrychange", (event) => event.navigationType != "replace" && turn(1));
    else {
      const push = history.pushState;
      history.pushState = (...args) => turn(push.apply(history, args) ?? 1);
      on(self, "popstate", () => turn(1));
    }
    performance.goaltrack = () => ((gone = 1), here);
  };
  doc.prerendering ? on(doc, "prerenderingchange", start) : start();
};
