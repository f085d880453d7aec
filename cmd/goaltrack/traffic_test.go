package main

import (
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

const rules = `
version: 1
goals:
  - {goal: PRODUCT_VIEWED, visit: "/products/{id}", count: every, data: {productId: $path.id}}
  - {goal: SIGNED_UP, submit: /newsletter, count: every, data: {topic: $form.topic}}
  - {goal: GUIDE_DOWNLOADED, download: "/files/**/{file}.pdf", count: every, data: {file: $path.file}}
  - {goal: PHOTO_SENT, submit: /upload, count: every}
`

// An exchange is a request that goes to the site and to the proxy.
type exchange struct {
	name   string
	method string // default: GET
	target string
	form   string // sent as a form
	body   string // sent in chunks
	header http.Header
	unset  string // a header not to send
	goal   string // what the CDP hears of the request through the proxy
}

var exchanges = []exchange{
	{name: "a page", target: "/"},
	{name: "a page with a goal", target: "/products/7", goal: "PRODUCT_VIEWED 7"},
	{name: "a form, accepted", method: "POST", target: "/newsletter", form: "topic=tea&email=a%40b.example", goal: "SIGNED_UP tea"},
	{name: "a form, shown again", method: "POST", target: "/newsletter", form: "topic="},
	{name: "a form, refused", method: "POST", target: "/newsletter", form: "topic=coffee"},
	{name: "a PDF", target: "/files/2026/guide.pdf", goal: "GUIDE_DOWNLOADED guide"},
	{name: "a range of a PDF", target: "/files/2026/guide.pdf", header: http.Header{"Range": {"bytes=2-5"}}},
	{name: "a compressed page", target: "/gzip"},
	{name: "early hints", target: "/hints"},
	{name: "trailers", method: "POST", target: "/trailers", body: "some text"},
	{name: "trailers not announced", target: "/late-trailers"},
	{name: "no content type", target: "/untyped"},
	{name: "no content type, no body", target: "/untyped-empty"},
	{name: "unknown length, empty", target: "/chunked-empty"},
	{name: "several cookies and links", target: "/many"},
	{name: "a HEAD", method: "HEAD", target: "/"},
	{name: "a HEAD of unknown length", method: "HEAD", target: "/gzip"},
	{name: "not modified", target: "/cached", header: http.Header{"If-None-Match": {`"v1"`}}},
	{name: "no content", method: "POST", target: "/nothing", form: "a=b"},
	{name: "a failure", target: "/broken"},
	{name: "not there", target: "/nowhere"},
	{name: "an empty POST", method: "POST", target: "/"},
	{name: "a DELETE with a body", method: "DELETE", target: "/products/7", form: "why=not"},
	{name: "a method nobody knows", method: "PURGE", target: "/products/7"},
	{name: "OPTIONS of the server", method: "OPTIONS", target: "*"},
	{name: "a query Go cannot parse", target: "/?a;b=%zz&c=100%&d"},
	{name: "an empty query", target: "/?"},
	{name: "escaped slashes", target: "/a%2Fb/c%2f%41"},
	{name: "signs that Go escapes", target: "/a|b/ü^\"c`"},
	{name: "dots and double slashes", target: "//a//../b/./"},
	{name: "no user agent", target: "/", unset: "User-Agent"},
	{name: "no accepted encodings", target: "/gzip", unset: "Accept-Encoding"},
	{name: "several cookies", target: "/", header: http.Header{"Cookie": {"a=1; b=\"2\"", "c=3"}}},
	{name: "hop-by-hop headers", target: "/", header: http.Header{"Connection": {"X-Hop"}, "X-Hop": {"1"}, "Te": {"trailers"}}},
}

// plainSite answers the exchanges and remembers what it was asked.
type plainSite struct {
	mu   sync.Mutex
	seen []string
}

// ServeHTTP answers as sites do that know nothing of goaltrack.
func (s *plainSite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.remember(r, body)
	header := w.Header()
	header.Set("Date", "Mon, 23 Nov 2026 08:00:00 GMT")
	header.Set("Server", "plain/1.0")
	header.Set("Content-Type", "text/html; charset=utf-8")
	switch r.URL.Path {
	case "/", "/products/7":
		header.Set("ETag", `"v1"`)
		say(w, "<!doctype html><title>Tea</title>")
	case "/newsletter":
		switch string(body) {
		case "topic=":
			say(w, "<!doctype html><p>Please choose a topic.</p>")
		case "topic=coffee":
			w.WriteHeader(http.StatusUnprocessableEntity)
		default:
			header.Set("Location", "/thanks")
			w.WriteHeader(http.StatusSeeOther)
		}
	case "/files/2026/guide.pdf":
		header.Set("Content-Type", "application/pdf")
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader("%PDF-1.7 "+strings.Repeat("tea ", 1000)))
	case "/gzip":
		header.Set("Content-Encoding", "gzip")
		packed := gzip.NewWriter(w)
		say(packed, "%s", strings.Repeat("<p>tea</p>", 10_000))
		_ = packed.Close()
	case "/hints":
		header.Set("Link", "</style.css>; rel=preload; as=style")
		w.WriteHeader(http.StatusEarlyHints)
		say(w, "<!doctype html><title>Hinted</title>")
	case "/trailers":
		header.Set("Trailer", "X-Sum")
		say(w, "summed")
		header.Set("X-Sum", r.Trailer.Get("X-Sum"))
	case "/late-trailers":
		say(w, "summed")
		_ = http.NewResponseController(w).Flush()
		header.Set(http.TrailerPrefix+"X-Late", "1")
	case "/untyped":
		header["Content-Type"] = nil
		say(w, "<!doctype html><title>Untyped</title>")
	case "/untyped-empty":
		header["Content-Type"] = nil
	case "/chunked-empty":
		_ = http.NewResponseController(w).Flush()
	case "/many":
		header["Set-Cookie"] = []string{"a=1; Path=/nowhere", "b=2; Path=/nowhere"}
		header["Link"] = []string{"</a>; rel=prev", "</b>; rel=next"}
		header["X-Empty"] = []string{""}
	case "/cached":
		header.Del("Content-Type")
		header.Set("ETag", `"v1"`)
		w.WriteHeader(http.StatusNotModified)
	case "/nothing":
		header.Del("Content-Type")
		w.WriteHeader(http.StatusNoContent)
	case "/broken":
		http.Error(w, "broken", http.StatusInternalServerError)
	default:
		http.NotFound(w, r)
	}
}

