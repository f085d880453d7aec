package crawl_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"

	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/crawl"
)

// served is a site without a network.
type served struct{ http.Handler }

// RoundTrip implements [http.RoundTripper].
func (s served) RoundTrip(r *http.Request) (*http.Response, error) {
	done := make(chan *http.Response, 1)
	go func() {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		answer := w.Result()
		answer.Request = r
		done <- answer
	}()
	select {
	case answer := <-done:
		return answer, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// at looks at a site whose pages a function answers. It has no robots.txt unless it says so.
func at(t *testing.T, answer func(w http.ResponseWriter, r *http.Request)) (*crawl.Site, error) {
	t.Helper()
	return crawl.At(t.Context(), "https://shop.example/", crawl.Options{Pages: 50, Transport: served{http.HandlerFunc(answer)}})
}

// TestEncodings: the names and addresses of a page are read as its browser reads them.
func TestEncodings(t *testing.T) {
	german := `<form method=post action="/rückruf" name="Größe"><input name=grösse></form>`
	latin, err := charmap.ISO8859_1.NewEncoder().String(german)
	if err != nil {
		t.Fatal(err)
	}
	shiftJIS, err := japanese.ShiftJIS.NewEncoder().String(`<meta charset="shift_jis"><form method=post action="/送信" name="お問い合わせ"><input name=a></form>`)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ kind, page, want string }{
		{"text/html; charset=iso-8859-1", latin, "/rückruf Größe [grösse]"},
		{"text/html", shiftJIS, "/送信 お問い合わせ [a]"},
		{"text/html; charset=utf-8", german, "/rückruf Größe [grösse]"},
		{"text/html", german, "/rückruf Größe [grösse]"},
		{"text/html; charset=nonsense", german, "/rückruf Größe [grösse]"},
		{"text/html", "", ""},
	} {
		found, err := at(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/" {
				http.NotFound(w, r)
				return
			}
			w.Header().Set("Content-Type", test.kind)
			_, _ = w.Write([]byte(test.page))
		})
		if err != nil {
			t.Fatal(test.kind, err)
		}
		var forms []string
		for _, f := range found.Forms {
			forms = append(forms, fmt.Sprint(f.Path, " ", f.Name, " ", f.Fields))
		}
		if got := strings.Join(forms, ", "); got != test.want {
			t.Errorf("%s: %q, want %q", test.kind, got, test.want)
		}
	}
}

// TestTroubledSites: a page that cannot be got is named. After five in a row no other is asked
// for. If robots.txt cannot be read, nothing is.
func TestTroubledSites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		fails := func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path == "/":
				w.Header().Set("Content-Type", "text/html")
				for i := range 30 {
					_, _ = fmt.Fprintf(w, "<a href=/%d>x</a>", i)
				}
			case strings.HasPrefix(r.URL.Path, "/1"): // 1 and 10 to 19
				http.NotFound(w, r)
			case r.URL.Path == "/2":
				time.Sleep(time.Hour)
			case r.URL.Path == "/robots.txt":
				http.NotFound(w, r)
			default:
				asked++
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}
		found, err := at(t, fails)
		if err != nil {
			t.Fatal(err)
		}
		want := "This page could not be looked at: /0: the site answers 503 Service Unavailable.\n" +
			"This page could not be looked at: /2: no answer came within 10s.\n" +
			"This page could not be looked at: /3: the site answers 503 Service Unavailable.\n" +
			"This page could not be looked at: /4: the site answers 503 Service Unavailable.\n" +
			"This page could not be looked at: /5: the site answers 503 Service Unavailable.\n" +
			"This page could not be looked at: /6: the site answers 503 Service Unavailable.\n" +
			"After 5 such pages in a row none was asked for any more.\n" +
			"23 more pages were linked and not looked at."
		if got := strings.Join(found.Left, "\n"); got != want || asked != 5 || found.Pages != 1 {
			t.Errorf("%d pages, asked for %d, left\n%s\nwant\n%s", found.Pages, asked, got, want)
		}
		for what, test := range map[string]struct {
			answer func(w http.ResponseWriter, r *http.Request)
			want   string
		}{
			"robots.txt fails": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, "the site answers 502 Bad Gateway when asked for robots.txt"},
			"it never answers": {func(http.ResponseWriter, *http.Request) { time.Sleep(time.Hour) }, "shop.example/robots.txt: no answer came within 10s"},
			"no type":          {func(w http.ResponseWriter, _ *http.Request) { w.Header()["Content-Type"] = nil }, "https://shop.example/: its answer does not say that it is a page"},
		} {
			if _, err := at(t, test.answer); err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("%s: %v", what, err)
			}
		}
		time.Sleep(2 * time.Hour) // until the slow answers are over
	})
}
