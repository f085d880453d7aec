package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

// report is what the CDP, goaltrack and the site know of a shop's visitors when
// nothing is under way any more.
type report struct {
	Cookie  string          `json:"cookie"`  // name of the browser-ID cookie
	Legacy  string          `json:"legacy"`  // its former name
	Spare   int             `json:"spare"`   // IDs that goaltrack made and holds ready
	Creates []call          `json:"creates"` // IDs asked for
	Events  []event         `json:"events"`  // in order of arrival
	Refused []string        `json:"refused"` // calls that broke the contract
	Carried []string        `json:"carried"` // what came to the CDP and is the site's alone
	Goals   map[string]goal `json:"goals"`
	Visits  []visit         `json:"visits"`
}

// call is a request for a browser ID. By is "browser" or "goaltrack".
type call struct {
	By     string `json:"by"`
	Status int    `json:"status"`
}

// event is an event that the CDP accepted.
type event struct {
	By   string         `json:"by"`
	Type string         `json:"type"`
	ID   string         `json:"id"`
	Page string         `json:"page"`
	Ext  map[string]any `json:"ext"`
	Lost bool           `json:"lost"`
}

// goal is what goaltrack's ledger says of a goal.
type goal struct {
	Fired    uint64            `json:"fired"`
	NotFired map[string]uint64 `json:"notFired"`
}

// report waits until the site has answered every request and goaltrack has
// delivered what it accepted. Then it returns what there is to know.
func (s *shop) report(ctx context.Context) (*report, error) {
	if err := s.idle(ctx); err != nil {
		return nil, err
	}
	if _, err := s.tracker.Flush(ctx); err != nil {
		return nil, err
	}
	snapshot, err := s.pooled(ctx)
	if err != nil {
		return nil, err
	}
	tenant := s.tenant()
	r := &report{
		Cookie: tenant.CookieName(), Legacy: tenant.LegacyCookieNames()[0], Spare: snapshot.Delivery[0].IDsReady,
		Goals: map[string]goal{}, Visits: s.visits.all(),
	}
	for _, g := range snapshot.Goals {
		r.Goals[g.Goal] = goal{g.Fired, g.NotFired}
	}
	for _, c := range s.cdp.Requests() {
		if c.Kind == cdptest.Creates {
			r.Creates = append(r.Creates, call{sender(c.Header), c.Status})
		}
		for _, name := range []string{"Cookie", "Authorization", "Referer"} {
			if c.Header[name] != nil && !fromBrowser(c) {
				r.Carried = append(r.Carried, fmt.Sprintf("%s with %s: %q", c.URL, name, c.Header[name]))
			}
		}
		if c.Refusal != "" {
			r.Refused = append(r.Refused, c.Method+" "+c.URL+": "+c.Refusal)
		}
	}
	for _, e := range s.cdp.Events() {
		r.Events = append(r.Events, event{sender(e.Header), e.Type, e.BrowserID, e.Page, e.Ext, e.Lost})
	}
	return r, nil
}

// idle waits until the site has no request in hand.
func (s *shop) idle(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		s.served.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// pooled waits until goaltrack has the IDs that the CDP made for it, because it
// makes the IDs that it keeps ready in the background.
func (s *shop) pooled(ctx context.Context) (goaltrack.Snapshot, error) {
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		snapshot, made := s.tracker.Snapshot(), uint64(0)
		for _, c := range s.cdp.Requests() {
			if c.Kind == cdptest.Creates && !fromBrowser(c) {
				made++
			}
		}
		if made == snapshot.Notes["id_made"] || s.o.Trouble != "" { // of which some failed
			return s.tracker.Snapshot(), nil // the last one may have been made between the two
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return snapshot, context.Cause(ctx)
		}
	}
}

// fromBrowser tells browsers from servers. The calls of a page's script are
// cross-origin, and only browsers say from which origin.
func fromBrowser(r cdptest.Request) bool { return sender(r.Header) == "browser" }

func sender(h http.Header) string {
	if h.Get("Origin") != "" {
		return "browser"
	}
	return "goaltrack"
}

// visit is one request to the site, and its cookies.
type visit struct {
	Method    string   `json:"method"`
	Path      string   `json:"path"`
	Purpose   string   `json:"purpose"` // Sec-Purpose
	Cookie    string   `json:"cookie"`
	SetCookie []string `json:"setCookie"`
	Left      bool     `json:"left"` // the browser did not wait for the answer
}

type visitLog struct {
	mu     sync.Mutex
	visits []visit
}

func (l *visitLog) add(v visit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.visits = append(l.visits, v)
}

func (l *visitLog) all() []visit {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.visits)
}

// watch notes the requests around goaltrack. goaltrack has finished with a
// request when its handler returns.
func (s *shop) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.served.Add(1)
		defer s.served.Done()
		v := visit{Method: r.Method, Path: r.URL.Path, Purpose: r.Header.Get("Sec-Purpose"), Cookie: r.Header.Get("Cookie")}
		next.ServeHTTP(w, r)
		v.SetCookie = slices.Clone(w.Header()["Set-Cookie"])
		v.Left = r.Context().Err() != nil
		s.visits.add(v)
	})
}
