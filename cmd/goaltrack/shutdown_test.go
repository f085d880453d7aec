package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
)

// stopAs ends the program as a signal does.
func (r *running) stopAs(signal syscall.Signal) { r.end(&signalled{signal}) }

// TestShutdownOrder: after SIGTERM the port stays open for a while, and answers say that the
// connection ends; then a form that is under way is answered and counted. On a busy machine
// the while may be over before anything was asked. Then it says nothing, and a longer one is
// tried.
func TestShutdownOrder(t *testing.T) {
	t.Parallel() // it waits for the port to be closed
	for delay := time.Second; !shutDownInOrder(t, delay); delay *= 4 {
		if delay > 2*time.Minute {
			t.Fatalf("for %v the port was to stay open, and nothing was answered", delay)
		}
	}
}

// shutDownInOrder reports whether there was time to ask.
func shutDownInOrder(t *testing.T, delay time.Duration) bool {
	t.Helper()
	arrived, finish := make(chan struct{}), make(chan struct{})
	proxy, tenant := inFront(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.Method == http.MethodPost {
			close(arrived)
			<-finish
			http.Redirect(w, r, "/welcome", http.StatusSeeOther)
			return
		}
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Content-Type", "text/html")
		say(w, "<!doctype html>")
	}, "--client-key=key", "--pos=shop", "--shutdown-delay="+delay.String(), "--request-grace=1h", "--ready-path=/readyz")
	visitor := newVisitor(t, proxy.url)
	form := make(chan int, 1)
	go func() {
		header := navigation.Clone()
		header.Set("Content-Type", "application/x-www-form-urlencoded")
		response, err := visitor.Do(request(t, http.MethodPost, proxy.url, "/newsletter", strings.NewReader("topic=tea"), header))
		if err != nil {
			form <- 0
			return
		}
		_ = response.Body.Close()
		form <- response.StatusCode
	}()
	<-arrived
	get := func(path string) (status int, closes bool) { // 0: the port is closed
		response, err := newBrowser(t).Do(request(t, http.MethodGet, proxy.url, path, nil, navigation))
		if err != nil {
			return 0, false
		}
		_ = response.Body.Close()
		return response.StatusCode, response.Close
	}
	if status, _ := get("/readyz"); status != http.StatusOK {
		t.Errorf("ready is %d", status)
	}
	began := time.Now()
	proxy.stopAs(syscall.SIGTERM)
	status := http.StatusOK
	for status == http.StatusOK { // the signal is on its way
		status, _ = get("/readyz")
	}
	page, closes := get("/a")
	asked := time.Since(began) < delay
	if asked && (status != http.StatusServiceUnavailable || page != http.StatusOK || !closes) {
		t.Errorf("while it ends: %d, ready is %d, closes %v", page, status, closes)
	}
	untilRefused(t, proxy.url)
	if took := time.Since(began); took < delay {
		t.Errorf("the port was closed after %v", took)
	}
	close(finish)
	if status := <-form; status != http.StatusSeeOther {
		t.Errorf("the form was answered with %d", status)
	}
	if got := goalsAfter(t, proxy, tenant); got != "SIGNED_UP" {
		t.Errorf("goals %q", got)
	}
	return asked
}

// TestInterrupt: whoever presses Ctrl-C waits for no load balancer.
func TestInterrupt(t *testing.T) {
	proxy, _ := inFront(t, func(http.ResponseWriter, *http.Request) {}, "--client-key=key", "--pos=shop", "--shutdown-delay=1h")
	proxy.stopAs(syscall.SIGINT)
	if code, _ := proxy.stop(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
}

// TestCutIsAccounted: of a form that is cut because it takes too long, the account says so.
func TestCutIsAccounted(t *testing.T) {
	arrived := make(chan struct{})
	proxy, tenant := inFront(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.Method == http.MethodPost {
			close(arrived)
			<-r.Context().Done()
			return
		}
		w.Header().Set("Content-Type", "text/html")
		say(w, "<!doctype html>")
	}, "--client-key=key", "--pos=shop", "--request-grace=10ms")
	visitor := newVisitor(t, proxy.url)
	go func() {
		header := navigation.Clone()
		header.Set("Content-Type", "application/x-www-form-urlencoded")
		if response, err := visitor.Do(request(t, http.MethodPost, proxy.url, "/newsletter", strings.NewReader("topic=tea"), header)); err == nil {
			_ = response.Body.Close()
		}
	}()
	<-arrived
	code, account := proxy.stop()
	if code != exitOK || !strings.Contains(account, "decisions 1 = fired 0 + not fired 1") {
		t.Errorf("exit code %d, account %q\n%s", code, account, proxy.stderr)
	}
	if types := tenant.Types(); len(types) > 0 {
		t.Errorf("the CDP heard %q", types)
	}
}

