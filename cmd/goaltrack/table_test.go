package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
	"github.com/goaltrack/goaltrack/fact"
)

// TestTable: each row can be shown and read, and no variable is one that Kubernetes
// makes for a service.
func TestTable(t *testing.T) {
	names := []string{}
	for _, c := range commands() {
		names = append(names, c.name)
	}
	for _, s := range table.Rows {
		if s.Name == "" || !strings.HasSuffix(s.About, ".") || strings.ContainsAny(s.About, "`|") {
			t.Errorf("%s: the sentence is %q", s.Name, s.About)
		}
		if (len(s.Commands) > 0) == (s.Group != "") {
			t.Errorf("%s belongs to %v and to %q", s.Name, s.Commands, s.Group)
		}
		for _, c := range s.Commands {
			if !slices.Contains(names, c) {
				t.Errorf("%s belongs to the command %s, which is none", s.Name, c)
			}
		}
		if (s.Kind == settings.Word) != (len(s.OneOf) > 0) || s.Default != "" && s.Unset != "" {
			t.Errorf("%s: words %v, default %q, unset %q", s.Name, s.OneOf, s.Default, s.Unset)
		}
		for _, end := range []string{"_PORT", "_HOST", "_TCP", "_UDP", "_PROTO", "_ADDR"} {
			if strings.HasSuffix(table.Variable(s.Name), end) {
				t.Errorf("Kubernetes may make a variable %s", table.Variable(s.Name))
			}
		}
		for _, text := range []string{s.Default, s.Like} {
			if text == "" || len(s.Commands) == 0 {
				continue
			}
			if v, err := table.Load(s.Commands[0], map[string]string{s.Name: text}, nil); s.Name != table.Config && (err != nil || v.Written(s.Name) != text) {
				t.Errorf("%s: %q cannot be read: %v", s.Name, text, err)
			}
		}
	}
}

// TestConfig gives every setting that the library has, and looks at what it is told.
func TestConfig(t *testing.T) {
	p, faults := checked(t, `
region: eu
client-key: k
pos: shop
rules-hash: true
no-event-id: true
dry-run: true
bots-allow: ["Mozilla/5.0 (KHTML, like Gecko) Robot", HeadlessChrome]
bots-deny: Pingdom*bot, Uptime
health-paths: /up
editor-paths: none
editor-modes: []
opt-out-cookie: no_track
ignore-gpc: true
form-bytes: 128KiB
forms-bytes: 8MiB
create-per-second: 0.5
create-burst: 50
max-ids: 20000
max-events: 100000
cookie-path: /
cookie-max-age: 400d
cookie-wait: 300ms
queue-events: 500
queue-bytes: 1MiB
delivery-max-age: 24h
delivery-workers: 8
delivery-timeout: 5s
delivery-attempts: 2
delivery-wait: 2s
backoff-base: 500ms
backoff-max: 2m
probe-base: 2s
probe-max: 30s
`, "--spool="+t.TempDir(), "--spool-bytes=64MiB", "--spool-level=strict", "--spool-wait=1s")
	if faults != "" {
		t.Fatal(faults)
	}
	c := p.config
	c.Sites, c.Rules, c.Delivery.SpoolDir = nil, nil, ""
	want := goaltrack.Config{
		Views: goaltrack.ViewsOff, RulesHash: true, NoEventID: true, DryRun: true, OptOutCookie: "no_track", GPC: goaltrack.GPCIgnore,
		Bots:   goaltrack.Bots{Allow: []string{"Mozilla/5.0 (KHTML, like Gecko) Robot", "HeadlessChrome"}, Deny: []string{"Pingdom*bot", "Uptime"}},
		Ignore: goaltrack.Ignore{HealthPaths: []string{"/up"}, EditorPaths: []string{}, EditorModes: []string{}},
		Limits: fact.Limits{IDs: 20000, Events: 100000},
		Forms:  goaltrack.Forms{BodyBytes: 128 << 10, TotalBytes: 8 << 20},
		Cookie: goaltrack.Cookie{
			Path: "/", MaxAge: 400 * 24 * time.Hour, Wait: 300 * time.Millisecond,
			Create: goaltrack.CreateVisit, CreatePerSecond: 0.5, CreateBurst: 50,
		},
		Delivery: goaltrack.Delivery{
			QueueEvents: 500, QueueBytes: 1 << 20, MaxAge: 24 * time.Hour, Workers: 8, Timeout: 5 * time.Second, UnknownAttempts: 2, Wait: 2 * time.Second,
			BackoffBase: 500 * time.Millisecond, BackoffMax: 2 * time.Minute, ProbeBase: 2 * time.Second, ProbeMax: 30 * time.Second,
			SpoolBytes: 64 << 20, Level: goaltrack.LevelStrict, SpoolWait: time.Second,
		},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("the library is told\n%+v\nwant\n%+v", c, want)
	}
}

