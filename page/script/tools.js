// Consent tools: what the visitor withdraws in the open page makes it silent at once. A
// tool may start after this script, so that nobody knows what was agreed to before; what
// a tool ever said yes to and says no to now was withdrawn.
goaltrack = (on, of, fire, conf) => {
  const all = new Set();
  const given = (choices) => Object.keys(choices ?? {}).filter((one) => choices[one]);
  let tcf; // what it told last
  const look = (told) => {
    tcf = told?.purpose?.consents ?? tcf;
    // Groups of OneTrust and purposes of TCF may be the same numbers: a comma tells them apart.
    const now = [
      // https://my.onetrust.com, "OneTrustGroupsUpdated"
      ...(self.OnetrustActiveGroups?.match(/[^,]+,?/g) ?? []),
      // https://www.cookiebot.com/en/developer
      ...given(self.Cookiebot?.consent),
      // https://github.com/InteractiveAdvertisingBureau/GDPR-Transparency-and-Consent-Framework,
      // whose stub is there before any other script
      ...given(tcf),
    ];
    now.map((one) => all.add(one));
    conf.q = now.length < all.size;
  };
  look();
  self.__tcfapi?.("addEventListener", 2, look);
  ["OneTrustGroupsUpdated", "CookiebotOnAccept", "CookiebotOnDecline"].map((type) => on(self, type, look));
};
