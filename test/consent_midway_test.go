package test

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/internal/world"
)

// shut is a way to the CDP that can be closed.
type shut struct{ open atomic.Bool }

var errShut = errors.New("the CDP cannot be reached")

// RoundTrip implements [http.RoundTripper].
func (s *shut) RoundTrip(r *http.Request) (*http.Response, error) {
	if !s.open.Load() {
		return nil, errShut
	}
	return http.DefaultTransport.RoundTrip(r)
}

// TestConsentTakenBackMeanwhile: the answer that came with a request decides about it. Who
// takes it back later, in another tab or by this answer, is not counted from then on, and what
// had counted is sent, however long it waits. Their cookies are gone with their next page.
func TestConsentTakenBackMeanwhile(t *testing.T) {
	for name, c := range map[string]struct {
		site func(w http.ResponseWriter, inside func()) // of /slow; inside is called while the answer is under way
		wait bool                                       // the CDP cannot be reached before they refuse
	}{
		"before the header": {site: func(w http.ResponseWriter, inside func()) { inside(); world.HTML(w, nil) }},
		"while the answer comes": {site: func(w http.ResponseWriter, inside func()) {
			world.HTML(w, nil)
			_ = http.NewResponseController(w).Flush()
			inside()
			_, _ = io.WriteString(w, "The rest.")
		}},
		"by the answer": {site: func(w http.ResponseWriter, inside func()) {
			w.Header().Set("Set-Cookie", "answer=no; Path=/")
			world.HTML(w, nil)
			inside()
		}},
		"while the event waits": {site: func(w http.ResponseWriter, inside func()) { world.HTML(w, nil); inside() }, wait: true},
	} {
		t.Run(name, func(t *testing.T) {
			way, inside := new(shut), func() {}
			way.open.Store(!c.wait)
			w := world.New(t, "{version: 1, goals: [{goal: SEEN, visit: /slow}, {goal: LATER, visit: /later}]}", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/slow" {
					c.site(w, inside)
					return
				}
				world.HTML(w, r)
			}), func(config *goaltrack.Config) {
				config.Consent = answers
				config.Delivery.HTTPClient, config.Delivery.BackoffBase, config.Delivery.BackoffMax = &http.Client{Transport: way}, time.Millisecond, 10*time.Millisecond
			})
			v := w.Visitor().Meet()
			bid := v.Header.Get("Cookie")
			v.Header.Set("Cookie", bid+"; answer=yes")
			var lost []string
			inside = func() {
				other := w.Visitor()
				other.Header.Set("Cookie", bid+"; answer=no")
				lost = other.Get("/later").Header["Set-Cookie"]
			}
			v.Get("/slow")
			way.open.Store(true)
			w.Done()
			w.Expect("SEEN", "fired 1")
			w.Expect("LATER", "consent_refused 1")
			w.CDP.Expect(t, "SEEN").From(world.Known).Once()
			if len(lost) != 1 {
				t.Errorf("who refuses gets Set-Cookie %q", lost)
			}
		})
	}
}

// TestGPCOfAnyForm: a browser that says no is heard, also where something on the way puts
// header lines together.
func TestGPCOfAnyForm(t *testing.T) {
	for _, c := range []struct {
		lines []string
		want  string
	}{
		{nil, "fired 1"},
		{[]string{"1"}, "gpc 1"},
		{[]string{"1, 1"}, "gpc 1"},
		{[]string{"1,1"}, "gpc 1"},
		{[]string{"0", "1"}, "gpc 1"},
		{[]string{"0"}, "fired 1"},
		{[]string{""}, "fired 1"},
		{[]string{"?1"}, "fired 1"}, // of a draft that no browser sends
		{[]string{"11"}, "fired 1"},
	} {
		w := world.New(t, "{version: 1, goals: [{goal: SEEN, visit: /page}]}", http.HandlerFunc(world.HTML))
		v := w.Visitor().Meet()
		v.Header["Sec-Gpc"] = c.lines
		v.Get("/page")
		w.Expect("SEEN", c.want)
	}
}
