package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Rule files, from good to bad.
const (
	fineRules = `
version: 1
goals:
  - goal: CONTACT_SENT
    submit: /contact
    success: redirect to /thanks
    value: { amount: 5, currency: EUR }
    data: { topic: $form.topic }
    examples:
      counts: POST /contact topic=sales -> 303 /thanks
      ignores: POST /contact -> 200
`
	doubtfulRules = `
version: 1
goals:
  - {goal: CONTACT_SENT, submit: /contact, success: "303"}
`
	disprovedRules = `
version: 1
goals:
  - goal: CONTACT_SENT
    submit: /contact
    success: redirect to /thanks
    examples: { ignores: POST /contact -> 303 /thanks }
`
	faultyRules = `
version: 1
goals:
  - {goal: a b, visit: /}
  - {goal: TWO, vist: /pricing}
`
)

// TestCheck looks at what people see.
func TestCheck(t *testing.T) {
	for _, test := range []struct {
		name, rules string
		code        int
		stdout      []string // in each line
	}{
		{"fine", fineRules, exitOK, []string{"1 file, 1 goal loaded: no faults"}},
		{"in a page", "version: 1\ngoals:\n  - {goal: A_ONE, click: buy}\n  - {goal: A_TWO, event: CLICKED}\n  - {goal: A_THREE, seen: buy, status: paused}\n", exitOK, []string{
			"note: 1 goal happens inside a page, which needs goaltrack's script there (goaltrack proxy --page, or the package page)",
			"note: 1 goal happens by events of Sitecore's scripts, which have to come through the relay (goaltrack proxy --relay)",
			"1 file, 3 goals loaded: no faults",
		}},
		{"doubtful", doubtfulRules, exitOK, []string{
			"warning: $F:4:53: goal CONTACT_SENT: any 303 counts",
			"1 file, 1 goal loaded: no faults, 1 warning",
		}},
		{"no success", "version: 1\ngoals:\n  - {goal: CONTACT_SENT, submit: /contact}\n", exitOK, []string{
			"warning: $F:3:34: goal CONTACT_SENT: nothing says where accepted forms lead (see where",
			"1 file, 1 goal loaded: no faults, 1 warning",
		}},
		{"disproved", disprovedRules, exitFailed, []string{
			"$F:7:",
			"1 file, 1 goal loaded: 1 fault",
		}},
		{"faulty", faultyRules, exitFailed, []string{
			`$F:4:12: goal a b: the name "a b" is not made of upper-case letters`,
			"$F:5:17: goal TWO: unknown key vist: (did you mean visit:?)",
			"1 file, 0 goals loaded: 2 faults",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := write(t, "goals.yaml", test.rules)
			code, stdout, stderr := carry(t, "check", file)
			if code != test.code || stderr != "" {
				t.Errorf("exit code %d, want %d, stderr %q", code, test.code, stderr)
			}
			lines := strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
			if len(lines) != len(test.stdout) {
				t.Fatalf("it printed\n%s", stdout)
			}
			for i, want := range test.stdout {
				if want = strings.ReplaceAll(want, "$F", file); !strings.HasPrefix(lines[i], want) {
					t.Errorf("line %d is %q, want %q", i, lines[i], want)
				}
			}
		})
	}
}

// TestCheckJSON looks at what programs see.
func TestCheckJSON(t *testing.T) {
	type fault struct {
		File    string `json:"file"`
		Line    int    `json:"line"`
		Column  int    `json:"column"`
		Goal    string `json:"goal"`
		Message string `json:"message"`
		Hint    string `json:"hint"`
	}
	for _, test := range []struct {
		name, rules string
		code        int
		lines       []int
		warned      bool
	}{
		{"fine", fineRules, exitOK, nil, false},
		{"doubtful", doubtfulRules, exitOK, nil, true},
		{"disproved", disprovedRules, exitFailed, []int{7}, false},
		{"faulty", faultyRules, exitFailed, []int{4, 5}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := write(t, "goals.yaml", test.rules)
			code, stdout, stderr := carry(t, "check", "--json", file)
			if code != test.code || strings.HasPrefix(stderr, "warning: ") != test.warned {
				t.Errorf("exit code %d, want %d, stderr %q", code, test.code, stderr)
			}
			if test.lines == nil && stdout != "[]\n" {
				t.Errorf("it printed %q, want []", stdout)
			}
			var lines []int
			for _, f := range strictly[[]fault](t, stdout) {
				lines = append(lines, f.Line)
				if f.File != file || f.Column == 0 || f.Message == "" {
					t.Errorf("%+v", f)
				}
			}
			if !slices.Equal(lines, test.lines) {
				t.Errorf("faults on lines %v, want %v", lines, test.lines)
			}
		})
	}
}

