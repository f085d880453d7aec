package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// asked is what a site was asked.
type asked struct {
	mu   sync.Mutex
	list []string
}

func (a *asked) note(r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list = append(a.list, r.Method+" "+r.RequestURI)
}

// forget takes back one note.
func (a *asked) forget(request string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if i := slices.Index(a.list, request); i >= 0 {
		a.list = slices.Delete(a.list, i, i+1)
	}
}

func (a *asked) all() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.list)
}

// ServeHTTP is a site that refuses what is sent to /refuse... before it has read
// any of it, answers line by line at /echo and reads everything else.
func (a *asked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.note(r)
	switch r.URL.Path {
	case "/refuse-length":
		refuse(w)
		w.Header().Set("Content-Length", "9")
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		say(w, "too large")
		_ = http.NewResponseController(w).Flush()
	case "/refuse-chunked":
		refuse(w)
		w.WriteHeader(http.StatusUnauthorized)
		_ = http.NewResponseController(w).Flush()
		say(w, "sign in")
	case "/echo":
		_ = http.NewResponseController(w).EnableFullDuplex()
		for lines := bufio.NewScanner(r.Body); lines.Scan(); {
			say(w, "%s!\n", lines.Text())
			_ = http.NewResponseController(w).Flush()
		}
	case "/newsletter":
		_, _ = io.Copy(io.Discard, r.Body)
		http.Redirect(w, r, "/thanks", http.StatusSeeOther)
	default:
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)+len(r.Trailer.Get("X-Sum"))))
		say(w, "%s%s", body, r.Trailer.Get("X-Sum"))
	}
}

// refuse lets a site answer without reading. The bodies of net/http are not to
// be left unread on a connection that goes on.
func refuse(w http.ResponseWriter) {
	_ = http.NewResponseController(w).EnableFullDuplex()
	w.Header().Set("Connection", "close")
}

// smuggled are requests inside of a body. The site must never see them.
var smuggled = map[string]string{
	"GET":  "GET /smuggled HTTP/1.1\r\nHost: shop.example\r\n\r\n",
	"POST": "POST /smuggled HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 3\r\n\r\na=1",
	"body": "POST /smuggled HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
}

// read is an answer as far as it came.
type read struct {
	status int
	body   string
	close  bool // it says that the connection ends
	err    error
}

// answers reads until the connection ends, and fails if it does not end well.
func answers(t *testing.T, r *bufio.Reader) (list []read) {
	t.Helper()
	for {
		if _, err := r.Peek(1); err == io.EOF {
			return list
		} else if err != nil {
			t.Fatalf("the connection ends with %v behind %v", err, list)
		}
		list = append(list, readAnswer(t, r))
	}
}

func readAnswer(t *testing.T, r *bufio.Reader) read {
	t.Helper()
	response := answer(t, r)
	body, err := io.ReadAll(response.Body)
	return read{response.StatusCode, string(body), response.Close, err}
}

// finish sends what a client still has to say. The other side may be gone.
func finish(conn net.Conn, text string) { _, _ = io.WriteString(conn, text) }

// browserHead is the head of a form that a browser sends, so that the tracker
// looks at it. Framing is added to it.
func browserHead(line string) string {
	return line + "\r\nHost: " + host + "\r\nContent-Type: application/x-www-form-urlencoded\r\nOrigin: https://" + host +
		"\r\nUser-Agent: " + navigation.Get("User-Agent") + "\r\nAccept: text/html\r\n"
}

