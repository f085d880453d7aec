package test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/internal/world"
)

// TestHostsOfOneSite: a proxy asks the site by another name than the browser does,
// and a name has several spellings. Another site stays another site.
func TestHostsOfOneSite(t *testing.T) {
	rules := world.MustParse(t, "{version: 1, goals: [{goal: SENT, submit: /contact}]}")
	const own = "the page the form was on"
	for _, tt := range []struct {
		request, location string
		fires             bool
		why               string
	}{
		{"host=app:8080 header.Origin=https://shop.example", "https://shop.example/thanks", true, ""},
		{"host=app:8080 header.Origin=https://shop.example header.X-Original-Host=shop.example", "https://shop.example/thanks", true, ""},
		{"host=app:8080 header.Origin=https://shop.example header.Sec-Fetch-Site=same-origin", "https://shop.example/thanks", true, ""},
		{"host=app:8080 header.Origin=https://shop.example header.Sec-Fetch-Site=same-site", "https://shop.example/thanks", true, ""},
		{"host=app:8080 header.Origin=https://shop.example:8443", "https://shop.example:8443/thanks", true, ""},
		{"host=app:8080 header.Origin=https://shop.example", "https://SHOP.example./thanks", true, ""},
		{"host=app:8080 header.Origin=https://xn--mller-kva.example", "https://müller.example/thanks", true, ""},
		{"host=shop.example.", "https://shop.example/thanks", true, ""},
		{"host=shop.example", "https://shop.example.:443/thanks", true, ""},
		{"host=xn--mller-kva.example", "https://MÜLLER.example/thanks", true, ""},
		{"host=app:8080", "https://app/thanks", true, ""},
		// What is refused on a site of one name is refused here.
		{"host=app:8080 header.Origin=https://shop.example", "https://shop.example/contact", false, "that is the form itself"},
		{"host=app:8080 header.Origin=https://shop.example header.Referer=https://shop.example/tea", "https://shop.example/tea", false, own},
		{"host=app:8080 header.Origin=https://shop.example header.Referer=https://shop.example/tea", "/tea", false, own},
		{"host=app:8080 header.Origin=https://shop.example", "https://shop.example/login", false, "a word of log-in and error pages"},
		// Another site.
		{"host=shop.example header.Origin=https://shop.example", "https://pay.example/1", false, "that is not a page of shop.example"},
		{"host=app:8080 header.Origin=https://shop.example", "https://pay.example/1", false, "that is not a page of shop.example, which the visitor sees, nor of app, which the request was for"},
		{"host=app:8080", "https://shop.example/thanks", false, "that is not a page of app; if visitors know this site as shop.example, a proxy asks for it as app"},
		// A form on somebody else's page has their origin.
		{"host=shop.example header.Origin=https://evil.example header.Sec-Fetch-Site=cross-site", "https://evil.example/thanks", false, "that is not a page of shop.example"},
		{"host=shop.example header.Origin=null", "https://null/thanks", false, "that is not a page of shop.example"},
		{"host=shop.example header.Origin=https://", "https://pay.example/", false, "that is not a page of shop.example"},
		{"host=shop.example header.Origin=https://a@pay.example", "https://pay.example/", false, "that is not a page of shop.example"},
		{"host=shop.example header.Origin=https://shop.example", "https://www.shop.example/thanks", false, "that is not a page of shop.example"},
		{"host=shop.example header.Origin=https://shop.example", "https://shop.example.evil/thanks", false, "that is not a page of shop.example"},
	} {
		line := "POST /contact " + tt.request + " a=b -> 303 " + tt.location
		v := explain(t, rules, line)["SENT"]
		if v.Fired != tt.fires || !strings.Contains(v.Reason, tt.why) {
			t.Errorf("%s: fired %t, %q", line, v.Fired, v.Reason)
		}
	}
}

// TestRenamedByAProxy is TestHostsOfOneSite on a live site.
func TestRenamedByAProxy(t *testing.T) {
	w := world.New(t, "{version: 1, goals: [{goal: SENT, submit: /contact}]}", world.Answer(http.StatusSeeOther, "Location", "https://shop.example/thanks"))
	v := w.Visitor().Meet()
	v.Do(http.MethodPost, "/contact", "a=b", "Origin", "https://shop.example", "Content-Type", "application/x-www-form-urlencoded")
	v.Do(http.MethodPost, "/contact", "a=b", "Content-Type", "application/x-www-form-urlencoded")
	w.Done()
	goal := w.Tracker.Snapshot().Goals[0]
	if goal.Fired != 1 || goal.NotFired["not_successful"] != 1 {
		t.Errorf("%+v", goal)
	}
}
