package page_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/internal/world"
	"github.com/goaltrack/goaltrack/page"
)

const injected = `<script src="/goals/e/s.js" defer></script>`

// injecting is a site whose answers may get the tag.
func injecting(t *testing.T, site http.HandlerFunc) *shop {
	t.Helper()
	s := new(shop)
	s.World = world.Setup{Rules: rules, Mount: func(tracker *goaltrack.Tracker) http.Handler {
		var err error
		if s.page, err = page.New(tracker, page.Options{}); err != nil {
			t.Fatal(err)
		}
		return s.page.Around(tracker.Handler(s.page.Inject(site)))
	}}.Start(t)
	return s
}

// TestInject: the tag is put into pages, and nothing else is changed.
func TestInject(t *testing.T) {
	const plain = "<html><head><title>a</title></head><body>b</body></html>"
	tagged := strings.Replace(plain, "</head>", injected+"</head>", 1)
	long := "<html><head>" + strings.Repeat("<meta>", 3000) + "</head>"
	latin := "<head><title>" + strings.Repeat("\xfc", 200) + "</title><!-- </head> -->" + strings.Repeat("<meta>", 100) + "%s</head>"
	for name, c := range map[string]struct {
		header []string // of the answer
		body   string
		want   string // "": as it came
		note   string
	}{
		"a page":                   {nil, plain, tagged, ""},
		"in capitals":              {nil, "<HTML><HEAD></HEAD>", "<HTML><HEAD>" + injected + "</HEAD>", ""},
		"in a comment first":       {nil, "<head><!-- </head> --></head>", "<head><!-- </head> -->" + injected + "</head>", ""},
		"in a script first":        {nil, `<head><script>a="</head>"</script></head>`, `<head><script>a="</head>"</script>` + injected + "</head>", ""},
		"in a title first":         {nil, "<head><title></head></title></head>", "<head><title></head></title>" + injected + "</head>", ""},
		"in Latin-1":               {nil, fmt.Sprintf(latin, ""), fmt.Sprintf(latin, injected), ""},
		"without a head":           {nil, "<body>b", "", "no_head"},
		"a head that is too long":  {nil, long, "", "no_head"},
		"nothing":                  {nil, "", "", "no_head"},
		"JSON":                     {[]string{"Content-Type", "application/json"}, plain, "", ""},
		"XHTML":                    {[]string{"Content-Type", "application/XHTML+xml"}, plain, "", ""},
		"compressed":               {[]string{"Content-Encoding", "gzip"}, plain, "", "encoded"},
		"not to be changed":        {[]string{"Cache-Control", "private, No-Transform"}, plain, "", "no_transform"},
		"with a digest":            {[]string{"Repr-Digest", "sha-256=:AAAA:"}, plain, "", "digest"},
		"an error":                 {[]string{"X-Status", "500"}, plain, "", ""},
		"a policy for itself":      {[]string{"Content-Security-Policy", "default-src 'self'; style-src 'unsafe-inline'"}, plain, tagged, ""},
		"a policy about pictures":  {[]string{"Content-Security-Policy", "img-src 'none'"}, plain, tagged, ""},
		"a policy with a nonce":    {[]string{"Content-Security-Policy", "script-src 'self' 'nonce-abc'"}, plain, "", "policy"},
		"a policy against scripts": {[]string{"Content-Security-Policy", "script-src https://cdn.example"}, plain, "", "policy"},
		"a policy against sending": {[]string{"Content-Security-Policy", "script-src 'self'; connect-src https://api.example"}, plain, "", "policy"},
		"two policies":             {[]string{"Content-Security-Policy", "default-src 'self', default-src 'none'"}, plain, "", "policy"},
		"a policy in the page":     {nil, `<head><meta http-equiv="Content-Security-Policy" content="default-src 'none'"></head>`, "", "policy"},
		"a tag that is there":      {nil, "<head>" + injected + "</head>", "", "there"},
		"an empty encoding":        {[]string{"Content-Encoding", ""}, plain, tagged, ""},
		"a second encoding":        {[]string{"Content-Encoding", "identity, gzip"}, plain, "", "encoded"},
		"a file to keep":           {[]string{"Content-Disposition", `Attachment; filename="a.html"`}, plain, "", "attachment"},
		"a page that has a name":   {[]string{"Content-Disposition", `inline; filename="a.html"`}, plain, tagged, ""},
		"a policy with tabs":       {[]string{"Content-Security-Policy", "default-src\t'none'"}, plain, "", "policy"},
		"a policy with hashes":     {[]string{"Content-Security-Policy", "script-src 'self' 'sha256-AAAA'"}, plain, tagged, ""},
		"a sandbox":                {[]string{"Content-Security-Policy", "sandbox allow-scripts"}, plain, "", "policy"},
		"a sandbox of the site":    {[]string{"Content-Security-Policy", "sandbox allow-same-origin allow-scripts"}, plain, tagged, ""},
		"scripts with a hash":      {[]string{"Integrity-Policy", "blocked-destinations=(script)"}, plain, "", "policy"},
		"styles with a hash":       {[]string{"Integrity-Policy", "blocked-destinations=(style)"}, plain, tagged, ""},
		"AMP":                      {nil, "<html amp lang=de><head></head>", "", "amp"},
		"AMP by its sign":          {nil, "<html \u26a1><head></head>", "", "amp"},
		"AMP for mail":             {nil, "<html \u26a1\ufe0f4email><head></head>", "", "amp"},
		"a base elsewhere":         {nil, `<head><base href="//cdn.example/a/"></head>`, "", "base"},
		"a base that is no web":    {nil, `<head><base href="data:a"></head>`, "", "base"},
		"a base here":              {nil, `<head><base href="/a/"></head>`, `<head><base href="/a/">` + injected + "</head>", ""},
		"a target for all links":   {nil, `<head><base target=_top></head>`, `<head><base target=_top>` + injected + "</head>", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := injecting(t, func(w http.ResponseWriter, r *http.Request) {
				if got := r.Header.Get("Accept-Encoding"); got != "identity" {
					t.Errorf("the site is asked for %q", got)
				}
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				w.Header().Set("Content-Length", strconv.Itoa(len(c.body)))
				w.Header().Set("Etag", `"a"`)
				status := http.StatusOK
				for i := 0; i+1 < len(c.header); i += 2 {
					w.Header().Set(c.header[i], c.header[i+1])
				}
				if w.Header().Get("X-Status") != "" {
					status = http.StatusInternalServerError
				}
				w.WriteHeader(status)
				for _, part := range []string{c.body[:len(c.body)/3], c.body[len(c.body)/3:]} {
					_, _ = io.WriteString(w, part)
				}
			})
			res, text := s.get(s.visitor(), "/", "Sec-Fetch-Dest", "document", "Sec-Fetch-Mode", "navigate", "Accept-Encoding", "br, gzip")
			want, etag := c.want, `W/"a"`
			if want == "" {
				want, etag = c.body, `"a"`
			}
			if text != want || res.Header.Get("Etag") != etag || res.ContentLength != int64(len(want)) {
				t.Errorf("%.200s, ETag %s, length %d", text, res.Header.Get("Etag"), res.ContentLength)
			}
			notes := s.Tracker.Snapshot().Notes
			if c.note != "" && notes["not_injected_"+c.note] != 1 || c.note == "" && strings.Contains(fmt.Sprint(notes), "not_injected") {
				t.Errorf("notes %v", notes)
			}
		})
	}
}

