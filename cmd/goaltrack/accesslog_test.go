package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/accesslog"
)

// readBack reads a log as "goaltrack replay" does.
func readBack(t *testing.T, text string) (read []accesslog.Line, unreadable int64) {
	t.Helper()
	a, err := accesslog.Read(t.Context(), strings.NewReader(text), func(l *accesslog.Line) {
		one := *l
		for _, view := range []*[]byte{&one.Method, &one.Host, &one.Target, &one.UserAgent, &one.Referer, &one.ContentType, &one.Location} {
			*view = bytes.Clone(*view)
		}
		read = append(read, one)
	})
	if err != nil {
		t.Fatal(err)
	}
	return read, a.Unreadable
}

// TestProxyAccessLog: what the proxy logs, replay counts.
func TestProxyAccessLog(t *testing.T) {
	for _, format := range []string{"combined", "json"} {
		t.Run(format, func(t *testing.T) {
			log := filepath.Join(t.TempDir(), "access.log")
			put(t, log, "")
			proxy, tenant := inFront(t, func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/gone":
					panic(http.ErrAbortHandler)
				case "/welcome":
					http.Redirect(w, r, "/thanks", http.StatusSeeOther)
				default:
					w.Header().Set("Content-Type", "text/html")
					say(w, "<!doctype html>")
				}
			}, "--client-key=key", "--pos=shop", "--access-log", log, "--access-log-format", format)
			visitor := newVisitor(t, proxy.url)
			odd := navigation.Clone()
			odd.Set("User-Agent", `a "quoted" \ agent é`)
			do(t, visitor, request(t, http.MethodGet, proxy.url, "/products/7?q=a%22b", nil, navigation))
			do(t, visitor, request(t, http.MethodPost, proxy.url, "/welcome", strings.NewReader("a=b"), odd))
			do(t, visitor, request(t, http.MethodGet, proxy.url, "/gone", nil, navigation))
			goalsAfter(t, proxy, tenant)
			text, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			read, unreadable := readBack(t, string(text))
			if unreadable != 0 || len(read) < 4 {
				t.Fatalf("%d lines, %d unreadable\n%s", len(read), unreadable, text)
			}
			of := func(target string) accesslog.Line { // a line may come behind that of the next request
				for _, l := range read {
					if string(l.Target) == target {
						return l
					}
				}
				t.Errorf("there is no line of %s in\n%s", target, text)
				return accesslog.Line{}
			}
			page, form, gone := of("/products/7?q=a%22b"), of("/welcome"), of("/gone")
			if string(page.Target) != "/products/7?q=a%22b" || page.Status != 200 || page.Bytes != 15 || string(page.UserAgent) != navigation.Get("User-Agent") ||
				string(page.Referer) != navigation.Get("Referer") || time.Since(page.Time).Abs() > time.Minute {
				t.Errorf("the page is %+v\n%s", page, text)
			}
			if string(form.Method) != "POST" || form.Status != 303 || string(form.UserAgent) != odd.Get("User-Agent") {
				t.Errorf("the form is %+v\n%s", form, text)
			}
			if gone.Status != http.StatusBadGateway || string(gone.Target) != "/gone" {
				t.Errorf("the failure is %+v\n%s", gone, text)
			}
			if format == "json" && (string(form.Location) != "/thanks" || string(page.ContentType) != "text/html" || string(page.Host) != host) {
				t.Errorf("the page is %+v, the form %+v", page, form)
			}
			if info, err := os.Stat(log); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%v, %v", info.Mode(), err)
			}
		})
	}
	code, _, stderr := outcome(t, []string{
		"proxy", "--listen=127.0.0.1:0", "--to=http://127.0.0.1:9", "--views=server", "--cdp=http://127.0.0.1:9", "--client-key=k", "--pos=p",
		"--access-log=" + filepath.Join(t.TempDir(), "none", "access.log"),
	}, nil)
	if code != exitUsage || !strings.Contains(stderr, "--access-log: open ") {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
}

