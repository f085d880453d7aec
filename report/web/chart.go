package web

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/report"
)

// bar is a stretch of time in a chart: an hour, a day or a week.
type bar struct {
	Label            string // below the axis
	Long             string // in the table behind the picture
	Counted, Refused uint64
	Marks            []string

	begin time.Time
	part  float64 // how much of its week the bar has, 0 for all of it
}

// chart is goals over time: what counted, and above it what the site refused. The same
// numbers are in a table for who cannot see it, or wants to copy it.
type chart struct {
	Title, By string
	Bars      []bar
	Pictures  []picture // the same for three widths of screen
	Empty     bool
	Filtered  bool // only what counted is known, and not what was refused
}

// byWeek is how many days a chart may have before its bars are weeks.
const byWeek = 92

// chartOf draws one goal, or all if goal is "".
func (a *asked) chartOf(title, goal string) (chart, error) {
	c := chart{Title: title, Filtered: len(a.where) > 0}
	counts, byHour, err := a.chartCounts(goal)
	if err != nil {
		return c, err
	}
	slot := a.slots(&c, byHour)
	a.fill(&c, slot, counts, byHour)
	marks, err := report.MarksOf(a.ctx, a.p.Store, a.query("", ""))
	if err != nil {
		return c, err
	}
	for _, m := range marks {
		if i := slot(m.Time); i >= 0 {
			c.Bars[i].Marks = append(c.Bars[i].Marks, a.markInWords(m))
		}
	}
	c.Empty = !slices.ContainsFunc(c.Bars, func(b bar) bool { return b.Counted+b.Refused > 0 })
	c.Pictures = []picture{draw(c.Bars, 1040, "wide"), draw(c.Bars, 640, "middle"), draw(c.Bars, 320, "narrow")}
	return c, nil
}

// markInWords says what happened, and when.
func (a *asked) markInWords(m report.Mark) string {
	at := m.Time.In(a.zone).Format(say("date.time"))
	switch m.Kind {
	case report.MarkOutage: // each has words of its own
		return say("mark.outage", at, m.Text)
	case report.MarkFilled:
		return say("mark.filled", at, m.Text)
	case report.MarkZone:
		return say("mark.zone", at, m.Text)
	}
	return say("mark."+m.Kind, at)
}

// slots makes the bars of the period, and returns the function that finds the one of a
// moment; it returns -1 for a moment outside.
func (a *asked) slots(c *chart, byHour bool) func(time.Time) int {
	last := min(a.To, a.today)
	switch days := a.days(); {
	case byHour:
		c.By = say("chart.hour")
		end := (a.To + 1).Begin(a.zone)
		for t := a.From.Begin(a.zone); t.Before(end); t = t.Add(15 * time.Minute) {
			begin := time.Unix(report.HourOf(t, a.zone), 0).In(a.zone)
			if n := len(c.Bars); n == 0 || !c.Bars[n-1].begin.Equal(begin) {
				c.Bars = append(c.Bars, bar{Label: begin.Format("15"), Long: begin.Format("15:04 MST"), begin: begin})
			}
		}
	case days <= byWeek:
		c.By = say("chart.day")
		for d := a.From; d <= last; d++ {
			c.Bars = append(c.Bars, bar{Label: date(d, a.today), Long: say("chart.weekday", d.Weekday().String()[:3], date(d, a.today)), begin: d.Begin(a.zone)})
		}
	default:
		c.By = say("chart.week")
		for d := a.From; d <= last; d += untilMonday(d) {
			b := bar{Label: date(d, a.today), Long: say("chart.from", date(d, a.today)), begin: d.Begin(a.zone)}
			if end := min(d+untilMonday(d)-1, last); end < d+6 {
				b.Long, b.part = say("chart.part", date(d, a.today), date(end, a.today)), float64(end-d+1)/7
			}
			c.Bars = append(c.Bars, b)
		}
	}
	end := (a.To + 1).Begin(a.zone)
	return func(t time.Time) int {
		i, found := slices.BinarySearchFunc(c.Bars, t, func(b bar, t time.Time) int { return b.begin.Compare(t) })
		switch {
		case found:
			return i
		case !t.Before(end):
			return -1
		}
		return i - 1
	}
}

// untilMonday is how many days it is to the next Monday, at least one.
func untilMonday(d report.Day) report.Day {
	return 7 - (report.Day(d.Weekday())+6)%7 //nolint:gosec // A weekday is small.
}

// chartCounts asks for what a chart shows, and says whether it is by hour. For one day it is,
// unless the hours are not kept. Those of combinations never are, and those of old days are
// not any more.
func (a *asked) chartCounts(goal string) (counts []report.Count, byHour bool, err error) {
	q := report.Question{Of: goal, AllGoals: goal == "", ByReason: true, ByDay: true}
	if len(a.where) > 0 {
		q.Table, q.Where = report.Cells, a.where
	}
	counts, err = a.sum(q)
	if err != nil || a.days() > 1 || len(a.where) > 0 {
		return counts, false, err
	}
	q.Hours, q.ByDay = true, false
	hours, err := a.sum(q)
	if len(hours) == 0 && slices.ContainsFunc(counts, func(c report.Count) bool { return isDrawn(&c) }) {
		return counts, false, err
	}
	return hours, true, err
}

// isDrawn reports whether a count is in a chart.
func isDrawn(c *report.Count) bool {
	return c.Reason == fact.Fired || slices.Contains(refusals, c.Reason)
}

