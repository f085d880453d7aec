package requests_test

import (
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/requests"
)

// These are what Chrome and Firefox copy of one and the same form.
const (
	chromeBash = `curl 'https://shop.example/contact?from=mail' \
  -H 'accept: text/html' \
  -H 'content-type: application/x-www-form-urlencoded' \
  -b 'theme=dark; plan=pro' \
  -H 'referer: https://shop.example/contact' \
  -H 'user-agent: Mozilla/5.0' \
  --data-raw $'topic=sales&message=it%27s \u0021 that\'s it'`

	chromeCmd = `curl ^"https://shop.example/contact?from=mail^" ^
  -H ^"accept: text/html^" ^
  -H ^"content-type: application/x-www-form-urlencoded^" ^
  -b ^"theme=dark; plan=pro^" ^
  -H ^"referer: https://shop.example/contact^" ^
  -H ^"user-agent: Mozilla/5.0^" ^
  --data-raw ^"topic=sales^&message=it^%^27s ^! that's it^"`

	firefoxBash = `curl 'https://shop.example/contact?from=mail' -X POST -H 'User-Agent: Mozilla/5.0' -H 'Accept: text/html' ` +
		`-H 'Content-Type: application/x-www-form-urlencoded' -H 'Referer: https://shop.example/contact' -H 'Cookie: theme=dark; plan=pro' --data-raw $'topic=sales&message=it%27s ! that\'s it'`
)

// TestCopiedFromBrowsers: what three browsers write of one form is one request.
func TestCopiedFromBrowsers(t *testing.T) {
	for name, text := range map[string]string{
		"Chrome, bash": chromeBash, "Chrome, cmd": chromeCmd, "Chrome, cmd, CRLF": strings.ReplaceAll(chromeCmd, "\n", "\r\n"),
		"Firefox": firefoxBash, "with a prompt": "$ " + chromeBash, "with a pipe": chromeBash + " 2>/dev/null | jq .",
	} {
		r, err := requests.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		e := r.Example
		if e.Method != http.MethodPost || e.Host != "shop.example" || e.Path != "/contact?from=mail" || r.Line != "POST https://shop.example/contact?from=mail" {
			t.Errorf("%s: %s %s %s, %q", name, e.Method, e.Host, e.Path, r.Line)
		}
		if want := (url.Values{"topic": {"sales"}, "message": {"it's ! that's it"}}); !reflect.DeepEqual(e.Form, want) {
			t.Errorf("%s: the form is %v", name, e.Form)
		}
		for key, want := range map[string]string{"Cookie": "theme=dark; plan=pro", "Referer": "https://shop.example/contact", "User-Agent": "Mozilla/5.0", "Accept": "text/html"} {
			if got := e.Header.Get(key); got != want {
				t.Errorf("%s: %s is %q", name, key, got)
			}
		}
	}
}

// TestCurl is about options and quotes, one by one.
func TestCurl(t *testing.T) {
	for _, tt := range []struct {
		command string
		method  string // and the path
		form    string
		json    string
		header  string // Name: value
	}{
		{"curl shop.example", "GET /", "", "", ""},
		{"curl -sSL -o /dev/null --compressed --max-time 5 https://a.example/x", "GET /x", "", "", ""},
		{"curl https://a.example/x#top -A Me", "GET /x", "", "", "User-Agent: Me"},
		{"curl -X DELETE https://a.example/x", "DELETE /x", "", "", ""},
		{"curl -XPUT -d a=b -d c=d https://a.example/x", "PUT /x", "a=b&c=d", "", "Content-Type: application/x-www-form-urlencoded"},
		{"curl -da=b https://a.example/x", "POST /x", "a=b", "", ""},
		{"curl --data-urlencode 'a=b & c' --data-urlencode '=d e' https://a.example/x", "POST /x", "a=b+%26+c&d+e=", "", ""},
		{"curl -G -d a=b -d c=d https://a.example/x?q=1", "GET /x?q=1&a=b&c=d", "", "", ""},
		{"curl -I https://a.example/x", "HEAD /x", "", "", ""},
		{`curl --json '{"a":1}' https://a.example/x`, "POST /x", "", `{"a":1}`, "Content-Type: application/json"},
		{`curl -d '{"a":1}' -H 'content-type: application/json' https://a.example/x`, "POST /x", "", `{"a":1}`, ""},
		{`curl -d "{\"a\":\"\$x\"}" -H 'content-type: text/plain' https://a.example/x`, "POST /x", "", `{"a":"$x"}`, ""},
		{`curl -F a=b -F 'c="x;y"' -F f=@photo.jpg -F 'd=e;type=text/plain' https://a.example/x`, "POST /x", "a=b&c=x%3By&d=e&f=", "", ""},
		{`curl --form-string 'a=@b;c' https://a.example/x`, "POST /x", "a=%40b%3Bc", "", ""},
		{`curl -b theme=dark -b plan=pro https://a.example/x`, "GET /x", "", "", "Cookie: theme=dark; plan=pro"},
		{`curl -e 'https://b.example/;auto' https://a.example/x`, "GET /x", "", "", "Referer: https://b.example/"},
		{`curl -H 'X-A;' -H 'Accept:' https://a.example/x`, "GET /x", "", "", "X-A: "},
		{`curl --url https://user:secret@a.example/x`, "GET /x", "", "", ""},
		{`curl -d a=b https://a.example/x && rm -rf x`, "POST /x", "a=b", "", ""},
		{`curl.exe -d a=b https://a.example/x`, "POST /x", "a=b", "", ""},
		{`curl https://a.example/x -d $'a=\x41\u00e9\t\'\101\q'`, "POST /x", `a=A%C3%A9%09%27A%5Cq`, "", ""},
		{"curl ^\"https://a.example/x^\" ^\n  --data-raw ^\"^{^\\^\"a^\\^\":^\\^\"b^\\^\\n^\\^\"^}^\" -H ^\"content-type: application/json^\"", "POST /x", "", `{"a":"b\n"}`, ""},
		{"curl ^\"https://a.example/x^\" --data-raw ^\"a=1^\n\n2^\"", "POST /x", "a=1%0A2", "", ""},
	} {
		r, err := requests.Parse(tt.command)
		if err != nil {
			t.Errorf("%s: %v", tt.command, err)
			continue
		}
		e := r.Example
		if got := e.Method + " " + e.Path; got != tt.method || e.Form.Encode() != tt.form || e.JSON != tt.json {
			t.Errorf("%s:\n%s, form %s, JSON %s", tt.command, got, e.Form.Encode(), e.JSON)
		}
		if name, value, ok := strings.Cut(tt.header, ": "); ok && !slices.Equal(e.Header[name], []string{value}) {
			t.Errorf("%s: %s is %q", tt.command, name, e.Header[name])
		}
	}
}

