//go:build unix

package main

import (
	"crypto/tls"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/follow"
)

// reloading is a proxy whose settings file a test changes.
type reloading struct {
	*running
	t            *testing.T
	file, rules  string
	tenant, site string
}

// startReloading starts a proxy with a settings file and a rule file.
func startReloading(t *testing.T, site http.Handler, text, goals string) (*reloading, *cdptest.Server) {
	t.Helper()
	upstream := httptest.NewServer(site)
	t.Cleanup(upstream.Close)
	tenant := cdptest.NewServer(t, cdptest.Options{})
	r := &reloading{t: t, file: write(t, "goaltrack.yaml", ""), tenant: tenant.URL, site: upstream.URL}
	r.rules = filepath.Join(filepath.Dir(r.file), "goals.yaml")
	r.put(text, goals)
	r.running = start(t, "proxy", "--config", r.file)
	return r, tenant
}

// put writes settings, beside those that every proxy needs, and rules, a while ago.
func (r *reloading) put(text, goals string) {
	r.t.Helper()
	text += "\nlisten: 127.0.0.1:0\nto: " + r.site + "\nrules: goals.yaml\n"
	if !strings.Contains(text, "cdp:") {
		text += "cdp: " + r.tenant + "\n"
	}
	for file, text := range map[string]string{r.file: text, r.rules: goals} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			r.t.Fatal(err)
		}
		r.touch(file, time.Now().Add(-time.Minute))
	}
}

// touch says when a file was changed.
func (r *reloading) touch(file string, at time.Time) {
	r.t.Helper()
	if err := os.Chtimes(file, at, at); err != nil {
		r.t.Fatal(err)
	}
}

// hangUp sends SIGHUP, and waits for the line that says what came of it. It returns what was
// logged meanwhile.
func (r *reloading) hangUp() string {
	r.t.Helper()
	before := len(r.stderr.String())
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGHUP); err != nil {
		r.t.Fatal(err)
	}
	for ctx := deadline(r.t); ; {
		log := r.stderr.String()[before:]
		if strings.Contains(log, "the settings are read again") || strings.Contains(log, "are not put in force") {
			return log
		}
		if ctx.Err() != nil {
			r.t.Fatalf("nothing happened:\n%s", r.stderr)
		}
		<-time.After(5 * time.Millisecond)
	}
}

const (
	shopSettings = "client-key: key\npos: shop\n"
	seen         = "version: 1\ngoals:\n  - { goal: %, visit: /products/** }\n"
)

func goalNamed(name string) string { return strings.Replace(seen, "%", name, 1) }

// page asks for a page as a visitor who has an ID does.
func (r *reloading) page(tenant *cdptest.Server, more http.Header) int {
	r.t.Helper()
	const id = "6f1c2e0a-3b7d-4a55-9a51-0c8e2f7b1d90"
	tenant.Know(id)
	header := navigation.Clone()
	header.Set("Cookie", "bid_key="+id+"; bid_other="+id)
	maps.Copy(header, more)
	response := do(r.t, newBrowser(r.t), request(r.t, http.MethodGet, r.url, "/products/7", nil, header))
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}

var htmlSite = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "text/html")
	say(w, "<!doctype html>")
})

