package accesslog

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// packed is a text as a member of gzip.
func packed(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.String()
}

// TestOddLogs: every line of an odd log is read or counted, whatever happened to the file.
func TestOddLogs(t *testing.T) {
	const (
		line = `192.0.2.1 - - [09/Nov/2025:06:25:31 +0000] "GET /a HTTP/1.1" 200 17 "-" "Mozilla/5.0"` + "\n"
		read = `GET /a 200 17 2025-11-09T06:25:31Z agent="Mozilla/5.0"` + "\n"
		json = `{"method":"GET","uri":"/a","status":200,"bytes_sent":17,"ts":"2025-11-09T06:25:31Z","user_agent":"Mozilla/5.0"}`
		w3c  = "#Fields: date time cs-method cs-uri-stem sc-status sc-bytes cs(User-Agent)\n2025-11-09 06:25:31 GET /a 200 17 Mozilla/5.0\n"
		cri  = "2025-11-09T06:25:31Z stdout "
	)
	zipped := zstdOf(t, line)
	long := strings.Repeat("x", 1<<20)
	of := func(quoted string) string { return strings.Replace(line, `"Mozilla/5.0"`, quoted, 1) }
	agent := func(text string) string { return strings.Replace(read, `"Mozilla/5.0"`, text, 1) }
	for _, test := range []struct {
		name, log, want string
		lines, lost     int
		err             string
	}{
		{"byte order marks, also in the middle", "\ufeff" + line + "\ufeff" + line, read + read, 2, 0, ""},
		{"CRLF", strings.ReplaceAll(line+line, "\n", "\r\n"), read + read, 2, 0, ""},
		{"empty lines", "\n\r\n  \n" + line + "\n", read, 1, 0, ""},
		{"no end of the last line", strings.TrimSpace(line), read, 1, 0, ""},
		{"the last line is cut", line + line[:40], read, 2, 1, ""},
		{"gzip, two members", packed(line) + packed(line), read + read, 2, 0, ""},
		{"gzip, cut", packed(line)[:40], "", 0, 0, "unexpected EOF"},
		{"gzip, the second member is cut", packed(line) + packed(line)[:12], read, 1, 0, "stopped after 1 lines"},
		{"gzip in gzip", packed(packed(line)), read, 1, 0, ""},
		{"zstd, two frames", zipped + zipped, read + read, 2, 0, ""},
		{"zstd, cut", zipped[:len(zipped)-9], "", 0, 0, "EOF"},
		{"plain behind gzip", packed(line) + line, read, 1, 0, "invalid header"},
		{"nothing", "", "", 0, 0, ""},
		{"all formats in one file", line + json + "\n" + w3c + "[" + json + "]\n", read + read + read, 4, 1, ""},
		{"objects of several lines, and others", "{\n" + json[1:] + "\n" + line + json + "\n", read + read + read, 3, 0, ""},
		{"a list that is cut, and others", "[" + json + "," + json + "\n" + line, read + read, 5, 3, ""},
		{"a list with other things", "[" + json + ",5,\"text\",{}," + json + "]", read + read, 5, 3, ""},
		{"a list whose last object is cut", "[" + json + "," + json[:30], read, 2, 1, ""},
		{"a line of 1 MB", long + "\n" + line + `{"a":"` + long + "\"}\n" + line, read + read, 4, 2, ""},
		{"1 MB that never ends", long, "", 1, 1, ""},
		{"zeros of copytruncate", strings.Repeat("\x00", 300_000) + line + line, read + read, 2, 0, ""},
		{"zeros after a loss of power", line + "\x00\x00\x00\x00\n" + line + strings.Repeat("\x00", 10), read + read, 4, 2, ""},
		{"zeros in a line", of("\"Mozilla/\x005.0\""), agent(`"Mozilla/\x005.0"`), 1, 0, ""},
		{"no UTF-8", of("\"\xff\xfeMozilla\""), agent(`"\xff\xfeMozilla"`), 1, 0, ""},
		{"an escaped quote", of(`"a\x22b\"c"`), agent(`"a\"b\"c"`), 1, 0, ""},
		{"quotes that are not escaped", of(`"a "b" c" "d"`), agent(`"a \"b"`), 1, 0, ""},
		{"no end of a quote", of(`"Mozilla`), "", 1, 1, ""},
		{"IPv6 with a port", "shop.example:8443 " + strings.Replace(line, "192.0.2.1", "[2001:db8::1]:5000", 1), strings.Replace(read, "agent", `host="shop.example" agent`, 1), 1, 0, ""},
		{"an IPv6 host", "[2001:db8::2]:443 " + strings.Replace(line, "192.0.2.1", "2001:db8::1", 1), strings.Replace(read, "agent", `host="[2001:db8::2]" agent`, 1), 1, 0, ""},
		{"CRI without the rest", cri + "F " + line + cri + "P " + line[:20] + "\n", read, 2, 1, ""},
		{"CRI without the rest, of two streams", cri + "P {\n2025-11-09T06:25:31Z stderr P error\n", "", 2, 2, ""},
		{"CRI without its begin", cri + "F " + line[20:] + cri + "F " + line, read, 2, 1, ""},
		{"CRI that is too long", strings.Repeat(cri+"P "+long[:8000]+"\n", 10) + cri + "F x\n" + cri + "F " + line, read, 2, 1, ""},
		{"nginx with a word of its cache", `[2025-11-09T06:25:31+00:00] "GET /a HTTP/1.1" 200 HIT 17 "https://a.example/" "Mozilla/5.0" "-" "shop.example" "10.0.0.1:80"` + "\n", `GET /a 200 17 2025-11-09T06:25:31Z agent="Mozilla/5.0" referer="https://a.example/"` + "\n", 1, 0, ""},
		{"nginx with a cache that says nothing", `[2025-11-09T06:25:31+00:00] "GET /a HTTP/1.1" 200 - 17 "https://a.example/" "Mozilla/5.0" "-" "shop.example" "10.0.0.1:80"` + "\n", `GET /a 200 0 2025-11-09T06:25:31Z agent="Mozilla/5.0" referer="https://a.example/"` + "\n", 1, 0, ""},
		{"Envoy", `[2025-11-09T06:25:31.000Z] "GET /a HTTP/1.1" 200 - 0 17 25 - "-" "Mozilla/5.0" "cc21d9b0" "shop.example" "10.0.0.1:80"` + "\n", strings.Replace(read, "agent", `host="shop.example" agent`, 1), 1, 0, ""},
		{"without whom it is of", `{"log_type":"traffic","method":"GET","status_code":200,"timestamp":1762669531000,"url":"https://shop.example/a"}` + "\n", `GET /a 200 -1 2025-11-09T06:25:31Z host="shop.example"` + "\n", 1, 0, ""},
	} {
		got, err := account(t, strings.NewReader(test.log))
		want := fmt.Sprintf("%s%d lines, %d unreadable\n", test.want, test.lines, test.lost)
		if got != want || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s:\ngot  %swant %serror %v, want %q", test.name, got, want, err, test.err)
		}
	}
}

