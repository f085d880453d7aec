package draft_test

import (
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/crawl"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/draft"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/format"
	"github.com/goaltrack/goaltrack/rule"
)

func TestName(t *testing.T) {
	for text, want := range map[string]string{
		"Sign up!": "SIGN_UP", "  contact-form sent": "CONTACT_FORM_SENT", "Über uns": "UBER_UNS", "Straße": "STRASSE", "l’été": "LETE",
		"123": "NEW_GOAL", "2 steps": "STEPS", "Привет": "NEW_GOAL", "": "NEW_GOAL", "View": "VIEW_GOAL", "search": "SEARCH_GOAL", "a__b": "A_B",
		strings.Repeat("ab ", 100): strings.TrimRight(strings.Repeat("AB_", 27)[:80], "_"),
	} {
		if got := draft.Name(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// TestText: what strangers wrote into a log or a page stays a text, and what is no goal a
// comment.
func TestText(t *testing.T) {
	file := draft.File{
		About: []string{"Of a log\n- goal: EVIL"},
		Goals: []draft.Goal{
			{Name: "a", Label: "true", Note: "a: b # c", Visit: []string{"/a"}, Comment: []string{"x\ny: z\x1b[1m"}},
			{Name: "a", Label: "\"quoted\" \\ back", Owner: "- x", Submit: []string{"/form"}, Success: "redirect to /thanks", Value: 2.5},
			{Name: "Brace", Download: []string{"/files/{.pdf"}, Comment: []string{"A file."}},
			{Name: "b", Visit: []string{"/b", "/c d"}, Download: []string{"/f.pdf"}, If: "query.q", Data: []string{"term", "$query.q"}},
			{Name: "c", Status: "draft"},
		},
		Left: []string{"left\nover: 1"},
	}
	text, err := file.Text()
	if err != nil {
		t.Fatal(err)
	}
	const want = `# Of a log - goal: EVIL

version: 1

goals:

  # x y: z[1m
  - goal: A
    label: "true"
    note: "a: b # c"
    visit: /a

  - goal: A_2
    label: "\"quoted\" \\ back"
    owner: "- x"
    submit: /form
    success: redirect to /thanks
    value: 2.5
`
	got := string(text)
	if !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, want := range []string{
		"  # A file.\n  # This is no goal yet: ", "  # - goal: BRACE\n  #   download: ",
		"    any:\n      - visit: /b\n      - visit: /c d\n      - download: /f.pdf\n    if: { query.q: present }\n", "    code: true\n", "\n# left over: 1\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if laidOut, err := format.Format(text); err != nil || string(laidOut) != got {
		t.Errorf("its layout would be\n%s\n%v", laidOut, err)
	}
	empty := draft.File{Goals: []draft.Goal{{Name: "Brace", Download: []string{"/files/{.pdf"}}}}
	if text, err := empty.Text(); err != nil {
		t.Errorf("%s\n%v", text, err)
	}
}

// TestFromLog: the most frequent first, files of a folder together, and success: where the
// log says it.
func TestFromLog(t *testing.T) {
	goals := draft.FromLog([]rule.Suggestion{
		{Goal: "CONTACT_SENT", What: "POST /contact was accepted 9 times", Path: "/contact", Times: 9, LedTo: []rule.Lead{{To: "/thanks", Times: 9}}},
		{Goal: "ORDER_SENT", What: "POST /order was accepted 8 times", Path: "/order", Times: 8, LedTo: []rule.Lead{{To: "/orders/*/of/*", Times: 8}}},
		{Goal: "APPLY_SENT", What: "POST /apply was accepted 7 times", Path: "/apply", Times: 7, LedTo: []rule.Lead{{To: "/thanks", Times: 4}, {To: "/again", Times: 2}, {To: "", Times: 1}}},
		{Goal: "PAY_SENT", What: "POST /pay was accepted 6 times", Path: "/pay", Times: 6, LedTo: []rule.Lead{{To: "//pay.example", Times: 6}}},
		{Goal: "LOST_SENT", What: "POST /lost was accepted 5 times", Path: "/lost", Times: 5},
		{Goal: "A_DOWNLOADED", What: "GET /files/a.pdf was downloaded 4 times", Path: "/files/a.pdf", Times: 4, Download: true},
		{Goal: "B_DOWNLOADED", Path: "/files/b.pdf", Times: 4, Download: true},
		{Goal: "C_DOWNLOADED", Path: "/files/c.pdf", Times: 3, Download: true},
		{Goal: "D_DOWNLOADED", What: "GET /d.zip was downloaded 3 times", Path: "/d.zip", Times: 3, Download: true},
		{Goal: "LAST_SENT", Path: "/last", Times: 1},
	}, 7)
	file := draft.File{Goals: goals}
	text, err := file.Text()
	if err != nil {
		t.Fatal(err)
	}
	const want = `version: 1

goals:

  # 3 files were downloaded 11 times. The most frequent: /files/a.pdf
  - goal: FILES_PDF_DOWNLOADED
    download: /files/{file}.pdf
    data: { file: $path.file }

  # POST /contact was accepted 9 times.
  - goal: CONTACT_SENT
    submit: /contact
    success: redirect to /thanks

  # POST /order was accepted 8 times.
  - goal: ORDER_SENT
    submit: /order
    success: redirect to /orders/{id}/of/{id2}

  # POST /apply was accepted 7 times.
  # It led to: /thanks 4, /again 2, elsewhere 1
  # Which of these means that it was accepted? Write it as success: redirect to /...
  - goal: APPLY_SENT
    submit: /apply

  # POST /pay was accepted 6 times.
  # It led to: //pay.example 6
  # Which of these means that it was accepted? Write it as success: redirect to /...
  - goal: PAY_SENT
    submit: /pay

  # POST /lost was accepted 5 times.
  # Nothing tells where an accepted form leads. Send it once, and write the page that
  # follows: success: redirect to /...
  - goal: LOST_SENT
    submit: /lost

  # GET /d.zip was downloaded 3 times.
  - goal: D_DOWNLOADED
    download: /d.zip
`
	if string(text) != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}

// TestFromSite: forms and files of pages.
func TestFromSite(t *testing.T) {
	goals, left := draft.FromSite(&crawl.Site{
		Forms: []crawl.Form{
			{On: "/contact", Path: "/contact", Method: "POST", Name: "Write to us", Fields: []string{"name", "topic"}},
			{On: "/", Path: "/search", Method: "GET", Search: "q"},
			{On: "/", Path: "/filter", Method: "GET"},
			{On: "/", Path: "/subscribe", Host: "news.example", Method: "POST"},
			{On: "/in", Path: "/", Method: "POST", Name: "login", Password: true},
			{On: "/p/17", Path: "/p/17/review", Method: "POST"},
			{On: "/p/18", Path: "/p/18/review", Method: "POST"},
			{On: "/q", Path: "/q/18", Method: "POST"},
		},
		Files: []crawl.File{{On: "/", Path: "/a/Tea Guide.pdf", Text: "Our guide"}},
		Left:  []string{"more"},
	})
	file := draft.File{Goals: goals, Left: left}
	text, err := file.Text()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"  # The form on /contact, Write to us.\n  # Its fields: name, topic\n  # Nothing tells where", "  - goal: CONTACT_SENT\n    submit: /contact\n",
		"  - goal: SITE_SEARCHED\n    visit: /search\n    if: { query.q: present }\n    data: { term: $query.q }\n",
		"with a password: perhaps a log-in", "  - goal: LOGIN_SENT\n    submit: /\n",
		"# The form on /p/17.\n", "  - goal: REVIEW_SENT\n    submit: /p/*/review\n", "    submit: /q/18\n",
		"  - goal: TEA_GUIDE_DOWNLOADED\n    label: Our guide\n    download: /a/Tea Guide.pdf\n",
		"# The form on / is sent to news.example, which goaltrack does not see.\n# more\n",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Count(string(text), "REVIEW") != 1 {
		t.Errorf("a form for each ID:\n%s", text)
	}
	if strings.Contains(string(text), "/filter") {
		t.Errorf("a form that only shows something:\n%s", text)
	}
}
