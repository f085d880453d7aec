package accesslog

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzLogLine reads any line at all, and lines that a server wrote of any
// fields at all.
func FuzzLogLine(f *testing.F) {
	logs, err := filepath.Glob("testdata/logs/vendors/*.log")
	if err != nil || len(logs) == 0 {
		f.Fatalf("no logs: %v", err)
	}
	for _, path := range logs {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for i, line := range bytes.SplitN(text, []byte("\n"), 5)[:4] {
			f.Add(line, fmt.Sprint(path, i), "https://a.example/", "a/1")
		}
	}
	f.Fuzz(func(t *testing.T, line []byte, target, referer, agent string) {
		checkGrammar(t, bytes.Clone(line))
		checkAnyLine(t, line)
		for name, quote := range map[string]func(string) string{"Apache": quoteApache, "nginx": quoteNginx} {
			checkWritten(t, name, quote, "/"+target, referer, agent)
		}
	})
}

// FuzzW3CLog reads a log with any columns and any lines.
func FuzzW3CLog(f *testing.F) {
	f.Add("date time cs-method cs-uri-stem cs-uri-query cs(User-Agent) sc-status", "2026-11-27 00:00:01 GET /a b=1 Mozilla/5.0+(X11) 200")
	f.Add("cs-uri x-edge-location cs-method cs(User-Agent) sc-status", "https://a.example/b\tX\tGET\tMozilla/5.0%20(X11)\t200")
	f.Add("", "#Date:\n#Fields: sc-status cs-method cs-uri-stem time\n200 GET / 1")
	f.Fuzz(func(t *testing.T, fields, text string) {
		var p logParser
		for line := range strings.Lines("#Fields: " + fields + "\n" + text) {
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			if ok := p.parse([]byte(line)); ok && p.beside {
				t.Errorf("%q is a request and none", line)
			} else if ok {
				checkRead(t, line, &p.line)
			}
		}
	})
}

// checkAnyLine reads a line and looks whether what is said of it can be true.
func checkAnyLine(t *testing.T, line []byte) {
	t.Helper()
	whole := string(line)
	var p logParser
	if len(line) > 0 && p.parse(line) {
		checkRead(t, whole, &p.line)
	}
}

func checkRead(t *testing.T, whole string, l *Line) {
	t.Helper()
	if !isToken(l.Method) || len(l.Target) == 0 || l.Status < 100 || l.Status > 999 || l.Bytes < -1 {
		t.Errorf("%q was read as %v", whole, l)
	}
	for _, field := range [][]byte{l.Host, l.UserAgent, l.Referer, l.ContentType, l.Location} {
		if field != nil && present(field) == nil {
			t.Errorf("%q: an absent field is not nil in %v", whole, l)
		}
	}
	if year := l.Time.Year(); year > 9999 && !l.Time.IsZero() {
		t.Errorf("%q: the year %d", whole, year)
	}
}

// checkWritten reads what a server wrote.
func checkWritten(t *testing.T, server string, quote func(string) string, target, referer, agent string) {
	t.Helper()
	line := fmt.Sprintf(`shop.example:443 2001:db8::1 - bob [09/Nov/2025:06:25:31 +0000] "%s" 200 17 "%s" "%s"`,
		quote("GET "+target+" HTTP/1.1"), quote(referer), quote(agent))
	var p logParser
	ok := p.parse([]byte(line))
	if strings.ContainsFunc(target, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		if ok {
			t.Errorf("%s: a target with control characters was read: %s", server, line)
		}
		return
	}
	want := Line{
		Method: []byte("GET"), Host: []byte("shop.example"), Target: []byte(target), Status: 200, Bytes: 17,
		Referer: present([]byte(referer)), UserAgent: present([]byte(agent)), Time: p.line.Time,
	}
	if got := p.line.String(); !ok || p.line.Time.IsZero() || got != want.String() {
		t.Errorf("%s wrote %s\nread %s\nwant %s", server, line, got, &want)
	}
}

// quoteApache escapes a field as ap_escape_logitem does.
func quoteApache(field string) string {
	var b strings.Builder
	for _, c := range []byte(field) {
		switch short := strings.IndexByte("\b\n\r\t\v\\\"", c); {
		case short >= 0:
			b.WriteString(`\` + `bnrtv\"`[short:short+1])
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// quoteNginx escapes a field as log_format does by default.
func quoteNginx(field string) string {
	var b strings.Builder
	for _, c := range []byte(field) {
		if c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			fmt.Fprintf(&b, `\x%02X`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
