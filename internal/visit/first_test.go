package visit

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestFirstIsKnownOrNot: of a first session it is known what was asked of it, until there is
// no room for that. What is not known is never taken for absent.
func TestFirstIsKnownOrNot(t *testing.T) {
	const now = 30_000_000
	utm := func(pairs ...string) (o Origin) {
		o.Known = true
		for i := 0; i < len(pairs); i += 2 {
			o.UTM = append(o.UTM, UTM{pairs[i], pairs[i+1]})
		}
		return o
	}
	needs := func(names ...string) *Needs {
		return &Needs{FirstUTM: names, FirstReferrer: true, First: [][]string{nil}}
	}
	long := strings.Repeat("x", 90)
	for name, c := range map[string]struct {
		came  Origin
		asked *Needs // when they came
		now   *Needs
		room  int // of the cookie
		bars  string
		value string // of campaign
	}{
		"all is there":                {utm("campaign", "spring", "source", "mail"), needs("campaign", "source"), needs("campaign", "source"), 900, "campaign no, source no, referrer no", "spring"},
		"one was not there":           {utm("campaign", "spring"), needs("campaign", "source"), needs("campaign", "source"), 900, "campaign no, source no, referrer no", "spring"},
		"one was not asked for":       {utm("campaign", "spring"), needs("campaign"), needs("campaign", "source"), 900, "campaign no, source forgotten, referrer no", "spring"},
		"the referrer was not":        {utm("campaign", "spring"), &Needs{FirstUTM: []string{"campaign"}}, needs("campaign"), 900, "campaign no, source forgotten, referrer forgotten", "spring"},
		"nobody asks any more":        {utm("campaign", "spring"), needs("campaign"), &Needs{}, 900, "campaign no, source no, referrer no", ""},
		"one is not asked any more":   {utm("campaign", "spring", "source", "mail"), needs("campaign", "source"), needs("source"), 900, "campaign forgotten, source no, referrer no", ""},
		"there was no room for one":   {utm("campaign", long, "source", "mail"), needs("campaign", "source"), needs("campaign", "source"), 60, "campaign forgotten, source no, referrer no", ""},
		"there was no room for any":   {utm("campaign", long, "source", "mail"), needs("campaign", "source"), needs("campaign", "source"), 24, "campaign forgotten, source forgotten, referrer forgotten", ""},
		"they came from nowhere":      {utm(), needs("campaign", "source"), needs("campaign", "source"), 900, "campaign no, source no, referrer no", ""},
		"from elsewhere, and no more": {Origin{Known: true, Referrer: "https://news.example/"}, needs("campaign"), needs("campaign"), 900, "campaign no, source forgotten, referrer no", ""},
	} {
		v := &Visit{Start: now, Last: now}
		v.Add(Counted{PerVisitor, 0, 1}, false)
		v.CameFirst(c.came, now, c.asked)
		text, _ := v.Encode(c.room, c.asked)
		got, err := decode(text, false)
		if err != nil {
			t.Fatal(err)
		}
		got.Keep(c.now, now)
		var bars []string
		for _, of := range []string{"campaign", "source", ReferrerName} {
			g := &Goal{FirstOf: []string{of}, First: func(*Origin) bool { return true }}
			words := map[Bar]string{NoBar: "no", Forgotten: "forgotten"}
			bars = append(bars, of+" "+words[got.Bars(g, nil, time.Unix(now*60, 0))])
		}
		if all := strings.Join(bars, ", "); all != c.bars {
			t.Errorf("%s: %s; %+v", name, all, got.History)
		}
		value := ""
		if o := got.FirstOrigin(); o != nil {
			value, _ = o.Param("campaign")
		}
		if value != c.value {
			t.Errorf("%s: campaign %q", name, value)
		}
		// No later session takes the place of one of which something is known.
		before := fmt.Sprintf("%+v", got.FirstOrigin())
		if got.CameFirst(utm("campaign", "later"), now+100, c.now); got.History != nil && c.now.FirstReferrer && len(c.came.UTM)+len(c.came.Referrer) > 0 && fmt.Sprintf("%+v", got.FirstOrigin()) != before {
			t.Errorf("%s: a later session took its place: %+v", name, got.History)
		}
	}
}

// TestUncountedSessionHasNoNumber: a number that was not counted on is no number.
func TestUncountedSessionHasNoNumber(t *testing.T) {
	v := &Visit{History: &History{Visits: 3}}
	if v.Keep(&Needs{Sessions: [][]string{nil}}, 1); v.Number() != 3 {
		t.Errorf("somebody asks: %d", v.Number())
	}
	if v.Keep(&Needs{}, 1); v.Number() != 0 {
		t.Errorf("nobody asks: %d", v.Number())
	}
}