// TestInjectInPieces: in whatever pieces a page is written, it gets the tag, and the type that
// net/http finds for it without goaltrack.
func TestInjectInPieces(t *testing.T) {
	var site http.HandlerFunc
	answers := func(w http.ResponseWriter, r *http.Request) { site(w, r) }
	s, bare := injecting(t, answers), httptest.NewServer(http.HandlerFunc(answers))
	defer bare.Close()
	for _, text := range []string{
		"\n<!doctype html><html><head><title></head></title></head>a",
		"<html><head><!-- </head> --><script>'</head>'</script></head >a",
		"<html><head>" + strings.Repeat("<meta>", 200) + "</HEAD>" + strings.Repeat("a", 2000),
		"<html>a", "a<html><head></head>", `{"a":"</head>"}`, "",
	} {
		for _, size := range []int{1, 5, 1 << 20} {
			for _, by := range []string{"Write", "WriteHeader", "Flush", "Flush first"} {
				site = func(w http.ResponseWriter, _ *http.Request) {
					switch by {
					case "WriteHeader":
						w.WriteHeader(http.StatusOK)
					case "Flush first":
						w.(http.Flusher).Flush()
					}
					for piece := range slices.Chunk([]byte(text), size) {
						_, _ = w.Write(piece)
						if by == "Flush" {
							w.(http.Flusher).Flush()
						}
					}
				}
				res, err := bare.Client().Get(bare.URL)
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close()
				want, wantType := text, res.Header.Get("Content-Type")
				if at := strings.LastIndex(strings.ToLower(text), "</head"); at >= 0 && strings.HasPrefix(wantType, "text/html") {
					want = text[:at] + injected + text[at:]
				}
				res, got := s.get(s.visitor(), "/", "Sec-Fetch-Dest", asDocument, "Sec-Fetch-Mode", "navigate")
				if gotType := res.Header.Get("Content-Type"); got != want || gotType != wantType {
					t.Errorf("%.60q in pieces of %d by %s: %.200q of %s, want %.200q of %s", text, size, by, got, gotType, want, wantType)
				}
			}
		}
	}
}