// TestEarlyAnswer sends the rest of an upload behind the answer to it. The rest
// is no request, whatever it looks like, and the answer says that nothing that
// follows will be heard.
func TestEarlyAnswer(t *testing.T) {
	for name, framing := range map[string]struct{ line, header, opening, closing string }{
		"chunked":                    {"POST %s HTTP/1.1", "Transfer-Encoding: chunked\r\n", "1f4\r\n", "\r\n0\r\n\r\n"},
		"chunked GET":                {"GET %s HTTP/1.1", "Transfer-Encoding: chunked\r\n", "1f4\r\n", "\r\n0\r\n\r\n"},
		"chunked HEAD":               {"HEAD %s HTTP/1.1", "Transfer-Encoding: chunked\r\n", "1f4\r\n", "\r\n0\r\n\r\n"},
		"chunked, trailers":          {"PUT %s HTTP/1.1", "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n", "1f4\r\n", "\r\n0\r\nX-Sum: 1\r\n\r\n"},
		"length":                     {"POST %s HTTP/1.1", "Content-Length: 500\r\n", "", ""},
		"length, large":              {"POST %s HTTP/1.1", "Content-Length: 5000000\r\n", "", ""},
		"length, closing":            {"POST %s HTTP/1.1", "Content-Length: 500\r\nConnection: close\r\n", "", ""},
		"length, pipelined":          {"POST %s HTTP/1.1", "Content-Length: 500\r\n", "", "GET /next HTTP/1.1\r\nHost: shop.example\r\n\r\n"},
		"HTTP/1.0":                   {"POST %s HTTP/1.0", "Content-Length: 500\r\n", "", ""},
		"HTTP/1.0, kept alive":       {"POST %s HTTP/1.0", "Content-Length: 500\r\nConnection: keep-alive\r\n", "", ""},
		"asked whether to send it":   {"POST %s HTTP/1.1", "Content-Length: 500\r\nExpect: 100-continue\r\n", "", ""},
		"asked, and then in chunks":  {"POST %s HTTP/1.1", "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n", "1f4\r\n", "\r\n0\r\n\r\n"},
		"wants an upgrade, refused":  {"POST %s HTTP/1.1", "Content-Length: 500\r\nConnection: Upgrade\r\nUpgrade: tea\r\n", "", ""},
		"chunked behind a whole one": {"POST /whole HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 3\r\n\r\na=1POST %s HTTP/1.1", "Transfer-Encoding: chunked\r\n", "1f4\r\n", "\r\n0\r\n\r\n"},
	} {
		for kind, inside := range smuggled {
			for _, path := range []string{"/refuse-length", "/refuse-chunked"} {
				t.Run(name+", "+kind+path, func(t *testing.T) {
					t.Parallel()
					site := &asked{}
					proxy, _ := inFront(t, site.ServeHTTP)
					line := fmt.Sprintf(framing.line, path)
					first := browserHead(line) + framing.header + "\r\n"
					rest := inside + strings.Repeat("x", 400-len(inside)) + framing.closing
					if begun := framing.opening + strings.Repeat("x", 100); strings.Contains(framing.header, "Expect") {
						rest = begun + rest
					} else {
						first += begun
					}
					conn, r := dial(t, proxy.url, first)
					if strings.HasPrefix(line, "POST /whole") {
						if got := readAnswer(t, r); got.status != http.StatusOK || got.close {
							t.Errorf("a whole request: %+v", got)
						}
					}
					response, err := http.ReadResponse(r, &http.Request{Method: strings.Fields(framing.line)[0]})
					if err != nil {
						t.Fatal(err)
					}
					body, err := io.ReadAll(response.Body)
					if err != nil || response.StatusCode < 400 || !response.Close || body == nil {
						t.Errorf("%s %v %q %v", response.Status, response.Header, body, err)
					}
					finish(conn, rest)
					if more := answers(t, r); len(more) > 0 {
						t.Errorf("then %+v", more)
					}
					checkAsked(t, site)
				})
			}
		}
	}
}

// checkAsked fails if the site has seen what was inside of a body, or behind an
// answer that ended the connection.
func checkAsked(t *testing.T, site *asked) {
	t.Helper()
	for _, request := range site.all() {
		if strings.HasSuffix(request, "/smuggled") || strings.HasSuffix(request, "/next") {
			t.Errorf("the site was asked for %s", request)
		}
	}
}

// malformed are chunked bodies that are none. What follows them is no request.
var malformed = map[string]string{
	"negative size":         "-3\r\n",
	"bare LF":               "3;a\n",
	"size that overflows":   "ffffffffffffffff3\r\n",
	"size that is none":     "3\r\na=1\r\nzz\r\n",
	"end missing":           "3\r\na=1XX",
	"trailer without colon": "0\r\nBad Trailer\r\n\r\n",
	"trailer without name":  "0\r\n: x\r\n\r\n",
}

