package page_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
	"github.com/goaltrack/goaltrack/page"
)

// rules has one goal of each kind.
const rules = `
version: 1
goals:
  - goal: DEMO_CLICKED
    click: "#hero a.demo"
    on: /products/{id}
    data: { product: $path.id, plan: $element.plan }
  - goal: BOOKED
    click: book-demo
    count: once per session
  - goal: CALLED
    click: { to: tel }
    on: /contact
  - goal: PRICES_SEEN
    seen: .prices
    on: /pricing
  - goal: ARTICLE_READ
    read: 75%
    on: /blog/**
  - goal: STAYED
    stay: 30s
    on: /blog/**
  - goal: FILM_PLAYED
    played: { element: "video", part: end }
    on: /films/*
  - goal: FORM_STARTED
    started: "#offer"
    on: /contact
  - goal: PRICING_VIEWED
    visit: /pricing
  - goal: OFFER_SENT
    submit: /offer
`

// shop is a site with a Page, and visitors of it.
type shop struct {
	*world.World
	page *page.Page
}

func open(t *testing.T, o page.Options, adjust ...func(*goaltrack.Config)) *shop {
	t.Helper()
	return openWith(t, rules, o, adjust...)
}

func openWith(t *testing.T, rules string, o page.Options, adjust ...func(*goaltrack.Config)) *shop {
	t.Helper()
	s := new(shop)
	s.World = world.Setup{Rules: rules, Config: func(c *goaltrack.Config, _ *cdptest.Server) {
		for _, a := range adjust {
			a(c)
		}
	}, Mount: func(tracker *goaltrack.Tracker) http.Handler {
		var err error
		if s.page, err = page.New(tracker, o); err != nil {
			t.Fatal(err)
		}
		mux := http.NewServeMux()
		mux.Handle(s.page.Path()+"/", s.page)
		mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			if strings.HasPrefix(r.URL.Path, "/kept") {
				w.Header().Set("Cache-Control", "public, max-age=60")
			}
			fmt.Fprintf(w, "<!DOCTYPE html>%s", s.page.Script(r))
		})
		return tracker.Handler(mux) // the Page is inside
	}}.Start(t)
	return s
}

// visitor is one that the CDP knows.
func (s *shop) visitor() *world.Visitor { return s.Visitor().Meet() }

// tell sends a message as the script does, and returns the answer.
func (s *shop) tell(v *world.Visitor, body string, header ...string) *http.Response {
	s.Helper()
	header = append([]string{
		"Accept", "*/*", "Content-Type", "application/json", "Origin", s.Site.URL,
		"Sec-Fetch-Dest", "empty", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "same-origin",
	}, header...)
	res := v.Send(v.Request(http.MethodPost, s.page.Path()+"/c", strings.NewReader(body), header...))
	if res.StatusCode != http.StatusNoContent || res.Header.Get("Cache-Control") != "no-store" {
		s.Errorf("%.60s: answered %s, %q", body, res.Status, res.Header)
	}
	return res
}

var nextID int

// message is one with a new ID.
func message(goal, path, data string) string {
	nextID++
	return fmt.Sprintf(`{"g":%q,"i":"event-%06d","u":%q,"d":{%s}}`, goal, nextID, path, data)
}

// get asks for something, as a script in the page does.
func (s *shop) get(v *world.Visitor, path string, header ...string) (*http.Response, string) {
	s.Helper()
	header = append([]string{"Sec-Fetch-Dest", "script", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Site", "same-origin"}, header...)
	res := v.Send(v.Request(http.MethodGet, path, nil, header...))
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.Fatal(err)
	}
	return res, string(text)
}

// TestSizes: what a page loads is as small as docs/page.md says.
func TestSizes(t *testing.T) {
	gzipped := func(text string) int {
		var b bytes.Buffer
		z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
		_, _ = z.Write([]byte(text))
		_ = z.Close()
		return b.Len()
	}
	s := open(t, page.Options{})
	v := s.visitor()
	for _, c := range []struct {
		path string
		most int
	}{
		{"/products/7", 1000}, // clicks alone
		{"/pricing", 1400},
		{"/contact", 1800},
		{"/blog/a", 1800},
	} {
		_, text := s.get(v, c.path, "Sec-Fetch-Dest", "document", "Sec-Fetch-Mode", "navigate")
		name := regexp.MustCompile(`src="([^"]*)"`).FindStringSubmatch(text)
		if name == nil {
			t.Fatalf("%s has no script: %s", c.path, text)
		}
		if _, code := s.get(v, name[1]); gzipped(code) > c.most || code == "" {
			t.Errorf("%s: %d bytes, want at most %d", c.path, gzipped(code), c.most)
		} else {
			t.Logf("%s: %d bytes", c.path, gzipped(code))
		}
	}
	// A name that nobody knows is answered with all parts.
	res, code := s.get(v, s.page.Path()+"/AAAAAAAAAAAAAAAA.js")
	if n := gzipped(code); n > 1800 || n < 1000 {
		t.Errorf("all parts are %d bytes", n)
	} else {
		t.Logf("all: %d bytes", n)
	}
	if got := res.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("it may be kept: %s", got)
	}
	if _, text := s.get(v, s.page.Path()+"/s.js"); len(text) > 300 || text == "" {
		t.Errorf("the loader is %q", text)
	}
}
