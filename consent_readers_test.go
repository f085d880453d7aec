package goaltrack

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
)

// The examples of the specification and of public decoders.
const (
	tcfNone  = "COw4XqLOw4XqLAAAAAENAXCAAAAAAAAAAAAAAAAAAAAA"
	tcfSome  = "CLcVDxRMWfGmWAVAHCENAXCkAKDAADnAABRgA5mdfCKZuYJez-NQm0TBMYA4oCAAGQYIAAAAAAEAIAEgAA.argAC0gAAAAAAAAAAAA" // 1, 3, 9, 10
	tcfFirst = "BOEFEAyOEFEAyAHABDENAI4AAAB9vABAASA"                                                                    // of version 1
)

// tcfString makes a core string with these purposes consented to and every other
// field zero but the version.
func tcfString(purposes ...int) string {
	var bits [30]byte
	set := func(i int) { bits[i/8] |= 0x80 >> (i % 8) }
	set(4) // version 2 in six bits
	for _, p := range purposes {
		set(151 + p)
	}
	return base64.RawURLEncoding.EncodeToString(bits[:])
}

func TestConsentTCF(t *testing.T) {
	all := make([]int, 24)
	for i := range all {
		all[i] = i + 1
	}
	long := strings.Repeat("A", 5000)
	for name, c := range map[string]struct {
		o      TCF
		cookie string
		want   Consent
	}{
		"no cookie":                     {TCF{}, "", ConsentUnknown},
		"the specification's, none":     {TCF{}, "euconsent-v2=" + tcfNone, ConsentRefused},
		"1, 3, 9 and 10":                {TCF{}, "euconsent-v2=" + tcfSome, ConsentRefused},
		"1, 3, 9 and 10, asked for":     {TCF{Analytics: []int{1, 9, 10}, Marketing: []int{1, 3}}, "euconsent-v2=" + tcfSome, ConsentGranted},
		"1, 3, 9 and 10, in part":       {TCF{Analytics: []int{1, 9}, Marketing: []int{2}}, "euconsent-v2=" + tcfSome, MixedConsent(ConsentGranted, ConsentRefused)},
		"all":                           {TCF{}, "euconsent-v2=" + tcfString(all...), ConsentGranted},
		"analytics":                     {TCF{}, "euconsent-v2=" + tcfString(1, 8, 9), MixedConsent(ConsentGranted, ConsentRefused)},
		"marketing":                     {TCF{}, "euconsent-v2=" + tcfString(1, 3, 4, 5, 6), MixedConsent(ConsentRefused, ConsentGranted)},
		"all but storing":               {TCF{}, "euconsent-v2=" + tcfString(all[1:]...), ConsentRefused},
		"the first and the last":        {TCF{Analytics: []int{1}, Marketing: []int{24}}, "euconsent-v2=" + tcfString(1, 24), ConsentGranted},
		"their neighbours":              {TCF{Analytics: []int{1}, Marketing: []int{24}}, "euconsent-v2=" + tcfString(all[1:23]...), ConsentRefused},
		"another cookie":                {TCF{Cookie: "tc"}, "tc=" + tcfString(all...), ConsentGranted},
		"version 1":                     {TCF{}, "euconsent-v2=" + tcfFirst + long[:100], ConsentUnknown},
		"version 3":                     {TCF{}, "euconsent-v2=D" + tcfNone[1:], ConsentUnknown},
		"cut short":                     {TCF{}, "euconsent-v2=" + tcfNone[:38], ConsentUnknown},
		"just long enough":              {TCF{}, "euconsent-v2=" + tcfNone[:39], ConsentRefused},
		"plain base64":                  {TCF{}, "euconsent-v2=" + tcfNone[:20] + "+" + tcfNone[21:], ConsentUnknown},
		"padded":                        {TCF{}, "euconsent-v2=C===", ConsentUnknown},
		"a dot within":                  {TCF{}, "euconsent-v2=" + tcfNone[:30] + "." + tcfNone[31:], ConsentUnknown},
		"longer than a cookie":          {TCF{}, "euconsent-v2=" + tcfString(all...) + long, ConsentUnknown},
		"a purpose that does not exist": {TCF{Analytics: []int{1, 25}, Marketing: []int{0}}, "euconsent-v2=" + tcfString(all...), ConsentUnknown},
		"no purposes asked for":         {TCF{Analytics: []int{}, Marketing: []int{1}}, "euconsent-v2=" + tcfString(all...), MixedConsent(ConsentUnknown, ConsentGranted)},
		"two that disagree":             {TCF{}, "euconsent-v2=" + tcfString(all...) + "; euconsent-v2=" + tcfNone, ConsentRefused},
	} {
		read := ConsentTCF(c.o)
		r := &http.Request{Header: http.Header{"Cookie": {c.cookie}}}
		if got := read(r); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		if n := testing.AllocsPerRun(1000, func() { read(r) }); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// FuzzConsentReaders: no cookie makes a reader panic, or say granted where the
// words for it are not in the cookie.
func FuzzConsentReaders(f *testing.F) {
	for _, s := range []string{
		"", "consent=yes; consent=no", "OptanonAlertBoxClosed=2026; OptanonConsent=groups=C0002%3A1%2CC0004%3A1&AwaitingReconsent=false",
		"OptanonAlertBoxClosed=1; OptanonConsent=groups=%2C%3A%3A1,C0002", "CookieConsent=-1", "CookieConsent={stamp:'a',statistics:true,marketing:true}",
		"CookieConsent=%7B%22statistics%22:true%7D", "CookieConsent={:", "CookieConsent={a:'", "euconsent-v2=" + tcfSome, "euconsent-v2=\x00",
	} {
		f.Add(s)
	}
	readers := map[string]struct {
		read  func(*http.Request) Consent
		needs string
	}{
		"cookie":    {ConsentCookie("consent", "yes"), "consent="},
		"OneTrust":  {ConsentOneTrust(OneTrust{}), "OptanonConsent="},
		"Cookiebot": {ConsentCookiebot(), "CookieConsent="},
		"TCF":       {ConsentTCF(TCF{}), "euconsent-v2="},
	}
	f.Fuzz(func(t *testing.T, cookies string) {
		h := http.Header{"Cookie": {cookies}}
		for name, reader := range readers {
			got := reader.read(&http.Request{Header: h})
			if got.Analytics() == ConsentGranted && !strings.Contains(cookies, reader.needs) {
				t.Errorf("%s: %v of %q", name, got, cookies)
			}
			// Two of the same are one; with a refusal beside it nothing is granted.
			twice := reader.read(&http.Request{Header: http.Header{"Cookie": {cookies, cookies}}})
			if twice != got {
				t.Errorf("%s: %v, and sent twice %v: %q", name, got, twice, cookies)
			}
		}
	})
}