// TestFormLimits: limits of which neither is wrong by itself name both settings.
func TestFormLimits(t *testing.T) {
	_, faults := checked(t, "region: eu\nclient-key: k\npos: shop\n", "--form-bytes=1MiB", "--forms-bytes=1023KiB")
	if want := "--form-bytes or --forms-bytes: 1047552 leaves no room for one body of --form-bytes, "; !strings.Contains(faults, want) {
		t.Errorf("%s\nwant %s...", faults, want)
	}
	for flag, want := range map[string]string{
		"--form-bytes=1000": `--form-bytes: "1000" is not a size between 1KiB and 16MiB`,
		"--form-bytes=1GiB": `--form-bytes: "1GiB" is not a size between 1KiB and 16MiB`,
		"--forms-bytes=5GB": `--forms-bytes: "5GB" is not a size between 1KiB and 4GiB`,
	} {
		if _, err := proxyValues([]string{flag}, noEnv); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", flag, err, want)
		}
	}
}

// TestConsentDetails reads the categories and the cookie that the settings name.
func TestConsentDetails(t *testing.T) {
	const oneTrust = "OptanonConsent=groups=C0001%3A1%2CC0003%3A1%2CC0005%3A0"
	const closed = "; OptanonAlertBoxClosed=2026-11-20T10:00:00.000Z"
	mixed := goaltrack.MixedConsent(goaltrack.ConsentGranted, goaltrack.ConsentRefused)
	for _, test := range []struct {
		args   string
		cookie string
		want   goaltrack.Consent
	}{
		{"--consent-tool=onetrust", oneTrust + closed, goaltrack.ConsentUnknown},
		{"--consent-tool=onetrust --consent-analytics=C0003 --consent-marketing=C0005", oneTrust + closed, mixed},
		{"--consent-tool=onetrust --consent-analytics=C0003 --consent-marketing=C0005", oneTrust, goaltrack.ConsentUnknown},
		{"--consent-tool=onetrust --consent-analytics=C0003 --consent-marketing=C0005 --consent-before-answer", oneTrust, mixed},
		{"--consent-tool=onetrust --consent-analytics=C0003 --consent-marketing=C0005 --consent-no-banner-in=US,CA;ON", oneTrust + "&geolocation=CA%3BON", mixed},
		{"--consent-tool=onetrust --consent-analytics=C0003 --consent-marketing=C0005 --consent-no-banner-in=US", oneTrust + "&geolocation=CA%3BON", goaltrack.ConsentUnknown},
		{"--consent-tool=gpp", "__gpp=DBABBg~BUUAAABA", goaltrack.MixedConsent(goaltrack.ConsentGranted, goaltrack.ConsentRefused)},
		{"--consent-tool=gpp", "__gpp=DBABBg~BUoAAABA.YA", goaltrack.ConsentRefused},
		{"--consent-tool=gpp --ignore-gpc --consent-tool-cookie=OTGPPConsent", "OTGPPConsent=DBABBg~BUoAAABA.YA", goaltrack.ConsentGranted},
		{"--consent-cookie=consent=yes", "consent=yes", goaltrack.ConsentGranted},
		{"--consent-cookie=consent\u00a0=\u00a0yes", "consent=yes", goaltrack.ConsentUnknown},
		{`--consent-cookie=consent="yes"`, "consent=yes", goaltrack.ConsentGranted},
	} {
		v, err := proxyValues(strings.Fields(test.args), noEnv)
		if strings.Contains(test.args, "\u00a0") {
			if err == nil {
				t.Errorf("%s is taken", test.args)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		read, err := consentReader(v)
		if err != nil {
			t.Fatalf("%s: %v", test.args, err)
		}
		if got := read(&http.Request{Header: http.Header{"Cookie": {test.cookie}}}); got != test.want {
			t.Errorf("%s: %s is %v, want %v", test.args, test.cookie, got, test.want)
		}
	}
	if v, err := proxyValues([]string{"--consent-cookie= consent = yes "}, noEnv); err != nil {
		t.Error(err)
	} else if read, err := consentReader(v); err != nil || read(&http.Request{Header: http.Header{"Cookie": {"consent=yes"}}}) != goaltrack.ConsentGranted {
		t.Errorf("blanks around the name and the value are kept: %v", err)
	}
	for args, want := range map[string]string{
		"--consent-analytics=C0003":                                                    "--consent-analytics needs --consent-tool onetrust or tcf or gpp",
		"--consent-tool=cookiebot --consent-marketing=1":                               "--consent-marketing needs --consent-tool onetrust or tcf or gpp",
		"--consent-tool=onetrust --consent-tool-cookie=a":                              "--consent-tool-cookie needs --consent-tool tcf or gpp",
		"--consent-tool=tcf --consent-before-answer":                                   "--consent-before-answer needs --consent-tool onetrust",
		"--consent-tool=tcf --consent-no-banner-in=US":                                 "--consent-no-banner-in needs --consent-tool onetrust",
		"--consent-tool=onetrust --consent-no-banner-in=USA":                           `--consent-no-banner-in: "USA" is not a country such as US`,
		"--consent-tool=onetrust --consent-region-header=A":                            "--consent-region-header needs --consent-no-banner-in",
		"--consent-tool=onetrust --consent-no-banner-in=US --consent-region-header=A:": `--consent-region-header: "A:" is not the name of a header`,
		"--consent-tool=gpp --consent-analytics=0":                                     `--consent-analytics: "0" is not a purpose from 1 to 24`,
		"--consent-tool=gpp --gpc=refuse --ignore-gpc":                                 "--gpc and --ignore-gpc exclude each other",
		"--consent-cookie=a=b --consent-before-answer":                                 "--consent-before-answer needs --consent-tool onetrust",
		"--consent-tool=onetrust --consent-analytics=C1,C2":                            "--consent-analytics: OneTrust has one category",
		"--consent-tool=onetrust --consent-analytics=C1:1":                             "--consent-analytics: OneTrust has one category",
		"--consent-tool=tcf --consent-marketing=1,25":                                  `--consent-marketing: "25" is not a purpose from 1 to 24`,
		"--consent-tool=tcf --consent-marketing=C0004":                                 `--consent-marketing: "C0004" is not a purpose`,
		"--consent-tool=tcf --consent-analytics=none":                                  "--consent-analytics: a purpose from 1 to 24 is needed",
		"--consent-tool=tcf --consent-tool-cookie=eu=consent":                          `--consent-tool-cookie: "eu=consent" is not the name of a cookie`,
		"--consent-tool=tcf --consent-tool-cookie=eu;consent":                          `--consent-tool-cookie: "eu;consent" is not the name of a cookie`,
	} {
		v, err := proxyValues(strings.Fields(args), noEnv)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := consentReader(v); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
}

// TestPasswords: no message shows the password in an address.
func TestPasswords(t *testing.T) {
	for _, args := range [][]string{
		{"--to=http://me:hush@site.example/?a=b"},
		{"--to=ftp://me:hush@site.example"},
		{"--to=http://me:hu%zzhush@site.example"},
		{"--cdp=http://me:hush@cdp.example"},
		{"--cdp=http://me:hu sh hush@cdp.example"},
	} {
		code, _, stderr := outcome(t, append([]string{"proxy", "--client-key=k", "--pos=p", "--views=server"}, args...), nil)
		name, _, _ := strings.Cut(args[0], "=")
		if code != exitUsage || strings.Contains(stderr, "hush") || !strings.Contains(stderr, name+": ") {
			t.Errorf("%v: exit code %d\n%s", args, code, stderr)
		}
	}
}

// TestSettingsShown prints what holds and where it comes from.
func TestSettingsShown(t *testing.T) {
	file := write(t, "goaltrack.yaml", "pos: file\ncurrency: EUR\nstaff: [10.0.0.0/8, 192.0.2.7]\nsites:\n  - pos: first\n    client-key: one\n")
	args := []string{"settings", "-config", file, "--currency=USD", "--api-token", "hush"}
	env := map[string]string{"GOALTRACK_POS": "env", "GOALTRACK_KEYS": "hush,hush", "GOALTRACK_PORT": "tcp://10.0.0.1:80"}
	code, stdout, stderr := outcome(t, args, env)
	if code != exitOK || stderr != "" || strings.Contains(stdout, "hush") {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	got := map[string]string{}
	for line := range strings.Lines(stdout) {
		got[strings.Fields(line)[0]] = strings.Join(strings.Fields(line)[1:], " ")
	}
	for name, want := range map[string]string{
		"SETTING": "VALUE FROM", "listen": "127.0.0.1:8080 default", "pos": "env GOALTRACK_POS", "currency": "USD --currency",
		"staff": "10.0.0.0/8,192.0.2.7 " + file + ":3:8: staff", "keys": "(set) GOALTRACK_KEYS", "api-token": "(set) --api-token",
		"config": file + " --config", "delivery-workers": "16 default", "sites[0].pos": "first " + file + ":5:10: pos", "sites[0].currency": "USD --currency",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	_, stdout, _ = outcome(t, append(args, "--json"), env)
	lines := strictly[[]settings.Line](t, strings.TrimSpace(stdout))
	i := slices.IndexFunc(lines, func(l settings.Line) bool { return l.Name == "keys" })
	if want := (settings.Line{Name: "keys", Value: "(set)", From: "GOALTRACK_KEYS"}); i < 0 || lines[i] != want {
		t.Errorf("%v", lines)
	}
	code, stdout, stderr = outcome(t, []string{"settings", "--views=all", "--pso=x"}, env)
	if code != exitUsage || stdout != "" || !strings.Contains(stderr, `--views: "all" is not one of`) || !strings.Contains(stderr, "did you mean --pos?") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
}

// TestCompletion asks as a shell does, and for the scripts of the shells.
func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		code, stdout, stderr := outcome(t, []string{"completion", shell}, nil)
		if code != exitOK || stderr != "" || !strings.Contains(stdout, "__goaltrack_") {
			t.Errorf("%s: exit code %d, %d bytes\n%s", shell, code, len(stdout), stderr)
		}
	}
	if code, stdout, stderr := outcome(t, []string{"completion", "zsch"}, nil); code != exitUsage || stdout != "" || !strings.Contains(stderr, "did you mean zsh?") {
		t.Errorf("an unknown shell: exit code %d\n%s%s", code, stdout, stderr)
	}
	for _, test := range []struct {
		words []string
		want  []string // what is offered, before a description
		files string   // what else: files (:0), folders (:16) or nothing (:4)
	}{
		{[]string{"sp"}, []string{"spool"}, ":4"},
		{[]string{"proxy", "--consent-t"}, []string{"--consent-tool", "--consent-tool-cookie"}, ":4"},
		{[]string{"proxy", "--region", ""}, []string{"eu", "us", "ap", "jp"}, ":4"},
		{[]string{"proxy", "--region=e"}, []string{"eu", "us", "ap", "jp"}, ":4"},
		{[]string{"proxy", "--pos", ""}, nil, ":4"},
		{[]string{"proxy", "--rules", ""}, nil, ":0"},
		{[]string{"proxy", "--spool", ""}, nil, ":16"},
		{[]string{"proxy", ""}, nil, ":4"},
		{[]string{"spool", ""}, []string{"ls", "retry", "drop"}, ":4"},
		{[]string{"spool", "ls", ""}, nil, ":0"},
		{[]string{"spool", "ls", "dir", ""}, nil, ":4"},
		{[]string{"check", "a.yaml", ""}, nil, ":0"},
		{[]string{"completion", ""}, []string{"bash", "fish", "powershell", "zsh"}, ":4"},
		{[]string{"help", "doc"}, []string{"docs", "doctor"}, ":4"},
	} {
		code, stdout, _ := outcome(t, append([]string{"__complete"}, test.words...), nil)
		lines := strings.Split(strings.TrimSpace(stdout), "\n")
		var offered []string
		for _, line := range lines[:len(lines)-1] {
			word, _, _ := strings.Cut(line, "\t")
			offered = append(offered, word)
		}
		if code != exitOK || lines[len(lines)-1] != test.files || fmt.Sprint(offered) != fmt.Sprint(test.want) {
			t.Errorf("%q: exit code %d\n%s", test.words, code, stdout)
		}
	}
}

// TestOldSpellings: what scripts write goes on working.
func TestOldSpellings(t *testing.T) {
	goals := write(t, "goals.yaml", rules)
	for args, want := range map[string]int{
		"check -json FILE":                   exitOK,
		"check --json=true FILE":             exitOK,
		"check FILE -json=false":             exitOK,
		"try -path-prefix /shop FILE 'x'":    exitUsage,
		"schema -json":                       exitOK,
		"-h":                                 exitOK,
		"-help":                              exitOK,
		"proxy -h":                           exitOK,
		"proxy -listen :0 -help":             exitOK,
		"-version":                           exitOK,
		"version -json now":                  exitOK,
		"help version":                       exitOK,
		"help try":                           exitOK,
		"-config x proxy":                    exitUsage,
		"proxy -config none.yaml":            exitUsage,
		"proxy -to=http://127.0.0.1:9 -l :0": exitUsage,
	} {
		if code, stdout, stderr := outcome(t, strings.Fields(strings.ReplaceAll(args, "FILE", goals)), nil); code != want {
			t.Errorf("%s: exit code %d, want %d\n%s%s", args, code, want, stdout, stderr)
		}
	}
}

// TestLogSettings: the log has the lines and the form that the settings say.
func TestLogSettings(t *testing.T) {
	for args, want := range map[string]string{
		"":                                   "INFO WARN",
		"--log-level=debug":                  "DEBUG INFO WARN",
		"--log-level=warn":                   "WARN",
		"--log-level=error":                  "",
		"--log-level=warn --log-format=json": `"WARN"`,
	} {
		v, err := proxyValues(strings.Fields(args), noEnv)
		if err != nil {
			t.Fatal(err)
		}
		var said strings.Builder
		logger := newLogger(&said, v)
		logger.Debug("a")
		logger.Info("b")
		logger.Warn("c")
		var levels []string
		for _, level := range regexp.MustCompile(`level"?[=:]("?[A-Z]+"?)`).FindAllStringSubmatch(said.String(), -1) {
			levels = append(levels, level[1])
		}
		got := strings.Join(levels, " ")
		if got != want {
			t.Errorf("%s: the log has %q, want %q\n%s", args, got, want, &said)
		}
	}
}

// TestRequestGrace: requests may go on for as long as the setting says, and no longer.
func TestRequestGrace(t *testing.T) {
	arrived := make(chan struct{})
	site := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	}))
	defer site.Close()
	proxy := start(t, "proxy", "--listen=127.0.0.1:0", "--to="+site.URL, "--views=server", "--cdp=http://127.0.0.1:9", "--client-key=key", "--pos=shop",
		"--request-grace=5ms", "--delivery-grace=5ms")
	dial(t, proxy.url, "GET / HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
	<-arrived
	if code, _ := proxy.stop(); code != exitOK || !strings.Contains(proxy.stderr.String(), "requests were cut short\" after=5ms") {
		t.Errorf("exit code %d\n%s", code, proxy.stderr)
	}
}

// TestFaultsBySetting: what the library does not take is told by the setting, and by
// where it stands.
func TestFaultsBySetting(t *testing.T) {
	goals := write(t, "goals.yaml", rules)
	file := write(t, "goaltrack.yaml", "region: eu\nclient-key: k\npos: shop\ncookie-path: shop\nlanguage: english\nkeys: [ab, cd]\n")
	code, _, stderr := outcome(t, []string{
		"proxy", "--to=http://127.0.0.1:9", "--rules=" + goals, "--config=" + file,
		"--editor-modes=a b", "--bots-deny=*", "--opt-out-cookie=a b", "--consent=required", "--path-prefix=x", "--currency=euro", "--cookie-domain=!",
	}, map[string]string{"GOALTRACK_HEALTH_PATHS": "up", "GOALTRACK_BOTS_ALLOW": "Fine"})
	if code != exitUsage {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{
		file + ":4:14: cookie-path: ", file + ":5:11: language: ", file + ":6:7: keys: ", `--editor-modes: "a b"`, `--bots-deny: "*"`,
		`--opt-out-cookie: "a b"`, "--consent: neither --consent-cookie nor --consent-tool", `--path-prefix: "x"`, `--currency: "euro"`, `--cookie-domain: "!"`,
		`GOALTRACK_HEALTH_PATHS: "up"`,
	} {
		if strings.Count(stderr, want) != 1 {
			t.Errorf("not once %q in\n%s", want, stderr)
		}
	}
	for _, names := range settingsOf {
		for _, name := range names {
			if !slices.ContainsFunc(table.Rows, func(s settings.Setting) bool { return s.Name == name && slices.Contains(s.Commands, "proxy") }) {
				t.Errorf("there is no setting %s", name)
			}
		}
	}
	// Of several sites, nobody can say which setting of which site it is.
	_, faults := checked(t, "region: eu\nlanguage: english\nsites:\n  - {client-key: k, pos: a}\n")
	if !strings.Contains(faults, `Sites[0]: Language: "english"`) || strings.Contains(faults, "goaltrack.yaml:2") {
		t.Errorf("%s", faults)
	}
}