// TestHangup changes rules, the tenant, consent and limits while the proxy runs.
func TestHangup(t *testing.T) {
	r, tenant := startReloading(t, htmlSite, shopSettings, goalNamed("FIRST"))
	r.page(tenant, nil)
	tenant.Expect(t, "FIRST").Within(2 * time.Minute).Once()

	r.put(shopSettings, goalNamed("SECOND"))
	if log := r.hangUp(); !strings.Contains(log, `msg="the settings are read again" changed=""`) {
		t.Errorf("other rules:\n%s", log)
	}
	r.page(tenant, nil)
	tenant.Expect(t, "SECOND").Within(2 * time.Minute).Once()

	r.put("client-key: other\npos: other\nmax-header-bytes: 4KiB\nmax-body: 10\n", goalNamed("THIRD"))
	if log := r.hangUp(); !strings.Contains(log, "client-key") || !strings.Contains(log, "max-header-bytes") {
		t.Errorf("another tenant:\n%s", log)
	}
	r.page(tenant, nil)
	tenant.Expect(t, "THIRD").Within(2 * time.Minute).Once()
	if status := r.page(tenant, http.Header{"X-Big": {strings.Repeat("x", 9<<10)}}); status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a large header: %d", status)
	}
	response := do(t, newBrowser(t), request(t, http.MethodPost, r.url, "/a", strings.NewReader("01234567890"), navigation))
	if response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a large body: %s", response.Status)
	}

	r.put(shopSettings+"consent-cookie: consent=yes\n", goalNamed("FOURTH"))
	r.hangUp()
	r.page(tenant, nil)
	code, account := r.stop()
	if code != exitOK || !strings.Contains(account, "consent_unknown 1") && !strings.Contains(account, "consent_unknown: 1") {
		t.Errorf("exit code %d, account %q", code, account)
	}
	if types := tenant.Types(); !slices.Equal(types, []string{"FIRST", "SECOND", "THIRD"}) {
		t.Errorf("the CDP heard %q\n%s", types, r.stderr)
	}
	if n := strings.Count(r.stderr.String(), "the tracker from before the change has ended"); n != 2 {
		t.Errorf("%d trackers have ended\n%s", n, r.stderr)
	}
}

// TestHangupWaitsForWhoWrites: a file that was changed just now is not read before it rests.
func TestHangupWaitsForWhoWrites(t *testing.T) {
	r, _ := startReloading(t, htmlSite, shopSettings, goalNamed("FIRST"))
	for _, file := range []string{r.rules, r.file} {
		r.put(shopSettings, goalNamed("SECOND"))
		changed := time.Now()
		r.touch(file, changed)
		if log := r.hangUp(); !strings.Contains(log, "the settings are read again") {
			t.Error(log)
		}
		if after := time.Since(changed); after < follow.RestWhenTold {
			t.Errorf("%s is read %s after a change", file, after)
		}
	}
}

// TestHangupWithFaults: one fault leaves all settings as they were, with one line. What needs a
// start is said in one line, and the rest is put in force.
func TestHangupWithFaults(t *testing.T) {
	r, tenant := startReloading(t, htmlSite, shopSettings, goalNamed("FIRST"))
	for name, put := range map[string][2]string{
		"bad settings":        {shopSettings + "max-body: much\nanswer-timeout: soon\n", goalNamed("SECOND")},
		"bad rules":           {shopSettings + "max-body: 10\n", "version: 1\ngoals:\n  - { goal: \"a b\", visit: / }\n"},
		"what New refuses":    {shopSettings + "max-body: 10\nlanguage: english\n", goalNamed("SECOND")},
		"no settings at all":  {"cdp: \n", goalNamed("SECOND")},
		"an unknown setting":  {shopSettings + "max-bodies: 10\n", goalNamed("SECOND")},
		"no such certificate": {shopSettings + "tls-cert: a.pem\ntls-key: b.pem\n", goalNamed("SECOND")},
	} {
		r.put(put[0], put[1])
		if log := r.hangUp(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "level=ERROR") {
			t.Errorf("%s:\n%s", name, log)
		}
		if status := r.page(tenant, nil); status != http.StatusOK {
			t.Errorf("%s: %d", name, status)
		}
	}
	tenant.Expect(t, "FIRST").Within(2 * time.Minute).Times(6)

	r.put(shopSettings+"max-body: 10\nspool: somewhere\naccess-log: access.log\n", goalNamed("SECOND"))
	log := r.hangUp()
	if !strings.Contains(log, `need a start; the values before stay" settings="spool, access-log"`) || !strings.Contains(log, "changed=max-body") {
		t.Errorf("what needs a start:\n%s", log)
	}
	r.page(tenant, nil)
	tenant.Expect(t, "SECOND").Within(2 * time.Minute).Once()
	if _, err := os.Stat(filepath.Join(filepath.Dir(r.file), "somewhere")); err == nil {
		t.Error("the directory was made")
	}
}