// TestProxyCheck looks for faults without listening, and without making a directory or a file.
func TestProxyCheck(t *testing.T) {
	dir := t.TempDir()
	cert, key := writeCertificate(t, dir, "one")
	goals := write(t, "goals.yaml", rules)
	failing := write(t, "goals.yaml", "version: 1\ngoals:\n  - goal: A\n    visit: /a\n    examples: { counts: [GET /b -> 200] }\n")
	apart := write(t, "goals.yaml", "version: 1\ngoals: [{ goal: A, visit: /a, pos: other }]\n")
	taken, err := listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	good := []string{
		"proxy", "--check", "--listen=" + taken.Addr().String(), "--to=http://127.0.0.1:9", "--region=eu", "--client-key=k", "--pos=p",
		"--spool=" + filepath.Join(dir, "spool"), "--spool-required", "--access-log=" + filepath.Join(dir, "access.log"),
	}
	for _, test := range []struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		{[]string{"--rules=" + goals, "--tls-cert=" + cert, "--tls-key=" + key}, exitOK, "no faults, ", ""},
		{[]string{"--rules=" + goals, "--views=all"}, exitFailed, "", `--views: "all" is not one of`},
		{[]string{"--rules=" + goals, "--vews=off"}, exitFailed, "", "there is no flag --vews"},
		{[]string{"--rules=" + goals + ".old"}, exitFailed, "", "no such file"},
		{[]string{"--rules=" + goals, "--tls-cert=" + goals, "--tls-key=" + key}, exitFailed, "", "--tls-cert or --tls-key: tls: "},
		{[]string{"--rules=" + goals, "--language=english"}, exitFailed, "", "--language: "},
		{[]string{"--rules=" + failing}, exitFailed, "", failing + ":"},
		{[]string{"--rules=" + apart}, exitOK, "no faults, ", "goals come into another session"},
		{[]string{"--rules=" + goals, "--config=" + write(t, "goaltrack.yaml", "max-bodies: 1\n")}, exitFailed, "", "max-bodies"},
	} {
		code, stdout, stderr := outcome(t, slices.Concat(good, test.args), nil)
		if code != test.code || !strings.Contains(stdout, test.stdout) || !strings.Contains(stderr, test.stderr) || test.stderr == "" && stderr != "" {
			t.Errorf("%q: exit code %d, want %d\nstdout %s\nstderr %s", test.args, code, test.code, stdout, stderr)
		}
	}
	if made, _ := filepath.Glob(filepath.Join(dir, "*")); len(made) != 2 {
		t.Errorf("it made %q", made)
	}
}

// TestCutRequestsAreWaitedFor: a request that was cut may take a moment to notice it. What becomes
// of its goal is in the account. Nobody waits for one that does not notice it.
func TestCutRequestsAreWaitedFor(t *testing.T) {
	for takes, want := range map[time.Duration]string{cutGrace / 2: "decisions 1 = fired 1 + not fired 0", time.Hour: "decisions 0 = fired 0 + not fired 0"} {
		synctest.Test(t, func(t *testing.T) {
			parsed, err := goaltrack.ParseRules([]byte(rules))
			if err != nil {
				t.Fatal(err)
			}
			tracker, err := goaltrack.New(goaltrack.Config{
				Sites:  []goaltrack.Site{{CDP: cdp.Direct{Region: cdp.EU, ClientKey: "key", PointOfSale: "shop"}}},
				DryRun: true, Rules: parsed, Logger: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			v, err := proxyValues(nil, noEnv)
			if err != nil {
				t.Fatal(err)
			}
			cut, cutOff := context.WithCancel(t.Context())
			site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				<-cut.Done()
				<-time.After(takes)
				http.Redirect(w, r, "/welcome", http.StatusSeeOther)
			})
			h := &proxyServer{precheck: precheckOf(v), console: console{io.Discard, io.Discard, slog.New(slog.DiscardHandler)}}
			h.current = &generation{
				program: &proxyProgram{settings: v}, tracker: tracker, handler: tracker.Handler(site), stopWatching: func() {},
			}
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/newsletter", strings.NewReader("topic=tea"))
			r.Header = navigation.Clone()
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			go h.ServeHTTP(httptest.NewRecorder(), r)
			synctest.Wait()
			cutOff()
			began := time.Now()
			if account := h.shutDown(t.Context()).String(); !strings.Contains(account, want) {
				t.Errorf("a request that takes %v: %s, want %s", takes, account, want)
			}
			if waited := time.Since(began); waited > cutGrace {
				t.Errorf("waited for %v", waited)
			}
			<-time.After(takes) // a bubble ends with all that is in it
			synctest.Wait()
		})
	}
}
