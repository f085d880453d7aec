// Consent tools: what the visitor withdraws in the open page makes it silent at once. A
// tool may start after this script, so that nobody knows what was agreed to before; what
// a tool ever said yes to and says no to now was withdrawn.
goaltrack = (on, of, fire, hush) => {
  const given = (choices) => Object.keys(choices ?? {}).filter((one) => choices[one] === true);
  const watch = (bit, list, all = new Set()) => () => {
    const now = list();
    now.map((one) => all.add(one));
    hush(bit, now.length < all.size);
  };
  let tcf; // what it told last
  const tools = [
    // https://my.onetrust.com, "OneTrustGroupsUpdated"
    watch(2, () => (self.OnetrustActiveGroups ?? "").split(",").filter(Boolean)),
    // https://www.cookiebot.com/en/developer
    watch(4, () => given(self.Cookiebot?.consent)),
    // https://github.com/InteractiveAdvertisingBureau/GDPR-Transparency-and-Consent-Framework,
    // whose stub is there before any other script
    watch(8, () => given(tcf?.purpose?.consents)),
  ];
  const look = (told) => {
    if (told?.purpose) tcf = told;
    tools.map((tool) => tool());
  };
  look();
  self.__tcfapi?.("addEventListener", 2, look);
  ["OneTrustGroupsUpdated", "CookiebotOnAccept", "CookiebotOnDecline"].map((type) => on(self, type, look));
};
