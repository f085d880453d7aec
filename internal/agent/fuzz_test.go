package agent

import (
	"strings"
	"testing"
)

// FuzzSign: whatever comes, it is judged, and equally often the same. What follows
// the first 512 bytes does not matter.
func FuzzSign(f *testing.F) {
	for _, ua := range append(agentsIn(f, "testdata/people.txt"), longest...) {
		f.Add(ua)
	}
	f.Fuzz(func(t *testing.T, ua string) {
		sign := Sign(ua)
		if again := Sign(ua); again != sign {
			t.Errorf("%q, then %q", sign, again)
		}
		if len(ua) >= 512 && Sign(ua[:512]) != sign {
			t.Errorf("%q, and %q without the end", sign, Sign(ua[:512]))
		}
		if j := NewJudge(nil, nil); (j.Of(ua) == Machine) != (sign != "") {
			t.Errorf("the judge says %d, and the sign is %q", j.Of(ua), sign)
		}
	})
}

// FuzzSignOfDevice: no name of a phone makes a machine of the person who has it, and
// no phone makes a person of a machine.
func FuzzSignOfDevice(f *testing.F) {
	for _, model := range []string{"Cubot X50", "Spider 8", "M_bot_tab_71 Build/NHG47K", "S710 Ruby", "scan monitor crawler", "Check-Preview+3", "K"} {
		f.Add(model)
	}
	f.Fuzz(func(t *testing.T, model string) {
		if len(model) > 100 || strings.Trim(strings.ToLower(model), "abcdefghijklmnopqrstuvwxyz0123456789 _-+.") != "" {
			return // a slash begins a version, and brackets another comment
		}
		for name := range besideDevices {
			if strings.Contains(strings.ToLower(model), name) {
				return
			}
		}
		if strings.Contains(strings.ToLower(model), "+www.") {
			return // an address
		}
		agent := "Mozilla/5.0 (Linux; Android 14; " + model + ") AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36"
		if sign := Sign(agent); sign != "" {
			t.Errorf("%s: %s", sign, agent)
		}
		for _, machine := range []string{" AcmeBot/1.0", " (compatible; Unheardof/1.0)", " (+https://acme.example)"} {
			if Sign(agent+machine) == "" {
				t.Errorf("passes: %s", agent+machine)
			}
		}
	})
}
