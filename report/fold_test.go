package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/fact"
)

// TestFoldCells: combinations get coarser until they are shared, and nothing is lost.
func TestFoldCells(t *testing.T) {
	cell := func(page, source, language string) CellKey {
		return CellKey{Site: "s", Day: 1, Goal: "G", Texts: [...]string{page, source, None, language, "mobile"}}
	}
	got := FoldCells(map[CellKey]Amount{
		cell("/a", "x", "DE"): {N: 5, Minor: 10},
		cell("/a", "x", "FR"): {N: 2, Minor: 1},
		cell("/a", "x", "ES"): {N: 3, Minor: 2},
		cell("/b", "x", "DE"): {N: 1, Minor: 4},
	}, 5)
	all := cell(Other, Other, Other)
	all.Texts[2], all.Texts[4] = Other, Other
	want := map[CellKey]Amount{cell("/a", "x", "DE"): {N: 5, Minor: 10}, cell("/a", "x", Other): {N: 5, Minor: 3}, all: {N: 1, Minor: 4}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got\n%v, want\n%v", got, want)
	}
}

// FuzzWire: every fact that is put comes back, with its texts cut.
func FuzzWire(f *testing.F) {
	f.Add("SENT", "fired", "/a", "news", int64(12))
	f.Add("", strings.Repeat("ä", 150), "\xff", "", int64(-1))
	f.Fuzz(func(t *testing.T, goal, reason, page, source string, minor int64) {
		known := minor%2 == 0
		in := fact.Fact{Kind: fact.Decision, Time: time.Unix(minor, 0), Goal: goal, Reason: reason, Page: page, Source: source, Browser: [16]byte{1, 2, 15: 3}}
		if known {
			in.Value = fact.Value{Known: true, Minor: minor, Currency: source}
		}
		for range max(0, minor%8) {
			in.Variants = append(in.Variants, fact.Variant{Component: page, Name: goal})
			in.Before = append(in.Before, fact.Variant{Component: goal, Name: page})
		}
		buf := make([]byte, 2*maxEncoded)
		n := putFact(buf, 7, &in)
		n += putFact(buf[n:], 8, &in)
		r := reader{rest: buf[:n]}
		for site := 7; site < 9; site++ {
			out, at := r.fact()
			if at != site || out.Time.Unix() != minor || out.Browser != in.Browser || out.Value.Minor != in.Value.Minor || out.Value.Known != known ||
				len(out.Variants) != min(len(in.Variants), fact.MaxVariants) || len(out.Before) != len(out.Variants) || !strings.HasPrefix(goal, out.Goal) || !strings.HasPrefix(page, out.Page) ||
				len(page) <= maxText && out.Page != page || len(out.Reason) > maxText {
				t.Errorf("put %+v, got %+v", in, out)
			}
		}
		if len(r.rest) > 0 {
			t.Errorf("%d bytes are left", len(r.rest))
		}
	})
}

// TestFoldParts: of too many values those stay that most share, of each dimension.
func TestFoldParts(t *testing.T) {
	parts := map[PartKey]Amount{}
	for i := range mostKept + 200 {
		k := PartKey{Site: "s", Day: 1, Dimension: Page, Text: fmt.Sprintf("/%04d", i)}
		parts[k] = Amount{N: uint64(5 + i)}
		k.Dimension = Variant
		parts[k] = Amount{N: 1}
	}
	gone, added := FoldParts(parts, 5)
	want := map[PartKey]Amount{{Site: "s", Day: 1, Dimension: Page, Text: Other}: {N: 200*5 + 199*200/2}}
	if len(gone) != 200 || fmt.Sprint(added) != fmt.Sprint(want) {
		t.Errorf("%d gone, added %v, want %v", len(gone), added, want)
	}
	for _, k := range gone {
		if k.Dimension != Page || k.Text >= "/0200" {
			t.Errorf("%v is gone", k)
		}
	}
}

// TestManyTrackers: trackers that follow each other, as settings are read again, are one
// site, though each has a zone of its own.
func TestManyTrackers(t *testing.T) {
	r := recording(t, NewMemory(0))
	for range maxSites + 200 {
		zone, err := time.LoadLocation("Europe/Berlin")
		if err != nil {
			t.Fatal(err)
		}
		f := page("/", "", 0)
		f.Zone = zone
		r.Report(f)
	}
	flushed(t, r)
	today := DayOf(time.Now(), nil)
	if got := asked(t, r.Store(), Query{From: today - 1, To: today + 1}); got != "" {
		t.Errorf("goals: %s", got)
	}
	result, err := Ask(t.Context(), r.Store(), Query{From: today - 1, To: today + 1, By: ByPage})
	if err != nil || len(result.Rows) != 1 || result.Rows[0].Visits != maxSites+200 || result.Lost > 0 || len(r.sites) != 1 {
		t.Errorf("%+v, %v, %d sites", result, err, len(r.sites))
	}
}

// TestOtherRules: a file is known by its hash, rules made in Go by what they say.
func TestOtherRules(t *testing.T) {
	rules := func(hash, sentence string) *fact.Rules {
		return &fact.Rules{Hash: hash, Goals: []fact.Goal{{Name: "A", Status: "live", Sentence: sentence}}}
	}
	for _, test := range []struct {
		stored, now *fact.Rules
		same        bool
	}{
		{rules("a", "Counts."), rules("a", "Counts."), true},
		{rules("a", "Counts."), rules("b", "Counts."), false},
		{rules("a", "Counts."), rules("a", "Counts, as a newer version says it."), true},
		{rules("a", ""), rules("a", "Counts."), true},
		{rules("", "Counts."), rules("", "Counts."), true},
		{rules("", "Counts."), rules("", "Counts twice."), false},
		{rules("", ""), rules("", "Counts."), true}, // an older version stored them
	} {
		if same := equalRules(test.stored, test.now); same != test.same {
			t.Errorf("%+v and %+v: %v", test.stored, test.now, same)
		}
	}
}
