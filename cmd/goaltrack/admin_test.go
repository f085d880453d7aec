package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	reports "github.com/goaltrack/goaltrack/report"
)

// look asks the face of a proxy for a page, and returns the status and the body.
func look(t *testing.T, method, url string, header ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header.Set(header[i], header[i+1])
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// TestAdminShowsWhatCounted: what has just happened is on the pages, in the JSON and in the
// metrics, in memory and on disk.
func TestAdminShowsWhatCounted(t *testing.T) {
	for name, flags := range map[string][]string{
		"in memory": nil, "on disk": {"--report=" + filepath.Join(t.TempDir(), "report")},
	} {
		t.Run(name, func(t *testing.T) {
			p := reportingProxy(t, append(flags, "--admin=127.0.0.1:0")...)
			status, body := look(t, http.MethodGet, p.admin+"/goals.json?by=goal")
			var got reports.Result
			if err := json.Unmarshal([]byte(body), &got); err != nil || status != http.StatusOK {
				t.Fatalf("%d %s, %v", status, body, err)
			}
			if len(got.Rows) != 3 || got.Rows[0].Key != "PRICED" || got.Rows[0].Conversions != 1 || got.Rows[0].Visits != 2 || got.Rows[0].Values[0].Sum != 10 {
				t.Errorf("%+v", got)
			}
			for path, want := range map[string]string{
				"/":              "Prices looked at",
				"/goal/PRICED":   "EUR 10",
				"/delivery":      "Events delivered",
				"/live":          "Decisions show 15 seconds after",
				"/metrics":       `goaltrack_goal_decisions_total{site="shop",goal="PRICED",fate="fired"} 1`,
				"/snapshot.json": `"decisions":1`,
				"/healthz":       "ok",
				"/readyz":        "ready",
			} {
				if status, body := look(t, http.MethodGet, p.admin+path); status != http.StatusOK || !strings.Contains(body, want) {
					t.Errorf("%s: %d, without %q\n%s", path, status, want, body)
				}
			}
			if status, _ := look(t, http.MethodGet, p.admin+"/debug/pprof/"); status != http.StatusNotFound {
				t.Errorf("profiles are shown without being asked for: %d", status)
			}
			if code, _ := p.stop(); code != exitOK {
				t.Errorf("exit code %d", code)
			}
			if conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(p.admin, "http://")); err == nil {
				_ = conn.Close()
				t.Error("the pages are still there")
			}
		})
	}
}

// TestAdminIsNoPartOfTheSite: visitors see nothing of it.
func TestAdminIsNoPartOfTheSite(t *testing.T) {
	p := reportingProxy(t, "--admin=127.0.0.1:0", "--report=off", "--admin-pprof")
	for _, path := range []string{"/metrics", "/snapshot.json", "/goals.json"} {
		if _, body := look(t, http.MethodGet, p.url+path); !strings.Contains(body, "A page") {
			t.Errorf("%s is not the site's:\n%s", path, body)
		}
	}
	if status, body := look(t, http.MethodGet, p.admin+"/"); status != http.StatusOK || !strings.Contains(body, "Nothing has been counted yet") {
		t.Errorf("without a report: %d\n%s", status, body)
	}
	if status, _ := look(t, http.MethodGet, p.admin+"/debug/pprof/"); status != http.StatusOK {
		t.Errorf("no profiles although they are asked for: %d", status)
	}
}

// TestAdminNeedsLeave: an address that others can reach needs a password or a header.
func TestAdminNeedsLeave(t *testing.T) {
	short := write(t, "short", "secret\n")
	for _, test := range []struct {
		flags []string
		want  string
	}{
		{[]string{"--admin=0.0.0.0:0"}, "everybody could look"},
		{[]string{"--admin=:0"}, "everybody could look"},
		{[]string{"--admin=[::]:0"}, "everybody could look"},
		{[]string{"--admin=192.0.2.1:0"}, "everybody could look"},
		{[]string{"--admin=localhost.example:0"}, "everybody could look"},
		{[]string{"--admin=nonsense"}, `"nonsense" is not an address such as 127.0.0.1:9090`},
		{[]string{"--admin=0.0.0.0:0", "--admin-password-file=" + short}, "less than 12"},
		{[]string{"--admin=0.0.0.0:0", "--admin-password-file=" + short + "-not"}, "no such file"},
		{[]string{"--admin=127.0.0.1:0", "--admin-feed-token=fifteen-letters"}, "less than 16"},
		{[]string{"--admin=0.0.0.0:0", "--admin-feed-token=sixteen-letters-"}, "everybody could look"},
	} {
		flags := append([]string{"proxy", "--listen=127.0.0.1:0", "--to=http://127.0.0.1:1", "--rules=" + write(t, "goals.yaml", reportedRules), "--cdp=http://127.0.0.1:1", "--client-key=key", "--pos=shop", "--currency=EUR"}, test.flags...)
		if got := asks(t, exitUsage, flags...); !strings.Contains(got, test.want) {
			t.Errorf("%v: no %q in\n%s", test.flags, test.want, got)
		}
	}
}

