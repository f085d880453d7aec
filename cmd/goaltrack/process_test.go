//go:build unix

package main

import (
	"bufio"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

// build makes the program.
func build(t *testing.T) (binary string) {
	t.Helper()
	binary = filepath.Join(t.TempDir(), "goaltrack")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// TestProcesses runs the program as people do.
func TestProcesses(t *testing.T) {
	t.Parallel()
	binary := build(t)
	t.Run("a goal", func(t *testing.T) { testGoal(t, binary) })
	t.Run("its environment", func(t *testing.T) { testEnvironment(t, binary) })
	t.Run("a bad environment", func(t *testing.T) { testBadEnvironment(t, binary) })
	t.Run("killed", func(t *testing.T) { testKilled(t, binary) })
	t.Run("state", func(t *testing.T) { testState(t, binary) })
	t.Run("taken over", func(t *testing.T) { testTakenOver(t, binary) })
	t.Run("a second signal", func(t *testing.T) { testSecondSignal(t, binary) })
	t.Run("a question", func(t *testing.T) { testQuestion(t, binary) })
	t.Run("a hangup", func(t *testing.T) { testHangup(t, binary) })
	t.Run("nobody reads", func(t *testing.T) { testNobodyReads(t, binary) })
	t.Run("lines of others", func(t *testing.T) { testLinesOfOthers(t, binary) })
}

// testGoal sends a goal from a proxy to a stand-in.
func testGoal(t *testing.T, binary string) {
	site := httptest.NewServer(&plainSite{})
	defer site.Close()
	standIn := launch(t, binary, nil, "cdp", "--listen", "127.0.0.1:0")
	config := write(t, "goaltrack.yaml", "listen: 127.0.0.1:0\nrules: goals.yaml\nclient-key: key\npos: shop\n")
	if err := os.WriteFile(filepath.Join(filepath.Dir(config), "goals.yaml"), []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	proxy := launch(t, binary, []string{"GOALTRACK_TO=" + site.URL}, "proxy", "--config", config, "--cdp", standIn.url)

	visitor := newVisitor(t, proxy.url)
	exchanges[1].do(t, visitor, proxy.url) // a page with a goal
	if account := proxy.terminate(t); !strings.Contains(account, "delivered 1") {
		t.Errorf("the account is %q", account)
	}
	if list := (exchange{target: "/events.json"}).do(t, visitor, standIn.url); !strings.HasPrefix(list, "200") {
		t.Errorf("the stand-in answered %s", list)
	}
	if rest := standIn.terminate(t); rest != "" {
		t.Errorf("the stand-in printed %q", rest)
	}
	if log := standIn.Stderr.(*syncBuffer).String(); strings.Count(log, "type=PRODUCT_VIEWED") != 1 {
		t.Errorf("the stand-in logged %q", log)
	}
}

// testEnvironment starts a proxy as Kubernetes and a file from Windows do: with
// variables that are not meant for it, and line breaks and blanks around those that are.
// Who agreed is counted, and keeps their ID.
func testEnvironment(t *testing.T, binary string) {
	site := httptest.NewServer(&plainSite{})
	defer site.Close()
	stand := cdptest.NewServer(t, cdptest.Options{})
	config := write(t, "goaltrack.yaml", "\ufefflisten: 127.0.0.1:0\r\nrules: goals.yaml\r\nstaff: [\" 192.0.2.7\\n\"]\r\n")
	if err := os.WriteFile(filepath.Join(filepath.Dir(config), "goals.yaml"), []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	proxy := launch(t, binary, []string{
		"GOALTRACK_TO=" + site.URL + "\r", "GOALTRACK_CDP= " + stand.URL + "\n", "GOALTRACK_CLIENT_KEY=key\n", "GOALTRACK_POS=\u00a0shop",
		"GOALTRACK_CONSENT_COOKIE=consent=yes\n", "GOALTRACK_TRUSTED_PROXIES=10.0.0.0/8,\r\n192.0.2.1\r\n",
		"GOALTRACK_PORT=tcp://10.0.0.1:80", "GOALTRACK_SERVICE_HOST=10.0.0.1", "GOALTRACK_SERVICE_PORT=80", "GOALTRACK_SERVICE_PORT_HTTP=80",
		"GOALTRACK_PORT_80_TCP=tcp://10.0.0.1:80", "GOALTRACK_PORT_80_TCP_PROTO=tcp", "GOALTRACK_PORT_80_TCP_PORT=80", "GOALTRACK_PORT_80_TCP_ADDR=10.0.0.1",
		"GOALTRACK_POD=goaltrack-7d4f", "GOALTRACK_TIMEOUT=x", "GOALTRACKER_CLIENT_KEY=x",
	}, "proxy", "-config", config, "-log-format=json", "--log-level", "debug")
	r := request(t, http.MethodGet, proxy.url, "/products/7", nil, navigation)
	const id = "6f1c2e0a-3b7d-4a55-9a51-0c8e2f7b1d90"
	stand.Know(id)
	r.Header.Set("Cookie", "consent=yes; bid_key="+id)
	for _, c := range do(t, newBrowser(t), r).Cookies() {
		if c.MaxAge < 0 {
			t.Errorf("somebody who agreed loses %v", c)
		}
	}
	if account := proxy.terminate(t); !strings.Contains(account, "delivered 1") {
		t.Errorf("the account is %q\n%s", account, proxy.Stderr)
	}
	for line := range strings.Lines(proxy.Stderr.(*syncBuffer).String()) {
		if !strings.HasPrefix(line, "{") {
			t.Errorf("the log is not JSON: %s", line)
		}
	}
}

// testBadEnvironment starts a proxy with variables that would never match anything.
func testBadEnvironment(t *testing.T, binary string) {
	const secret = "0123456789abcdef"
	cmd := exec.CommandContext(t.Context(), binary, "proxy", "--region=eu", "--pos=shop", "--to=http://127.0.0.1:9", "--views=server")
	cmd.Env = append(os.Environ(), `GOALTRACK_CLIENT_KEY="key"`, "GOALTRACK_CONSENT_COOKIE=consent=yes\nx", "GOALTRACK_CONSENT_TOLL=tcf", "GOALTRACK_KEYS="+secret+",'"+secret+"'")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != exitUsage {
		t.Errorf("%v\n%s", err, out)
	}
	for _, want := range []string{
		`GOALTRACK_CLIENT_KEY: the value has quotes at both ends`, "GOALTRACK_CONSENT_COOKIE: the value has a line break in it",
		"GOALTRACK_CONSENT_TOLL: there is no such variable; did you mean GOALTRACK_CONSENT_TOOL?", "GOALTRACK_KEYS: the value has quotes",
	} {
		if strings.Count(string(out), want) != 1 {
			t.Errorf("not once %q in\n%s", want, out)
		}
	}
	if strings.Contains(string(out), secret) || strings.Contains(string(out), "missing") {
		t.Errorf("it says too much:\n%s", out)
	}
}

// testKilled kills a proxy that could not deliver, and starts another on its spool.
func testKilled(t *testing.T, binary string) {
	site := httptest.NewServer(&plainSite{})
	defer site.Close()
	stand := cdptest.NewServer(t, cdptest.Options{})
	dir := filepath.Join(t.TempDir(), "spool")
	proxy := func() *process {
		return launch(t, binary, nil, "proxy", "--listen=127.0.0.1:0", "--to="+site.URL, "--rules="+write(t, "goals.yaml", rules),
			"--cdp="+stand.URL, "--client-key=key", "--pos=shop", "--spool="+dir)
	}
	killed := proxy()
	stand.Fault(cdptest.Status(503).On(cdptest.Sends))
	exchanges[2].do(t, newVisitor(t, killed.url), killed.url) // a form, accepted
	untilOnDisk(t, dir, "SIGNED_UP", 1)
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = killed.Wait()

	stand.ClearFaults()
	next := proxy()
	stand.Expect(t, "SIGNED_UP").With("topic", "tea").Within(2 * time.Minute).Once()
	if account := next.terminate(t); !strings.Contains(account, "recovered 1 = delivered 1") {
		t.Errorf("the account is %q\n%s", account, next.Stderr)
	}
}

// testState kills a proxy that has a state directory and could not deliver. The next one
// delivers, and leaves the browser IDs that nobody was given to the one after it, which
// makes none. A spool that is named wins.
func testState(t *testing.T, binary string) {
	site := httptest.NewServer(&plainSite{})
	defer site.Close()
	stand := cdptest.NewServer(t, cdptest.Options{})
	dir := filepath.Join(t.TempDir(), "state")
	ids := filepath.Join(dir, "browser-ids.json")
	proxy := func(more ...string) *process {
		return launch(t, binary, nil, append([]string{
			"proxy", "--listen=127.0.0.1:0", "--to=" + site.URL, "--rules=" + write(t, "goals.yaml", rules),
			"--cdp=" + stand.URL, "--client-key=key", "--pos=shop", "--spool-wait=10s",
		}, more...)...)
	}
	const inMemory = "events wait in memory, and are lost"
	killed := proxy("--state=" + dir)
	stand.Fault(cdptest.Status(503).On(cdptest.Sends))
	exchanges[2].do(t, newVisitor(t, killed.url), killed.url) // a form, accepted
	untilOnDisk(t, filepath.Join(dir, "spool"), "SIGNED_UP", 1)
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = killed.Wait()
	if _, err := os.Stat(ids); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a process that was killed left IDs, which it may have given away: %v", err)
	}

	stand.ClearFaults()
	next := proxy("--state=" + dir)
	stand.Expect(t, "SIGNED_UP").With("topic", "tea").Within(2 * time.Minute).Once()
	if account := next.terminate(t); !strings.Contains(account, "recovered 1 = delivered 1") {
		t.Errorf("the account is %q\n%s", account, next.Stderr)
	}
	if log := next.Stderr.(*syncBuffer).String(); strings.Contains(log, inMemory) {
		t.Errorf("it said\n%s", log)
	}
	left, err := os.ReadFile(ids)
	if info, bad := os.Stat(ids); err != nil || bad != nil || info.Mode().Perm() != 0o600 || strings.Count(string(left), `"id"`) != 2 {
		t.Fatalf("the IDs that are left are %q, %v", left, err)
	}

	made := len(stand.Browsers())
	third := proxy("--state=" + dir)
	if log := third.terminate(t); len(stand.Browsers()) != made {
		t.Errorf("%d IDs were made in place of those that were left\n%s", len(stand.Browsers())-made, log)
	}
	if again, err := os.ReadFile(ids); err != nil || string(again) != string(left) {
		t.Errorf("%q is left, and was %q: %v", again, left, err)
	}

	elsewhere := filepath.Join(t.TempDir(), "spool")
	other := proxy("--state="+filepath.Join(t.TempDir(), "other"), "--spool="+elsewhere)
	exchanges[2].do(t, newVisitor(t, other.url), other.url)
	_ = other.terminate(t)
	if files, _ := filepath.Glob(filepath.Join(elsewhere, "*.seg")); len(files) == 0 {
		t.Error("the spool that was named is empty")
	}
	without := proxy("--spool-wait=")
	_ = without.terminate(t)
	if log := without.Stderr.(*syncBuffer).String(); strings.Count(log, inMemory) != 1 {
		t.Errorf("without a directory it said\n%s", log)
	}
}

// untilOnDisk waits until a text is in the files of a spool so often. An answer does
// not wait for a disk that stalls.
func untilOnDisk(t *testing.T, dir, text string, times int) {
	t.Helper()
	for n := 0; n < times; {
		n = 0
		files, err := filepath.Glob(filepath.Join(dir, "*.seg"))
		if err != nil || t.Context().Err() != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			content, _ := os.ReadFile(f) // one that is gone has none
			n += strings.Count(string(content), text)
		}
		<-time.After(time.Millisecond)
	}
}

// testTakenOver starts a proxy on a spool that another has. It takes events, and when
// the other has ended it takes the spool over: from then on nothing is lost, of either.
// To remove the lock file changes nothing.
func testTakenOver(t *testing.T, binary string) {
	site := httptest.NewServer(&plainSite{})
	defer site.Close()
	stand := cdptest.NewServer(t, cdptest.Options{})
	stand.Fault(cdptest.Status(503).On(cdptest.Sends))
	dir := filepath.Join(t.TempDir(), "spool")
	args := []string{
		"proxy", "--listen=127.0.0.1:0", "--to=" + site.URL, "--rules=" + write(t, "goals.yaml", rules),
		"--cdp=" + stand.URL, "--client-key=key", "--pos=shop", "--spool=" + dir, "--spool-wait=10s",
	}
	send := func(p *process) { exchanges[2].do(t, newVisitor(t, p.url), p.url) }
	first := launch(t, binary, nil, args...)
	send(first)
	if err := os.Remove(filepath.Join(dir, "lock")); err != nil {
		t.Fatal(err)
	}

	required := exec.CommandContext(t.Context(), binary, append(args, "--spool-required")...)
	if out, err := required.CombinedOutput(); err == nil || !strings.Contains(string(out), "SpoolRequired") || !strings.Contains(string(out), "is locked by") {
		t.Errorf("without the spool that it needs it said %v\n%s", err, out)
	}

	second := launch(t, binary, nil, args...)
	send(second)
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.Wait()
	log := second.Stderr.(*syncBuffer)
	for !strings.Contains(log.String(), "the spool can be used now") {
		if t.Context().Err() != nil {
			t.Fatalf("it never took the spool over:\n%s", log)
		}
		<-time.After(10 * time.Millisecond)
	}
	untilOnDisk(t, dir, "SIGNED_UP", 2)
	send(second)
	if text := log.String(); strings.Count(text, "events wait in memory") != 1 || strings.Count(text, "the spool can be used now") != 1 || !strings.Contains(text, "recovered=1 moved=1") {
		t.Errorf("it said\n%s", text)
	}
	if err := second.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = second.Wait()

	stand.ClearFaults()
	third := launch(t, binary, nil, args...)
	stand.Expect(t, "SIGNED_UP").With("topic", "tea").Within(time.Minute).Times(3)
	if account := third.terminate(t); !strings.Contains(account, "recovered 3 = delivered 3") {
		t.Errorf("the account is %q\n%s", account, third.Stderr)
	}
}

// testSecondSignal ends a proxy that waits for a request to end.
func testSecondSignal(t *testing.T, binary string) {
	arrived := make(chan struct{})
	site := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	}))
	defer site.Close()
	proxy := launch(t, binary, nil, "proxy", "--listen=127.0.0.1:0", "--to="+site.URL,
		"--rules="+write(t, "goals.yaml", rules), "--cdp=http://127.0.0.1:9", "--client-key=key", "--pos=shop")
	dial(t, proxy.url, "GET / HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
	<-arrived

	if err := proxy.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	untilRefused(t, proxy.url)
	ended := make(chan error, 1)
	go func() { ended <- proxy.Wait() }()
	for {
		select {
		case err := <-ended:
			if status, ok := proxy.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
				t.Errorf("it ended in order: %v", err)
			}
			return
		default: // once may be too soon, by a hair
			_ = proxy.Process.Signal(syscall.SIGTERM)
			runtime.Gosched()
		}
	}
}

