package crawl_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/crawl"
)

// site is one that notes what it was asked for.
type site struct {
	pages map[string]string // a page, or "-> address"
	mu    sync.Mutex
	asked []string
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r.Method+" "+r.URL.RequestURI())
	text, ok := s.pages[r.URL.Path]
	to, leads := strings.CutPrefix(text, "-> ")
	switch {
	case !ok:
		http.NotFound(w, r)
	case leads:
		http.Redirect(w, r, to, http.StatusFound)
	case r.URL.Path == "/robots.txt":
		_, _ = w.Write([]byte(text))
	default:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(text))
	}
}

func look(t *testing.T, s *site, pages int) (*crawl.Site, string, error) {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	found, err := crawl.At(t.Context(), server.URL, crawl.Options{Pages: pages})
	return found, server.URL, err
}

// TestAt: which pages are asked for, and what is found on them.
func TestAt(t *testing.T) {
	s := &site{pages: map[string]string{
		"/robots.txt": "User-agent: *\nDisallow: /private\n",
		"/": `<a href="/contact#form">Contact</a> <a href=contact>again</a> <a href="https://other.example/x">other</a> <a href="/private/a">p</a>
			<a href="/logout">out</a> <a href="/cart?add-to-cart=1">add</a> <a rel="nofollow" href="/nofollow">n</a> <a href="mailto:a@b.example">m</a>
			<a href="/files/Guide.PDF?v=1"> Our <b>guide</b></a> <a href="/moved">moved</a> <a href="/away">away</a> <a href="/hidden">hidden</a> <a href="/none">none</a>
			<form action="/search"><input type=search name=q></form><form method=dialog><input name=x></form>`,
		"/contact": `<base href="/sub/"><form method="post" id=write><input name=name><input type=hidden name=token><input name=name>
			<form method=post action=inner><textarea name="message"></textarea><button name=go></button></form>
			<form method=POST action="send"><input type=password name=pw></form><form method=post action="https://news.example/in"></form> <form method=post action=/open><input name=last>`,
		"/moved":  "-> /contact",
		"/away":   "-> https://other.example/",
		"/hidden": "-> /private/b",
	}}
	found, _, err := look(t, s, 50)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"GET /robots.txt", "GET /", "GET /contact", "GET /moved", "GET /contact", "GET /away", "GET /hidden", "GET /none"}
	if !slices.Equal(s.asked, want) {
		t.Errorf("asked for %q, want %q", s.asked, want)
	}
	var got []string
	for _, f := range found.Forms {
		got = append(got, fmt.Sprintf("%s %s%s on %s, %s, %v, search %q, password %v", f.Method, f.Host, f.Path, f.On, f.Name, f.Fields, f.Search, f.Password))
	}
	forms := []string{
		`GET /search on /, , [q], search "q", password false`,
		`POST /contact on /contact, write, [name message], search "", password false`,
		`POST /sub/send on /contact, , [pw], search "", password true`,
		`POST news.example/in on /contact, , [], search "", password false`,
		`POST /open on /contact, , [last], search "", password false`,
	}
	if !slices.Equal(got, forms) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(forms, "\n"))
	}
	if fmt.Sprint(found.Files) != "[{/ /files/Guide.PDF Our guide}]" || found.Pages != 3 || found.More {
		t.Errorf("%v, %d pages", found.Files, found.Pages)
	}
}

// TestBounds: no more pages than allowed, and none that the site does not want.
func TestBounds(t *testing.T) {
	many := &site{pages: map[string]string{"/": ""}}
	for i := range 30 {
		many.pages["/"] += fmt.Sprintf("<a href=/p%d>x</a>", i)
		many.pages[fmt.Sprintf("/p%d", i)] = strings.Repeat("x", 3<<20)
	}
	found, _, err := look(t, many, 5)
	if err != nil || found.Pages != 5 || !found.More || len(many.asked) != 6 || len(found.Left) != 1 {
		t.Errorf("%+v, %v, %q", found, err, many.asked)
	}
	for name, test := range map[string]struct {
		pages map[string]string
		want  string
	}{
		"robots":         {map[string]string{"/robots.txt": "User-agent: goaltrack-init\nDisallow: /\n", "/": "x"}, "robots.txt of the site forbids"},
		"another host":   {map[string]string{"/robots.txt": "-> https://www.shop.example/robots.txt"}, "leads to https://www.shop.example: give that address"},
		"the page leads": {map[string]string{"/": "-> https://www.shop.example/"}, "it leads to https://www.shop.example"},
		"in a circle":    {map[string]string{"/": "-> /"}, "in a circle"},
		"no page":        {map[string]string{}, "the site answers 404"},
	} {
		if _, _, err := look(t, &site{pages: test.pages}, 5); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	for _, address := range []string{"shop.example", "ftp://shop.example", "https://", "https://ann:secret@shop.example/", "https://%zz"} {
		if _, err := crawl.At(t.Context(), address, crawl.Options{Pages: 1}); err == nil || !strings.Contains(err.Error(), "no address such as") {
			t.Errorf("%s: %v", address, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := crawl.At(ended, "http://127.0.0.1:1/", crawl.Options{Pages: 1, Pause: time.Hour}); err == nil {
		t.Error("an end was not heard")
	}
}
