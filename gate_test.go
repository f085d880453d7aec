package goaltrack

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/goaltrack/goaltrack/internal/consent"
)

// TestGateAllocs: with all of the gate in use, letting a known visitor in costs
// no memory.
func TestGateAllocs(t *testing.T) {
	const groups = "OptanonAlertBoxClosed=2026-03-02T10:35:32.804Z; OptanonConsent=version=202602.1.0&groups=C0001%3A1%2CC0002%3A1%2CC0004%3A"
	tracker := dryTracker(t, "{version: 1, goals: [{goal: SEEN, visit: /page, consent: analytics}]}", func(c *Config) {
		c.Consent, c.ConsentHoldBy = ConsentOneTrust(OneTrust{}), "session"
		c.Bots = Bots{Allow: []string{"a*b"}, Deny: []string{"HeadlessChrome"}}
		c.Staff, c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	})
	for answer, want := range map[string]fate{"1": fired, "0": fateConsentRefused, "2": fateConsentUnknown} {
		r := browserRequest(http.MethodGet, "/page?a=b", "")
		r.Header.Set("Cookie", groups+answer+"; session=0123456789abcdef; bid_key="+oldID)
		r.Header.Set("X-Forwarded-For", "198.51.100.7")
		r.Header.Set("X-Forwarded-Host", "shop.example")
		var e entry
		if n := testing.AllocsPerRun(100, func() {
			e = tracker.gate(r, "/page")
			_ = tracker.host(r)
		}); n > 0 {
			t.Errorf("%v: %v allocations", want, n)
		}
		if e.fate(consent.All) != want || e.fate(consent.Analytics) != fired {
			t.Errorf("required %v, analytics %v; want %v and fired", e.fate(consent.All), e.fate(consent.Analytics), want)
		}
	}
}