// remember writes a request down, without what a proxy may add or change.
func (s *plainSite) remember(r *http.Request, body []byte) {
	header := r.Header.Clone()
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Connection", "X-Hop"} {
		header.Del(name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, fmt.Sprintf("%s %s %s length %d %v\n%s%x\n%s", r.Method, r.RequestURI, r.Host,
		r.ContentLength, r.TransferEncoding, lines(header), sha256.Sum256(body), lines(r.Trailer)))
}

// last returns the last request.
func (s *plainSite) last() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[len(s.seen)-1]
}

// lines writes a header as sorted lines.
func lines(header http.Header) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(header)) {
		fmt.Fprintf(&b, "%s: %q\n", name, header[name])
	}
	return b.String()
}

// do makes an exchange and returns the answer as text.
func (e exchange) do(t *testing.T, client *http.Client, base string) string {
	t.Helper()
	header := navigation.Clone()
	maps.Copy(header, e.header)
	if e.unset != "" {
		header[e.unset] = nil // nil keeps net/http from adding its own
	}
	var body io.Reader
	switch {
	case e.form != "":
		header.Set("Content-Type", "application/x-www-form-urlencoded")
		header.Set("Origin", "https://"+host)
		body = strings.NewReader(e.form)
	case e.body != "":
		body = io.MultiReader(strings.NewReader(e.body))
	}
	r := request(t, e.method, base, e.target, body, header)
	if e.form != "" {
		r.ContentLength = int64(len(e.form))
	}
	if e.body != "" {
		r.Trailer = http.Header{"X-Sum": {"42"}}
	}

	var answer strings.Builder
	r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
			fmt.Fprintf(&answer, "%d\n%s", code, lines(http.Header(header)))
			return nil
		},
	}))
	response := do(t, client, r)
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if len(content) == 0 && response.ContentLength <= 0 {
		// How it says that nothing follows is the business of each hop.
		response.ContentLength, response.TransferEncoding = 0, nil
		response.Header.Del("Content-Length")
	}
	fmt.Fprintf(&answer, "%d length %d %v\n%s%d bytes %x\n%s", response.StatusCode, response.ContentLength,
		response.TransferEncoding, lines(response.Header), len(content), sha256.Sum256(content), lines(response.Trailer))
	return answer.String()
}