// testQuestion ends a command that waits for an answer: one Ctrl+C is enough.
func testQuestion(t *testing.T, binary string) {
	asking := exec.CommandContext(deadline(t), binary, "announce", write(t, "goals.yaml", rules), "--cdp=http://127.0.0.1:9", "--client-key=key", "--pos=shop")
	asking.Env = []string{}
	stdin, err := asking.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stdin.Close() }()
	stdout, err := asking.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan os.Signal, 1) // what a script starts in the background ignores SIGINT, and hands that on
	signal.Notify(heard, os.Interrupt)
	err = asking.Start()
	signal.Stop(heard)
	if err != nil {
		t.Fatal(err)
	}
	for text := ""; !strings.Contains(text, "[y/N]"); {
		more := make([]byte, 1000)
		n, err := stdout.Read(more)
		if text += string(more[:n]); err != nil {
			t.Fatal(text, err)
		}
	}
	_ = asking.Process.Signal(os.Interrupt)
	_ = asking.Wait()
	if status, ok := asking.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGINT {
		t.Errorf("it ended with %v", asking.ProcessState)
	}
}

// testHangup sends SIGHUP all the time, from before the proxy listens until it ends.
func testHangup(t *testing.T, binary string) {
	site := httptest.NewServer(&plainSite{})
	defer site.Close()
	proxy := launch(t, binary, nil, "proxy", "--listen=127.0.0.1:0", "--to="+site.URL,
		"--rules="+write(t, "goals.yaml", rules), "--cdp=http://127.0.0.1:9", "--client-key=key", "--pos=shop")
	ended := make(chan struct{})
	sending := make(chan struct{})
	go func() {
		defer close(sending)
		for {
			select {
			case <-ended:
				return
			case <-time.After(5 * time.Millisecond):
				_ = proxy.Process.Signal(syscall.SIGHUP)
			}
		}
	}()
	log := proxy.Stderr.(*syncBuffer)
	for strings.Count(log.String(), "the settings are read again") < 3 {
		if t.Context().Err() != nil {
			t.Fatal(log)
		}
		<-time.After(5 * time.Millisecond)
	}
	close(ended)
	<-sending
	if account := proxy.terminate(t); !strings.Contains(account, "decisions 0") {
		t.Errorf("the account is %q\n%s", account, log)
	}
}

