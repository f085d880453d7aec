package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// wrongLine is what check says of a file: whether it is a warning, where, what is wrong,
// and what to write.
var wrongLine = regexp.MustCompile(`^(warning: )?\d+:\d+: (?:goal \S.*: )?.+ \(.+\)$`)

// TestWrongFiles: of each of the files that people write when they begin, check says what
// is wrong, where, and what to write. Each file has a comment with that at its end, so that
// the line numbers are those of whoever wrote it. With UPDATE_RULES=1 in the environment,
// the comments are written anew, for review.
func TestWrongFiles(t *testing.T) {
	files, err := filepath.Glob("../../rule/testdata/rules/wrong/*.yaml")
	if err != nil || len(files) < 36 {
		t.Fatalf("%d files (%v)", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			rules, want, _ := strings.Cut(string(text), "# check says:\n")
			got := saidOf(t, rules)
			if os.Getenv("UPDATE_RULES") != "" {
				if err := os.WriteFile(file, []byte(rules+"# check says:\n"+got), 0o600); err != nil {
					t.Fatal(err)
				}
				want = got
			}
			if got != want || got == "" {
				t.Errorf("check says\n%swant\n%s", got, want)
			}
			for line := range strings.Lines(got) {
				if line = strings.TrimPrefix(strings.TrimSpace(line), "# "); !wrongLine.MatchString(line) {
					t.Errorf("no place, or nothing to write: %s", line)
				}
			}
		})
	}
}

// saidOf is what check says of a rule file, as comments.
func saidOf(t *testing.T, rules string) string {
	t.Helper()
	file := write(t, "goals.yaml", rules)
	_, stdout, stderr := carry(t, "check", file)
	if stderr != "" {
		t.Error(stderr)
	}
	var said strings.Builder
	for line := range strings.Lines(stdout) {
		if strings.Contains(line, file) {
			said.WriteString("# " + strings.ReplaceAll(line, file+":", ""))
		}
	}
	return said.String()
}

const misfitRules = `version: 1
goals:
  - { goal: PAID, visit: /paid, value: 5 }
  - { goal: OWN, visit: /own, value: { amount: 5, currency: EUR } }
  - { goal: POINTS, visit: /points, value: { amount: 5, currency: none } }
  - { goal: ELSEWHERE, visit: /a, hosts: other.example }
  - { goal: BELOW, visit: /press/a, hosts: www.shop.example }
  - { goal: STAGED, visit: /b, env: staging }
  - { goal: STOPPED, visit: /c, env: staging, status: paused }
`

// TestCheckCookieAge: a rule that asks what happened longer ago than cookies are kept.
func TestCheckCookieAge(t *testing.T) {
	file := write(t, "goals.yaml", `version: 1
goals:
  - { goal: SEEN, visit: /seen }
  - { goal: LATELY, visit: /a, after: { SEEN: { within: 31 days } } }
  - { goal: FRESH, visit: /b, not after: { SEEN: { within: 30 days } } }
  - { goal: EVER, visit: /c, after: { SEEN: ever } }
  - { goal: MONTHLY, visit: /d, count: once per month }
  - { goal: WEEKLY, visit: /e, count: once per week }
`)
	settings := write(t, "goaltrack.yaml", "region: eu\nclient-key: k\npos: shop\ncookie-max-age: 30d\n")
	_, stdout, stderr := carry(t, "check", file, "--config", settings)
	for _, want := range []string{
		":4:39: goal LATELY: within: 31 days looks further back than browsers keep the cookies of the site shop: 30 days", ":7:40: goal MONTHLY: count: once per month looks further back than", "2 warnings",
	} {
		if !strings.Contains(stdout+stderr, want) {
			t.Errorf("%q is not in\n%s%s", want, stdout, stderr)
		}
	}
}

