package scan

import (
	"net/http"
	"strings"
	"testing"
)

// TestAnswer: what an answer says is known only if all of it was kept and is JSON.
func TestAnswer(t *testing.T) {
	fits := `{"ok":"` + strings.Repeat("x", AnswerLimit-9) + `"}`
	const html, json = "text/html", "application/json"
	for _, row := range []struct {
		name   string
		status int
		header http.Header
		writes []string
		state  AnswerState
		why    string
	}{
		{"JSON", 200, http.Header{"Content-Type": {json}}, []string{`{"ok":1}`}, AnswerRead, ""},
		{"in pieces", 201, http.Header{"Content-Type": {"application/problem+json; charset=utf-8"}}, []string{"{", `"ok":`, "1}\n"}, AnswerRead, ""},
		{"behind a byte order mark", 200, http.Header{"Content-Type": {html}}, []string{"\xef\xbb", "\xbf {}"}, AnswerRead, ""},
		{"that does not say so", 200, nil, []string{`{"ok":1}`}, AnswerRead, ""},
		{"as long as can be", 200, http.Header{"Content-Type": {json}}, []string{fits}, AnswerRead, ""},
		{"longer", 200, http.Header{"Content-Type": {json}}, []string{fits, " "}, AnswerUnread, tooLong},
		{"longer, as it says", 200, http.Header{"Content-Type": {json}, "Content-Length": {"16385"}}, nil, AnswerUnread, tooLong},
		{"a page", 200, http.Header{"Content-Type": {html}}, []string{" <html>", "{}"}, answerOther, "the answer is text/html, not JSON"},
		{"a list that does not say so", 200, nil, []string{"[]"}, answerOther, "the answer is no JSON"},
		{"a list", 200, http.Header{"Content-Type": {json}}, []string{` [{"errors":["email"]}]`}, answerOther, noObject},
		{"an empty list", 200, http.Header{"Content-Type": {json}}, []string{" [ ]\n"}, AnswerRead, ""},
		{"nothing of JSON", 200, http.Header{"Content-Type": {json}}, []string{"null"}, answerOther, noObject},
		{"a text of JSON", 200, http.Header{"Content-Type": {json}}, []string{`"{}"`}, answerOther, noObject},
		{"a picture", 200, http.Header{"Content-Type": {"image/png"}}, []string{"{}"}, answerOther, "the answer is image/png, not JSON"},
		{"nothing", 200, http.Header{"Content-Type": {json}}, nil, answerOther, noBody},
		{"204", 204, http.Header{"Content-Type": {json}}, nil, answerOther, noBody},
		{"cut off", 200, http.Header{"Content-Type": {json}, "Content-Length": {"9"}}, []string{`{"ok":1}`}, AnswerUnread, "the answer is cut off"},
		{"half a document", 200, http.Header{"Content-Type": {json}}, []string{`{"ok":`}, AnswerUnread, "the answer is no whole JSON document"},
		{"br", 200, http.Header{"Content-Type": {json}, "Content-Encoding": {"br"}}, []string{"x"}, AnswerUnread, "the answer is compressed in a way that cannot be read (br)"},
		{"no gzip", 200, http.Header{"Content-Type": {json}, "Content-Encoding": {"gzip"}}, []string{"{}"}, AnswerUnread, broken},
	} {
		var a Answer
		tee := a.Expect(row.status, row.header)
		for _, s := range row.writes {
			Keep(tee, s)
		}
		if tee != nil && a.Look() != AnswerOpen {
			t.Errorf("%s: it is known before the handler has returned", row.name)
		}
		a.End()
		if got := a.Look(); got != row.state || a.Why() != row.why {
			t.Errorf("%s: %d, %q; want %d, %q", row.name, got, a.Why(), row.state, row.why)
		}
	}
	var none *Answer
	if none.End(); none.Look() != AnswerOpen || none.Member("ok") != nil {
		t.Error("an answer that nobody kept says something")
	}
}

// TestGiven: an example's answer is read as one that was written.
func TestGiven(t *testing.T) {
	for _, row := range []struct {
		contentType, coding, text string
		state                     AnswerState
	}{
		{"application/json", "", `{"ok":true}`, AnswerRead},
		{"application/json", "", "", AnswerRead},
		{"application/json", "gzip", `{"ok":true}`, AnswerRead},
		{"application/json", "br", `{"ok":true}`, AnswerUnread},
		{"text/html", "", "", answerOther},
		{"text/html", "", `{"ok":true}`, AnswerRead},
	} {
		header := http.Header{"Content-Encoding": {row.coding}}
		a := Given(http.StatusOK, row.contentType, header, row.text)
		if got := a.Look(); got != row.state || (a.Member("ok") == true) != (got == AnswerRead && row.text != "") {
			t.Errorf("%+v: %d, %v", row, got, a.Member("ok"))
		}
		if len(header) != 1 {
			t.Errorf("the header became %v", header)
		}
	}
}
