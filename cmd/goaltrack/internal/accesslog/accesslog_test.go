package accesslog

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf16"
)

// String is what the tests compare.
func (l *Line) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %d %d", l.Method, l.Target, l.Status, l.Bytes)
	if !l.Time.IsZero() {
		fmt.Fprintf(&b, " %s", l.Time.Format(time.RFC3339Nano))
	}
	for _, field := range []struct {
		name string
		text []byte
	}{{"host", l.Host}, {"agent", l.UserAgent}, {"referer", l.Referer}, {"type", l.ContentType}, {"location", l.Location}} {
		if field.text != nil {
			fmt.Fprintf(&b, " %s=%q", field.name, field.text)
		}
	}
	return b.String()
}

// account reads a log and returns its lines as text, with the numbers below.
func account(t *testing.T, r io.Reader) (string, error) {
	t.Helper()
	var b strings.Builder
	readable := int64(0)
	a, err := Read(t.Context(), r, func(l *Line) {
		readable++
		fmt.Fprintln(&b, l)
	})
	if a.Read() != readable {
		t.Errorf("%d lines, but %d readable and %d unreadable", a.Lines, readable, a.Unreadable)
	}
	fmt.Fprintf(&b, "%d lines, %d unreadable\n", a.Lines, a.Unreadable)
	return b.String(), err
}

// TestServers reads what servers write.
func TestServers(t *testing.T) {
	logs, err := filepath.Glob("testdata/logs/*.log")
	if err != nil || len(logs) == 0 {
		t.Fatalf("no logs: %v", err)
	}
	for _, path := range logs {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".log"), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(strings.TrimSuffix(path, ".log") + ".want")
			if err != nil {
				t.Fatal(err)
			}
			windows := bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
			for name, r := range map[string]io.Reader{
				"as it is":       bytes.NewReader(text),
				"byte by byte":   iotest.OneByteReader(bytes.NewReader(text)),
				"without an end": bytes.NewReader(bytes.TrimSpace(text)),
				"with CRLF":      bytes.NewReader(windows),
				"compressed":     bytes.NewReader(compress(t, text)),
				"with a mark":    strings.NewReader("\ufeff" + string(text)),
				"marks between":  strings.NewReader("\ufeff" + strings.ReplaceAll(string(text), "\n", "\n\ufeff")),
				"UTF-16":         strings.NewReader(utf16Text(binary.LittleEndian, "\ufeff"+string(text))),
				"UTF-16, packed": bytes.NewReader(compress(t, []byte(utf16Text(binary.BigEndian, "\ufeff"+string(text))))),
				"without a mark": strings.NewReader(utf16Text(binary.LittleEndian, string(text))),
				"two members":    bytes.NewReader(slices.Concat(compress(t, text[:333]), compress(t, text[333:]))),
			} {
				got, err := account(t, r)
				if got != string(want) || err != nil {
					t.Errorf("%s: %v, got\n%swant\n%s", name, err, got, want)
				}
			}
		})
	}
}

func compress(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func utf16Text(order binary.AppendByteOrder, text string) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, unit)
	}
	return string(b)
}

