package test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/internal/world"
)

// bodyRules are goals that read a form, JSON, or both.
var bodyRules = []struct{ goal, rule string }{
	{"FIELD", "{ goal: FIELD, submit: /form, data: { t: $form.topic } }"},
	{"JSON", "{ goal: JSON, submit: /form, data: { t: $json.topic } }"},
	{"BOTH", "{ goal: BOTH, submit: /form, data: { t: $form.topic, u: $json.topic } }"},
	{"TRAP", "{ goal: TRAP, submit: /form, unless: { json.website: present } }"},
	{"PRO", "{ goal: PRO, submit: /form, if: { json.topic: sales } }"},
	{"NAMED", "{ goal: NAMED, submit: { path: /form, form: newsletter } }"},
	{"ANY", "{ goal: ANY, submit: /form }"},
}

// TestEachGoalByItsOwnBody: what becomes of a body is decided goal by goal. A goal
// comes out the same alone and beside all others, on the site and as an example.
func TestEachGoalByItsOwnBody(t *testing.T) {
	t.Parallel()
	const noForm, noJSON = "the body is no form", "the body is no JSON"
	site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		http.Redirect(w, r, "/thanks", http.StatusSeeOther)
	})
	multi := "--x\r\nContent-Disposition: form-data; name=\"topic\"\r\n\r\nsales\r\n--x--\r\n"
	for name, c := range map[string]struct {
		contentType, body, example string
		want                       map[string]string // "" for fired
	}{
		"form": {
			"application/x-www-form-urlencoded", "topic=sales", "topic=sales",
			map[string]string{"JSON": "form_not_a_form", "TRAP": "form_not_a_form", "PRO": "condition", "NAMED": "other_form"},
		},
		"multipart": {
			"multipart/form-data; boundary=x", multi, "topic=sales header.Content-Type=multipart/form-data",
			map[string]string{"JSON": "form_not_a_form", "TRAP": "form_not_a_form", "PRO": "condition", "NAMED": "other_form"},
		},
		"JSON": {
			"application/json", `{"topic":"sales"}`, "json.topic=sales",
			map[string]string{"FIELD": "form_not_a_form", "NAMED": "form_not_a_form"},
		},
		"JSON by another name": {
			"application/vnd.shop+json", `{"topic":"sales"}`, "json.topic=sales header.Content-Type=application/vnd.shop+json",
			map[string]string{"FIELD": "form_not_a_form", "NAMED": "form_not_a_form"},
		},
		"JSON with spam": {
			"application/json", `{"website":"spam"}`, "json.website=spam",
			map[string]string{"FIELD": "form_not_a_form", "NAMED": "form_not_a_form", "TRAP": "condition", "PRO": "condition"},
		},
		"JSON and more": {
			"application/json", `{"website":"spam"} {}`, "",
			map[string]string{"FIELD": "form_not_a_form", "NAMED": "form_not_a_form", "JSON": "form_not_a_form", "BOTH": "form_not_a_form", "TRAP": "form_not_a_form", "PRO": "condition"},
		},
		"half of JSON": {
			"application/json", `{"topic":`, "",
			map[string]string{"FIELD": "form_not_a_form", "NAMED": "form_not_a_form", "JSON": "form_not_a_form", "BOTH": "form_not_a_form", "TRAP": "form_not_a_form", "PRO": "condition"},
		},
		"text": {
			"text/plain", "topic=sales", "topic=sales header.Content-Type=text/plain",
			map[string]string{"FIELD": "form_not_a_form", "NAMED": "form_not_a_form", "JSON": "form_not_a_form", "BOTH": "form_not_a_form", "TRAP": "form_not_a_form", "PRO": "form_not_a_form"},
		},
		"JSON as text": {
			"text/plain;charset=UTF-8", `{"topic":"sales"}`, "json.topic=sales header.Content-Type=text/plain",
			map[string]string{"FIELD": "form_not_a_form", "NAMED": "form_not_a_form"},
		},
		"spam in JSON as text": {
			"text/plain", "\ufeff {\"website\":\"spam\"}\r\n", "json.website=spam header.Content-Type=text/plain",
			map[string]string{"FIELD": "form_not_a_form", "NAMED": "form_not_a_form", "TRAP": "condition", "PRO": "condition"},
		},
		"text that begins as JSON": {
			"text/plain", `{"topic":"sales"} {}`, "",
			map[string]string{"FIELD": "form_not_a_form", "NAMED": "form_not_a_form", "JSON": "form_not_a_form", "BOTH": "form_not_a_form", "TRAP": "form_not_a_form", "PRO": "form_not_a_form"},
		},
		"a list": {
			"application/json", `[{"website":"spam"}]`, "",
			map[string]string{"FIELD": "form_not_a_form", "NAMED": "form_not_a_form", "JSON": "form_not_a_form", "BOTH": "form_not_a_form", "TRAP": "form_not_a_form", "PRO": "condition"},
		},
		"a list as text": {
			"text/plain", `[{"topic":"sales"}]`, "",
			map[string]string{"FIELD": "form_not_a_form", "NAMED": "form_not_a_form", "JSON": "form_not_a_form", "BOTH": "form_not_a_form", "TRAP": "form_not_a_form", "PRO": "form_not_a_form"},
		},
		"nothing": {
			"application/json", "", "header.Content-Type=application/json",
			map[string]string{"PRO": "condition", "NAMED": "other_form"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var all []string
			for _, r := range bodyRules {
				all = append(all, r.rule)
			}
			for _, r := range append(bodyRules, struct{ goal, rule string }{"", strings.Join(all, ",\n")}) {
				text := "{version: 1, goals: [" + r.rule + "]}"
				w := world.New(t, text, site)
				w.Visitor().Meet().Post("/form", c.body, "Content-Type", c.contentType)
				w.Done()
				verdicts := tryLineOf(t, world.MustParse(t, text), "POST /form "+c.example+" -> 303 /thanks")
				for i, b := range bodyRules {
					if r.goal != "" && r.goal != b.goal {
						continue
					}
					want := "fired 1"
					if f := c.want[b.goal]; f != "" {
						want = f + " 1"
					}
					if got := w.Fates(b.goal); got != want {
						t.Errorf("%s beside %q: %s, want %s", b.goal, r.goal, got, want)
					}
					if c.example == "" {
						continue // no line can say that
					}
					v := verdicts[min(i, len(verdicts)-1)]
					reason := map[string]string{"": "", "form_not_a_form": v.Reason, "condition": v.Reason, "other_form": `the form has another name than "newsletter"`}[c.want[b.goal]]
					if v.Fired != (want == "fired 1") || v.Reason != reason ||
						c.want[b.goal] == "form_not_a_form" && b.goal != "BOTH" && v.Reason != noForm && v.Reason != noJSON {
						t.Errorf("%s as an example: %+v, want %q", b.goal, v, reason)
					}
				}
			}
		})
	}
}

