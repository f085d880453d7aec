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

// TestFormBodyBytes: a body of just so many bytes is read, a longer one is not, and
// the handler gets all of either.
func TestFormBodyBytes(t *testing.T) {
	for limit, bytes := range map[int]int{0: 64 << 10, 1 << 10: 1 << 10, 100_000: 100_000, 16 << 20: 16 << 20} {
		for _, c := range []struct{ goal, path, contentType, begin, end string }{
			{"SENT", "/form", "application/x-www-form-urlencoded", "topic=tea&rest=", ""},
			{"TOLD", "/json", "application/json", `{"topic": "tea", "rest": "`, `"}`},
		} {
			t.Run(fmt.Sprintf("%d, %s", limit, c.goal), func(t *testing.T) {
				w := withForms(t, goaltrack.Forms{BodyBytes: limit}, func(w http.ResponseWriter, r *http.Request) {
					n, err := io.Copy(io.Discard, r.Body)
					w.Header().Set("X-Read", fmt.Sprint(n, err))
					w.WriteHeader(http.StatusCreated)
				})
				v := w.Visitor().Meet()
				for _, length := range []int{bytes, bytes + 1} {
					body := c.begin + strings.Repeat("x", length-len(c.begin)-len(c.end)) + c.end
					if got := v.Post(c.path, body, "Content-Type", c.contentType).Header.Get("X-Read"); got != fmt.Sprint(length, nil) {
						t.Errorf("of %d bytes the handler read %s", length, got)
					}
				}
				w.Expect(c.goal, "fired 1, form_too_large 1")
			})
		}
	}
}

// TestFormTotalBytes: while one form takes all the memory there is, the goal of
// another does not count. Its handler gets it all the same.
func TestFormTotalBytes(t *testing.T) {
	for total, want := range map[int64]string{64 << 10: "fired 2, form_over_budget 1", 128 << 10: "fired 3", 0: "fired 3"} {
		t.Run(strconv.FormatInt(total, 10), func(t *testing.T) {
			form := "topic=tea&rest=" + strings.Repeat("x", 60<<10)
			var v *world.Visitor
			w := withForms(t, goaltrack.Forms{TotalBytes: total}, func(w http.ResponseWriter, r *http.Request) {
				if got, err := io.ReadAll(r.Body); string(got) != form || err != nil {
					t.Errorf("the handler read %d bytes, %v", len(got), err)
				}
				if r.URL.RawQuery == "first" { // another comes while this one is kept
					v.Post("/form", form)
				}
				w.WriteHeader(http.StatusCreated)
			})
			v = w.Visitor().Meet()
			v.Post("/form?first", form)
			v.Post("/form", form)
			w.Expect("SENT", want)
		})
	}
}
