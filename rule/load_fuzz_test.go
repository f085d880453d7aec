package rule

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzParse: no bytes make Parse panic, and what it accepts can be
// judged.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"bad", "good"} {
		files, err := filepath.Glob(filepath.Join("testdata", "rules", pattern, "*.yaml"))
		if err != nil || len(files) == 0 {
			f.Fatalf("%d files (%v)", len(files), err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		rules, err := Parse(text)
		if err != nil {
			for _, line := range faultsOf(t, text) {
				if !utf8.ValidString(line) || strings.ContainsAny(line, "\n\x1b") || len(line) > 4*maxFaultText {
					t.Errorf("%q is not fit to print", line)
				}
			}
			return
		}
		for _, line := range []string{
			"GET / -> 200",
			"GET /pricing?q=1&page=%zz +Cookie:a=b -> 200",
			"GET /files/a/b.pdf -> 206 +Content-Range:bytes%200-1/*",
			"POST /contact email=a@b.example total=1e9 -> 303 /thanks",
			"POST /checkout total=x -> 303 //[::1",
			"POST /a/b/c -> 204 +Content-Type:",
		} {
			x, form := parseExchange(t, line)
			evaluate(rules, x, form)
			// And every goal, whether or not its path matches.
			for _, g := range rules.goals {
				for i := range g.causes {
					g.judgeAt(x, time.Time{})
					g.causes[i].judgeLate(x, rules.failure)
					g.causes[i].path.Capture(x.path, nil)
				}
				g.causes[0].Event(x, goodSite)
			}
		}
	})
}
