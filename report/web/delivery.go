package web

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/goaltrack/goaltrack"
)

// deliveryModel is how the way to the CDP goes, for whoever runs the site.
type deliveryModel struct {
	frame

	Sentence sentence
	Facts    []delivered
	Sites    []siteRow
	Dead     []tally
	Dropped  []tally
	NotFired []tally
	Letters  []letter
	Resend   string // where to send them all again, "" if that cannot be done
	Sent     string // what came of that
}

// delivered is a name and a value, which may be words.
type delivered struct {
	Name, Value string
	Words       bool
}

// letter is an event that was given up.
type letter struct{ Goal, Site, Reason, Happened, Died, Explanation string }

// mostLetters is how many are shown, the newest first.
const mostLetters = 50

type siteRow struct {
	Name, State, Says string
	Bad               bool
	Delivered         string // the outcomes of requests
	Last              string
	Typical           string // how long a request takes
}

// delivery makes the page of delivery. It is about this process, and not about the days
// of the address.
func (p *pages) delivery(a *asked) (page, error) {
	m := deliveryModel{frame: p.frame(a.r, a)}
	if p.Snapshot == nil {
		return page{"delivery", m}, nil
	}
	s := p.Snapshot()
	m.Sentence = deliverySentence(s, "")
	m.withoutDays()
	m.Facts = []delivered{
		{Name: say("delivery.since"), Value: s.Since.In(a.zone).Format(say("date.time"))},
		{Name: say("delivery.waiting"), Value: number(s.Waiting)},
		{Name: say("delivery.oldest"), Value: age(s.Queue.Oldest)},
		{Name: say("delivery.delivered"), Value: number(s.Delivered)},
		{Name: say("delivery.dead"), Value: number(uint64(s.Queue.DeadLetters))}, //nolint:gosec // Never negative.
		{Name: say("delivery.duplicates"), Value: number(s.PossibleDuplicates)},
		{Name: say("delivery.level"), Value: cmp.Or(string(s.Queue.Level), say("number.none"))},
	}
	if s.Queue.Degraded != "" {
		m.Facts = append(m.Facts, delivered{say("delivery.degraded"), s.Queue.Degraded, true})
	}
	if s.RulesFault != "" {
		m.Facts = append(m.Facts, delivered{say("delivery.rulesFault"), s.RulesFault, true})
	}
	for i := range s.Delivery {
		m.Sites = append(m.Sites, siteRowOf(&s.Delivery[i]))
	}
	m.Dead, m.Dropped, m.NotFired = tallies(s.Dead), tallies(s.Dropped), tallies(s.NotFired)
	if p.Letters != nil {
		m.Letters = letters(p.Letters())
	}
	if p.Resend != nil && len(m.Letters) > 0 {
		m.Resend = a.link("/delivery/resend")
	}
	if n, err := strconv.ParseUint(a.r.URL.Query().Get("resent"), 10, 32); err == nil {
		m.Sent = sayCount("delivery.resent", n)
	}
	return page{"delivery", m}, nil
}

// letters shows the newest dead letters. They come oldest first.
func letters(all []goaltrack.DeadLetter) []letter {
	shown := make([]letter, 0, min(len(all), mostLetters))
	for _, l := range slices.Backward(all) {
		if len(shown) == mostLetters {
			break
		}
		why := l.Explanation
		if l.Status != 0 {
			why = strconv.Itoa(l.Status) + " " + why
		}
		shown = append(shown, letter{l.Goal, l.Site, reasonInWords(l.Reason), age(l.Happened), age(l.Died), why})
	}
	return shown
}

// resend queues all dead letters again. What is left of them, for lack of room, stays.
func (p *pages) resend(w http.ResponseWriter, r *http.Request) {
	n, err := p.Resend()
	if err != nil {
		p.Logger.Warn("goaltrack: not all dead letters could be queued again", "resent", n, "error", err)
	}
	http.Redirect(w, r, p.base+"/delivery?resent="+strconv.Itoa(n), http.StatusSeeOther)
}

func siteRowOf(s *goaltrack.SiteState) siteRow {
	row := siteRow{
		Name: cmp.Or(s.Site, say("site.unnamed")), State: s.State, Says: say("state." + s.State), Bad: s.State != "ok",
		Delivered: number(s.Outcomes["accepted"]) + " / " + number(s.Sends),
	}
	if s.LastError != "" {
		row.Last = say("delivery.last", age(s.LastErrorAt), s.LastError)
	}
	if s.Latency.Requests > 0 {
		row.Typical = say("delivery.ms", number(uint64(s.Latency.P50.Milliseconds()))) //nolint:gosec // Never negative.
	}
	return row
}

// deliverySentence is how the way to the CDP goes, in one sentence.
func deliverySentence(s goaltrack.Snapshot, link string) sentence {
	var bad string
	for i := range s.Delivery {
		if state := s.Delivery[i].State; state == "down" || state == "held" || state == "stuck" {
			bad = say("state." + state)
		}
	}
	lost := uint64(0)
	for _, n := range s.Dropped {
		lost += n
	}
	text := say("sentence.nothingWaits")
	switch {
	case bad != "":
		text = say("sentence.siteBad", bad, number(s.Waiting))
	case lost > 0:
		text = sayCount("sentence.dropped", lost)
	case s.Queue.DeadLetters > 0:
		text = sayCount("sentence.dead", uint64(s.Queue.DeadLetters))
	case s.Waiting > 0:
		return sentence{Parts: []part{{Text: sayCount("sentence.waiting", s.Waiting), Link: link}}}
	default:
		return sentence{Parts: []part{{Text: text, Link: link}}}
	}
	return sentence{Bad: true, Parts: []part{{Text: text, Link: link}}}
}

// tallies puts counts in order, the most frequent first.
func tallies(counts map[string]uint64) []tally {
	list := make([]tally, 0, len(counts))
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if counts[name] > 0 {
			list = append(list, tally{reasonInWords(name), name, counts[name]})
		}
	}
	slices.SortStableFunc(list, func(x, y tally) int { return cmp.Compare(y.N, x.N) })
	return list
}

// age is how long ago a moment was, in the largest unit.
func age(t time.Time) string {
	if t.IsZero() {
		return say("number.none")
	}
	d := max(0, time.Since(t)) // the clock may have been put back
	switch {
	case d < time.Minute:
		return sayCount("age.seconds", uint64(d.Seconds()))
	case d < time.Hour:
		return sayCount("age.minutes", uint64(d.Minutes()))
	case d < 48*time.Hour:
		return sayCount("age.hours", uint64(d.Hours()))
	}
	return sayCount("age.days", uint64(d.Hours()/24))
}
