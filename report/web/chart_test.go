package web

import (
	"fmt"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/report"
)

// TestPicturesAreWhole: each of the three pictures has every bar, and nothing reaches out of
// it. Labels are evenly apart.
func TestPicturesAreWhole(t *testing.T) {
	pixels := func(text string) float64 {
		t.Helper()
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	for _, count := range []int{1, 2, 7, 23, 24, 25, 30, 53, 92, 157} {
		for _, top := range []uint64{1, 99, 1_234_567} {
			bars := make([]bar, count)
			for i := range bars {
				day := report.Day(20_700 + 7*i)
				bars[i] = bar{Label: date(day, 20_800), Counted: top, Refused: top / 2, begin: day.Begin(nil)}
			}
			for _, width := range []int{1040, 640, 320} {
				p := draw(bars, width, "")
				name := fmt.Sprintf("%d bars of %d at %d px", count, top, width)
				if len(p.Counted) != count || top > 1 && len(p.Refused) != count {
					t.Errorf("%s: %d counted, %d refused", name, len(p.Counted), len(p.Refused))
				}
				for _, r := range append(p.Counted, p.Refused...) {
					if x, w := pixels(r.X), pixels(r.Width); x < float64(p.Left) || w < 1 || x+w > float64(width) {
						t.Errorf("%s: a bar from %v, %v wide", name, x, w)
					}
				}
				for _, l := range p.Lines {
					if float64(p.TextX) < charWidth*float64(len(l.Text)) || p.TextX >= p.Left {
						t.Errorf("%s: %q has to end at %d", name, l.Text, p.TextX)
					}
				}
				apart := map[float64]bool{}
				for i, l := range p.Labels {
					x, half := pixels(l.X), charWidth*float64(len(l.Text))/2
					if x < half || x+half > float64(width) {
						t.Errorf("%s: the label %q at %v", name, l.Text, x)
					}
					if i > 0 {
						apart[math.Round(x-pixels(p.Labels[i-1].X))] = true
					}
				}
				if len(p.Labels) == 0 || len(apart) > 2 { // of which one may be rounded
					t.Errorf("%s: %d labels, apart by %v", name, len(p.Labels), apart)
				}
			}
		}
	}
}

// TestPartsOfWeeks: the first and the last bar of a year may be a part of a week. They say so,
// and are as much narrower.
func TestPartsOfWeeks(t *testing.T) {
	day := func(text string) report.Day {
		d, err := report.ParseDay(text)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	a := &asked{zone: time.UTC, today: day("2026-11-26"), period: period{From: day("2026-08-01"), To: day("2026-11-30")}}
	var c chart
	a.slots(&c, false)
	first, second, last := c.Bars[0], c.Bars[1], c.Bars[len(c.Bars)-1]
	if first.Long != "1 Aug to 2 Aug, a part of a week" || second.Long != "week from 3 Aug" || last.Long != "23 Nov to 26 Nov, a part of a week" {
		t.Errorf("%q, %q, %q", first.Long, second.Long, last.Long)
	}
	for i := range c.Bars {
		c.Bars[i].Counted = 1
	}
	p := draw(c.Bars, 1040, "")
	part, whole := p.Counted[0].Width, p.Counted[1].Width
	narrow, _ := strconv.ParseFloat(part, 64)
	wide, _ := strconv.ParseFloat(whole, 64)
	if math.Abs(narrow/wide-2.0/7) > 0.01 {
		t.Errorf("two days are %s px wide, a week %s", part, whole)
	}
}