// TestInjectStreams: what the site flushes goes on at once, and the tag is still put in.
func TestInjectStreams(t *testing.T) {
	more := make(chan struct{})
	s := injecting(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		rc := http.NewResponseController(w)
		for _, part := range []string{"<head><title>a</title></he", "ad><body>"} {
			_, _ = io.WriteString(w, part)
			if err := rc.Flush(); err != nil {
				t.Error(err)
			}
			select {
			case <-more:
			case <-r.Context().Done():
			}
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r := s.visitor().Request(http.MethodGet, "/", nil, "Sec-Fetch-Dest", "document", "Sec-Fetch-Mode", "navigate").WithContext(ctx)
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body := bufio.NewReader(res.Body)
	begun := make([]byte, len("<head><title>a</title>")) // but what may begin the tag
	if _, err := io.ReadFull(body, begun); err != nil {
		t.Fatal(err)
	}
	more <- struct{}{}
	more <- struct{}{}
	rest, err := io.ReadAll(body)
	if got, want := string(begun)+string(rest), "<head><title>a</title>"+injected+"</head><body>"; got != want || err != nil {
		t.Errorf("%s, want %s (%v)", got, want, err)
	}
}

// TestInjectLeavesOthersAlone: only a page to which a person goes is looked at.
func TestInjectLeavesOthersAlone(t *testing.T) {
	s := injecting(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, "<head></head>%s", r.Header.Get("Accept-Encoding"))
	})
	for name, header := range map[string][]string{
		"a frame":  {"Sec-Fetch-Dest", "iframe", "Sec-Fetch-Mode", "navigate"},
		"a script": {"Sec-Fetch-Dest", "empty", "Sec-Fetch-Mode", "cors"},
		"a part":   {"Sec-Fetch-Dest", "document", "Sec-Fetch-Mode", "navigate", "Range", "bytes=0-9"},
	} {
		if _, text := s.get(s.visitor(), "/", append(header, "Accept-Encoding", "zstd")...); text != "<head></head>zstd" {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// TestInjectFlushesAll: of what the site flushes, only what may be the beginning of </head> waits
// for what follows.
func TestInjectFlushesAll(t *testing.T) {
	for _, text := range []string{"<p>tea", "<!doctype html><title>a</title><p>1</p>\n", "a</heading>", "a < b", strings.Repeat("\xfc", 600)} {
		more := make(chan struct{})
		s := injecting(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, text)
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
			<-more
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		r := s.visitor().Request(http.MethodGet, "/", nil, "Sec-Fetch-Dest", "document", "Sec-Fetch-Mode", "navigate").WithContext(ctx)
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(text))
		n, err := io.ReadFull(res.Body, got)
		if err != nil {
			t.Errorf("%.60q: %.60q came at once, and then %v", text, got[:n], err)
		}
		close(more)
		_ = res.Body.Close()
	}
}

// TestInjectKeepsTheHeader: what a handler changes in the header after it has answered changes
// nothing, but trailers.
func TestInjectKeepsTheHeader(t *testing.T) {
	s := injecting(t, func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html")
		h.Set("Trailer", "X-Sum")
		h.Set("X-Early", "1")
		_, _ = io.WriteString(w, "<head></head>"[:6])
		h.Set("X-Late", "1")
		h.Del("X-Early")
		h.Set("Cache-Control", "public")
		h.Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "<head></head>"[6:])
		h.Set("X-Sum", "42")
	})
	res, text := s.get(s.visitor(), "/", "Sec-Fetch-Dest", "document", "Sec-Fetch-Mode", "navigate")
	h := res.Header
	if text != "<head>"+injected+"</head>" || h.Get("X-Early") != "1" || h.Get("X-Late") != "" || h.Get("Content-Type") != "text/html" || h.Get("Cache-Control") != "" {
		t.Errorf("%s %v", text, h)
	}
	if res.Trailer.Get("X-Sum") != "42" {
		t.Errorf("trailer %v", res.Trailer)
	}
}