// TestEncodings says how a log is encoded, and reads packed ones. Their bytes are those of
// the commands bzip2, xz and zstd.
func TestEncodings(t *testing.T) {
	const line = `192.0.2.1 - - [-] "GET / HTTP/1.1" 200 1` + "\n"
	read := func(name string) string {
		text, err := os.ReadFile("testdata/logs/common." + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	packed, ofXZ, ofZstd := read("bz2"), read("xz"), read("zst")
	for _, test := range []struct {
		text, encoding, fault string
		read                  int64
	}{
		{line, "UTF-8", "", 1},
		{"\ufeff" + line, "UTF-8 with a byte order mark", "", 1},
		{utf16Text(binary.LittleEndian, "\ufeff"+line), "UTF-16LE", "", 1},
		{utf16Text(binary.BigEndian, line), "UTF-16BE", "", 1},
		{string(compress(t, []byte(utf16Text(binary.LittleEndian, line)))), "UTF-16LE in gzip", "", 1},
		{packed, "UTF-8 in bzip2", "", 1},
		{packed + packed, "UTF-8 in bzip2", "", 2},
		{ofXZ, "UTF-8 in xz", "", 1},
		{ofXZ + ofXZ, "UTF-8 in xz", "", 2},
		{ofXZ[:len(ofXZ)-40], "UTF-8 in xz", "stopped after ", 0},
		{ofZstd, "UTF-8 in zstd", "", 1},
		{ofZstd + ofZstd, "UTF-8 in zstd", "", 2},
		{ofZstd[:len(ofZstd)-10], "UTF-8 in zstd", "stopped after 0 lines", 0},
		{packed[:len(packed)-20], "UTF-8 in bzip2", "stopped after 0 lines", 0},
		{"BZhello\n" + line, "UTF-8 in bzip2", "stopped after 0 lines", 0},
		{"\x28\xb5\x2f\xfd\x04", "UTF-8 in zstd", "stopped after 0 lines", 0},
		{"\xfd7zXZ\x00\x04", "xz", "it begins as xz does: ", 0},
		{"PK\x03\x04", "zip", "unpack it first", 0},
		{"", "UTF-8", "", 0},
		{"\xff\xfe", "UTF-16LE", "", 0},
	} {
		a, err := Read(t.Context(), strings.NewReader(test.text), func(*Line) {})
		if a.Read() != test.read || a.Encoding != test.encoding {
			t.Errorf("%.20q: %+v", test.text, a)
		}
		if (err != nil) != (test.fault != "") || err != nil && !strings.Contains(err.Error(), test.fault) {
			t.Errorf("%.20q: error %v", test.text, err)
		}
	}
}

// TestOddLines has lines that few servers write, and some that none does.
func TestOddLines(t *testing.T) {
	const head = `192.0.2.1 - - [09/Nov/2025:06:25:31 +0000] `
	const said = "GET /x 200 7 2025-11-09T06:25:31Z"
	for _, test := range []struct{ name, line, want string }{
		{"a raw quote", head + `"GET /x HTTP/1.1" 200 7 "-" "say "hi", bot"`, said + ` agent="say \"hi\", bot"`},
		{"no escape", head + `"GET /x HTTP/1.1" 200 7 "-" "\q \x4 \xZZ \u0041"`, said + ` agent="\\q \\x4 \\xZZ \\u0041"`},
		{"a backslash at the end", head + `"GET /x HTTP/1.1" 200 7 "-" "a\\"`, said + ` agent="a\\"`},
		{"syslog in front", "Nov  9 06:25:31 web-1 nginx: " + head + `"GET /x HTTP/1.1" 200 7`, said},
		{"a port behind the client", `192.0.2.1:51432 - - [09/Nov/2025:06:25:31 +0000] "GET /x HTTP/1.1" 200 7`, said},
		{"a host without a name", `- 192.0.2.1 - - [09/Nov/2025:06:25:31 +0000] "GET /x HTTP/1.1" 200 7`, said},
		{"a whole address", head + `"GET HTTPS://[::1]:8443/x HTTP/1.1" 200 7`, said + ` host="[::1]"`},
		{"an address without a path", head + `"GET http://shop.example HTTP/1.1" 200 7`, `GET / 200 7 2025-11-09T06:25:31Z host="shop.example"`},
		{"another time", `192.0.2.1 - - [2025-11-09T07:25:31+0100] "GET /x HTTP/1.1" 200 7`, said},
		{"half of another time", `192.0.2.1 - - [2025-11-09] "GET /x HTTP/1.1" 200 7`, "GET /x 200 7"},
		{"a time nobody knows", `192.0.2.1 - - [yesterday] "GET /x HTTP/1.1" 200 7`, "GET /x 200 7"},
		{"no such month", `192.0.2.1 - - [09/anF/2025:06:25:31 +0000] "GET /x HTTP/1.1" 200 7`, "GET /x 200 7"},
		{"no such hour", `192.0.2.1 - - [09/Nov/2025:24:25:31 +0000] "GET /x HTTP/1.1" 200 7`, "GET /x 200 7"},

		{"words of one's own", `192.0.2.1 [09/Nov/2025:06:25:31 +0000] shop "GET /x HTTP/1.1" 200 7 0.1 "-" "a/1 (b)" "192.0.2.9"`, said + ` agent="a/1 (b)"`},
		{"a time in front", `[09/Nov/2025:06:25:31 +0000] "GET /x HTTP/1.1" 200 7 "https://a.example/" "a/1" "1" "2" "3" "4"`, said + ` agent="a/1" referer="https://a.example/"`},
		{"an upstream for a referer", head + `"GET /x HTTP/1.1" 200 7 0.1 "http://192.0.2.7:80" "12" "-"`, said},
		{"HAProxy without captures", `192.0.2.1:4 [09/Nov/2025:06:25:31.000] in out/s1 1/0/3/6/+10 200 +7 - - LR-- 1/1/1/1/0 0/0 "GET /x HTTP/1.1"`, said},
		{"HAProxy, no request", `192.0.2.1:4 [09/Nov/2025:06:25:31.000] in in/<NOSRV> -1/-1/-1/-1/0 400 0 - - PR-- 1/1/1/1/0 0/0 "<BADREQ>"`, ""},
		{"HAProxy, TCP", `192.0.2.1:4 [09/Nov/2025:06:25:31.000] in out/s1 0/0/5007 212 -- 0/0/0/0/3 0/0 "a"`, ""},
		{"Envoy, flags", `[2025-11-09T06:25:31.000Z] "GET /x HTTP/2" 503 UF,URX 0 7 1 - "-" "a/1" "1-2" "shop.example" "-"`, `GET /x 503 7 2025-11-09T06:25:31Z host="shop.example" agent="a/1"`},
		{"Envoy, cut", `[2025-11-09T06:25:31.000Z] "GET /x HTTP/2" 200 - 0 7 1 - "-" "a/1" "1-2`, "GET /x 200 0 2025-11-09T06:25:31Z agent=\"a/1\""},
		{"AWS, no target", `http 2025-11-09T06:25:31.000000Z app/s/1 192.0.2.1:4 - -1 -1 -1 503 - 9 7 "GET http://shop.example:80/x HTTP/1.1" "a/1" - - -`, `GET /x 503 7 2025-11-09T06:25:31Z host="shop.example" agent="a/1"`},
		{"AWS, no request", `http 2025-11-09T06:25:31.000000Z app/s/1 192.0.2.1:4 - -1 -1 -1 400 - 0 272 "- http://shop.example:80- -" "-" - - -`, ""},
		{"AWS, a word too many", `http 2025-11-09T06:25:31.000000Z app/s/1 a 192.0.2.1:4 - -1 -1 -1 503 - 9 7 "GET / HTTP/1.1"`, ""},
		{"a line of an application", `2025-11-09T06:25:31.000Z INFO "GET /x HTTP/1.1" 200 7`, ""},
		{"an error of nginx", `2025/11/09 06:25:31 [error] 12#12: *1 open() "/x" failed (2: No such file), client: 192.0.2.1, request: "GET /x HTTP/1.1"`, ""},

		{"a word", "x", ""},
		{"a remark", "# Fields: date time cs-method", ""},
		{"no time", `192.0.2.1 - - "GET /x HTTP/1.1" 200 7`, ""},
		{"half a time", `192.0.2.1 - - 09/Nov/2025:06:25:31 +0000] "GET /x HTTP/1.1" 200 7`, ""},
		{"cut in the request", head + `"GET /x HT`, ""},
		{"cut behind the request", head + `"GET /x HTTP/1.1"`, ""},
		{"cut behind the status", head + `"GET /x HTTP/1.1" 200`, ""},
		{"cut in the referer", head + `"GET /x HTTP/1.1" 200 7 "https:`, ""},
		{"cut behind the referer", head + `"GET /x HTTP/1.1" 200 7 "-"`, ""},
		{"cut in the user agent", head + `"GET /x HTTP/1.1" 200 7 "-" "Mozilla`, ""},
		{"no method", head + `" /x HTTP/1.1" 200 7`, ""},
		{"no target", head + `"GET HTTP/1.1" 200 7`, ""},
		{"a target that is none", head + `"GET x HTTP/1.1" 200 7`, ""},
		{"a scheme that is none", head + `"GET ftp://a/x HTTP/1.1" 200 7`, ""},
		{"an address without a host", head + `"GET http:///x HTTP/1.1" 200 7`, ""},
		{"a control character", head + `"GET /x\x00 HTTP/1.1" 200 7`, ""},
		{"a status of two digits", head + `"GET /x HTTP/1.1" 20 7`, ""},
		{"a status of 0", head + `"GET /x HTTP/1.1" 000 7`, ""},
		{"a status that is none", head + `"GET /x HTTP/1.1" - 7`, ""},
		{"a size that is none", head + `"GET /x HTTP/1.1" 200 7k`, ""},
		{"a size beyond 64 bits", head + `"GET /x HTTP/1.1" 200 99999999999999999999`, ""},
	} {
		t.Run(test.name, func(t *testing.T) { checkLine(t, test.line, test.want) })
	}
}

// checkLine reads a line in between of others. No want: it is unreadable.
func checkLine(t *testing.T, line, want string) {
	t.Helper()
	const other = `192.0.2.1 - - [-] "GET / HTTP/1.1" 200 1`
	unreadable := 1
	if want != "" {
		unreadable, want = 0, want+"\n"
	}
	want = fmt.Sprintf("GET / 200 1\n%sGET / 200 1\n3 lines, %d unreadable\n", want, unreadable)
	got, err := account(t, strings.NewReader(other+"\n\n"+line+"\n \r\n"+other))
	if got != want || err != nil {
		t.Errorf("%v, got\n%swant\n%s", err, got, want)
	}
}

// TestLongLines is about lines around and far beyond the limit.
func TestLongLines(t *testing.T) {
	line := func(length int) string {
		const start, end = `192.0.2.1 - - [-] "GET /`, ` HTTP/1.1" 200 1` + "\n"
		return start + strings.Repeat("x", length-len(start)-len(end)) + end
	}
	for _, test := range []struct {
		name, text        string
		lines, unreadable int64
	}{
		{"fits", line(maxLine) + line(100), 2, 0},
		{"a byte too long", line(maxLine+1) + line(100), 2, 1},
		{"many buffers", line(100) + line(20*maxLine+1) + line(100), 3, 1},
		{"many buffers at the end", line(100) + strings.TrimSpace(line(20*maxLine)), 2, 1},
		{"no line at all", strings.Repeat("\x00", 3*maxLine), 1, 1},
		{"nothing", "", 0, 0},
		{"nothing but ends", "\n\r\n\n", 0, 0},
	} {
		a, err := Read(t.Context(), strings.NewReader(test.text), func(*Line) {})
		if a.Lines != test.lines || a.Unreadable != test.unreadable || err != nil {
			t.Errorf("%s: %d lines, %d unreadable, %v", test.name, a.Lines, a.Unreadable, err)
		}
	}
}

// TestBrokenLog expects an error, and what could be read before.
func TestBrokenLog(t *testing.T) {
	const line = `192.0.2.1 - - [-] "GET / HTTP/1.1" 200 1` + "\n"
	packed := compress(t, []byte(line))
	two := slices.Concat(packed, compress(t, []byte(line)))
	wrongSum := slices.Clone(two)
	wrongSum[len(wrongSum)-8]++
	boom := errors.New("boom")
	for _, test := range []struct {
		name string
		r    io.Reader
		want string
		err  error
	}{
		{"cut in the first member", bytes.NewReader(packed[:len(packed)/2]), "0 lines", io.ErrUnexpectedEOF},
		{"cut in the header", bytes.NewReader(packed[:4]), "0 lines", io.ErrUnexpectedEOF},
		{"cut in the second member", bytes.NewReader(two[:len(packed)+20]), "1 lines", io.ErrUnexpectedEOF},
		{"cut in the last sum", bytes.NewReader(two[:len(two)-3]), "2 lines", io.ErrUnexpectedEOF},
		{"a wrong sum", bytes.NewReader(wrongSum), "2 lines", gzip.ErrChecksum},
		{"something else behind it", strings.NewReader(string(packed) + line), "1 lines", gzip.ErrHeader},
		{"a header that is none", strings.NewReader("\x1f\x8b" + line), "0 lines", gzip.ErrHeader},
		{"a disk that fails", io.MultiReader(strings.NewReader(line+line[:30]), iotest.ErrReader(boom)), "1 lines", boom},
		{"one that fails in a long line", io.MultiReader(strings.NewReader(line+strings.Repeat("x", 2*maxLine)), iotest.ErrReader(boom)), "1 lines", boom},
		{"one that fails at once", iotest.ErrReader(boom), "0 lines", boom},
	} {
		got, err := account(t, test.r)
		if !strings.HasSuffix(got, test.want+", 0 unreadable\n") || !errors.Is(err, test.err) {
			t.Errorf("%s: error %v, read\n%s", test.name, err, got)
		}
	}
}

// TestStopReading ends the context while a log without an end is read.
func TestStopReading(t *testing.T) {
	for _, line := range []string{`192.0.2.1 - - [-] "GET / HTTP/1.1" 200 1` + "\n", "x\n"} {
		ctx, cancel := context.WithCancel(t.Context())
		reads := 0
		source := readerFunc(func(b []byte) (int, error) {
			if reads++; reads == 3 {
				cancel()
			}
			return copy(b, strings.Repeat(line, len(b)/len(line))), nil
		})
		a, err := Read(ctx, source, func(*Line) {})
		if !errors.Is(err, context.Canceled) || a.Lines == 0 || reads != 3 {
			t.Errorf("%d lines in %d reads, %v", a.Lines, reads, err)
		}
		cancel()
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// TestReadLogAllocations reads logs, short and long: none may allocate by the
// line.
func TestReadLogAllocations(t *testing.T) {
	for name, line := range map[string]string{"combined": benchLine, "JSON": benchJSON, "W3C": benchW3C} {
		cost := func(lines int) float64 {
			text := benchColumns + strings.Repeat(line, lines)
			return testing.AllocsPerRun(3, func() {
				if a, err := Read(t.Context(), strings.NewReader(text), func(*Line) {}); a.Unreadable > 0 || err != nil {
					t.Errorf("%s: %d unreadable, %v", name, a.Unreadable, err)
				}
			})
		}
		if short, long := cost(100), cost(2000); long > short+10 {
			t.Errorf("%s: %v allocations for 100 lines, %v for 2000", name, short, long)
		}
	}
}
