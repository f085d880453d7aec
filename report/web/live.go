package web

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/report/live"
)

// The live list is a page that needs no script, and that a script of its own keeps up to
// date. The script gets the rows as the templates make them, so that words and escaping are
// in one place. The page of a mail, and the feed, have none of it.

//go:embed live.js
var liveScript []byte

// policyWithScript lets a page have scripts of ours from a file, and nothing in the page.
const policyWithScript = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// liveRows is how many decisions the page shows; live.js has the same number.
const liveRows = 100

type liveModel struct {
	frame

	Rows      []liveRow
	Late      string // how much later it is shown
	Events    string // where the script hears of more
	Again     string // the address of this page
	Uncounted uint64
	Missed    uint64
}

// liveRow is one decision.
type liveRow struct {
	Time, Goal, Name, Link string
	Fired                  bool
	Says, Reason, Why      string
	Page                   string
}

// routeLive adds the pages of the live list.
func (p *pages) routeLive() {
	if p.Live == nil {
		return
	}
	shows := p.shows(p.live)
	p.mux.HandleFunc("GET "+p.base+"/live", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policyWithScript)
		shows(w, r)
	})
	p.mux.HandleFunc("GET "+p.base+"/live/events", p.liveEvents)
	p.mux.HandleFunc("GET "+p.base+"/live.js", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(liveScript))
	})
}

// live makes the page.
func (p *pages) live(a *asked) (page, error) {
	m := liveModel{frame: p.frame(a.r, a), Again: a.link("/live"), Late: say("live.atOnce")}
	m.withoutDays()
	if d := p.Live.Delay(); d > 0 {
		m.Late = say("live.late", int(d.Seconds()))
	}
	newest := uint64(0)
	shown := p.Live.Last(a.site, liveRows)
	labels := a.labels()
	for i := range shown {
		newest = max(newest, shown[i].Number)
		m.Rows = append(m.Rows, a.liveRow(&shown[i], labels))
	}
	m.Events = a.link("/live/events", "after", strconv.FormatUint(newest, 10))
	counts := p.Live.Counts()
	m.Uncounted, m.Missed = counts.Uncounted, counts.Missed
	return page{"live", m}, nil
}

func (a *asked) liveRow(e *live.Entry, labels map[string]string) liveRow {
	row := liveRow{
		Time: e.Time.In(a.zone).Format(say("date.second")), Goal: labels[e.Goal], Name: e.Goal, Link: a.goalLink(e.Goal),
		Fired: e.Reason == fact.Fired, Page: e.Page, Why: e.NearMiss,
	}
	if row.Goal == "" {
		row.Goal = e.Goal
	}
	if row.Says = say("live.fired"); !row.Fired {
		row.Says, row.Reason = reasonInWords(e.Reason), e.Reason
	}
	return row
}

// liveEvents tells a script of what happens, as server-sent events.
func (p *pages) liveEvents(w http.ResponseWriter, r *http.Request) {
	a, err := p.ask(r, "after")
	if err != nil {
		p.writeFault(w, r, err)
		return
	}
	after, _ := strconv.ParseUint(r.URL.Query().Get("after"), 10, 64)
	if last, err := strconv.ParseUint(r.Header.Get("Last-Event-ID"), 10, 64); err == nil {
		after = last
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // for nginx in front, which would hold events back
	out, labels := http.NewResponseController(w), a.labels()
	err = p.Live.Follow(r.Context(), a.site, after, func(entries []live.Entry) error {
		// A reader who does not read must not keep anything here.
		if err := out.SetWriteDeadline(time.Now().Add(liveWrite)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		if _, err := w.Write(a.event(entries, labels)); err != nil {
			return err
		}
		return out.Flush()
	})
	if errors.Is(err, live.ErrTooMany) {
		h.Set("Retry-After", "60")
		h.Set("Content-Type", "text/plain; charset=utf-8")
		http.Error(w, say("live.full"), http.StatusServiceUnavailable)
	}
}

// liveWrite is how long a reader may take to take an event.
const liveWrite = 10 * time.Second

// event is what a script is sent: the rows of some decisions, the newest first, or of none
// a comment, by which both sides learn whether the other is there.
func (a *asked) event(entries []live.Entry, labels map[string]string) []byte {
	if len(entries) == 0 {
		return []byte(":\n\n")
	}
	var rows strings.Builder
	for i := range entries {
		row := a.liveRow(&entries[len(entries)-1-i], labels)
		if err := templates.ExecuteTemplate(&rows, "liveRow", row); err != nil {
			a.p.Logger.Error("goaltrack: a page of the report is broken", "page", "liveRow", "error", err)
		}
	}
	line := strings.NewReplacer("\r", " ", "\n", " ").Replace(rows.String()) // a line of its own ends an event
	return fmt.Appendf(nil, "id: %d\nevent: decisions\ndata: %s\n\n", entries[len(entries)-1].Number, line)
}