// tryLineOf is what every goal makes of one line.
// TestJSONWithALineEnd: a decoder stops at the end of the document, whatever its
// buffer then has of the line's end. Half a document counts nothing.
func TestJSONWithALineEnd(t *testing.T) {
	const rule = "version: 1\ngoals:\n  - { goal: PLAN_CHOSEN, submit: /form, if: { json.plan: pro } }\n"
	for _, row := range []struct {
		size       int // of the document
		tail, want string
	}{
		{100, "\n", "fired 1"},
		{511, "\r\n", "fired 1"},
		{512, "", "fired 1"},
		{512, "\n", "fired 1"},
		{512, "\r\n", "fired 1"},
		{1536, "\n", "fired 1"},
		{512, strings.Repeat("\n", 3), "form_unread 1"},
	} {
		for start, end := range map[string]string{`{"plan":"pro","x":"`: `"}`, `[{"plan":"pro","x":"`: `"}]`} {
			body := start + strings.Repeat("x", row.size-len(start)-len(end)) + end + row.tail
			want := row.want
			if start[0] == '[' && want == "fired 1" {
				want = "condition 1" // a list has no plan, and was read
			}
			w := world.New(t, rule, reading(func(r *http.Request) {
				var v any
				if err := json.NewDecoder(r.Body).Decode(&v); err != nil {
					t.Error(err)
				}
			}))
			sendBody(w.Visitor().Meet(), "application/json", body, false)
			if w.Done(); w.Fates("PLAN_CHOSEN") != want {
				t.Errorf("%d bytes and %q after %.2s: %s, want %s", row.size, row.tail, start, w.Fates("PLAN_CHOSEN"), want)
			}
		}
	}
	w := world.New(t, rule, reading(func(r *http.Request) { _, _ = io.ReadFull(r.Body, make([]byte, 13)) }))
	sendBody(w.Visitor().Meet(), "application/json", `{"plan":"pro"}`, false)
	w.Expect("PLAN_CHOSEN", "form_unread 1")
}