// TestAdminPassword: without the password nobody sees anything but whether the proxy runs.
func TestAdminPassword(t *testing.T) {
	p := reportingProxy(t, "--admin=127.0.0.1:0", "--admin-password-file="+write(t, "password", "correct horse battery\n"))
	for _, path := range []string{"/", "/goals.json", "/metrics", "/snapshot.json", "/delivery", "/nowhere", "/style.css"} {
		if status, _ := look(t, http.MethodGet, p.admin+path); status != http.StatusUnauthorized {
			t.Errorf("%s without a password: %d", path, status)
		}
	}
	if status, _ := look(t, http.MethodGet, p.admin+"/healthz"); status != http.StatusOK {
		t.Errorf("/healthz without a password: %d", status)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, p.admin+"/goals.json", http.NoBody)
	for password, want := range map[string]int{"correct horse battery": http.StatusOK, "wrong horse battery": http.StatusUnauthorized, "": http.StatusUnauthorized} {
		r.SetBasicAuth("anybody", password)
		if status, _ := look(t, http.MethodGet, p.admin+"/goals.json", "Authorization", r.Header.Get("Authorization")); status != want {
			t.Errorf("password %q: %d, want %d", password, status, want)
		}
	}
}

// TestAdminFeed: the token opens the feed, and nothing else. Without one it is as every
// other page.
func TestAdminFeed(t *testing.T) {
	const token = "5e0d7c1b9a3f42e8"
	password := "--admin-password-file=" + write(t, "password", "correct horse battery\n")
	p := reportingProxy(t, "--admin=127.0.0.1:0", "--admin-feed-token="+token, password)
	bearer := []string{"Authorization", "Bearer " + token}
	status, body := look(t, http.MethodGet, p.admin+"/feed.csv", bearer...)
	if status != http.StatusOK || !strings.Contains(body, ",PRICED,Prices looked at,1,2,10.00,EUR\n") || !strings.Contains(body, ",NEVER,,0,2,,\n") {
		t.Errorf("%d\n%s", status, body)
	}
	if status, again := look(t, http.MethodGet, p.admin+"/feed.csv?since=2020-01-01&token="+token); status != http.StatusOK || again != body {
		t.Errorf("with ?token=: %d\n%s", status, again)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	r.SetBasicAuth("anybody", "correct horse battery")
	if status, again := look(t, http.MethodGet, p.admin+"/feed.csv", "Authorization", r.Header.Get("Authorization")); status != http.StatusOK || again != body {
		t.Errorf("with the password: %d\n%s", status, again)
	}
	for _, path := range []string{"/", "/goals.json", "/goals.csv", "/goal/PRICED", "/delivery", "/metrics", "/snapshot.json", "/style.css", "/feed.csv/", "/feed.csv/x", "/goal/..%2Ffeed.csv", "/x/..%2ffeed.csv"} {
		if status, _ := look(t, http.MethodGet, p.admin+path, bearer...); status != http.StatusUnauthorized {
			t.Errorf("%s with the token: %d", path, status)
		}
		if status, _ := look(t, http.MethodGet, p.admin+path+"?token="+token); status != http.StatusUnauthorized {
			t.Errorf("%s?token=: %d", path, status)
		}
	}
	for _, path := range []string{"/feed.csv", "/feed.csv?token=", "/feed.csv?token=5e0d7c1b9a3f42e9"} {
		if status, _ := look(t, http.MethodGet, p.admin+path); status != http.StatusUnauthorized {
			t.Errorf("%s: %d", path, status)
		}
	}
	if status, _ := look(t, http.MethodPost, p.admin+"/delivery/resend", bearer...); status != http.StatusUnauthorized {
		t.Errorf("dead letters are sent again with the token: %d", status)
	}

	closed := reportingProxy(t, "--admin=127.0.0.1:0", password)
	for _, path := range []string{"/feed.csv", "/feed.csv?token="} {
		if status, _ := look(t, http.MethodGet, closed.admin+path, "Authorization", "Bearer "); status != http.StatusUnauthorized {
			t.Errorf("%s without a token to bring: %d", path, status)
		}
	}
}

// TestAdminHost: a page of another site whose name leads to this machine sees nothing.
func TestAdminHost(t *testing.T) {
	p := reportingProxy(t, "--admin=127.0.0.1:0")
	for host, want := range map[string]int{
		"evil.example": http.StatusForbidden, "evil.example:80": http.StatusForbidden, "127.0.0.1.evil.example": http.StatusForbidden,
		"localhost:9090": http.StatusOK, "127.0.0.1": http.StatusOK, "[::1]:9090": http.StatusOK,
	} {
		if status, _ := look(t, http.MethodGet, p.admin+"/goals.json", "Host", host); status != want {
			t.Errorf("host %s: %d, want %d", host, status, want)
		}
	}
	if status, _ := look(t, http.MethodPost, p.admin+"/delivery/resend", "Sec-Fetch-Site", "cross-site"); status != http.StatusForbidden {
		t.Errorf("another site sends dead letters again: %d", status)
	}
	if status, _ := look(t, http.MethodPost, p.admin+"/delivery/resend", "Sec-Fetch-Site", "same-origin"); status != http.StatusSeeOther {
		t.Errorf("nobody can send dead letters again: %d", status)
	}
}

// TestAdminHostWithHeader: a script whose page has its name lead to this machine can set the
// header of --admin-trust-header itself, so the name has to be known.
func TestAdminHostWithHeader(t *testing.T) {
	p := reportingProxy(t, "--admin=127.0.0.1:0", "--admin-trust-header=X-User", "--admin-hosts=goals.example, Other.Example")
	for host, want := range map[string]int{
		"evil.example": http.StatusForbidden, "evil.example:80": http.StatusForbidden, "x.goals.example": http.StatusForbidden, "goals.example.evil.example": http.StatusForbidden,
		"goals.example": http.StatusOK, "GOALS.example.:9090": http.StatusOK, "other.example": http.StatusOK, "localhost": http.StatusOK, "127.0.0.1": http.StatusOK, "10.0.0.7:9090": http.StatusOK, "[fd00::7]:9090": http.StatusOK,
	} {
		status, body := look(t, http.MethodGet, p.admin+"/goals.json", "Host", host, "X-User", "ada")
		if status != want || (status == http.StatusForbidden) != strings.Contains(body, "--admin-hosts") {
			t.Errorf("host %s: %d, want %d: %s", host, status, want, body)
		}
		if status, _ := look(t, http.MethodGet, p.admin+"/goals.json", "Host", host); status != http.StatusForbidden {
			t.Errorf("host %s, without the header: %d", host, status)
		}
		if status, _ := look(t, http.MethodGet, p.admin+"/healthz", "Host", host); status != http.StatusOK {
			t.Errorf("host %s, health: %d", host, status)
		}
	}
}

// TestAdminIsBounded: however many pages are asked for at once, few are made, and health,
// readiness and metrics are told all the same.
func TestAdminIsBounded(t *testing.T) {
	c := newConcurrencyLimit(2)
	c.wait = 0
	inside, out := make(chan struct{}), make(chan struct{})
	pages := c.around(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { inside <- struct{}{}; <-out }))
	ask := func() *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody))
		return w
	}
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() { ask() })
		<-inside
	}
	if w := ask(); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("the third: %d %v", w.Code, w.Header())
	}
	close(out)
	all.Wait()
	all.Go(func() { <-inside })
	if w := ask(); w.Code != http.StatusOK {
		t.Errorf("afterwards: %d", w.Code)
	}
	all.Wait()
}

