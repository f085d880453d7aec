package agent

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// agentsIn are those in a file of testdata.
func agentsIn(tb testing.TB, file string) (agents []string) {
	tb.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSuffix(line, "\n"); line != "" && !strings.HasPrefix(line, "#") {
			agents = append(agents, line)
		}
	}
	return agents
}

// TestPeople: nobody who is a person is refused.
func TestPeople(t *testing.T) {
	people := agentsIn(t, "testdata/people.txt")
	if len(people) < 100 {
		t.Errorf("only %d people", len(people))
	}
	for _, ua := range people {
		if sign := Sign(ua); sign != "" {
			t.Errorf("%s: %s", sign, ua)
		}
	}
}

// TestMachines: no machine passes as a person.
func TestMachines(t *testing.T) {
	for _, ua := range append(agentsIn(t, "testdata/machines.txt"), "", " ", ";;") {
		if Sign(ua) == "" {
			t.Errorf("passes: %q", ua)
		}
	}
}

// TestAgentsAreWrittenOnce: no agent is in both files, or in one of them twice.
func TestAgentsAreWrittenOnce(t *testing.T) {
	all := append(agentsIn(t, "testdata/people.txt"), agentsIn(t, "testdata/machines.txt")...)
	slices.Sort(all)
	for i := 1; i < len(all); i++ {
		if all[i] == all[i-1] {
			t.Errorf("twice: %s", all[i])
		}
	}
}

// TestWordsAreWhole: where a word stands says whether it counts.
func TestWordsAreWhole(t *testing.T) {
	const (
		chrome  = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
		android = "Mozilla/5.0 (Linux; Android 14; %) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36"
	)
	behind := func(word string) string { return chrome + " " + word }
	model := func(word string) string { return strings.Replace(android, "%", word, 1) }
	for _, tt := range []struct {
		name, agent string
		machine     bool
	}{
		{"nothing", chrome, false},
		{"a word", behind("crawler"), true},
		{"in capitals", behind("CRAWLER"), true},
		{"with a version", behind("Spider/1.0"), true},
		{"with digits", behind("spider2"), true},
		{"a part with a capital", behind("AcmeScreenshotService/1"), true},
		{"a part after capitals", behind("HTTPMonitor/1"), true},
		{"capitals before a part", behind("SiteRSS/1"), true},
		{"between other signs", behind("acme_scanner-3"), true},
		{"at the end of another", behind("acmebot/1"), true},
		{"inside another", behind("Botanical/1 Abbotsford/2 Rescanned/3"), false},
		{"the brand of phones", behind("Cubot/1"), false},
		{"a browser by its name", behind("SpiderBrowser/1"), false},
		{"a name", behind("GTmetrix"), true},
		{"a name that another begins with", behind("GTmetrixer"), false},
		{"a name of several words", "Mozilla/5.0 (X11; Linux x86_64; Neustar WPM) Chrome/48.0.2564.82 Safari/537.36", true},
		{"one word of such a name", behind("Neustar/1"), false},
		{"a library", behind("libcurl/8"), true},
		{"a library of a terminal's browser", "Lynx/2.9.0 libwww-FM/2.14 libcurl/8", false},
		{"a crawler that begins as that", "Lynx/2.9.0 AcmeCrawler/1", true},
		{"an agent that acts for somebody", behind("Acme-User/1.0"), true},
		{"a user", behind("PowerUser/1.0 User/2"), false},
		{"letters beyond ASCII", behind("Übot/1 spinnen-crawler/1"), true},

		{"a model", model("Bot"), false},
		{"a model with a digit", model("Spider 8 Build/ABC"), false},
		{"a model with a line", model("M_scan-70"), false},
		{"a product beside a device", model("SM-A5; AcmeBot/2.1"), true},
		{"a model with a slash", model("Spider/X Build/ABC"), false},
		{"after compatible", model("SM-A5; compatible; Acmebot"), true},
		{"in the next comment", model("SM-A5") + " (AcmeBot)", true},
		{"behind the device", model("SM-A5") + " AcmeBot", true},
		{"a link beside a device", model("SM-A5; +http://acme.example"), true},
		{"a comment that does not end", "Mozilla/5.0 (Linux; Android 14; Bot 5", false},
		{"brackets in the device", model("Bot (2024) scan; wv"), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if sign := Sign(tt.agent); (sign != "") != tt.machine {
				t.Errorf("%q: %s", sign, tt.agent)
			}
		})
	}
}

// TestShapes: what is no browser's form is a machine's, whatever its name.
func TestShapes(t *testing.T) {
	for agent, want := range map[string]string{
		"":                                       signEmpty,
		"acme":                                   signShort,
		"acme/1.0":                               signShort,
		"Aa Bb Cc Dd Ee":                         signShort,
		"Acme/1.0 (+https://acme.example)":       signAddress,
		"Acme/1.0 (somebody@acme.example)":       signAddress,
		"Acme/1.0 (somebody [at] acme.example)":  signAddress,
		"Acme/1.0 (acme.com; 3 readers)":         signAddress,
		"Acme/1.0 (com.acme.app; 3 readers)":     "",
		"Acme.com/1.0 (Windows)":                 "",
		"Acme/1.0 (600@acme_9.1; Windows)":       "",
		"Mozilla/5.0 (compatible; Acme/1.0)":     signCompatible,
		"Mozilla/5.0 (KHTML; compatible; Acme)":  signCompatible,
		"Mozilla/4.0 (compatible; MSIE 6.0)":     "",
		"Mozilla/5.0 Acme/1.0":                   signNoSystem,
		"Mozilla/5.0 (Acme Corporation)":         signNoSystem,
		"Mozilla/5.0 (Acme; rv:1.0) Gecko/1":     "",
		"Mozilla/5.0 (en-us) AppleWebKit/525.13": "",
		"WhatsApp/2.23.20.0 A":                   "a link preview",
		"Acme/1.0 Chrome WhatsApp/2.23.20.0 A":   "",
	} {
		if got := Sign(agent); got != want {
			t.Errorf("%q: %q, want %q", agent, got, want)
		}
	}
}

// TestSignOfTheBeginning: the first 512 bytes decide.
func TestSignOfTheBeginning(t *testing.T) {
	long := "Mozilla/5.0 (X11; Linux x86_64) " + strings.Repeat("x", 512)
	if sign := Sign(long + " crawler"); sign != "" {
		t.Error(sign)
	}
	if Sign("crawler "+long) == "" {
		t.Error("it begins as a machine")
	}
}