// TestHangupLosesNothing changes what is sent while a form is under way and events wait, in
// memory and on disk: all of them arrive, once.
func TestHangupLosesNothing(t *testing.T) {
	for name, spool := range map[string]string{"memory": "delivery-grace: 1ms\n", "spool": "delivery-grace: 1ms\nspool: spool\nspool-required: true\n"} {
		t.Run(name, func(t *testing.T) {
			arrived, finish := make(chan struct{}), make(chan struct{})
			site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("X-Slow") != "" {
					close(arrived)
					<-finish
				}
				htmlSite(w, r)
			})
			r, tenant := startReloading(t, site, shopSettings+spool+"keys: ["+strings.Repeat("ab", 32)+","+strings.Repeat("cd", 32)+"]\n", goalNamed("SEEN"))
			tenant.Fault(cdptest.Status(503).On(cdptest.Sends))
			r.page(tenant, nil)
			slow := make(chan int, 1)
			go func() { slow <- r.page(tenant, http.Header{"X-Slow": {"1"}}) }()
			<-arrived
			r.put(shopSettings+"currency: EUR\n"+spool+"keys: ["+strings.Repeat("ab", 32)+","+strings.Repeat("cd", 32)+"]\n", goalNamed("SEEN"))
			if log := r.hangUp(); !strings.Contains(log, "the settings are read again") {
				t.Error(log)
			}
			r.page(tenant, nil)
			close(finish)
			if status := <-slow; status != http.StatusOK {
				t.Errorf("the slow page: %d", status)
			}
			tenant.ClearFaults()
			defer func() {
				if t.Failed() {
					t.Log(r.stderr)
				}
			}()
			tenant.Expect(t, "SEEN").Within(2 * time.Minute).Times(3)
			if code, account := r.stop(); code != exitOK {
				t.Errorf("exit code %d\n%s\n%s", code, account, r.stderr)
			}
		})
	}
}

// TestNeedsStart: the lists of settings by what a change of them takes name settings of the proxy.
func TestNeedsStart(t *testing.T) {
	v, err := proxyValues(nil, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Concat(needsStart, ofFrontend, ofProgram) {
		if !v.Has(name) {
			t.Errorf("the proxy has no setting %s", name)
		}
	}
}

// TestHangupKeepsWhatNeedsAStart changes what needs a start together with what needs another
// tracker. The other tracker has the spool, the log, the certificate and the rest of before.
func TestHangupKeepsWhatNeedsAStart(t *testing.T) {
	dir := t.TempDir()
	cert, key := writeCertificate(t, dir, "one")
	secure := "tls-cert: " + cert + "\ntls-key: " + key + "\n"
	r, tenant := startReloading(t, htmlSite, shopSettings+secure+"spool: first\n", goalNamed("SEEN"))
	r.put("client-key: other\npos: other\n"+secure+"spool: second\ndry-run: true\ndelivery-attempts: 1\n", goalNamed("SEEN"))
	log := r.hangUp()
	for _, want := range []string{
		`need a start; the values before stay" settings="`, "spool", "dry-run", "delivery-attempts", `changed="client-key, pos"`,
		"goaltrack: started", filepath.Join(filepath.Dir(r.file), "first"),
	} {
		if !strings.Contains(log, want) {
			t.Errorf("there is no %q in\n%s", want, log)
		}
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(r.file), "second")); err == nil {
		t.Error("the second directory was made")
	}
	const id = "6f1c2e0a-3b7d-4a55-9a51-0c8e2f7b1d90"
	tenant.Know(id)
	header := navigation.Clone()
	header.Set("Cookie", "bid_other="+id)
	page := func() (shown string) {
		transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
		defer transport.CloseIdleConnections()
		response, err := transport.RoundTrip(request(t, http.MethodGet, r.url, "/products/7", nil, header))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		_, _ = io.Copy(io.Discard, response.Body)
		return response.TLS.PeerCertificates[0].Subject.CommonName
	}
	page()
	tenant.Expect(t, "SEEN").Within(2 * time.Minute).Once()

	writeCertificate(t, dir, "two")
	r.hangUp()
	if shown := page(); shown != "two" {
		t.Errorf("after another signal visitors see the certificate %s", shown)
	}
	if code, account := r.stop(); code != exitOK {
		t.Errorf("exit code %d\n%s\n%s", code, account, r.stderr)
	}
}