// stuckDisk takes nothing until it is freed.
type stuckDisk struct {
	freed chan struct{}
	lines bytes.Buffer
}

func (s *stuckDisk) Write(p []byte) (int, error) {
	<-s.freed
	return s.lines.Write(p)
}

// TestAccessLogOfStreams: what flows on, and what stops being HTTP, does so beside an access log,
// and has its line.
func TestAccessLogOfStreams(t *testing.T) {
	next := make(chan struct{})
	file := filepath.Join(t.TempDir(), "access.log")
	proxy, _ := inFront(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/events" {
			say(w, "one ")
			_ = http.NewResponseController(w).Flush()
			<-next
			say(w, "two")
			return
		}
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		say(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_, _ = io.Copy(conn, buffered)
	}, "--client-key", "key", "--pos", "shop", "--access-log", file)

	_, reader := dial(t, proxy.url, "GET /events HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n")
	events := answer(t, reader)
	expect(t, events.Body, "one ")
	close(next)
	expect(t, events.Body, "two")

	conn, reader := dial(t, proxy.url, "GET /chat HTTP/1.1\r\nHost: "+host+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	if response := answer(t, reader); response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(response.Status)
	}
	send(t, conn, "hello")
	expect(t, reader, "hello")
	_ = conn.Close()
	if code, _ := proxy.stop(); code != exitOK {
		t.Errorf("exit code %d\n%s", code, proxy.stderr)
	}
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), `"GET /events HTTP/1.1" 200 7 `) || !strings.Contains(string(text), `"GET /chat HTTP/1.1" 101 `) {
		t.Errorf("the log is %s, %v", text, err)
	}
}

// TestAccessLogStuck: no request waits for a disk that stalls, and little is kept.
func TestAccessLogStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said syncBuffer
		disk := &stuckDisk{freed: make(chan struct{})}
		l := newAccessLog(disk, "combined", slog.New(slog.NewTextHandler(&said, nil)))
		h := l.around(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
		r := &http.Request{Method: http.MethodGet, RequestURI: "/" + strings.Repeat("a", 10*accessField), Proto: "HTTP/1.1"}
		for range accessBytes/accessField + 100 {
			h.ServeHTTP(httptest.NewRecorder(), r)
		}
		if l.waiting.Load() > accessBytes || strings.Count(said.String(), "lines are left out") != 1 {
			t.Errorf("%d bytes wait\n%s", l.waiting.Load(), said.String())
		}
		if err := l.close(time.Second); err == nil {
			t.Error("nobody says that lines were left out at the end")
		}
		close(disk.freed)
		if err := <-l.ended; err != nil {
			t.Error(err)
		}
		h.ServeHTTP(httptest.NewRecorder(), r) // after the end, which a form may outlive
		read, unreadable := readBack(t, disk.lines.String())
		if len(read) < 900 || unreadable != 0 || read[0].Status != http.StatusNoContent {
			t.Errorf("%d lines, %d unreadable", len(read), unreadable)
		}
	})
}

// fullDisk takes nothing.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// TestAccessLogFull: a disk that is full is said once.
func TestAccessLogFull(t *testing.T) {
	var said syncBuffer
	l := newAccessLog(fullDisk{}, "json", slog.New(slog.NewTextHandler(&said, nil)))
	h := l.around(http.NotFoundHandler())
	for range 100 {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	}
	if err := l.close(time.Minute); err != nil {
		t.Error(err)
	}
	if n := strings.Count(said.String(), "cannot be written"); n != 1 {
		t.Errorf("it is said %d times\n%s", n, said.String())
	}
}

