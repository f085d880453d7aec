package main

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestForwarded asks the site what it hears about the visitor.
func TestForwarded(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "Via"} {
			say(w, "%s=%s ", name, strings.Join(r.Header[name], "|"))
		}
		say(w, "%s %s", r.Host, r.RequestURI)
	}))
	defer site.Close()

	for _, test := range []struct {
		name, base, target string
		header             http.Header
		want               string
	}{
		{
			"from the visitor", "", "/a", nil,
			"X-Forwarded-For=192.0.2.1 X-Forwarded-Host=shop.example X-Forwarded-Proto=http Forwarded= Via= shop.example /a",
		},
		{
			"from a proxy in front", "", "/a",
			http.Header{
				"X-Forwarded-For": {"198.51.100.7", "203.0.113.9"}, "X-Forwarded-Host": {"www.shop.example"},
				"X-Forwarded-Proto": {"https"}, "Forwarded": {"for=198.51.100.7;proto=https"}, "Via": {"1.1 edge"},
			},
			"X-Forwarded-For=198.51.100.7, 203.0.113.9, 192.0.2.1 X-Forwarded-Host=www.shop.example X-Forwarded-Proto=https " +
				"Forwarded=for=198.51.100.7;proto=https Via=1.1 edge shop.example /a",
		},
		{
			"to a folder", "/app/", "/a|b%2Fc?d;e", nil,
			"X-Forwarded-For=192.0.2.1 X-Forwarded-Host=shop.example X-Forwarded-Proto=http Forwarded= Via= shop.example /app/a|b%2Fc?d;e",
		},
		{
			"with a path that looks like a host", "", "//evil.example/a|b", nil,
			"X-Forwarded-For=192.0.2.1 X-Forwarded-Host=shop.example X-Forwarded-Proto=http Forwarded= Via= shop.example //evil.example/a%7Cb",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			target, err := url.Parse(site.URL + test.base)
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, test.target, nil)
			r.Host = host
			r.Header = test.header.Clone()
			w := httptest.NewRecorder()
			newProxy(usualLimits(), newTransport(), target, slog.New(slog.DiscardHandler)).ServeHTTP(w, r)
			if got := w.Body.String(); got != test.want {
				t.Errorf("the site saw\n%s, want\n%s", got, test.want)
			}
		})
	}
}

// TestSiteDown expects a short answer and one line in the log, not one for
// every request.
func TestSiteDown(t *testing.T) {
	site := httptest.NewServer(http.NotFoundHandler())
	site.Close()
	target, err := url.Parse(site.URL)
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	proxy := newProxy(usualLimits(), newTransport(), target, slog.New(slog.NewTextHandler(&logged, nil)))
	for range 3 {
		w := httptest.NewRecorder()
		proxy.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?secret=1", nil))
		if w.Code != http.StatusBadGateway || w.Body.Len() > 100 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
			t.Errorf("%d %v %q", w.Code, w.Header(), w.Body)
		}
	}
	if got := logged.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "did not answer") || strings.Contains(got, "secret") {
		t.Errorf("logged %q", got)
	}
}

// TestBrokenAnswer expects the visitor to see that an answer is not complete.
func TestBrokenAnswer(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		say(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	defer site.Close()
	target, err := url.Parse(site.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(newProxy(usualLimits(), newTransport(), target, slog.New(slog.DiscardHandler)))
	defer proxy.Close()
	response := do(t, newBrowser(t), request(t, http.MethodGet, proxy.URL, "/", nil, nil))
	if body, err := io.ReadAll(response.Body); string(body) != "half" || err == nil {
		t.Errorf("read %q and no error", body)
	}
}

// TestSeldom expects a line now and then that says how many were left out.
func TestSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		s := &limitedLog{logger: slog.New(slog.NewTextHandler(&logged, nil)), every: time.Minute}
		for range 150 { // one a second
			say(s, "down\n")
			<-time.After(time.Second)
		}
		got := logged.String()
		if strings.Count(got, "\n") != 3 || strings.Count(got, "left_out=59") != 2 {
			t.Errorf("logged\n%s", got)
		}
	})
}

// usualLimits are those of the proxy if no setting says otherwise.
func usualLimits() *limitsInForce { return newLimits(&limits{answerTime: time.Minute}) }