// TestCurlAnswer: behind an arrow stands the answer, whoever made the words.
func TestCurlAnswer(t *testing.T) {
	read, err := requests.Parse("curl 'https://a.example/x' -d a=b -> 303 /thanks response.json.text=\"a b\"")
	if err != nil {
		t.Fatal(err)
	}
	taken, err := requests.Curl([]string{"https://a.example/x", "-d", "a=b", "->", "303", "/thanks", "response.json.text=a b"})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []requests.Request{read, taken} {
		if e.Example.Status != 303 || e.Example.Location != "/thanks" || e.Example.AnswerJSON != `{"text":"a b"}` {
			t.Errorf("%+v", e.Example)
		}
	}
}

// TestCurlFaults: what cannot be read is said, and no file is opened.
func TestCurlFaults(t *testing.T) {
	for command, want := range map[string]string{
		"curl -s":                            "there is no address",
		"curl a.example b.example":           "there are two addresses",
		"curl a.example -H":                  "-H needs a value",
		"curl a.example -H x":                "is no header: write Name: value",
		"curl a.example -H @x":               "names a file, which is not read",
		"curl a.example -d @/etc/passwd":     "name a file, which is not read",
		"curl a.example --data-binary @x":    "name a file, which is not read",
		"curl a.example --data-urlencode a@": "names a file, which is not read",
		"curl a.example -F 'a=<x'":           "names a file, which is not read",
		"curl a.example -F a":                "is no field: write name=value",
		"curl a.example -b jar":              "names a file, which is not read",
		"curl a.example -K x":                "names a file, which is not read",
		"curl a.example -T x":                "sends a file",
		"curl a.example -F a=b -d c=d":       "exclude each other",
		"curl a.example --frobnicate":        "--frobnicate is not known here",
		"curl a.example --next b.example":    "begins a second request",
		"curl 'a.example":                    "a quote is opened and never closed",
		`curl "a.example`:                    "a quote is opened and never closed",
		"curl $'a.example":                   "a quote is opened and never closed",
		"curl ^\"a.example":                  "a quote is opened and never closed",
		"curl $HOST/x":                       "variable HOST is not known here",
		`curl "${HOST}/x"`:                   "variable HOST is not known here",
		"curl `hostname`":                    "runs another one",
		"curl $(hostname)":                   "runs another one",
		"curl https://a.example/?a=b&c=d":    "put quotes around the address",
		"curl https://a.example/ -> x":       `"x" is no status`,
		"curl ftp://a.example/":              "is no address",
		"curl http:///x":                     "is no address",
	} {
		if r, err := requests.Parse(command); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %+v", command, err, r.Example)
		}
	}
}

// FuzzCurl: whatever is pasted, it is read or refused, in either way of quoting.
func FuzzCurl(f *testing.F) {
	for _, text := range []string{chromeBash, chromeCmd, firefoxBash, "curl $'\\x", "curl -F a=\"b", "curl ^", "curl a -d \\"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := requests.Parse("curl " + text)
		if err == nil && (r.Example.Path == "" || r.Example.Path[0] != '/' || r.Example.Host == "" || strings.ContainsAny(r.Line, "\r\n")) {
			t.Errorf("%+v", r)
		}
		list, err := requests.ReadAll(strings.NewReader("curl " + text))
		if err == nil && len(list) == 0 {
			t.Error("nothing was read, and no fault")
		}
	})
}