func zstdOf(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write([]byte(text))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestTimes are the forms in which servers and loggers write a time.
func TestTimes(t *testing.T) {
	const want = "2025-11-09T06:25:31Z"
	for _, text := range []string{
		"09/Nov/2025:06:25:31 +0000", "09/Nov/2025:07:25:31 +0100", "08/Nov/2025:20:55:31 -0930", "09/Nov/2025:06:25:31.123 +0000", "09/Nov/2025:06:25:31",
		"09/Nov/2025 06:25:31", "2025-11-09T06:25:31Z", "2025-11-09T06:25:31.123456789Z", "2025-11-09T07:25:31+01:00", "2025-11-09T07:25:31+0100", "2025-11-09T07:25:31+01",
		"2025-11-09T06:25:31", "2025-11-09 06:25:31", "2025-11-09 06:25:31,123", "2025-11-09 07:25:31+01:00", "2025-11-09 07:25:31 +0100", "2025-11-09 06:25:31 UTC", "2025-11-09 06:25:31 +0000 UTC",
		"20251109T062531Z", "20251109T062531", "Sun, 09 Nov 2025 06:25:31 GMT", "Sun, 09 Nov 2025 07:25:31 +0100", "Sun Nov  9 06:25:31 2025", "Sun Nov 09 06:25:31.123456 2025", "2025/11/09 06:25:31",
		"1762669531", "1762669531.123", "1762669531123", "1762669531123456789", "1.762669531e9",
	} {
		if got := parseTime([]byte(text)).Truncate(time.Second).Format(time.RFC3339); got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
	for _, text := range []string{"", "-", "x", "2025-11-09", "2025-13-09T06:25:31Z", "31/Feb/2025 06:25:31", "yesterday at noon", "NaN", "+Inf", "1e300", "09/Nov/2025:25:25:31 +0000"} {
		if got := parseTime([]byte(text)); !got.IsZero() {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}
