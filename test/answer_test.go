package test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/internal/world"
)

// TestAnswerTry: examples are judged as answers on a live site are, and what is
// said of them names the cause.
func TestAnswerTry(t *testing.T) {
	rules := world.MustParse(t, answerRules)
	for _, row := range []struct {
		goal, request, says string // "" if it fires
	}{
		{"ABSENT", "POST /absent -> 200 response.json.ok=true", ""},
		{"ABSENT", "POST /absent -> 200 type=application/json", ""},
		{"ABSENT", "POST /absent -> 200 response.json.ok=true response.header.Content-Encoding=gzip", ""},
		{"ABSENT", "POST /absent -> 200 response.json.ok=true type=text/plain", ""},
		{"ABSENT", "POST /absent -> 200 response.json.errors=email", `line 4: answered 200; success: response.json.errors is "email", the rule wants it absent`},
		{"ABSENT", "POST /absent -> 500", "line 4: answered 500; success needs 2xx or a redirect to another page, and what success: says of the answer"},
		{"ABSENT", "POST /absent -> 422 response.json.message=no", "line 4: answered 422; success needs 2xx or a redirect to another page, and what success: says of the answer"},
		{"ABSENT", "POST /absent -> 302 /login", "line 4: answered 302 to /login; success needs 2xx or a redirect to another page, and what success: says of the answer"},
		{"ABSENT", "POST /absent -> 302 /thanks", "the answer has no body"},
		{"ABSENT", "POST /absent -> 204", "the answer has no body"},
		{"ABSENT", "POST /absent", "the answer is text/html, not JSON"},
		{"ABSENT", "POST /absent -> 200 type=text/html", "the answer is text/html, not JSON"},
		{"ABSENT", "POST /absent -> 200 type=image/png response.json.ok=true", "the answer is image/png, not JSON"},
		{"ABSENT", "POST /absent -> 200 response.json.ok=true response.header.Content-Encoding=br", "the answer is compressed in a way that cannot be read (br)"},
		{"ABSENT", "POST /absent -> 200 response.json.x=" + strings.Repeat("x", 17<<10), "the answer is longer than 16 KiB"},
		{"TYPE", "POST /type -> 200 response.json.ok=true", ""},
		{"TYPE", "POST /type -> 200", `line 5: answered 200; success: response.type is "text/html", the rule wants "application/json"`},
		{"TYPE", "POST /type -> 500 type=application/json", "line 5: answered 500; success needs 2xx or a redirect to another page, and what success: says of the answer"},
		{"UNLESS", "POST /unless -> 200 response.json.ok=true", ""},
		{"UNLESS", "POST /unless -> 200 response.json.ok=true response.header.Content-Encoding=zstd", "the answer is compressed in a way that cannot be read (zstd)"},
		{"UNLESS", "POST /unless -> 200 response.json.errors=1", `line 6: unless: response.json.errors is "1", the rule does not want it present`},
		{"HEADER", "POST /header -> 204", ""},
		{"HEADER", "POST /header -> 200 response.header.X-Error=1", `line 10: answered 200; success: response.header.X-Error is "1", the rule wants it absent`},
		{"DATA", "POST /data -> 204", ""},
		{"DATA", "POST /data -> 200 response.json.id=1 response.header.Content-Encoding=br", "the answer is compressed in a way that cannot be read (br)"},
	} {
		v := explain(t, rules, row.request)[row.goal]
		if v.Fired != (row.says == "") || v.Reason != row.says {
			t.Errorf("%.100s: fired %t, %q", row.request, v.Fired, v.Reason)
		}
	}
}

// TestAnswerNearMiss: whoever looks for the cause finds it in the snapshot.
func TestAnswerNearMiss(t *testing.T) {
	w := world.New(t, answerRules, jsonAnswer(200, "application/json", "?", "Content-Encoding", "br"))
	w.Visitor().Meet().Post("/ok", "a=b")
	w.Done()
	for _, g := range w.Tracker.Snapshot().Goals {
		if g.Goal == "OK" && (len(g.NearMisses) != 1 || g.NearMisses[0].What != "the answer is compressed in a way that cannot be read (br)") {
			t.Errorf("near misses %v", g.NearMisses)
		}
	}
}

// TestNearMissesAreBounded: of too many ways in which a goal nearly counted, the rarest is
// forgotten, and of those the oldest. What happens often, and what happened last, stays.
func TestNearMissesAreBounded(t *testing.T) {
	const kept = 16
	w := world.New(t, "{version: 1, goals: [{goal: SEEN, visit: /page}]}", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, err := strconv.Atoi(r.URL.RawQuery)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
	}))
	v := w.Visitor().Meet()
	for i := range kept + 1 {
		v.Get("/page?" + strconv.Itoa(400+i))
		if i == 0 {
			v.Get("/page?400")
		}
	}
	w.Done()
	misses := w.Tracker.Snapshot().Goals[0].NearMisses
	if len(misses) != kept || misses[0].Times != 2 || !strings.Contains(misses[0].What, "400") {
		t.Errorf("%d near misses: %+v", len(misses), misses)
	}
	has := func(status string) bool {
		return slices.ContainsFunc(misses, func(m goaltrack.NearMiss) bool { return strings.Contains(m.What, status) })
	}
	if has("401") || !has("402") || !has("416") {
		t.Errorf("%+v", misses)
	}
}

// TestAnswerWarning: check warns of a success: that is content with what is not
// there, and of no other.
func TestAnswerWarning(t *testing.T) {
	for rule, warned := range map[string]bool{
		"success: { response.json.errors: absent }":                                true,
		"success: { response.json.errors: absent, response.header.x-err: absent }": true,
		"success: { response.json.errors: absent, response.json.id: present }":     false,
		"success: { response.json.ok: true }":                                      false,
		"success: 2xx, unless: { response.json.errors: present }":                  false,
	} {
		warnings := world.MustParse(t, "version: 1\ngoals:\n  - { goal: A, submit: /a, "+rule+" }\n").Warnings()
		if (len(warnings) == 1) != warned || len(warnings) > 1 {
			t.Errorf("%s: %v", rule, warnings)
		}
	}
}

// TestStatusOfContactForm7: WordPress' Contact Form 7 answers 200 whatever came of a form, and says
// in its JSON what did (https://github.com/google/site-kit-wp/issues/8574).
func TestStatusOfContactForm7(t *testing.T) {
	rules := world.MustParse(t, "{version: 1, goals: [{goal: SENT, submit: /feedback, success: {response.json.status: mail_sent}}]}")
	for status, want := range map[string]bool{"mail_sent": true, "validation_failed": false, "acceptance_missing": false, "spam": false, "mail_failed": false} {
		if got := explain(t, rules, "POST /feedback -> 200 response.json.status="+status)["SENT"].Fired; got != want {
			t.Errorf("%s: fired %t", status, got)
		}
	}
}
