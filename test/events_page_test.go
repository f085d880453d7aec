package test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
)

const eventsPage = "../docs/events.md"

// TestEventsPage: what docs/events.md says of each of Sitecore's events leaves, and a strict
// CDP takes it.
func TestEventsPage(t *testing.T) {
	text, err := os.ReadFile(eventsPage)
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```([a-z]*)\n(.*?)```")
	ran := 0
	for section := range strings.SplitSeq(string(text), "\n## ") {
		name, _, _ := strings.Cut(section, "\n")
		blocks := map[string]string{}
		for _, m := range block.FindAllStringSubmatch(section, -1) {
			blocks[m[1]] = m[2]
		}
		if blocks["yaml"] == "" {
			continue
		}
		ran++
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defaults := "currency: EUR"
			if name == "CDP4SGOAL" {
				defaults += ", connector: cdp4s"
			}
			w := world.Setup{
				Rules: "defaults: { " + defaults + " }\ngoals:\n" + blocks["yaml"], Site: http.HandlerFunc(asTold),
				Config: func(c *goaltrack.Config, _ *cdptest.Server) {
					c.NoEventID = true
					if name == "VIEW" {
						c.Views = goaltrack.ViewsRules
					}
				},
			}.Start(t)
			v := w.Visitor().Meet()
			for line := range strings.Lines(blocks[""]) {
				visitAsWritten(t, v, strings.TrimSpace(line))
			}
			w.Done()
			var got, want []string
			for _, e := range w.CDP.Events() {
				got = append(got, plainBody(t, e.Raw))
			}
			for line := range strings.Lines(blocks["json"]) {
				want = append(want, plainBody(t, []byte(line)))
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
			}
		})
	}
	if ran < 12 {
		t.Errorf("only %d events have an example", ran)
	}
}

// asTold answers as the request says.
func asTold(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	for name, values := range r.Header {
		if told, ok := strings.CutPrefix(name, "Tell-"); ok {
			w.Header()[told] = values
		}
	}
	if to := r.Header.Get("Redirect-To"); to != "" {
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	world.HTML(w, r)
}

// visitAsWritten makes a request as examples are written.
func visitAsWritten(t *testing.T, v *world.Visitor, line string) {
	t.Helper()
	given, answer, _ := strings.Cut(line, " -> ")
	words := wordsOf(given)
	var header []string
	for i, word := range wordsOf(answer) {
		switch name, value, _ := strings.Cut(word, "="); {
		case i == 1:
			header = append(header, "Redirect-To", word)
		case i > 1:
			header = append(header, "Tell-"+strings.TrimPrefix(name, "response.header."), value)
		}
	}
	if words[0] == http.MethodGet {
		v.Get(words[1], header...)
		return
	}
	form := url.Values{}
	for _, word := range words[2:] {
		name, value, _ := strings.Cut(word, "=")
		form.Add(name, value)
	}
	v.Post(words[1], form.Encode(), header...)
}

// wordsOf cuts at blanks, but not inside quotes.
func wordsOf(line string) (words []string) {
	for _, m := range regexp.MustCompile(`(?:[^\s"]|"[^"]*")+`).FindAllString(line, -1) {
		words = append(words, strings.ReplaceAll(m, `"`, ""))
	}
	return words
}

// plainBody is an event without what every event has, and without times of this moment.
func plainBody(t *testing.T, body []byte) string {
	t.Helper()
	var e map[string]any
	if err := json.Unmarshal(body, &e); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	for _, name := range []string{"browser_id", "client_key", "pos"} {
		delete(e, name)
	}
	for _, name := range []string{"product", "order"} {
		o, _ := e[name].(map[string]any)
		at, _ := o["orderedAt"].(string)
		if when, err := time.Parse(time.RFC3339, at); err == nil && time.Since(when).Abs() < time.Hour {
			o["orderedAt"] = "TIME"
		}
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out.String())
}