// TestCheckSettings: with the settings of the proxy, check knows which goals never count
// there, and in which currency a value is.
func TestCheckSettings(t *testing.T) {
	file := write(t, "goals.yaml", misfitRules)
	const tenant = "region: eu\nclient-key: k\npos: shop\n"
	for _, tt := range []struct {
		name, settings string
		flags          []string
		want           []string
	}{
		{"none", "", nil, []string{"3:40: goal PAID: neither the goal nor defaults: says a currency, so the settings of the site must"}},
		{"no currency", tenant, []string{"--env=staging"}, []string{"3:40: goal PAID: neither the goal nor the site shop says a currency, so the site refuses the rules"}},
		{"a currency", tenant + "currency: EUR\n", []string{"--env=staging"}, nil},
		{"another environment", tenant + "currency: EUR\nenv: production\n", nil, []string{"8:37: goal STAGED: never counts with these settings: env: is staging, and the settings say production"}},
		{"no environment", tenant + "currency: EUR\n", nil, []string{"8:37: goal STAGED: never counts with these settings: env: is staging, and the settings say none"}},
		{
			"environments", tenant + "environments:\n  - { env: production, currency: EUR }\n  - { env: staging }\n", nil,
			[]string{"3:40: goal PAID: neither the goal nor the site shop in staging says a currency"},
		},
		{
			"none of the environments", tenant + "currency: EUR\nenvironments: [{ env: production }, { env: review }]\n", nil,
			[]string{"8:37: goal STAGED: never counts with these settings: env: is staging, and the environments of the settings are production, review"},
		},
		{"one of the environments", tenant + "environments: [{ env: production }, { env: staging, currency: EUR }]\n", []string{"--env=staging"}, nil},
		{
			"hosts of the environments", tenant + "currency: EUR\nenv: staging\nenvironments: [{ env: production }, { env: staging, pos: test }]\n",
			[]string{"--env=production"},
			[]string{"8:37: goal STAGED: never counts with these settings: env: is staging, and the settings say production"},
		},
		{
			"sites", "currency: EUR\nenv: staging\nsites:\n  - { name: shop, hosts: [\"*.shop.example\"], region: eu, client-key: k, pos: shop }\n  - { name: press, hosts: press.example, path-prefix: /press, region: eu, client-key: k, pos: press }\n", nil,
			[]string{"6:42: goal ELSEWHERE: never counts with these settings: hosts: names no host of the site shop, press"},
		},
		{
			"a prefix", "currency: EUR\nenv: staging\nsites:\n  - { name: press, path-prefix: /press, region: eu, client-key: k, pos: press }\n", nil,
			[]string{
				"3:26: goal PAID: never counts with these settings: its path is outside of the site press",
				"4:25: goal OWN: never", "5:28: goal POINTS: never", "6:31: goal ELSEWHERE: never", "8:28: goal STAGED: never",
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := append([]string{"check", file}, tt.flags...)
			if tt.settings != "" {
				args = append(args, "--config", write(t, "goaltrack.yaml", tt.settings))
			}
			code, stdout, stderr := carry(t, args...)
			if code != exitOK || stderr != "" {
				t.Errorf("exit code %d, %s", code, stderr)
			}
			lines := strings.Split(strings.TrimSpace(stdout), "\n")
			if len(lines) != len(tt.want)+1 {
				t.Fatalf("it says\n%s", stdout)
			}
			for i, want := range tt.want {
				if !strings.HasPrefix(lines[i], "warning: "+file+":"+want) {
					t.Errorf("%s\nwant %s", lines[i], want)
				}
			}
		})
	}
	_, stdout, _ := carry(t, "check", file, "--env=test", "--config", write(t, "goaltrack.yaml", tenant+"environments: [{ env: production }]\n"))
	if !strings.HasPrefix(stdout, "warning: the settings file has no environment \"test\"\n") {
		t.Errorf("it says\n%s", stdout)
	}
	if code, _, stderr := carry(t, "check", file, "--config", write(t, "goaltrack.yaml", "curency: EUR\n")); code != exitUsage || !strings.Contains(stderr, "did you mean currency") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}
