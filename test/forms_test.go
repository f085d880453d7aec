package test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
)

const formsRules = "{version: 1, goals: [{goal: SENT, submit: /form, if: {form.topic: tea}}, {goal: TOLD, submit: /json, if: {json.topic: tea}}]}"

// withForms is a site whose handlers read what they are sent.
func withForms(t *testing.T, limits goaltrack.Forms, site http.HandlerFunc) *world.World {
	t.Helper()
	return world.Setup{
		Rules: formsRules, Site: site,
		Config: func(c *goaltrack.Config, _ *cdptest.Server) { c.Forms = limits },
	}.Start(t)
}

// TestFormBodyBytes: of JSON a body of just so many bytes is read, and a longer one is
// not. Of a form, only what goals name counts for that. The handler gets all of either.
func TestFormBodyBytes(t *testing.T) {
	t.Parallel()
	const begin, end = `{"topic": "tea", "rest": "`, `"}`
	field := func(length int) string { return "&topic=" + strings.Repeat("x", length) }
	for limit, bytes := range map[int]int{0: 64 << 10, 1 << 10: 1 << 10, 100_000: 100_000, 16 << 20: 16 << 20} {
		t.Run(strconv.Itoa(limit), func(t *testing.T) {
			w := withForms(t, goaltrack.Forms{BodyBytes: limit}, func(w http.ResponseWriter, r *http.Request) {
				n, err := io.Copy(io.Discard, r.Body)
				w.Header().Set("X-Read", fmt.Sprint(n, err))
				w.WriteHeader(http.StatusCreated)
			})
			v := w.Visitor().Meet()
			send := func(path, contentType, body string) {
				t.Helper()
				if got := v.Post(path, body, "Content-Type", contentType).Header.Get("X-Read"); got != fmt.Sprint(len(body), nil) {
					t.Errorf("of %d bytes the handler read %s", len(body), got)
				}
			}
			for _, length := range []int{bytes, bytes + 1} {
				send("/json", "application/json", begin+strings.Repeat("x", length-len(begin)-len(end))+end)
			}
			const form = "application/x-www-form-urlencoded"
			send("/form", form, "topic=tea&rest="+strings.Repeat("x", 2*bytes))
			send("/form", form, "rest="+strings.Repeat("x", 2*bytes)+"&topic=tea")
			if bytes <= 100_000 { // a name has at most 1000 values
				send("/form", form, "topic=tea"+strings.Repeat(field(1000), bytes/1016+2))
			} else {
				send("/form", form, "topic=coffee"+strings.Repeat(field(2<<10), 999))
			}
			w.Expect("TOLD", "fired 1, form_too_large 1")
			w.Expect("SENT", map[bool]string{true: "fired 2, form_too_large 1", false: "fired 2, condition 1"}[bytes <= 100_000])
		})
	}
}

// TestFormTotalBytes: while one body takes all the memory there is, the goal of
// another does not count. Its handler gets it all the same.
func TestFormTotalBytes(t *testing.T) {
	for total, want := range map[int64]string{64 << 10: "fired 2, form_over_budget 1", 128 << 10: "fired 3", 0: "fired 3"} {
		t.Run(strconv.FormatInt(total, 10), func(t *testing.T) {
			body := `{"topic": "tea", "rest": "` + strings.Repeat("x", 60<<10) + `"}`
			var v *world.Visitor
			w := withForms(t, goaltrack.Forms{TotalBytes: total}, func(w http.ResponseWriter, r *http.Request) {
				if got, err := io.ReadAll(r.Body); string(got) != body || err != nil {
					t.Errorf("the handler read %d bytes, %v", len(got), err)
				}
				if r.URL.RawQuery == "first" { // another comes while this one is kept
					v.Post("/json", body, "Content-Type", "application/json")
				}
				w.WriteHeader(http.StatusCreated)
			})
			v = w.Visitor().Meet()
			v.Post("/json?first", body, "Content-Type", "application/json")
			v.Post("/json", body, "Content-Type", "application/json")
			w.Expect("TOLD", want)
		})
	}
}

// TestFormLatin1: a form in Latin-1 that says so is read so, also if something outside has
// parsed it, and conditions and data see letters.
func TestFormLatin1(t *testing.T) {
	const rules = "{version: 1, goals: [{goal: SENT, submit: /form, if: {form.role: Müller}, data: {role: $form.role}}]}"
	parsed := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			h.ServeHTTP(w, r)
		})
	}
	for name, c := range map[string]struct{ contentType, body, want string }{
		"by charset":      {"application/x-www-form-urlencoded; charset=ISO-8859-1", "role=M%FCller", "fired 1"},
		"by _charset_":    {"application/x-www-form-urlencoded", "role=M%FCller&_charset_=windows-1252", "fired 1"},
		"by neither":      {"application/x-www-form-urlencoded", "role=M%FCller", "condition 1"},
		"UTF-8":           {"application/x-www-form-urlencoded", "role=M%C3%BCller&_charset_=UTF-8", "fired 1"},
		"its decoy, also": {"application/x-www-form-urlencoded", "role=M%C3%BCller&x_charset_=iso-8859-1", "fired 1"},
	} {
		for outside, around := range map[string]func(http.Handler) http.Handler{"": nil, ", parsed outside": parsed} {
			s := world.Setup{Rules: rules, Site: parsed(http.RedirectHandler("/thanks", http.StatusSeeOther))}
			if around != nil {
				s.Mount = func(tracker *goaltrack.Tracker) http.Handler { return around(tracker.Handler(s.Site)) }
			}
			w := s.Start(t)
			w.Visitor().Meet().Post("/form", c.body, "Content-Type", c.contentType)
			w.Done()
			if got := w.Fates("SENT"); got != c.want {
				t.Errorf("%s%s: %s, want %s", name, outside, got, c.want)
			}
			if c.want == "fired 1" {
				w.CDP.Expect(t, "SENT").With("role", "Müller").Once()
			}
		}
	}
}
