package rule

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/goaltrack/goaltrack/internal/scan"
)

// TestGoodRules reads the rule files that are as they should be, and judges the
// exchanges written into them as comments, such as
//
//	#: POST /contact topic=sales +Cookie:a=b -> 303 /thanks +X-Plan:pro = CONTACT_SENT fires topic=sales
func TestGoodRules(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "rules", "good", "*.yaml"))
	if err != nil || len(files) < 5 {
		t.Fatalf("%d files (%v)", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			rules, err := Load(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range rules.CheckExamples() {
				t.Error(f)
			}
			for i, line := range goodLines(t, file) {
				given, want, ok := strings.Cut(line, " = ")
				if !ok {
					t.Fatalf("exchange %d: %q lacks its end", i, line)
				}
				x, f := parseExchange(t, given)
				if got := evaluate(rules, x, f); got != want {
					t.Errorf("%s\n got %s\nwant %s", given, got, want)
				}
			}
		})
	}
}

// goodLines returns the exchanges written into a rule file.
func goodLines(t *testing.T, file string) (lines []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		if s, ok := strings.CutPrefix(strings.TrimSpace(string(line)), "#: "); ok {
			lines = append(lines, s)
		}
	}
	return lines
}

// parseExchange reads a request and its answer. The form is read for the goals
// it matches; see judgedForm.
func parseExchange(t *testing.T, line string) (x *Exchange, form string) {
	t.Helper()
	x = &Exchange{
		host: "www.shop.example:8080", header: http.Header{}, responseHeader: http.Header{},
		typeKnown: true, navigation: true,
	}
	request, answer, ok := strings.Cut(line, " -> ")
	words := strings.Fields(request)
	if !ok || len(words) < 2 {
		t.Fatalf("no exchange: %q", line)
	}
	x.method = words[0]
	target, err := url.ParseRequestURI(words[1])
	if err != nil {
		t.Fatal(err)
	}
	x.path, x.rawQuery = target.Path, target.RawQuery
	x.contentType = typeByPath(x.path)
	var fields []string
	for _, w := range words[2:] {
		if !addHeader(t, x.header, w) {
			fields = append(fields, w)
		}
	}
	x.userAgent, x.mobileHint = x.header.Get("User-Agent"), x.header.Get("Sec-Ch-Ua-Mobile")
	x.navigation = x.header.Get("Sec-Fetch-Dest") == ""
	words = strings.Fields(answer)
	if x.status, err = strconv.Atoi(words[0]); err != nil {
		t.Fatal(err)
	}
	for _, w := range words[1:] {
		if !addHeader(t, x.responseHeader, w) {
			x.location = w
		}
	}
	if ct, ok := x.responseHeader["Content-Type"]; ok {
		x.contentType = ct[0]
	}
	return x, strings.Join(fields, "&")
}

func addHeader(t *testing.T, h http.Header, word string) bool {
	t.Helper()
	header, ok := strings.CutPrefix(word, "+")
	if !ok {
		return false
	}
	name, v, _ := strings.Cut(header, ":")
	value, err := url.PathUnescape(v)
	if err != nil {
		t.Fatal(err)
	}
	h.Add(name, value)
	return true
}

// goodSite is where the exchanges happen.
var goodSite = Base{Language: "EN", Currency: "EUR", Channel: "WEB"}

// evaluate judges an exchange as the middleware does, without its writers, and
// tells what became of each goal in words.
func evaluate(rules *Set, x *Exchange, form string) string {
	causes := rules.index.Find(x.method, x.path, nil)
	slices.SortFunc(causes, func(a, b *Cause) int { return cmp.Compare(a.goal.number, b.goal.number) })
	var out []string
	for _, c := range causes {
		x.form = scan.Form("application/x-www-form-urlencoded", []byte(form), c.goal.needs.form)
		r := x.Consider(c)
		if r == Fires {
			r = c.judgeLate(x, rules.failure)
		}
		if r != Fires {
			out = append(out, c.goal.Name+" "+r.String())
			continue
		}
		x.vars.of = &c.path
		x.vars.values, _ = c.path.Capture(x.path, x.vars.values[:0])
		e, r := c.Event(x, goodSite)
		words := []string{c.goal.Name, r.String()}
		for _, b := range []struct{ name, got, usual string }{
			{"type", e.Type, c.goal.Name},
			{"page", e.Page, ""},
			{"language", e.Language, "EN"},
			{"currency", e.Currency, "EUR"},
			{"channel", e.Channel, "WEB"},
			{"pos", e.PointOfSale, ""},
		} {
			if r == Fires && b.got != b.usual {
				words = append(words, b.name+"="+url.QueryEscape(b.got))
			}
		}
		for _, a := range e.Ext {
			if r == Fires {
				words = append(words, a.Name+"="+url.QueryEscape(fmt.Sprint(a.Value)))
			}
		}
		if r == Fires && e.Fields != nil {
			words = append(words, "fields="+dateless(e.Fields))
		}
		out = append(out, strings.Join(words, " "))
	}
	if out == nil {
		return "nothing"
	}
	return strings.Join(out, "; ")
}

// dateless writes what a standard event says, without the moment at which it is made.
func dateless(fields map[string]any) string {
	text, err := json.Marshal(fields)
	if err != nil {
		return err.Error()
	}
	return strings.ReplaceAll(madeNow.ReplaceAllString(string(text), ""), " ", "+")
}

var madeNow = regexp.MustCompile(`"orderedAt":"[^"]*",?`)

// TestSetIsImmutable: one set of rules judges many requests at once. The
// race detector sees what the test does not.
func TestSetIsImmutable(t *testing.T) {
	const file = "testdata/rules/good/worked.yaml"
	rules, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := goodLines(t, file)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				for _, line := range lines {
					given, want, _ := strings.Cut(line, " = ")
					x, form := parseExchange(t, given)
					if got := evaluate(rules, x, form); got != want {
						t.Errorf("%s\n got %s\nwant %s", given, got, want)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}
