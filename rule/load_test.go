package rule

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// TestBadBytes are the faults of files that are not text, or too much of it.
func TestBadBytes(t *testing.T) {
	const goal = "goals:\n  - goal: A_ONE\n    visit: /a\n"
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"empty", "", []string{"1:1: the file is empty (goals: begins the list of goals)"}},
		{"byte order mark alone", "\ufeff", []string{"1:1: the file is empty (goals: begins the list of goals)"}},
		{"NUL", goal + "    label: a\x00b\n", []string{"4:13: the file holds a control character (U+0000) (remove it)"}},
		{"escape", goal + "    label: \x1b[31m\n", []string{"4:12: the file holds a control character (U+001B) (remove it)"}},
		{"Latin-1", goal + "    label: Caf\xe9\n", []string{"4:15: the file is not UTF-8 here (save it as UTF-8 in your editor)"}},
		{"UTF-16", "\xff\xfeg\x00o\x00", []string{"1:1: the file is not UTF-8 here (save it as UTF-8 in your editor)"}},
		{"after a byte order mark", "\ufeffgoal: x\n", []string{
			"1:1: unknown key goal: (did you mean goals:?)",
			"1:7: goals: is expected to be a list (each goal begins with - goal: NAME)",
		}},
		{"carriage returns", strings.ReplaceAll(goal, "\n", "\r\n") + "    visit: /b\r\n    lable: x\r\n", []string{
			"4:5: goal A_ONE: visit: is given twice (the second would silently replace the first)",
			"5:5: goal A_ONE: unknown key lable: (did you mean label:?)",
		}},
		{"columns count characters", "goals:\n  - { label: 日本, goal: A_ONE, visit: a }\n", []string{`2:38: goal A_ONE: the path "a" does not begin with a slash (write /a)`}},
		{"a megabyte in a text", goal + "    label: " + strings.Repeat("x", 1<<20) + "\n", []string{"4:12: goal A_ONE: label: is longer than 2048 bytes"}},
		{"a megabyte in a key", goal + "    " + strings.Repeat("x", 1000) + ": y\n", []string{"4:5: goal A_ONE: unknown key " + strings.Repeat("x", 388) + "... (keys are " + strings.Join(goalKeys, ", ") + ")"}},
		{"too large", strings.Repeat("#", maxRules+1), []string{"1:1: the file is larger than 4 MiB"}},
		{"brackets", strings.Repeat("[", 20_000), []string{"1:10001: too many brackets inside each other"}},
		{"dashes", strings.Repeat("- ", 9_000) + "a", []string{"1:19: too many levels inside each other (a goal needs no more than goal, if, test)"}},
		{"escapes in a name", "goals:\n  - goal: \"\\e[31m\"\n    visit: /a\n", []string{`2:11: goal ` + "\ufffd" + `[31m: the name "\x1b[31m" is not made of upper-case letters, digits and _ (for example CONTACT_SENT)`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := faultsOf(t, []byte(test.text)); !slices.Equal(got, test.want) {
				t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(test.want, "\n  "))
			}
		})
	}
}

func TestFaultsAreBounded(t *testing.T) {
	got := faultsOf(t, []byte("goals:\n"+strings.Repeat("  - goal: a\n", 5_000)))
	if len(got) != maxFaults+1 || !strings.HasSuffix(got[maxFaults], "and 14899 more faults") {
		t.Errorf("%d faults, the last %q", len(got), got[len(got)-1])
	}
}

func TestManyGoals(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("goals:\n")
	for i := range 3_000 {
		b.WriteString("  - { goal: G_" + strconv.Itoa(i) + ", visit: \"/p" + strconv.Itoa(i) + "/{id:[0-9]+}\", data: { id: $path.id } }\n")
	}
	rules, err := Parse([]byte(b.String()))
	if err != nil || len(rules.Names()) != 3_000 {
		t.Fatal(err)
	}
	if found := rules.index.Find("GET", "/p2999/1", nil); len(found) != 1 || found[0].goal.Name != "G_2999" {
		t.Errorf("found %d", len(found))
	}
}

func TestLoadRules(t *testing.T) {
	if _, err := Load(filepath.Join(t.TempDir(), "none.yaml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := Load(t.TempDir()); err == nil {
		t.Error("a folder was read")
	}
	file := filepath.Join(t.TempDir(), "goals.yaml")
	text := []byte("goals:\n  - goal: A_ONE\n    visit: /a\n")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := Parse(text)
	if err != nil || loaded.Hash() != parsed.Hash() || len(loaded.Hash()) != 8 {
		t.Errorf("hashes %q and %q (%v)", loaded.Hash(), parsed.Hash(), err)
	}
}

// FuzzRules: no bytes make Parse panic, and what it accepts can be
// evaluated.
func FuzzRules(f *testing.F) {
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

// TestManyTails: paths that the index cannot file are worth a warning when there
// are many.
func TestManyTails(t *testing.T) {
	var text strings.Builder
	text.WriteString("goals:\n")
	for i := range maxTails + 1 {
		fmt.Fprintf(&text, "  - { goal: G_%d, download: '/files/**/{name}-%d.pdf' }\n", i, i)
	}
	rules, err := Parse([]byte(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	if w := rules.Warnings(); len(w) != 1 || !strings.Contains(w[0].Message, "more than 100 paths") || w[0].Line != maxTails+2 {
		t.Errorf("warnings %v", w)
	}
}
