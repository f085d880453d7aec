package web

import (
	"cmp"
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack/report"
)

// The first things on the overview are at most five sentences, the worst first. So nobody
// has to read a picture to learn that a form is broken.

// mostSentences is how many sentences are shown.
const mostSentences = 5

// sentence is made of parts, so that names in it can be links.
type sentence struct {
	Bad   bool
	Parts []part
	worth float64 // what the worst are put first by
}

// part is a piece of a sentence.
type part struct {
	Text, Link string
	Strong     bool
}

// Space is what comes before the part: nothing before a mark of punctuation.
func (p part) Space() string {
	if p.Text == "" || strings.ContainsRune(",.:;", rune(p.Text[0])) {
		return ""
	}
	return " "
}

// usualWeeks is how many weeks back "usually" looks: the same weekday of each.
const usualWeeks = 4

// enoughUsual is from how many a day a goal can be called too low.
const enoughUsual = 4

// sentences says what to look at first.
func (a *asked) sentences(m *overviewModel, past *history) ([]sentence, error) {
	var bad []sentence
	if len(a.where) == 0 {
		for i := range m.Goals {
			s, err := a.trouble(&m.Goals[i], past)
			if err != nil {
				return nil, err
			}
			if s.Parts != nil {
				bad = append(bad, s)
			}
		}
	}
	if a.p.Snapshot != nil {
		for _, s := range limitSentences(a.p.Snapshot().Month, a.link("/cost")) {
			if s.Bad {
				bad = append(bad, s)
			}
		}
	}
	slices.SortStableFunc(bad, func(x, y sentence) int { return cmp.Compare(y.worth, x.worth) })
	good := a.wellBeing(m, past)
	room := max(0, mostSentences-len(good))
	if len(bad) > room {
		more := sentence{Bad: true, Parts: []part{{Text: say("sentence.more", number(uint64(len(bad)-room+1)))}}} //nolint:gosec // Never negative.
		bad = append(bad[:room-1], more)
	}
	return append(bad, good...), nil
}

// trouble says what is wrong with a goal: that it counted less yesterday than its rule
// expects, or far less than usual, or that it never counts. A sentence without parts is none.
func (a *asked) trouble(g *goalLine, past *history) (sentence, error) {
	yesterday := a.today - 1
	usual := past.fired[g.Name].usual(yesterday)
	counted := past.fired[g.Name][yesterday]
	name := part{Text: g.Label, Link: g.Link, Strong: true}
	expected, missed := a.missed(g, past)
	low := a.first != 0 && a.first <= yesterday-7*usualWeeks && usual >= enoughUsual && counted*2 <= usual
	switch {
	case missed || low:
		text := say("sentence.low", number(counted), number(usual))
		if missed {
			text = say("sentence.missed", number(counted), number(expected))
		}
		s := sentence{Bad: true, worth: float64(max(expected, usual) - counted), Parts: []part{name, {Text: text}}}
		if refused := past.refused[g.Name][yesterday]; refused > 0 {
			s.Parts = append(s.Parts, part{Text: sayCount("sentence.refused", refused, number(counted+refused))})
		}
		return s, nil
	case g.Silent && a.silentSince() < a.today && len(past.fired[g.Name]) == 0:
		return a.never(g, name, past)
	}
	return sentence{}, nil
}

// silentSince is the day since when a goal that never counted is silent: the first one, or
// that of the last change of the rules. Of today nobody can say it yet.
func (a *asked) silentSince() report.Day {
	switch {
	case a.first == 0:
		return a.today
	case a.info.RulesSince.IsZero():
		return a.first
	}
	return max(a.first, report.DayOf(a.info.RulesSince, a.zone))
}

// never says that a goal has not counted, and how it nearly did. It says so only of the days
// that were looked at.
func (a *asked) never(g *goalLine, name part, past *history) (sentence, error) {
	s := sentence{Bad: true, worth: 0.5, Parts: []part{name, {Text: say("sentence.never", date(max(a.silentSince(), past.from), a.today))}}}
	misses, err := report.NearMisses(a.ctx, a.p.Store, a.query("", g.Name))
	if err != nil || len(misses) == 0 {
		return s, err
	}
	s.worth = 1 + float64(misses[0].N)/1e6
	s.Parts = append(s.Parts, part{Text: sayCount("sentence.nearly", misses[0].N, misses[0].Key), Link: g.Link + "#misses"})
	return s, nil
}

// usual is what a goal counts on that weekday: the second lowest of four weeks, so that
// neither a holiday nor a campaign decides.
func (days byDay) usual(d report.Day) uint64 {
	weeks := make([]uint64, 0, usualWeeks)
	for week := range report.Day(usualWeeks) {
		weeks = append(weeks, days[d-7*(week+1)])
	}
	slices.Sort(weeks)
	return weeks[1]
}

// wellBeing says how much there is in all, who agreed, and how delivery goes.
func (a *asked) wellBeing(m *overviewModel, past *history) []sentence {
	all := uint64(0)
	for i := range m.Goals {
		all += m.Goals[i].Counted
	}
	total := sentence{Parts: []part{{Text: say("sentence.all")}, {Text: number(all), Strong: true}, {Text: a.howLong()}}}
	if c := a.changeOfAll(past); c.Known && len(a.where) == 0 {
		total.Parts = append(total.Parts, part{Text: moreOrLess(c)})
	} else {
		total.Parts = append(total.Parts, part{Text: say("sentence.end")})
	}
	list := []sentence{total}
	if asked := m.Asked.Unanswered + m.Asked.Refused; asked > 0 && len(a.where) == 0 {
		list = append(list, sentence{Parts: []part{{Text: say("sentence.consent", percent(m.Asked.Visits, m.Asked.People()), number(m.Asked.Visits), number(m.Asked.People()))}}})
	}
	if a.p.Snapshot != nil {
		list = append(list, deliverySentence(a.p.Snapshot(), a.link("/delivery")))
	}
	return list
}

// howLong is the period in words.
func (a *asked) howLong() string {
	if a.days() == 1 && a.From != a.today {
		return say("sentence.day", date(a.From, a.today))
	}
	return sayCount("sentence.days", uint64(a.days())) //nolint:gosec // At least 1.
}

// changeOfAll compares all goals with the same weekdays before.
func (a *asked) changeOfAll(past *history) change {
	now, before, ok := a.comparable(a.today, a.first)
	if !ok {
		return change{}
	}
	var n, m uint64
	for _, days := range past.fired {
		n += days.sum(now)
		m += days.sum(before)
	}
	return changeOf(n, m)
}

func moreOrLess(c change) string {
	switch {
	case c.Part >= 0.005:
		return say("sentence.moreThan", decimal(100*c.Part, 0))
	case c.Part <= -0.005:
		return say("sentence.lessThan", decimal(-100*c.Part, 0))
	}
	return say("sentence.same")
}