// TestMalformedChunks sends them in one piece, and in two with an answer in
// between.
func TestMalformedChunks(t *testing.T) {
	for name, chunks := range malformed {
		for kind, inside := range smuggled {
			for _, path := range []string{"/newsletter", "/elsewhere", "/refuse-length", "/refuse-chunked"} {
				t.Run(name+", "+kind+path, func(t *testing.T) {
					t.Parallel()
					site := &asked{}
					proxy, _ := inFront(t, site.ServeHTTP)
					_, r := dial(t, proxy.url, browserHead("POST "+path+" HTTP/1.1")+"Transfer-Encoding: chunked\r\n\r\n"+chunks+inside)
					if got := answers(t, r); len(got) != 1 || got[0].status < 400 || !got[0].close || got[0].err != nil {
						t.Errorf("%+v", got)
					}
					checkAsked(t, site)
				})
			}
		}
		t.Run(name+", behind the header of the answer", func(t *testing.T) {
			t.Parallel()
			site := &asked{}
			proxy, _ := inFront(t, site.ServeHTTP)
			conn, r := dial(t, proxy.url, browserHead("POST /echo HTTP/1.1")+"Transfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n")
			response := answer(t, r)
			expect(t, response.Body, "one!\n")
			if !response.Close {
				t.Errorf("%v", response.Header)
			}
			finish(conn, chunks+smuggled["GET"])
			_, _ = io.Copy(io.Discard, response.Body)
			if rest, _ := io.ReadAll(r); len(rest) > 0 {
				t.Errorf("then %q", rest)
			}
			checkAsked(t, site)
		})
	}
}

// TestHarmlessClient finishes its upload although the answer has come, as most
// clients do. It learns from the answer that its next request wants another
// connection, and is not reset.
func TestHarmlessClient(t *testing.T) {
	for name, test := range map[string]struct{ first, rest string }{
		"chunked":  {"HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na=1\r\n", "3\r\nb=1\r\n0\r\n\r\n"},
		"length":   {"HTTP/1.1\r\nContent-Length: 6\r\n\r\na=1", "b=1"},
		"HTTP/1.0": {"HTTP/1.0\r\nContent-Length: 6\r\nConnection: keep-alive\r\n\r\na=1", "b=1"},
		"asking":   {"HTTP/1.1\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n", "a=1b=1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := &asked{}
			proxy, _ := inFront(t, site.ServeHTTP)
			conn, r := dial(t, proxy.url, strings.Replace("POST /refuse-chunked "+test.first, "\r\n", "\r\nHost: "+host+"\r\n", 1))
			if got := readAnswer(t, r); got.status != http.StatusUnauthorized || got.body != "sign in" || !got.close || got.err != nil {
				t.Errorf("refused with %+v", got)
			}
			send(t, conn, test.rest)
			if more := answers(t, r); len(more) > 0 {
				t.Errorf("then %+v", more)
			}
			_, r = dial(t, proxy.url, "GET /x HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
			if got := readAnswer(t, r); got.status != http.StatusOK || got.close {
				t.Errorf("the next request: %+v", got)
			}
		})
	}
}

// TestAnswerCutDuringUpload ends an answer in its middle. What came of it reaches
// the client, who can tell that it has no end, although they are still sending.
func TestAnswerCutDuringUpload(t *testing.T) {
	for name, test := range map[string]struct {
		head  string // of the answer
		begun int    // how much of its body comes
	}{
		"length":                {"Content-Length: 20000\r\n\r\n", 10_000}, // more than net/http buffers
		"length, the beginning": {"Content-Length: 20000\r\n\r\n", 10},
		"chunked":               {"Transfer-Encoding: chunked\r\n\r\n4e20\r\n", 10_000},
		"between chunks":        {"Transfer-Encoding: chunked\r\n\r\n", 0},
	} {
		for upload, length := range map[string]int{"a little": 500, "more than buffers hold": 50_000_000} {
			t.Run(name+", "+upload, func(t *testing.T) {
				t.Parallel()
				site, cut, over := &asked{}, make(chan struct{}), make(chan struct{})
				proxy, _ := inFront(t, func(w http.ResponseWriter, r *http.Request) {
					site.note(r)
					conn, _, err := http.NewResponseController(w).Hijack()
					if err != nil {
						return
					}
					defer func() { _ = conn.Close() }()
					say(conn, "HTTP/1.1 200 OK\r\n%s%s", test.head, strings.Repeat("0", test.begun))
					<-cut
					// Closed for good, it would be reset, since it has not read the upload.
					_ = conn.(*net.TCPConn).CloseWrite()
					<-over
				})
				t.Cleanup(func() { close(over) })
				conn, r := dial(t, proxy.url, browserHead("POST /cut HTTP/1.1")+fmt.Sprintf("Content-Length: %d\r\n\r\nx", length))
				if length > 500 { // until nobody takes any more
					_ = conn.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
					finish(conn, strings.Repeat("x", length-1))
				}
				close(cut)
				response := answer(t, r)
				expect(t, response.Body, strings.Repeat("0", test.begun))
				if length == 500 {
					finish(conn, smuggled["GET"])
				}
				if rest, err := io.ReadAll(response.Body); len(rest) > 0 || !errors.Is(err, io.ErrUnexpectedEOF) || !response.Close {
					t.Errorf("read %q, %v, %v", rest, err, response.Header)
				}
				checkAsked(t, site)
			})
		}
	}
}

