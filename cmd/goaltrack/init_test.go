package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const initLog = `203.0.113.9 - - [26/Dec/2025:12:29:10 +0000] "POST /contact HTTP/1.1" 303 0 "-" "-"
203.0.113.9 - - [26/Dec/2025:12:29:11 +0000] "POST /contact HTTP/1.1" 200 9 "-" "-"
203.0.113.9 - - [26/Dec/2025:12:29:12 +0000] "GET /files/tea.pdf HTTP/1.1" 200 9 "-" "-"
`

const initJSON = `{"method":"POST","uri":"/contact","status":303,"resp_headers":{"Location":["/thanks"]}}` + "\n"

// TestInit: what is written from each source passes check, and no file is overwritten
// unless somebody says so.
func TestInit(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<form method=post action=/contact><input name=topic></form><a href=/a.pdf>A</a>`))
	}))
	t.Cleanup(site.Close)
	for name, test := range map[string]struct {
		args []string
		want []string
	}{
		"a log":   {[]string{write(t, "access.log", initLog)}, []string{"# Made by goaltrack init from access.log: 3 lines.\n", "submit: /contact\n", "download: /files/tea.pdf\n", "# Nothing tells where"}},
		"json":    {[]string{write(t, "access.json", initJSON)}, []string{"submit: /contact\n    success: redirect to /thanks\n"}},
		"a site":  {[]string{site.URL, "--pause=0s"}, []string{": 1 page.\n", "submit: /contact\n", "download: /a.pdf\n"}},
		"scs":     {[]string{"--from-xp=internal/xpitems/testdata/scs"}, []string{"currency: none\n", "visit: /Price-List\n", "status: draft\n", "# Campaign Spring"}},
		"unicorn": {[]string{"--from-xp", "internal/xpitems/testdata/unicorn"}, []string{"currency: none\n", "visit: /Price-List\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "goals.yaml")
			args := append([]string{"init", "--out=" + file}, test.args...)
			code, stdout, stderr := alive(t, args)
			text, _ := os.ReadFile(file)
			if code != exitOK || !strings.Contains(stdout, "goaltrack check "+file) {
				t.Fatalf("%d %s %s", code, stdout, stderr)
			}
			for _, want := range test.want {
				if !strings.Contains(string(text), want) {
					t.Errorf("no %q in\n%s", want, text)
				}
			}
			if code, stdout, stderr := outcome(t, []string{"check", file}, nil); code != exitOK {
				t.Errorf("check: %d\n%s%s", code, stdout, stderr)
			}
			if code, stdout, _ := outcome(t, []string{"fmt", "-l", file}, nil); code != exitOK || stdout != "" {
				t.Error("fmt would change it")
			}
			if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
				t.Fatal(err)
			}
			code, _, stderr = alive(t, args)
			if left, _ := os.ReadFile(file); code != exitUsage || !strings.Contains(stderr, "--overwrite") || string(left) != "mine" {
				t.Errorf("%d %s, left %q", code, stderr, left)
			}
			code, _, _ = alive(t, append(args, "--overwrite"))
			if again, _ := os.ReadFile(file); code != exitOK || string(again) != string(text) {
				t.Errorf("%d, not overwritten", code)
			}
			if code, stdout, _ := alive(t, append(args, "--out=-")); code != exitOK || stdout != string(text) {
				t.Errorf("%d, --out=- prints\n%s", code, stdout)
			}
		})
	}
}

// TestInitFaults: each fault says what to do.
func TestInitFaults(t *testing.T) {
	empty := t.TempDir()
	for name, test := range map[string]struct {
		args string
		code int
		want string
	}{
		"nothing":            {"", exitUsage, "LOG...|ADDRESS is needed, or --from-xp DIR"},
		"two sources":        {"--from-xp=" + empty + " access.log", exitUsage, "exclude each other"},
		"no such log":        {"none.log", exitUsage, "none.log"},
		"no such directory":  {"--from-xp=none", exitUsage, "none"},
		"two addresses":      {"https://a.example https://b.example", exitUsage, "one address at a time"},
		"a stray start item": {"--start-item=/a access_test.log", exitUsage, "--start-item needs --from-xp"},
		"no goals":           {"--from-xp=" + empty, exitFailed, "has 0 items, and no goal: serialize"},
		"nothing in the log": {write(t, "empty.log", `203.0.113.9 - - [26/Dec/2025:12:29:10 +0000] "GET / HTTP/1.1" 200 0 "-" "-"`+"\n"), exitFailed, "nothing to begin with"},
		"no log":             {write(t, "no.log", "nonsense\n"), exitFailed, "nothing could be read"},
	} {
		args := append([]string{"init", "--out=" + filepath.Join(t.TempDir(), "goals.yaml")}, strings.Fields(test.args)...)
		if code, _, stderr := alive(t, args); code != test.code || !strings.Contains(stderr, test.want) {
			t.Errorf("%s: %d %s", name, code, stderr)
		}
	}
}

// alive is outcome with a context that goes on.
func alive(t *testing.T, args []string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	code = run(deadline(t), args, noEnv, &out, &errs)
	return code, out.String(), errs.String()
}