// fill puts counts into the bars. With filters only what counted is known.
func (a *asked) fill(c *chart, slot func(time.Time) int, counts []report.Count, byHour bool) {
	for i := range counts {
		begin := counts[i].Day.Begin(a.zone)
		if byHour {
			begin = time.Unix(counts[i].Hour, 0)
		}
		at := slot(begin)
		switch reason := counts[i].Reason; {
		case at < 0:
		case reason == fact.Fired, c.Filtered:
			c.Bars[at].Counted += counts[i].N
		case slices.Contains(refusals, reason):
			c.Bars[at].Refused += counts[i].N
		}
	}
}

// picture is a chart as lines and rectangles, in pixels of its own.
type picture struct {
	Class         string
	Width, Height int
	Left          int // where the axis begins
	TextX         int // where its numbers end
	Counted       []rect
	Refused       []rect
	Lines         []line
	Labels        []label
	Flags         []flag
}

type rect struct {
	X, Y, Width, Height string
	Title               string
}

type line struct {
	Y    string
	Text string
}

type label struct {
	X, Text string
}

type flag struct {
	X, Title string
}

// The measures of a picture.
const (
	pictureHeight = 210
	axisRoom      = 40 // left of the bars, at least
	axisTop       = 18
	axisBottom    = 24
	charWidth     = 7.5 // of a label, in the widest of the usual fonts
)

// draw draws all bars: a picture that left some out would show another time than it says.
func draw(bars []bar, width int, class string) picture {
	p := picture{Class: class, Width: width, Height: pictureHeight, Left: axisRoom}
	if len(bars) == 0 {
		return p
	}
	top := uint64(1)
	for i := range bars {
		top = max(top, bars[i].Counted+bars[i].Refused)
	}
	step := niceStep(float64(top))
	high := step * math.Ceil(float64(top)/step)
	room := float64(pictureHeight - axisTop - axisBottom)
	y := func(n float64) float64 { return axisTop + room*(1-n/high) }
	for n := 0.0; n <= high+step/2; n += step {
		text := number(uint64(n))
		p.Left = max(p.Left, int(charWidth*float64(len(text)))+12)
		p.Lines = append(p.Lines, line{px(y(n)), text})
	}
	p.TextX = p.Left - 6
	left := float64(p.Left)
	each := (float64(width) - left) / float64(len(bars))
	gap := min(4, each/4)
	for i := range bars {
		b := &bars[i]
		x := left + each*float64(i)
		wide := px((each - gap) * cmp.Or(b.part, 1))
		counted, all := float64(b.Counted), float64(b.Counted+b.Refused)
		if b.Counted > 0 {
			p.Counted = append(p.Counted, rect{px(x + gap/2), px(y(counted)), wide, px(y(0) - y(counted)), b.title()})
		}
		if b.Refused > 0 {
			p.Refused = append(p.Refused, rect{px(x + gap/2), px(y(all)), wide, px(y(counted) - y(all)), b.title()})
		}
		if len(b.Marks) > 0 {
			p.Flags = append(p.Flags, flag{px(x), strings.Join(b.Marks, "; ")})
		}
	}
	p.Labels = labels(bars, left, each, float64(width))
	return p
}

// labels are below the axis, each as many bars after the one before, so that the eye can
// count them.
func labels(bars []bar, left, each, width float64) (list []label) {
	widest := 0.0
	for i := range bars {
		widest = max(widest, charWidth*float64(len(bars[i].Label)))
	}
	every := int(math.Ceil((widest + charWidth) / each))
	for i := 0; i < len(bars); i++ {
		half := charWidth * float64(len(bars[i].Label)) / 2
		middle := left + each*(float64(i)+0.5)
		if middle < half {
			continue // it would begin left of the picture
		}
		if middle+half <= width {
			list = append(list, label{px(middle), bars[i].Label})
		}
		i += every - 1
	}
	return list
}

func (b *bar) title() string {
	title := say("bar.counted", b.Long, number(b.Counted))
	if b.Refused > 0 {
		title += ", " + sayCount("bar.refused", b.Refused)
	}
	return title
}

func px(x float64) string { return fmt.Sprintf("%.1f", x) }

// niceStep is a step of the axis, so that at most six lines are drawn: 1, 2 or 5 with
// noughts, and never a part of one.
func niceStep(high float64) float64 {
	step := math.Pow10(int(math.Floor(math.Log10(max(1, high/6)))))
	for _, by := range []float64{1, 2, 5, 10} {
		if high/(step*by) <= 6 {
			return max(1, step*by)
		}
	}
	return max(1, step*10)
}

// The measures of a sparkline.
const (
	sparkWidth  = 96
	sparkHeight = 22
)

// sparkline is the corners of a small line, for the points of a polyline. It is "" if there
// is nothing to see.
func sparkline(values []uint64) string {
	top := uint64(0)
	for _, v := range values {
		top = max(top, v)
	}
	if top == 0 || len(values) < 2 {
		return ""
	}
	points := make([]string, len(values))
	for i, v := range values {
		x := 1 + float64(sparkWidth-2)*float64(i)/float64(len(values)-1)
		y := 1 + float64(sparkHeight-2)*(1-float64(v)/float64(top))
		points[i] = px(x) + "," + px(y)
	}
	return strings.Join(points, " ")
}