// TestSiteDownDuringUpload gets an answer of the proxy's own.
func TestSiteDownDuringUpload(t *testing.T) {
	tenant, rulesFile := "http://127.0.0.1:1", write(t, "goals.yaml", rules)
	proxy := start(t, "proxy", "--listen", "127.0.0.1:0", "--to", "http://127.0.0.1:1", "--rules", rulesFile,
		"--cdp", tenant, "--client-key", "key", "--pos", "shop")
	conn, r := dial(t, proxy.url, browserHead("POST /newsletter HTTP/1.1")+"Transfer-Encoding: chunked\r\n\r\n1f4\r\nxxxx")
	if got := readAnswer(t, r); got.status != http.StatusBadGateway || !got.close || got.err != nil {
		t.Errorf("%+v", got)
	}
	finish(conn, smuggled["GET"]+strings.Repeat("x", 496-len(smuggled["GET"]))+"\r\n0\r\n\r\n"+smuggled["GET"])
	if more := answers(t, r); len(more) > 0 {
		t.Errorf("then %+v", more)
	}
}

// TestConnectionIsKept sends on one connection all that ends where it says.
func TestConnectionIsKept(t *testing.T) {
	site := &asked{}
	proxy, _ := inFront(t, site.ServeHTTP)
	conn, r := dial(t, proxy.url, "")
	form := browserHead("POST /newsletter HTTP/1.1")
	get := "GET /a HTTP/1.1\r\nHost: shop.example\r\n\r\n"
	for _, test := range []struct {
		name, text string
		want       []int
	}{
		{"a GET", get, []int{200}},
		{"GETs, pipelined", get + get + get, []int{200, 200, 200}},
		{"a HEAD", strings.Replace(get, "GET", "HEAD", 1), []int{200}},
		{"a form", form + "Content-Length: 9\r\n\r\ntopic=tea", []int{303}},
		{"a form in chunks", form + "Transfer-Encoding: chunked\r\n\r\n9\r\ntopic=tea\r\n0\r\n\r\n", []int{303}},
		{"a form with trailers", form + "Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ntopic=tea\r\n0\r\nX-Sum: 1\r\n\r\n", []int{303}},
		{"an empty form", form + "Content-Length: 0\r\n\r\n", []int{303}},
		{"an empty form in chunks", form + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", []int{303}},
		{"no length at all", form + "\r\n", []int{303}},
		{"forms, pipelined", strings.Repeat(form+"Content-Length: 9\r\n\r\ntopic=tea", 2) + get, []int{303, 303, 200}},
		{"chunks, pipelined", form + "Transfer-Encoding: chunked\r\n\r\n9\r\ntopic=tea\r\n0\r\n\r\n" + get, []int{303, 200}},
		{"a form that asks first", form + "Content-Length: 9\r\nExpect: 100-continue\r\n\r\ntopic=tea", []int{100, 303}},
		{"an upload", browserHead("PUT /b HTTP/1.1") + "Content-Length: 300000\r\n\r\n" + strings.Repeat("x", 300000), []int{200}},
		{"a GET with a body", browserHead("GET /c HTTP/1.1") + "Content-Length: 3\r\n\r\na=1", []int{200}},
		{"a HEAD with a body", browserHead("HEAD /c HTTP/1.1") + "Content-Length: 3\r\n\r\na=1", []int{200}},
		{"an upgrade that the site ignores", browserHead("POST /d HTTP/1.1") + "Connection: Upgrade\r\nUpgrade: tea\r\nContent-Length: 3\r\n\r\na=1", []int{200}},
		{"HTTP/1.0", strings.Replace(browserHead("POST /e HTTP/1.1"), "/1.1", "/1.0", 1) + "Connection: keep-alive\r\nContent-Length: 3\r\n\r\na=1", []int{200}},
	} {
		t.Run(test.name, func(t *testing.T) {
			send(t, conn, test.text)
			for _, want := range test.want {
				method, _, _ := strings.Cut(test.text, " ")
				response, err := http.ReadResponse(r, &http.Request{Method: method})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, response.Body); err != nil {
					t.Error(err)
				}
				if response.StatusCode != want || response.Close {
					t.Errorf("%s %v, want %d", response.Status, response.Header, want)
				}
			}
		})
	}
}
