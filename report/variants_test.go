package report

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/fact"
)

// TestVariantsOverMidnight: a goal after midnight belongs to the day on which its variant
// was shown, so that no day has more goals than views.
func TestVariantsOverMidnight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := recording(t, NewMemory(3))
		time.Sleep(24*time.Hour - 5*time.Minute) // midnight is near
		f := page("/", "", 1)
		f.Variants = []fact.Variant{{Component: "hero", Name: "B"}}
		r.Report(f)
		time.Sleep(10 * time.Minute)
		r.Report(conversion("/c", 1))
		flushed(t, r)
		today := DayOf(time.Now(), nil)
		for day, want := range map[Day]string{today - 1: "hero=B 1 of 1", today: ""} {
			if got := asked(t, r.Store(), Query{From: day, To: day, By: ByVariant}); got != want {
				t.Errorf("%v: %q, want %q", day, got, want)
			}
		}
	})
}

// TestVariantsNeverExceedAll: whatever visitors do, in whatever order, a goal never counted
// for more than saw the variant, on any day.
func TestVariantsNeverExceedAll(t *testing.T) {
	o, err := Options{Store: NewMemory(30)}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	c, shop := newCounter(&o, new(spent)), &site{"shop", time.UTC}
	dice, at := rand.New(rand.NewPCG(1, 2)), time.Now().AddDate(0, 0, -5)
	for range 20_000 {
		f := page("/", "", byte(dice.IntN(40)))
		if dice.IntN(2) == 0 {
			f = conversion("/c", byte(dice.IntN(40)))
		}
		for range dice.IntN(5) {
			f.Variants = append(f.Variants, fact.Variant{Component: string(rune('a' + dice.IntN(3))), Name: string(rune('A' + dice.IntN(3)))})
		}
		at = at.Add(time.Duration(dice.IntN(40)) * time.Second)
		f.Time = at.Add(-time.Duration(dice.IntN(900)) * time.Second) // some were held
		c.count(t.Context(), shop, &f)
	}
	if err := c.flush(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	rows, last := 0, DayOf(at, nil)
	for day := last - 6; day <= last; day++ {
		result, err := Ask(t.Context(), o.Store, Query{From: day, To: day, By: ByVariant})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range result.Rows {
			if rows++; row.Conversions > row.Visits {
				t.Errorf("%v: %s %d of %d", day, row.Key, row.Conversions, row.Visits)
			}
		}
	}
	if rows < 20 {
		t.Errorf("%d rows", rows)
	}
}
