package main

import (
	"slices"
	"strings"
	"testing"
)

const environmentsFile = `
region: eu
pos: shop
client-key: shared
to: http://127.0.0.1:9
environments:
  - { env: production, client-key: one, time-zone: Europe/Berlin }
  - { env: staging, client-key: two, pos: shop-test }
  - { env: review, client-key: two }
`

// TestEnvironments: the entry that --env names is in force, and a key of another one is
// warned of.
func TestEnvironments(t *testing.T) {
	file := "--config=" + write(t, "goaltrack.yaml", environmentsFile)
	for _, test := range []struct {
		args, env []string
		key, pos  string
		warnings  []string
	}{
		{[]string{"--env=production"}, nil, "one", "shop", nil},
		{[]string{"--env=staging"}, nil, "two", "shop-test", nil},
		{nil, []string{"GOALTRACK_ENV=review"}, "two", "shop", nil},
		{[]string{"--env=staging"}, []string{"GOALTRACK_ENV=production"}, "two", "shop-test", nil},
		{nil, nil, "shared", "shop", []string{"--env names none"}},
		{[]string{"--env=test"}, nil, "shared", "shop", []string{`no environment "test"`}},
		{[]string{"--env=staging", "--client-key=one"}, nil, "one", "shop-test", []string{`--client-key is that of the environment production, and --env is "staging"`}},
		{[]string{"--env=production"}, []string{"GOALTRACK_CLIENT_KEY=two"}, "two", "shop", []string{"GOALTRACK_CLIENT_KEY is that of the environment staging and review"}},
		{[]string{"--client-key=one"}, nil, "one", "shop", []string{"--env names none", "environment production"}},
	} {
		v, err := proxyValues(append([]string{file}, test.args...), test.env)
		if err != nil {
			t.Fatal(err)
		}
		warnings := environmentWarnings(v)
		if v.Text("client-key") != test.key || v.Text("pos") != test.pos || !slices.EqualFunc(warnings, test.warnings, strings.Contains) {
			t.Errorf("%q %q: %s, %s, %q", test.args, test.env, v.Text("client-key"), v.Text("pos"), warnings)
		}
	}
}

// TestEnvironmentFaults: each has its place.
func TestEnvironmentFaults(t *testing.T) {
	for text, want := range map[string]string{
		"environments: {}":                                "environments: is a list",
		"environments: [a]":                               "1:16: a tenant is lines",
		"environments: [{ client-key: a }]":               "1:16: env: is missing",
		"environments: [{ env: a }, { env: a }]":          "env: a is listed twice",
		"environments: [{ env: a, clientkey: b }]":        "did you mean client-key?",
		"environments: [{ env: a, listen: 127.0.0.1:1 }]": `there is no setting "listen"`,
	} {
		if _, err := proxyValues([]string{"--config=" + write(t, "goaltrack.yaml", text)}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	// Other commands read the same file.
	file := write(t, "goaltrack.yaml", environmentsFile)
	goals := write(t, "goals.yaml", announced)
	code, stdout, stderr := announceWith(t, "n", []string{"announce", goals, "--config=" + file, "--env=staging", "--client-key=one"})
	if code != exitFailed || !strings.Contains(stdout, "warning: --client-key is that of the environment production") || !strings.Contains(stdout, "point of sale shop-test") {
		t.Errorf("%d %s%s", code, stdout, stderr)
	}
}