// TestAccessLogRotated: when the file is renamed or removed, a new one of its name takes the
// lines that follow. If there cannot be a new one, the old one goes on.
func TestAccessLogRotated(t *testing.T) {
	var said syncBuffer
	dir := filepath.Join(t.TempDir(), "logs")
	name := filepath.Join(dir, "access.log")
	rename := func(from, to string) {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := openAccessLog(name, "combined", console{logger: slog.New(slog.NewTextHandler(&said, nil))})
	if err != nil {
		t.Fatal(err)
	}
	file := l.out.(*logFile)
	add := func(line string) { // as the goroutine does that writes; no request has come yet
		_, err = file.Write([]byte(line + "\n"))
	}
	add("one")
	rename(name, name+".1")
	add("two")
	rename(name, name+".2")
	if err := os.WriteFile(name, nil, 0o600); err != nil { // as logrotate's create
		t.Fatal(err)
	}
	add("three")
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	add("four")
	if err != nil {
		t.Error(err)
	}
	rename(dir, dir+".old")
	if add("five"); err == nil {
		t.Error("nobody says that there is no new file")
	}
	rename(dir+".old", dir)
	add("six")
	if err != nil {
		t.Error(err)
	}
	if err := l.close(time.Minute); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]string{name: "four\nfive\nsix\n", name + ".1": "one\n", name + ".2": "two\n"} {
		if got, err := os.ReadFile(name); string(got) != want || err != nil {
			t.Errorf("%s has %q, want %q (%v)", name, got, want, err)
		}
	}
}

// TestAccessLineStatus has answers of every kind.
func TestAccessLineStatus(t *testing.T) {
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"a status":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, " 404 0 "},
		"no status": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "abc") }, " 200 3 "},
		"hints first": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusCreated)
		}, " 201 0 "},
		"twice": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusCreated)
			w.WriteHeader(http.StatusInternalServerError)
		}, " 201 0 "},
		"nothing":      {func(http.ResponseWriter, *http.Request) {}, " 499 0 "},
		"a panic":      {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, " 499 0 "},
		"a line break": {func(_ http.ResponseWriter, r *http.Request) { r.Header.Set("User-Agent", "a\n1.2.3.4 - - [") }, `"a\x0a1.2.3.4 - - ["`},
	} {
		var out bytes.Buffer
		l := newAccessLog(&out, "combined", slog.New(slog.DiscardHandler))
		func() {
			defer func() { _ = recover() }()
			l.around(test.answer).ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/", nil))
		}()
		if err := l.close(time.Minute); err != nil {
			t.Error(err)
		}
		if text := out.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, test.want) {
			t.Errorf("%s: %q, want %q", name, text, test.want)
		}
	}
}

// FuzzAccessLine: whatever a visitor sends is one line, which can be read.
func FuzzAccessLine(f *testing.F) {
	f.Add("/a?b=c", `Mozilla "x" \`, "https://a.example/", false)
	f.Add("/\"", "a\nb\x00\xff", "-", true)
	f.Fuzz(func(t *testing.T, target, agent, referer string, asJSON bool) {
		if target == "" || target[0] != '/' || strings.ContainsFunc(target, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
			t.Skip("net/http takes no such target")
		}
		r := &http.Request{Method: http.MethodGet, RequestURI: target, Proto: "HTTP/1.1", Header: http.Header{"User-Agent": {agent}, "Referer": {referer}}, Host: "a.example"}
		line := &accessLine{ResponseWriter: httptest.NewRecorder(), request: r, began: time.Now(), status: 200}
		text := combinedLine(line)
		if asJSON {
			text = jsonLogLine(line)
		}
		read, unreadable := readBack(t, string(text))
		if len(read) != 1 || unreadable != 0 || bytes.Count(text, []byte("\n")) != 1 || string(read[0].Target) != short(target) {
			t.Errorf("%q is read as %+v", text, read)
		}
		if !asJSON && agent != "" && agent != "-" && string(read[0].UserAgent) != short(agent) {
			t.Errorf("the agent %q is read as %q", agent, read[0].UserAgent)
		}
	})
}