// TestAdminWhileItIsFull: what a machine asks does not wait behind pages.
func TestAdminWhileItIsFull(t *testing.T) {
	p := reportingProxy(t, "--admin=127.0.0.1:0", "--admin-pprof")
	var open []net.Conn
	for range mostPages { // each sends a part of a body, and keeps its place
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(p.admin, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, conn)
		_, _ = io.WriteString(conn, "POST /delivery/resend HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\nContent-Length: 10\r\n\r\n")
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/snapshot.json"} {
		if status, _ := look(t, http.MethodGet, p.admin+path); status != http.StatusOK {
			t.Errorf("%s: %d", path, status)
		}
	}
	for _, conn := range open {
		_ = conn.Close()
	}
}

// TestAdminNamesWhatIsMissing: a site or a goal that the report does not have is no empty page.
func TestAdminNamesWhatIsMissing(t *testing.T) {
	p := reportingProxy(t, "--admin=127.0.0.1:0")
	for path, want := range map[string]string{
		"/?site=nobody": "The report has: shop.", "/cost?site=nobody": "shop", "/live?site=nobody": "shop", "/goal/PRICED?site=nobody": "shop",
		"/goals.json?site=nobody": `"sites":["shop"]`, "/goals.csv?site=nobody": `"sites":["shop"]`, "/feed.csv?site=nobody": `"sites":["shop"]`, "/live/events?site=nobody": `"sites":["shop"]`,
		"/goals.json?by=day&goal=NOBODY": "no goal of that name", "/goals.json?goal=NOBODY": "no goal of that name", "/goal/NOBODY": "no goal of that name",
	} {
		if status, body := look(t, http.MethodGet, p.admin+path); status != http.StatusNotFound || !strings.Contains(body, want) {
			t.Errorf("%s: %d, without %q\n%s", path, status, want, body)
		}
	}
	for _, path := range []string{"/?site=shop", "/goals.json?site=shop&goal=NEVER", "/goals.json?site=shop&goal=NEVER&by=day", "/goals.json?by=page&goal=NEVER&site="} {
		if status, body := look(t, http.MethodGet, p.admin+path); status != http.StatusOK {
			t.Errorf("%s: %d\n%s", path, status, body)
		}
	}
	code, text := p.stop()
	if code != exitOK {
		t.Error(text)
	}
}