// testNobodyReads closes the other side of stdout and stderr, as a log collector does that
// ends. The site goes on (https://github.com/moby/moby/issues/19728).
func testNobodyReads(t *testing.T, binary string) {
	site := httptest.NewServer(http.NotFoundHandler())
	site.Close() // so that each request has something to log
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	proxy := exec.CommandContext(t.Context(), binary, "proxy", "--listen=127.0.0.1:0", "--to="+site.URL, "--access-log=-", "--shutdown-delay=0s",
		"--rules="+write(t, "goals.yaml", rules), "--cdp=http://127.0.0.1:9", "--client-key=key", "--pos=shop", "--log-level=warn")
	proxy.Stdout, proxy.Stderr = writer, writer
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	_ = writer.Close()
	lines := bufio.NewReader(reader)
	url := ""
	for url == "" && err == nil {
		var line string
		line, err = lines.ReadString('\n')
		_, url, _ = strings.Cut(strings.TrimSpace(line), "listening on ")
	}
	_ = reader.Close()
	for range 3 {
		response := do(t, newBrowser(t), request(t, http.MethodGet, url, "/a", nil, navigation))
		if _ = response.Body.Close(); response.StatusCode != http.StatusBadGateway {
			t.Errorf("it answers %s", response.Status)
		}
	}
	_ = proxy.Process.Signal(syscall.SIGTERM)
	if err := proxy.Wait(); err != nil {
		t.Error(err)
	}
}

