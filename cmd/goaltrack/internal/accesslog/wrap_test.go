package accesslog

import (
	"fmt"
	"strings"
	"testing"
)

// TestWrappings reads one request in everything that programs put around lines.
func TestWrappings(t *testing.T) {
	const (
		text   = `shop.example:443 192.0.2.1 - - [09/Nov/2025:06:25:31 +0000] "GET /a?b=1 HTTP/1.1" 200 17 "-" "Mozilla/5.0"`
		object = `{"method":"GET","uri":"/a?b=1","host":"shop.example","status":200,"bytes_sent":17,"ts":"2025-11-09T06:25:31Z","user_agent":"Mozilla/5.0"}`
		want   = `GET /a?b=1 200 17 2025-11-09T06:25:31Z host="shop.example" agent="Mozilla/5.0"` + "\n1 lines, 0 unreadable\n"
	)
	quoted := func(line string) string {
		text := strings.ReplaceAll(fmt.Sprintf("%q", line), `\x`, `\u00`)
		return text[1 : len(text)-1]
	}
	for name, wrap := range map[string]func(string) string{
		"nothing": func(l string) string { return l },
		"Docker": func(l string) string {
			return `{"log":"` + quoted(l+"\n") + `","stream":"stdout","time":"2026-01-02T03:04:05.6Z"}`
		},
		"Docker, twice": func(l string) string {
			return `{"log":"` + quoted(`{"message":"`+quoted(l)+`"}`) + `","stream":"stdout"}`
		},
		"Elastic": func(l string) string {
			return `{"@timestamp":"2026-01-02T03:04:05Z","message":"` + quoted(l) + `","host":{"name":"node-1"}}`
		},
		"Google Cloud": func(l string) string {
			return `{"textPayload":"` + quoted(l) + `","resource":{"type":"k8s_container"}}`
		},
		"CRI": func(l string) string { return "2026-01-02T03:04:05.678901234Z stdout F " + l },
		"CRI in parts": func(l string) string {
			return "2026-01-02T03:04:05Z stdout P " + l[:20] + "\n2026-01-02T03:04:05Z stderr F \n2026-01-02T03:04:05Z stdout P " + l[20:30] + "\n2026-01-02T03:04:05Z stdout F " + l[30:]
		},
		"compose":           func(l string) string { return "web-1     | " + l },
		"compose, colour":   func(l string) string { return "\x1b[36mweb-1  | \x1b[0m" + l },
		"RFC 3164":          func(l string) string { return "<190>Nov  9 06:25:31 web nginx: " + l },
		"RFC 3164, file":    func(l string) string { return "Nov  9 06:25:31 web nginx[12]: " + l },
		"RFC 3164, no host": func(l string) string { return "<190>Nov  9 06:25:31 nginx[12]: " + l },
		"RFC 3339, file":    func(l string) string { return "2026-01-02T03:04:05.678+01:00 web nginx[12]: " + l },
		"RFC 5424":          func(l string) string { return "<165>1 2003-10-11T22:14:15.003Z web nginx 12 ID47 - " + l },
		"RFC 5424, data":    func(l string) string { return `<165>1 - - - - - [a@1 b="]\"]"][c@2] ` + "\ufeff" + l },
		"CRI, Docker":       func(l string) string { return `2026-01-02T03:04:05Z stdout F {"log":"` + quoted(l) + `"}` },
	} {
		for _, line := range []string{text, object} {
			got, err := account(t, strings.NewReader(wrap(line)+"\n"))
			if err != nil || got != want {
				t.Errorf("%s: %s\ngot  %swant %s%v", name, wrap(line), got, want, err)
			}
		}
	}
	// Lists of JSON have no text in them.
	for name, list := range map[string]string{
		"a list":            "[" + object + "]",
		"a list, indented":  "\ufeff[\n  " + strings.ReplaceAll(object, ",", ",\n    ") + "\n]\n",
		"Event Hub":         `{"records":[` + object + `]}`,
		"Event Hub, spaced": "{ \"records\" : [\n" + object + "\n] }\n",
		"one object":        "{\n" + strings.ReplaceAll(object[1:], ",", ",\n ") + "\n",
	} {
		if got, err := account(t, strings.NewReader(list)); err != nil || got != want {
			t.Errorf("%s: got  %swant %s%v", name, got, want, err)
		}
	}
	three := strings.Replace(want, "1 lines", "3 lines", 1)
	three = strings.Repeat(want[:strings.Index(want, "\n")+1], 2) + three
	for _, list := range []string{"[" + object + "," + object + " , " + object + "]", `{"records":[` + object + `]}` + "\n" + `{"records":[` + object + "," + object + `]}`} {
		if got, err := account(t, strings.NewReader(list)); err != nil || got != three {
			t.Errorf("%s\ngot  %swant %s%v", list, got, three, err)
		}
	}
}

// TestNotWrapped: what is no line of an access log stays none, and what a request says is no
// request of its own.
func TestNotWrapped(t *testing.T) {
	for _, line := range []string{
		`{"log":"hello\n","stream":"stdout"}`,
		`{"log":""}`,
		`{"log":"{\"log\":\"{\\\"log\\\":\\\"GET / 200\\\"}\"}"}`,
		`{"method":"GET","message":"{\"method\":\"GET\",\"uri\":\"/\",\"status\":200}"}`,
		`{"request":"GET /","msg":"{\"method\":\"GET\",\"uri\":\"/\",\"status\":200}"}`,
		`{"message":"{\"method\":\"GET\",\"uri\":\"/\",\"status\":200}","deploymentId":"d"}`,
		`2026-01-02T03:04:05Z stdout F hello`, `2026-01-02T03:04:05Z stdout X hello`, `<`, `<1`, `<12>`, `<12>1 `, `<12>1 a b c d [`, `1 `, `a | b`, "\x1b[", "x {",
		`Nov  9 06:25:31 web kernel: hello`, `{"log":"web-1 | \u001b[0m"}`,
	} {
		if got, err := account(t, strings.NewReader(line)); err != nil || got != "1 lines, 1 unreadable\n" {
			t.Errorf("%q: %s%v", line, got, err)
		}
	}
	for _, empty := range []string{"2026-01-02T03:04:05Z stdout F ", "web-1  | \x1b[0m", "\x1b[36mweb-1  | \x1b[0m\x1b[0m"} {
		if got, err := account(t, strings.NewReader(empty+"\n")); err != nil || got != "0 lines, 0 unreadable\n" {
			t.Errorf("%q: %s%v", empty, got, err)
		}
	}
}