// TestAdminTrustHeader: the header is believed from this machine and from trusted proxies.
func TestAdminTrustHeader(t *testing.T) {
	a := &adminAccess{header: "X-Auth-Request-User", believed: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	for _, test := range []struct {
		peer, user string
		want       bool
	}{
		{"127.0.0.1:5", "ada", true},
		{"10.1.2.3:5", "ada", true},
		{"[::ffff:10.1.2.3]:5", "ada", true},
		{"192.0.2.7:5", "ada", false},
		{"10.1.2.3:5", "", false},
		{"@", "ada", false},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		r.RemoteAddr, r.Host = test.peer, "goals.example"
		a.hosts = []string{"goals.example"}
		r.Header.Set("X-Auth-Request-User", test.user)
		if got := a.allows(r); got != test.want {
			t.Errorf("%s, user %q: %v", test.peer, test.user, got)
		}
	}
}

// TestAdminShowsTrouble: a report that cannot be opened stops nothing, and the page says so.
func TestAdminShowsTrouble(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "report.sqlite"), []byte("no database, and long enough to be read as one"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := reportingProxy(t, "--admin=127.0.0.1:0", "--report="+dir)
	status, body := look(t, http.MethodGet, p.admin+"/")
	if status != http.StatusServiceUnavailable || !strings.Contains(body, "is damaged") || strings.Contains(body, dir) || strings.Contains(body, "sqlite") {
		t.Errorf("%d\n%s", status, body)
	}
	if status, body := look(t, http.MethodGet, p.admin+"/goals.json"); status != http.StatusServiceUnavailable || !strings.Contains(body, "is damaged") || strings.Contains(body, dir) {
		t.Errorf("%d\n%s", status, body)
	}
	if _, body := look(t, http.MethodGet, p.admin+"/metrics"); !strings.Contains(body, "goaltrack_events_accepted_total") {
		t.Error("no metrics without a report")
	}
}

// TestProxyEndsWhileSomebodyLooksOn: a live list that is open does not hold up the end.
func TestProxyEndsWhileSomebodyLooksOn(t *testing.T) {
	p := reportingProxy(t, "--admin=127.0.0.1:0")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.admin+"/live/events", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if code, _ := p.stop(); code != exitOK {
		t.Errorf("exit code %d\n%s", code, p.stderr)
	}
	if _, err := io.ReadAll(response.Body); err != nil {
		t.Errorf("the list was cut: %v", err)
	}
}