// TestTraffic sends every exchange to the site and through the proxy: the site
// must be asked the same, and the visitor must get the same.
func TestTraffic(t *testing.T) {
	tenant := cdptest.NewServer(t, cdptest.Options{})
	site := &plainSite{}
	upstream := httptest.NewUnstartedServer(site)
	upstream.Config.DisableGeneralOptionsHandler = true
	upstream.Start()
	defer upstream.Close()
	proxy := start(t, "proxy", "--listen", "127.0.0.1:0", "--to", upstream.URL,
		"--rules", write(t, "goals.yaml", rules), "--cdp", tenant.URL, "--client-key", "key", "--pos", "shop")

	visitor := newVisitor(t, proxy.url) // who has an ID: from now on nothing may differ
	var goals []string
	for _, e := range exchanges {
		if e.goal != "" {
			goals = append(goals, e.goal)
		}
		t.Run(e.name, func(t *testing.T) {
			want, wantSeen := e.do(t, visitor, upstream.URL), site.last()
			got, gotSeen := e.do(t, visitor, proxy.url), site.last()
			if got != want {
				t.Errorf("through the proxy:\n%s\nfrom the site itself:\n%s", got, want)
			}
			if gotSeen != wantSeen {
				t.Errorf("the proxy asked:\n%s\nthe visitor asked:\n%s", gotSeen, wantSeen)
			}
		})
	}

	code, account := proxy.stop()
	if code != exitOK || !strings.Contains(account, "delivered") {
		t.Errorf("exit code %d, account %q", code, account)
	}
	var heard []string
	for _, event := range tenant.Events() {
		words := []string{event.Type}
		for _, name := range []string{"productId", "topic", "file"} {
			if v, ok := event.Ext[name]; ok {
				words = append(words, fmt.Sprint(v))
			}
		}
		heard = append(heard, strings.Join(words, " "))
	}
	slices.Sort(goals)
	slices.Sort(heard)
	if !slices.Equal(heard, goals) {
		t.Errorf("the CDP heard %q, want %q\n%s", heard, goals, account)
	}
}

// TestOptions looks at what the CDP hears under other settings.
func TestOptions(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"edge": {
			[]string{"--context-id=context", "--site-name=tea"},
			`PRODUCT_VIEWED pos "tea" language "EN" currency ""`,
		},
		"language and currency": {
			[]string{"--client-key=key", "--pos=shop", "--language=de-DE", "--currency=EUR"},
			`PRODUCT_VIEWED pos "shop" language "DE" currency "EUR"`,
		},
		"views": {
			[]string{"--client-key=key", "--pos=shop", "--views=server"},
			`PRODUCT_VIEWED pos "shop" language "EN" currency "", VIEW pos "shop" language "EN" currency ""`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			proxy, tenant := inFront(t, (&plainSite{}).ServeHTTP, test.args...)
			exchanges[1].do(t, newVisitor(t, proxy.url), proxy.url)
			goalsAfter(t, proxy, tenant)
			var heard []string
			for _, e := range tenant.Events() {
				heard = append(heard, fmt.Sprintf("%s pos %q language %q currency %q", e.Type, e.PointOfSale, e.Language, e.Currency))
			}
			slices.Sort(heard)
			if got := strings.Join(slices.Compact(heard), ", "); got != test.want {
				t.Errorf("the CDP heard %s, want %s", got, test.want)
			}
		})
	}
}
