package main

import (
	"bytes"
	"context"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// outcome is what a command that does not serve leaves behind.
func outcome(t *testing.T, args []string, env map[string]string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // should it serve after all, it ends at once
	var out, errs bytes.Buffer
	code = run(ctx, args, environ(env), &out, &errs)
	return code, out.String(), errs.String()
}

// TestTalk is about commands that only say something.
func TestTalk(t *testing.T) {
	for _, test := range []struct {
		args           string
		code           int
		stdout, stderr string // a part of each; empty: nothing may be written
	}{
		{"", exitUsage, "", "goaltrack proxy"},
		{"help", exitOK, "goaltrack cdp", ""},
		{"--help", exitOK, "goaltrack cdp", ""},
		{"help proxy", exitOK, "--client-key KEY", ""},
		{"proxy --help", exitOK, "(GOALTRACK_LISTEN for --listen)", ""},
		{"proxy --nonsense -h", exitOK, "--region eu|us|ap|jp", ""},
		{"cdp --help", exitOK, "(default 127.0.0.1:7000)", ""},
		{"version", exitOK, "goaltrack ", ""},
		{"--version", exitOK, "goaltrack ", ""},
		{"prxy", exitUsage, "", "did you mean goaltrack proxy?"},
		{"help cpd", exitUsage, "", "did you mean goaltrack cdp?"},
		{"serve", exitUsage, "", `there is no command "serve"` + "\n"},
	} {
		t.Run(test.args, func(t *testing.T) {
			code, stdout, stderr := outcome(t, strings.Fields(test.args), nil)
			if code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if !strings.Contains(stdout, test.stdout) || (stdout != "") != (test.stdout != "") {
				t.Errorf("stdout %q, want %q", stdout, test.stdout)
			}
			if !strings.Contains(stderr, test.stderr) || (stderr != "") != (test.stderr != "") {
				t.Errorf("stderr %q, want %q", stderr, test.stderr)
			}
		})
	}
}

// TestFaults gives bad input and expects every fault to be named.
func TestFaults(t *testing.T) {
	goals := write(t, "goals.yaml", rules)
	good := []string{"--to=http://127.0.0.1:9", "--rules=" + goals, "--region=eu", "--client-key=key", "--pos=shop"}
	without := func(names ...string) []string {
		return slices.DeleteFunc(slices.Clone(good), func(arg string) bool {
			name, _, _ := strings.Cut(arg, "=")
			return slices.Contains(names, name)
		})
	}
	with := func(args ...string) []string { return slices.Concat(good, args) }
	badRules := write(t, "bad.yaml", "version: 1\ngoals:\n  - {goal: \"a b\", visit: /}\n  - {goal: TWO, visit: nowhere}\n")
	file := func(text string) string { return "--config=" + write(t, "goaltrack.yaml", text) }

	for _, test := range []struct {
		name string
		args []string
		env  map[string]string
		want []string
	}{
		{name: "nothing at all", want: []string{"--to is missing", "--rules is missing", "--client-key is missing", "--region or --cdp is missing", "proxy --help"}},
		{name: "an unknown flag", args: with("--languge", "EN"), want: []string{"there is no flag --languge; did you mean --language?"}},
		{name: "two unknown flags", args: with("--x", "1", "-y=2"), want: []string{"there is no flag --x\n", "there is no flag -y\n"}},
		{name: "a flag without value", args: with("--currency"), want: []string{"--currency needs a value: CODE"}},
		{name: "a flag before a flag", args: with("--currency", "--language=EN"), want: []string{"--currency needs a value: CODE"}},
		{name: "a stray word", args: with("now"), want: []string{`"now" is one word too many`}},
		{name: "no site", args: without("--to"), want: []string{"--to is missing"}},
		{name: "a site without scheme", args: with("--to=localhost:9000"), want: []string{`--to: "localhost:9000" is not an address`}},
		{name: "a site with a query", args: with("--to=http://a/?b=c"), want: []string{"--to: ", "only scheme, host, port and path"}},
		{name: "a bad address to listen on", args: with("--listen=8080"), want: []string{`--listen: "8080" is not an address`}},
		{name: "a bad port", args: with("--listen=:http"), want: []string{`--listen: ":http" is not an address`}},
		{name: "no rules", args: without("--rules"), want: []string{"--rules is missing"}},
		{name: "rules not there", args: with("--rules=" + filepath.Join(t.TempDir(), "none.yaml")), want: []string{"none.yaml"}},
		{name: "bad rules", args: with("--rules=" + badRules), want: []string{"bad.yaml:3", "bad.yaml:4"}},
		{name: "bad rules and flags", args: with("--rules="+badRules, "--listen=x", "--views=on"), want: []string{"bad.yaml:3", "bad.yaml:4", "--listen: ", `--views: "on" is not one of: off, server`}},
		{name: "no tenant", args: without("--client-key", "--pos"), want: []string{"--client-key is missing (with --pos), or --context-id (with --site-name)"}},
		{name: "no point of sale", args: without("--pos"), want: []string{"--client-key needs --pos"}},
		{name: "no region", args: without("--region"), want: []string{"--region or --cdp is missing"}},
		{name: "an unknown region", args: with("--region=EU"), want: []string{`--region: "EU" is not one of: eu, us, ap, jp`, `"EU"`}},
		{name: "two places", args: with("--cdp=http://127.0.0.1:7000"), want: []string{"--region and --cdp exclude each other"}},
		{name: "two tenants", args: with("--context-id=c"), env: map[string]string{"GOALTRACK_SITE_NAME": "s"}, want: []string{"--client-key and --context-id exclude each other"}},
		{name: "an edge without site", args: with("--client-key=", "--pos=", "--region=", "--context-id=c"), want: []string{"--context-id needs --site-name"}},
		{name: "a site without edge", args: with("--site-name=s"), want: []string{"--site-name needs --context-id"}},
		{name: "a bad base address", args: append(without("--region"), "--cdp=nowhere"), want: []string{"nowhere"}},
		{name: "a bad language and currency", args: with("--language=english", "--currency=euro"), want: []string{"  --language: \"english\" is not", "  --currency: \"euro\" is not"}},
		{name: "consent nobody can read", args: with("--consent=required"), want: []string{"--consent: neither --consent-cookie nor --consent-tool is given, so nobody could ever be counted"}},
		{name: "a bad consent", args: with("--consent=yes"), want: []string{`--consent: "yes" is not one of: not-needed, required`}},
		{name: "a bad variable", args: good, env: map[string]string{"GOALTRACK_VIEWS": "all"}, want: []string{`GOALTRACK_VIEWS: "all" is not one of`}},
		{name: "a variable against a flag", args: good, env: map[string]string{"GOALTRACK_CDP": "http://a"}, want: []string{"--region and GOALTRACK_CDP exclude each other"}},
		{name: "a file not there", args: with("--config=" + filepath.Join(t.TempDir(), "none.yaml")), want: []string{"--config: open ", "none.yaml"}},
		{name: "nothing but a file not there", args: []string{"--config=none.yaml"}, want: []string{"goaltrack proxy:\n  --config: open none.yaml: no such file or directory\nRun "}},
		{name: "a file that is no YAML", args: with(file("a: [")), want: []string{"goaltrack.yaml:", ": the file is no YAML from here on: "}},
		{name: "a group that is no list", args: with(file("environments:\n  production:\n    client-key: k\n")), want: []string{"goaltrack.yaml:2:3: environments: is a list: each entry begins with a dash and a blank"}},
		{name: "a file that is a word", args: with(file("a")), want: []string{"goaltrack.yaml:1:1: the file must be lines"}},
		{name: "a file that is null", args: with(file("~")), want: []string{"goaltrack.yaml:1:1: the file must be lines"}},
		{name: "a file that is a list", args: with(file("- a")), want: []string{"goaltrack.yaml:1:1: the file must be lines of the form name: value"}},
		{
			name: "a file full of faults", args: with(file("clientkey: a\nviews: [off]\nconfig: b\npos: c\npos: d\nconsent: maybe\n")),
			want: []string{
				`goaltrack.yaml:1:1: there is no setting "clientkey"; did you mean client-key?`,
				"goaltrack.yaml:2:8: views: a single value is needed",
				"goaltrack.yaml:3:1: config: a settings file cannot name another",
				"goaltrack.yaml:5:1: pos: given twice",
				`goaltrack.yaml:6:10: consent: "maybe" is not one of`,
			},
		},
		{name: "a file with two documents", args: with(file("pos: a\n---\npos: b\n")), want: []string{"goaltrack.yaml:2:1: a second document"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, stdout, stderr := outcome(t, append([]string{"proxy"}, test.args...), test.env)
			if code != exitUsage || stdout != "" {
				t.Errorf("exit code %d, stdout %q", code, stdout)
			}
			for _, want := range test.want {
				if strings.Count(stderr, want) != 1 {
					t.Errorf("not once %q in\n%s", want, stderr)
				}
			}
		})
	}
}

// TestStandInFaults is the same for the stand-in, which has no environment.
func TestStandInFaults(t *testing.T) {
	code, _, stderr := outcome(t, []string{"cdp", "--listen=x", "--lisen=y"}, map[string]string{"GOALTRACK_LISTEN": "127.0.0.1:0"})
	if code != exitUsage || !strings.Contains(stderr, `--listen: "x"`) || !strings.Contains(stderr, "did you mean --listen?") {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
}

// TestPortTaken is a failure that is nobody's typing error.
func TestPortTaken(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	taken := "--listen=" + listener.Addr().String()
	for _, args := range [][]string{
		{"cdp", taken},
		{
			"proxy", taken, "--to=http://127.0.0.1:9", "--rules=" + write(t, "goals.yaml", rules),
			"--cdp=http://127.0.0.1:9", "--client-key=key", "--pos=shop",
		},
	} {
		code, stdout, stderr := outcome(t, args, nil)
		if code != exitFailed || stdout != "" || !strings.Contains(stderr, "address already in use") {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", args[0], code, stdout, stderr)
		}
	}
}