// TestCheckSeveral checks files of which one cannot be read: the others are
// checked all the same.
func TestCheckSeveral(t *testing.T) {
	fine, disproved := write(t, "goals.yaml", fineRules), write(t, "goals.yaml", disprovedRules)
	missing := filepath.Join(t.TempDir(), "none.yaml")

	code, stdout, _ := carry(t, "check", fine, disproved, fine)
	if code != exitFailed || !strings.HasSuffix(stdout, "3 files, 3 goals loaded: 1 fault\n") {
		t.Errorf("exit code %d\n%s", code, stdout)
	}
	code, stdout, stderr := carry(t, "check", missing, disproved)
	if code != exitUsage || !strings.Contains(stdout, "is under ignores:") || strings.Count(stderr, missing) != 1 {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	if strings.Contains(stdout, "2 files") || !strings.Contains(stdout, "1 file, ") {
		t.Errorf("the file that cannot be read is counted:\n%s", stdout)
	}
	if _, stdout, _ = carry(t, "check", missing); stdout != "" {
		t.Errorf("of a file that cannot be read: %q", stdout)
	}
}

// TestFilesUsage is about what is wrong with the arguments of commands that
// read files.
func TestFilesUsage(t *testing.T) {
	good, bad := write(t, "goals.yaml", fineRules), write(t, "bad.yaml", faultyRules)
	missing := filepath.Join(t.TempDir(), "none")
	folder, settings := t.TempDir(), write(t, "goaltrack.yaml", "lisen: 1\n")
	for _, test := range []struct {
		args []string
		want []string // each once
	}{
		{[]string{"check"}, []string{"FILE... is needed: the rule files", "goaltrack check --help"}},
		{[]string{"check", "--jsn", good}, []string{"there is no flag --jsn; did you mean --json?"}},
		{[]string{"check", "--json=maybe", good}, []string{`--json: "maybe" is neither true nor false`}},
		{[]string{"check", missing}, []string{missing}},
		{[]string{"check", "--config=" + missing, good}, []string{missing}},
		{[]string{"check", "--config=" + settings, good}, []string{`there is no setting "lisen"`}},
		{[]string{"check", folder}, []string{folder}},
		{[]string{"try"}, []string{"FILE REQUEST... is needed"}},
		{[]string{"try", good}, []string{"FILE REQUEST... is needed"}},
		{[]string{"try", good, "nonsense"}, []string{`"nonsense" does not begin with a method and a path`}},
		{[]string{"try", good, "GET", "/pricing"}, []string{"a request is one argument: put quotes around it, such as 'GET /pricing'"}},
		{[]string{"try", "GET /pricing", good}, []string{"(the rule file comes first, then the requests)"}},
		{[]string{"try", "--session", good, "GET /pricing", "5m"}, []string{`"5m": a time that passes is written +5m`}},
		{[]string{"init", "shop.example"}, []string{"(for a site write https://shop.example)"}},
		{[]string{"init", "www.shop.example/tea/"}, []string{"(for a site write https://www.shop.example/tea/)"}},
		{[]string{"try", bad, "GET / -> x"}, []string{"bad.yaml:4:12:", `"x" is no status`}},
		{[]string{"replay", good}, []string{"FILE LOG... is needed"}},
		{[]string{"replay", bad, missing, folder}, []string{"bad.yaml:4:12:", missing, folder + " is a directory"}},
		{[]string{"diff", good}, []string{"OLD NEW is needed"}},
		{[]string{"diff", good, good, "third"}, []string{`"third" is one word too many`}},
		{[]string{"diff", good, bad, "--log", missing}, []string{"bad.yaml:4:12:", missing}},
		{[]string{"diff", good, good, "--log"}, []string{"--log needs a value: LOG"}},
		{[]string{"schema", "goals.yaml"}, []string{`"goals.yaml" is one word too many`}},
		{[]string{"proxy", "--watch", "--views=server"}, []string{"--watch needs --rules"}},
		{
			[]string{"proxy", "--spool-required", "--spool-per-process", "--spool-level=strict", "--spool-wait=1h"},
			[]string{
				"--spool-required needs --spool or --state", "--spool-per-process needs --spool or --state", "--spool-level needs --spool or --state", "--spool-wait needs --spool or --state",
				`--spool-wait: "1h" is not a time between 1ms and 10s, such as 100ms`,
			},
		},
		{[]string{"proxy", "--spool=x", "--spool-level=safe", "--spool-wait=-1s"}, []string{`--spool-level: "safe" is not one of: durable, strict`, `--spool-wait: "-1s" is not a time`}},
		{[]string{"replya"}, []string{"did you mean goaltrack replay?"}},
		{[]string{"shema"}, []string{"did you mean goaltrack schema?"}},
		{[]string{"chekc"}, []string{"did you mean goaltrack check?"}},
		{[]string{"dif"}, []string{"did you mean goaltrack diff?"}},
	} {
		code, stdout, stderr := carry(t, test.args...)
		if code != exitUsage || stdout != "" { // of what nobody could read, nobody says that it has no faults
			t.Errorf("%v: exit code %d, stdout %q", test.args, code, stdout)
		}
		for _, want := range test.want {
			if strings.Count(stderr, want) != 1 {
				t.Errorf("%v: not once %q in\n%s", test.args, want, stderr)
			}
		}
	}
}