// TestInjectInTime: a writer that keeps the header until the handler has returned gets all of it.
func TestInjectInTime(t *testing.T) {
	const plain = "<head></head>"
	s := new(shop)
	s.World = world.Setup{Rules: rules, Mount: func(tracker *goaltrack.Tracker) http.Handler {
		pages, err := page.New(tracker, page.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return tracker.Handler(http.TimeoutHandler(pages.Inject(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Content-Length", strconv.Itoa(len(plain)))
			_, _ = io.WriteString(w, plain)
		})), time.Hour, ""))
	}}.Start(t)
	res, text := s.get(s.visitor(), "/", "Sec-Fetch-Dest", "document", "Sec-Fetch-Mode", "navigate")
	if want := "<head>" + injected + "</head>"; text != want || res.ContentLength != int64(len(want)) {
		t.Errorf("%s, length %d", text, res.ContentLength)
	}
}

// TestInjectTellsTheRoute: what a router inside says of the request is known outside, so that
// rules can ask for it.
func TestInjectTellsTheRoute(t *testing.T) {
	site := http.NewServeMux()
	site.HandleFunc("GET /docs/{id}", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<head></head>")
	})
	var seen, accepts, form string
	w := world.Setup{Rules: "version: 1\ngoals:\n  - { goal: DOCS, visit: /docs/**, if: { route: \"/docs/{id}\" } }\n", Mount: func(tracker *goaltrack.Tracker) http.Handler {
		pages, err := page.New(tracker, page.Options{})
		if err != nil {
			t.Fatal(err)
		}
		inside := pages.Inject(site)
		return tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			inside.ServeHTTP(w, r)
			seen, accepts, form = r.Pattern, r.Header.Get("Accept-Encoding"), r.Form.Get("a")
		}))
	}}.Start(t)
	s := &shop{World: w}
	s.get(s.visitor(), "/docs/7?a=b", "Sec-Fetch-Dest", "document", "Sec-Fetch-Mode", "navigate", "Accept-Encoding", "br")
	if seen != "GET /docs/{id}" || accepts != "br" || form != "b" {
		t.Errorf("pattern %q, accepts %q, form %q", seen, accepts, form)
	}
	if got := w.Tracker.Snapshot().Goals[0]; got.Fired != 1 {
		t.Errorf("%+v", got)
	}
}