func tryLineOf(t *testing.T, rules *goaltrack.Rules, line string) []goaltrack.Verdict {
	t.Helper()
	e, err := goaltrack.ParseExample(line)
	if err != nil {
		t.Fatal(err)
	}
	return rules.Explain(e)
}

// TestOneBodyInAnExample: no request has a form and JSON.
func TestOneBodyInAnExample(t *testing.T) {
	if _, err := goaltrack.ParseExample("POST /form topic=sales json.topic=sales"); err == nil || !strings.Contains(err.Error(), "one body") {
		t.Errorf("%v", err)
	}
}

// TestExampleBodies: an example's body is judged as the site judges it.
func TestExampleBodies(t *testing.T) {
	rules := world.MustParse(t, "{version: 1, goals: [{goal: FIELD, submit: /form, data: {t: $form.topic}}]}")
	for line, want := range map[string]string{
		"POST /form topic=a -> 303 /thanks":                                                       "",
		"POST /form topic=a header.Content-Encoding=identity -> 303 /thanks":                      "",
		"POST /form topic=a header.Content-Type=text/plain -> 303 /thanks":                        "the body is no form",
		"POST /form json.a=1 header.Content-Type=text/plain header.Content-Encoding=gzip -> 204":  "the body is no form",
		"POST /form topic=" + strings.Repeat("x", 2<<10+1) + " -> 303 /thanks":                    "line 1: data: what is to be sent as t is longer than 1024 bytes",
		"POST /form header.Content-Type=text/plain header.Content-Encoding=gzip -> 303 /thanks":   "",
		"POST /form topic=a header.Content-Type=application/x-www-form-urlencoded -> 303 /thanks": "",
		"POST /form topic=a message=" + strings.Repeat("x", 64<<10) + " -> 303 /thanks":           "",
	} {
		if v := tryLineOf(t, rules, line)[0]; v.Reason != want {
			t.Errorf("%.80s: %q, want %q", line, v.Reason, want)
		}
	}
	needs := world.MustParse(t, "{version: 1, goals: [{goal: ASKED, submit: /form, if: {form.topic: a}}]}")
	for line, want := range map[string]string{
		"POST /form topic=a header.Content-Encoding=gzip -> 303 /thanks": "form encoded",
	} {
		v := tryLineOf(t, needs, line)[0]
		if v.Reason != want {
			t.Errorf("%.80s: %q, want %q", line, v.Reason, want)
		}
		code := v.Code.String()
		if v := tryLineOf(t, rules, line)[0]; !v.Fired || !strings.Contains(v.Note, code) {
			t.Errorf("%.80s, of which a field is only sent: %+v", line, v)
		}
	}
	told := world.MustParse(t, "{version: 1, goals: [{goal: TOLD, submit: /form, if: {json.topic: a}}]}")
	long := "POST /form json.topic=a json.message=" + strings.Repeat("x", 64<<10) + " -> 303 /thanks"
	if v := tryLineOf(t, told, long)[0]; v.Reason != "the body is over 64 KiB, which is the limit unless another is set" {
		t.Errorf("long JSON: %q", v.Reason)
	}
}