// testLinesOfOthers has a site whose answers are longer than they say, about which
// http.Transport writes to the log of the process. What was too much is not in it.
func testLinesOfOthers(t *testing.T, binary string) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		say(conn, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntea and a secret")
		_, _ = conn.Read(make([]byte, 1)) // until it has been read
	}))
	defer site.Close()
	proxy := launch(t, binary, nil, "proxy", "--listen=127.0.0.1:0", "--to="+site.URL, "--log-format=json",
		"--rules="+write(t, "goals.yaml", rules), "--cdp=http://127.0.0.1:9", "--client-key=key", "--pos=shop")
	log := proxy.Stderr.(*syncBuffer)
	for !strings.Contains(log.String(), "Unsolicited") {
		if t.Context().Err() != nil {
			t.Fatal(log)
		}
		response := do(t, newBrowser(t), request(t, http.MethodGet, proxy.url, "/a", nil, navigation))
		_ = response.Body.Close()
	}
	proxy.terminate(t)
	for line := range strings.Lines(log.String()) {
		if !strings.HasPrefix(line, "{") {
			t.Errorf("the log is not JSON: %s", line)
		}
	}
	if text := log.String(); strings.Count(text, "Unsolicited") != 1 || strings.Contains(text, "secret") {
		t.Errorf("it says too much:\n%s", text)
	}
}
