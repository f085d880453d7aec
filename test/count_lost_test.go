package test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/world"
)

const lostRules = `
version: 1
goals:
  - { goal: SEEN, visit: /page, count: once per session }
  - { goal: SENT, submit: /form, count: once per session }
`

// TestCountOfAPageThatWasLeft: a link clicked twice counts once. The visit cookie
// that came with the first answer says that it counted, so it has to be sent,
// although the browser left that page for the second one.
func TestCountOfAPageThatWasLeft(t *testing.T) {
	inside, left := make(chan struct{}), make(chan struct{})
	w := world.New(t, lostRules, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		world.HTML(w, r)
		if r.URL.RawQuery == "first" {
			_ = http.NewResponseController(w).Flush()
			close(inside)
			<-r.Context().Done()
			close(left)
		}
	}))
	v := w.Visitor()
	ctx, cancel := context.WithCancel(t.Context())
	res, err := v.Client.Do(v.Request(http.MethodGet, "/page?first", nil).WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	if visitCookie(t, res) == "" {
		t.Error("no cookie")
	}
	<-inside
	cancel()
	res.Body.Close()
	<-left
	v.Get("/page")
	w.Expect("SEEN", "fired 1, already_counted 1")
	w.CDP.Expect(t, "SEEN").Once()
}

// onFailure is a sink that calls it for the first goal that did not count.
type onFailure func()

func (call onFailure) Report(f fact.Fact) {
	if f.Kind == fact.Decision && f.Reason != fact.Fired {
		call()
	}
}

// TestCountOfARequestThatFailed: what the application broke off was not offered
// to anybody, and counts when it is done again, even by somebody who does it
// the moment they can know.
func TestCountOfARequestThatFailed(t *testing.T) {
	for name, c := range map[string]struct {
		fail  http.HandlerFunc
		mount func(*goaltrack.Tracker, http.Handler) http.Handler
		want  string
	}{
		"a panic": {
			fail: func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "/thanks", http.StatusSeeOther)
				panic(http.ErrAbortHandler)
			},
			want: "fired 1, panicked 1",
		},
		"a timeout": {
			fail: func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "/thanks", http.StatusSeeOther)
				<-r.Context().Done()
			},
			mount: func(tracker *goaltrack.Tracker, site http.Handler) http.Handler {
				tracked := tracker.Handler(site)
				impatient := http.TimeoutHandler(tracked, 50*time.Millisecond, "too slow")
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.RawQuery == "fail" {
						impatient.ServeHTTP(w, r)
						return
					}
					tracked.ServeHTTP(w, r) // for the busiest machine, too
				})
			},
			want: "fired 1, timed_out 1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_ = r.ParseForm()
				if r.URL.RawQuery == "fail" {
					c.fail(w, r)
				}
				http.Redirect(w, r, "/thanks", http.StatusSeeOther)
			})
			failed, repeated := make(chan struct{}), make(chan struct{})
			w := world.Setup{Rules: lostRules, Mount: func(tracker *goaltrack.Tracker) http.Handler {
				if c.mount != nil {
					return c.mount(tracker, site)
				}
				return tracker.Handler(site)
			}, Config: func(config *goaltrack.Config, _ *cdptest.Server) {
				var told atomic.Bool
				config.Report = onFailure(func() {
					if !told.Swap(true) {
						close(failed)
						<-repeated
					}
				})
			}}.Start(t)
			v := w.Visitor().Meet()
			post := func(address string) *http.Request {
				return v.Request(http.MethodPost, address, strings.NewReader("a=b"), "Content-Type", "application/x-www-form-urlencoded")
			}
			send := func(r *http.Request) {
				if res, err := v.Client.Do(r); err == nil {
					res.Body.Close()
				}
			}
			first, again := post("/form?fail"), post("/form")
			go func() {
				defer close(repeated)
				<-failed
				send(again)
			}()
			send(first)
			<-repeated
			w.Expect("SENT", c.want)
		})
	}
}
