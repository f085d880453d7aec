package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
)

// noEnv is an empty environment.
var noEnv []string

// patient is the environment of a proxy on a machine that may stop for half a minute: a CDP that is
// given up too early gets events twice, and a visitor who is given up gets no answer.
var patient = []string{"GOALTRACK_DELIVERY_TIMEOUT=10m", "GOALTRACK_HEADER_TIMEOUT=10m"}

func init() { // so that no busy machine makes a difference, and what hangs ends
	readyWithin, cutGrace, continueWithin = 5*time.Minute, 5*time.Minute, 50*time.Second
	outliveGrace, halfClosedGrace = time.Hour, time.Hour
}

// proxyValues loads the settings of the proxy as the program does.
func proxyValues(args, environ []string) (*settings.Values, error) {
	flags := pflag.NewFlagSet("proxy", pflag.ContinueOnError)
	table.Define("proxy", flags)
	spelled, faults := settings.Spell(flags, args, false)
	faults = append(faults, flags.Parse(spelled))
	_, stray := (&operands{}).take(flags.Args())
	v, err := table.Load("proxy", settings.Flags(flags), environ)
	return v, errors.Join(append(append(faults, stray...), err)...)
}

// write puts text into a file of its own and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// deadline returns a context that ends a test that hangs.
func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// program under test, running inside the test.
type running struct {
	url    string // from "listening on"
	admin  string // from "admin on", with --admin
	cancel context.CancelFunc
	end    context.CancelCauseFunc
	code   chan int
	out    chan string // what stdout said after the first line
	stderr *syncBuffer
}

// start runs goaltrack with these arguments until stop.
func start(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, end := context.WithCancelCause(t.Context())
	cancel := func() { end(nil) }
	r := &running{cancel: cancel, end: end, code: make(chan int, 1), out: make(chan string, 1), stderr: &syncBuffer{}}
	stdout, writer := io.Pipe()
	go func() {
		code := run(ctx, args, patient, writer, r.stderr)
		_ = writer.Close()
		r.code <- code
	}()
	lines := bufio.NewReader(stdout)
	r.url = readURL(t, lines, "listening on ")
	if hasAdmin := func(arg string) bool { return strings.HasPrefix(arg, "--admin=") }; slices.ContainsFunc(args, hasAdmin) {
		r.admin = readURL(t, lines, "admin on ")
	}
	go readRest(lines, r.out)
	if r.url == "" {
		t.Fatalf("goaltrack %s did not start (exit code %d):\n%s", strings.Join(args, " "), <-r.code, r.stderr)
	}
	t.Cleanup(cancel)
	return r
}

// readRest hands what else is printed to out.
func readRest(stdout io.Reader, out chan<- string) {
	rest, _ := io.ReadAll(stdout)
	out <- string(rest)
}

// readURL returns the address in the next line, "" if the program has ended.
func readURL(t *testing.T, stdout *bufio.Reader, before string) string {
	t.Helper()
	line, err := stdout.ReadString('\n')
	if err != nil {
		return ""
	}
	address, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), before)
	if !ok {
		t.Fatalf("the line is %q, and not %s", line, before)
	}
	return address
}

// stop ends the program as a signal does, and returns its exit code and what
// it printed after the first line.
func (r *running) stop() (code int, stdout string) {
	r.cancel()
	return <-r.code, <-r.out
}

// untilRefused waits until a server takes no connections any more.
func untilRefused(t *testing.T, base string) {
	t.Helper()
	ctx := deadline(t)
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(base, "http://"))
		if ctx.Err() != nil {
			t.Fatal("it still listens")
		}
		if err != nil {
			return
		}
		_ = conn.Close()
	}
}

// syncBuffer is a buffer that may be read while it is written.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// host is the public name of the site in every test.
const host = "shop.example"

// navigation is what Chrome sends when a link is followed.
var navigation = http.Header{
	"User-Agent":      {"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"},
	"Accept":          {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"},
	"Accept-Encoding": {"gzip, deflate, br, zstd"},
	"Accept-Language": {"en-GB,en;q=0.9"},
	"Sec-Fetch-Dest":  {"document"},
	"Sec-Fetch-Mode":  {"navigate"},
	"Sec-Fetch-Site":  {"same-origin"},
	"Sec-Fetch-User":  {"?1"},
	"Referer":         {"https://" + host + "/"},
}

// newBrowser returns a client that keeps cookies, asks for nothing on its own
// and shows redirects instead of following them.
func newBrowser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableCompression: true, ExpectContinueTimeout: 5 * time.Minute}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport:     transport,
		Jar:           secureJar{jar},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// secureJar keeps Secure cookies over plain HTTP too, as browsers do for a
// site on the loopback interface.
type secureJar struct{ jar http.CookieJar }

func (j secureJar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	j.jar.SetCookies(&url.URL{Scheme: "https", Host: u.Host, Path: u.Path}, cookies)
}

func (j secureJar) Cookies(u *url.URL) []*http.Cookie {
	return j.jar.Cookies(&url.URL{Scheme: "https", Host: u.Host, Path: "/"})
}

// request returns a request to the site at base. The target goes out as it is
// written here.
func request(t *testing.T, method, base, target string, body io.Reader, header http.Header) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(deadline(t), method, base, body)
	if err != nil {
		t.Fatal(err)
	}
	path, query, hasQuery := strings.Cut(target, "?")
	r.URL.RawQuery, r.URL.ForceQuery = query, hasQuery
	if strings.HasPrefix(path, "//") {
		r.URL.Path = path // an opaque one would be read as a host
	} else {
		r.URL.Path, r.URL.Opaque = "/", path
	}
	r.Host = host
	r.Header = header.Clone()
	return r
}

// do sends a request and returns the answer, closed when the test ends.
func do(t *testing.T, client *http.Client, r *http.Request) *http.Response {
	t.Helper()
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

// newVisitor returns a browser that has been given an ID. The first IDs are
// fetched beside the first requests, so it may take more than one page.
func newVisitor(t *testing.T, base string) *http.Client {
	t.Helper()
	visitor := newBrowser(t)
	for ctx := deadline(t); ctx.Err() == nil; {
		response := do(t, visitor, request(t, http.MethodGet, base, "/", nil, navigation))
		_, _ = io.Copy(io.Discard, response.Body)
		if len(response.Cookies()) > 0 {
			return visitor
		}
	}
	t.Fatal("the visitor gets no ID")
	return nil
}

// run is the whole program without signals. It returns the exit code, and ends when ctx ends.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	return carryOut(ctx, commands(), &invocation{args: args, environ: environ, stdout: stdout, stderr: stderr})
}
